/** The state of network and page, and their changes: the page being hidden or unloaded. */

/** The part of the Network Information API that is used. Browsers without it have the event `online` only. */
interface NetworkInformation extends EventTarget {
  readonly type?: string;
}

/** Calls `listener` when the network may have changed. @returns a function that removes it */
export function onNetworkChange(listener: () => void): () => void {
  const targets: [EventTarget, string][] = [];
  // Node has neither.
  if (typeof window !== 'undefined') targets.push([window, 'online']);
  const connection = networkInformation();
  if (connection) targets.push([connection, 'change']);
  for (const [target, event] of targets) target.addEventListener(event, listener);
  return () => {
    for (const [target, event] of targets) target.removeEventListener(event, listener);
  };
}

/** Calls `listener` when the page is unloaded: by closing, navigation or reload. @returns a function that removes it */
export function onPageLeft(listener: () => void): () => void {
  if (typeof window === 'undefined') return () => {};
  const hidden = ({ persisted }: PageTransitionEvent) => {
    // A page in the back/forward cache may be shown again, with its call.
    if (!persisted) listener();
  };
  window.addEventListener('pagehide', hidden);
  return () => window.removeEventListener('pagehide', hidden);
}

/** As `onPageLeft`, for so many milliseconds only. */
export function onPageLeftSoon(listener: () => void, time: number): void {
  const remove = onPageLeft(listener);
  if (typeof window !== 'undefined') setTimeout(remove, time);
}

/** Whether nobody can see the page. */
export function isPageHidden(): boolean {
  return typeof document !== 'undefined' && document.hidden;
}

/** Whether the browser knows that there is no network; Node does not know. */
export function isNetworkDown(): boolean {
  return globalThis.navigator?.onLine === false;
}

function networkInformation(): NetworkInformation | undefined {
  const connection: unknown = Reflect.get(globalThis.navigator ?? {}, 'connection');
  return connection instanceof EventTarget ? connection : undefined;
}

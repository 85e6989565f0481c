/** Owns hearing that this device's network has changed, or that the page goes away. */

/** What browsers have of the Network Information API; where they lack it, `online` has to do. */
interface NetworkInformation extends EventTarget {
  readonly type?: string;
}

/** Runs `listener` when the network may be another one. @returns a function that ends it */
export function onNetworkChange(listener: () => void): () => void {
  const targets: [EventTarget, string][] = [];
  // There is neither in Node.
  if (typeof window !== 'undefined') targets.push([window, 'online']);
  const connection = networkInformation();
  if (connection) targets.push([connection, 'change']);
  for (const [target, event] of targets) target.addEventListener(event, listener);
  return () => {
    for (const [target, event] of targets) target.removeEventListener(event, listener);
  };
}

/** Runs `listener` when the page goes away for good: a closed tab, another address, a reload. @returns a function that ends it */
export function onPageLeft(listener: () => void): () => void {
  if (typeof window === 'undefined') return () => {};
  const hidden = ({ persisted }: PageTransitionEvent) => {
    // A page that is kept may come back, and its call with it.
    if (!persisted) listener();
  };
  window.addEventListener('pagehide', hidden);
  return () => window.removeEventListener('pagehide', hidden);
}

function networkInformation(): NetworkInformation | undefined {
  const connection: unknown = Reflect.get(globalThis.navigator ?? {}, 'connection');
  return connection instanceof EventTarget ? connection : undefined;
}

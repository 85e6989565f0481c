/** Owns hearing that this device's network has changed. */

/** What browsers have of the Network Information API; where they lack it, `online` has to do. */
interface Connection extends EventTarget {
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

function networkInformation(): Connection | undefined {
  const connection: unknown = Reflect.get(globalThis.navigator ?? {}, 'connection');
  return connection instanceof EventTarget ? connection : undefined;
}

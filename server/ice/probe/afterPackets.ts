/** Timeouts of a process that may have been busy. */

/**
 * The action of a timer, put off until the packets that are waiting have been read. In a process that was busy for longer than
 * the timeout, timers run before sockets: what has come in time would count as missing.
 */
export function afterPackets(action: () => void): () => void {
  return () => void setImmediate(action);
}

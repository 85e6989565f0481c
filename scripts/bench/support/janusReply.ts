/** Reads what Janus's API answers. */

/** The parts of a message that a viewer needs. */
export interface JanusReply {
  /** Of the session or of the handle that a request has created. */
  readonly id?: number;
  /** SDP of the plugin, which the viewer answers. */
  readonly offer?: string;
}

/**
 * Reads one message: the reply to a request, or an event of a long poll. It is serialised into pages, and knows nothing of
 * this module there.
 * @throws {Error} with the reason for which Janus or its plugin refuses the request
 */
export function readJanusReply(message: unknown): JanusReply {
  const field = (value: unknown, name: string): unknown =>
    typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  const kind = field(message, 'janus');
  if (typeof kind !== 'string') throw new Error(`This is no message of Janus: ${JSON.stringify(message)}`);
  const refusal =
    field(field(field(message, 'plugindata'), 'data'), 'error') ?? field(field(message, 'error'), 'reason');
  if (kind === 'error' || refusal !== undefined) throw new Error(`Janus refuses: ${String(refusal)}`);
  const id = field(field(message, 'data'), 'id');
  const jsep = field(message, 'jsep');
  const sdp = field(jsep, 'type') === 'offer' ? field(jsep, 'sdp') : undefined;
  return { ...(typeof id === 'number' && { id }), ...(typeof sdp === 'string' && { offer: sdp }) };
}

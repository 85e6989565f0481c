/** Reads the URI of a TURN server (RFC 7065): `turn:host:port?transport=tcp`. */
import type { TurnServer } from '../turn/TurnConnection.ts';

/** Default ports of `turn:` and `turns:`. */
const PORTS = { turn: 3478, turns: 5349 } as const;

/** @returns undefined for a URI that this client cannot use: another scheme, or TURN over DTLS */
export function parseTurnUri(uri: string): TurnServer | undefined {
  const [, scheme, bracketed, name, port, transport] =
    /^(turns?):(?:\[([^\]]+)\]|([^:?[\]]+))(?::(\d+))?(?:\?transport=(udp|tcp))?$/i.exec(uri) ?? [];
  const host = bracketed ?? name;
  if (scheme === undefined || host === undefined) return undefined;
  const isTls = scheme.toLowerCase() === 'turns';
  const protocol = transport?.toLowerCase();
  if (isTls && protocol === 'udp') return undefined;
  return {
    host,
    port: port === undefined ? PORTS[isTls ? 'turns' : 'turn'] : Number(port),
    transport: isTls ? 'tls' : protocol === 'tcp' ? 'tcp' : 'udp',
  };
}

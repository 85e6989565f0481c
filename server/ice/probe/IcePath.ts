/** What carries the packets of a client's transport to one candidate: a UDP socket, a TCP connection, a TURN allocation. */

export interface IcePath {
  readonly protocol: 'udp' | 'tcp';
  /** The address and port of this end. */
  readonly local: { readonly address: string; readonly port: number };
  /** Sends one packet. Without effect once it has closed. */
  send(packet: Buffer): void;
  /** Idempotent. */
  close(): void;
}

export interface IcePathEvents {
  /** One packet from the candidate. The buffer is valid during the call only. */
  onPacket(packet: Buffer): void;
  /** Nothing can be exchanged: the port refuses, there is no route, the connection was closed. */
  onError(error: Error): void;
}

/**
 * Opens a path.
 * @param signal aborts it
 * @throws {Error} with a `code` of the system, such as `ECONNREFUSED`
 */
export type OpenIcePath = (events: IcePathEvents, signal: AbortSignal) => Promise<IcePath>;

/** An IP address and a port. */
export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

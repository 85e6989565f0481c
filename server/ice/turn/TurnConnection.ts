/** The connection of a TURN client to its server: UDP, TCP or TLS, each of which carries STUN messages and ChannelData. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect as connectTcp, isIP, isIPv6, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { paddedLength } from './turnMessage.ts';

export interface TurnServer {
  /** IP address or host name. */
  readonly host: string;
  readonly port: number;
  readonly transport: 'udp' | 'tcp' | 'tls';
  /** Further authorities that TLS trusts (PEM). */
  readonly ca?: string | Buffer;
}

export interface TurnConnectionEvents {
  /** A STUN message, or ChannelData with its header. */
  onMessage(bytes: Buffer): void;
  /** It is of no use any more. */
  onError(error: Error): void;
}

export interface TurnConnection {
  /** Whether lost requests have to be repeated. */
  readonly reliable: boolean;
  readonly local: { readonly address: string; readonly port: number };
  /** Without effect once it has closed. */
  send(bytes: Buffer): void;
  /** Idempotent. */
  close(): void;
}

/** ChannelData and STUN messages have their length in the same place (RFC 8656, section 12.4). */
const HEADER = { channel: 4, stun: 20 } as const;

/** @throws {Error} when the server cannot be reached, or TLS does not trust it */
export function connectTurn(
  server: TurnServer,
  events: TurnConnectionEvents,
  signal?: AbortSignal,
): Promise<TurnConnection> {
  return server.transport === 'udp' ? overUdp(server, events, signal) : overStream(server, events, signal);
}

async function overUdp(
  { host, port }: TurnServer,
  events: TurnConnectionEvents,
  signal?: AbortSignal,
): Promise<TurnConnection> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  let open = true;
  const close = () => {
    if (!open) return;
    open = false;
    socket.close();
  };
  try {
    // Connected, so that the system reports a port that refuses.
    socket.connect(port, host);
    await once(socket, 'connect', { signal });
  } catch (error) {
    close();
    throw error;
  }
  socket.on('message', (bytes) => events.onMessage(bytes));
  socket.on('error', (error) => events.onError(error));
  return { reliable: false, local: socket.address(), send: (bytes) => open && socket.send(bytes), close };
}

async function overStream(
  server: TurnServer,
  events: TurnConnectionEvents,
  signal?: AbortSignal,
): Promise<TurnConnection> {
  const { host, port, transport, ca } = server;
  signal?.throwIfAborted();
  const isTls = transport === 'tls';
  const socket: Socket = isTls
    ? connectTls({ host, port, ca, servername: isIP(host) ? '' : host })
    : connectTcp({ host, port });
  try {
    await once(socket, isTls ? 'secureConnect' : 'connect', { signal });
  } catch (error) {
    socket.destroy();
    throw error;
  }
  socket.setNoDelay();
  socket.on('data', divide(events.onMessage.bind(events)));
  socket.on('error', (error) => events.onError(error));
  socket.on('end', () => events.onError(new Error('The TURN server closed the connection.')));
  return {
    reliable: true,
    local: { address: socket.localAddress ?? '', port: socket.localPort ?? 0 },
    send(bytes) {
      if (!socket.writable) return;
      socket.write(bytes.length % 4 === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(4 - (bytes.length % 4))]));
    },
    close: () => socket.destroy(),
  };
}

/** Divides a stream into messages. @returns what takes the next piece of the stream */
function divide(onMessage: (bytes: Buffer) => void): (piece: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (piece) => {
    rest = Buffer.concat([rest, piece]);
    while (rest.length >= HEADER.channel) {
      const isChannelData = (rest[0] ?? 0) >= 0x40;
      const length = (isChannelData ? HEADER.channel : HEADER.stun) + rest.readUInt16BE(2);
      const framed = isChannelData ? paddedLength(length) : length;
      if (rest.length < framed) return;
      const message = rest.subarray(0, length);
      rest = rest.subarray(framed);
      onMessage(message);
    }
  };
}

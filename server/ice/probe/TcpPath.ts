/** A path over a TCP connection: an active candidate (RFC 6544), with packets framed by their length (RFC 4571). */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { IcePath, IcePathEvents, SocketAddress } from './IcePath.ts';

/** Unsent bytes above which packets are dropped, as a full socket buffer drops them over UDP. */
const MAX_UNSENT = 1 << 20;

/** @throws {Error} when the connection is refused, has no route or is aborted */
export async function openTcpPath(
  { address, port }: SocketAddress,
  events: IcePathEvents,
  signal: AbortSignal,
): Promise<IcePath> {
  signal.throwIfAborted();
  const socket = connect({ host: address, port, noDelay: true });
  try {
    await once(socket, 'connect', { signal });
  } catch (error) {
    socket.destroy();
    throw error;
  }
  const read = unframe((packet) => events.onPacket(packet));
  socket.on('data', read);
  socket.on('error', (error) => events.onError(error));
  socket.on('end', () => events.onError(new Error('The other end closed the connection.')));
  return {
    protocol: 'tcp',
    local: { address: socket.localAddress ?? '', port: socket.localPort ?? 0 },
    send(packet) {
      if (!socket.writable || socket.writableLength > MAX_UNSENT) return;
      socket.write(frame(packet));
    },
    close: () => socket.destroy(),
  };
}

/** Puts the length before a packet: 16 bits. */
export function frame(packet: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(packet.length);
  return Buffer.concat([length, packet]);
}

/** Divides a stream into the packets that it was made of. @returns what takes the next piece of the stream */
export function unframe(onPacket: (packet: Buffer) => void): (piece: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (piece) => {
    rest = rest.length > 0 ? Buffer.concat([rest, piece]) : Buffer.from(piece);
    while (rest.length >= 2) {
      const end = 2 + rest.readUInt16BE(0);
      if (rest.length < end) return;
      const packet = rest.subarray(2, end);
      rest = rest.subarray(end);
      onPacket(packet);
    }
  };
}

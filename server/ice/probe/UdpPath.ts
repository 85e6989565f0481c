/** A path over a UDP socket of its own. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import type { IcePath, IcePathEvents, SocketAddress } from './IcePath.ts';

/** The kernel's buffer for a receiver whose process is busy, in bytes. */
const RECEIVE_BUFFER = 1 << 20;

export interface UdpPathOptions {
  /**
   * Whether the socket is connected: the system then reports a port that refuses (ICMP), and drops packets from elsewhere.
   * A socket that is not connected goes on when this machine's address changes.
   */
  readonly connected?: boolean;
}

/** @throws {Error} when there is no route to a connected socket's remote address */
export async function openUdpPath(
  remote: SocketAddress,
  events: IcePathEvents,
  { connected = false }: UdpPathOptions = {},
): Promise<IcePath> {
  const { address, port } = remote;
  const socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4', recvBufferSize: RECEIVE_BUFFER });
  let open = true;
  const close = () => {
    if (!open) return;
    open = false;
    socket.close();
  };
  try {
    await listen(socket, connected ? remote : undefined);
  } catch (error) {
    close();
    throw error;
  }
  socket.on('message', (packet) => events.onPacket(packet));
  // Without a connected socket the system does not say that the port refuses: the consent check notices by itself.
  socket.on('error', (error) => connected && events.onError(error));
  return {
    protocol: 'udp',
    local: socket.address(),
    send(packet) {
      if (!open) return;
      if (connected) socket.send(packet);
      else socket.send(packet, port, address);
    },
    close,
  };
}

async function listen(socket: Socket, remote: SocketAddress | undefined): Promise<void> {
  if (remote) {
    socket.connect(remote.port, remote.address);
    await once(socket, 'connect');
  } else {
    socket.bind(0);
    await once(socket, 'listening');
  }
}

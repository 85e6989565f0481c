/** A path over a TURN server's relayed address to one candidate. */
import type { IcePath, IcePathEvents, SocketAddress } from '../probe/IcePath.ts';
import { type AllocateOptions, TurnClient } from './TurnClient.ts';

/**
 * Allocates, and asks for the permission to reach `remote`.
 * @throws {TurnError} when the server refuses the credential or the peer
 * @throws {Error} when it cannot be reached, or does not answer
 */
export async function openTurnPath(
  remote: SocketAddress,
  events: IcePathEvents,
  options: Omit<AllocateOptions, 'family'>,
): Promise<IcePath> {
  const client = await TurnClient.allocate({ ...options, family: remote.address.includes(':') ? 6 : 4 });
  try {
    await client.createPermission(remote);
  } catch (error) {
    client.close();
    throw error;
  }
  client.onData((packet) => events.onPacket(packet));
  client.onError((error) => events.onError(error));
  return {
    protocol: 'udp',
    local: client.relayed,
    send: (packet) => client.send(remote, packet),
    close: () => client.close(),
  };
}

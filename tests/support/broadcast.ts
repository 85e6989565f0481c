/**
 * Shared functions of broadcast tests: joining in a role, inviting onto the stage, the events and consumers of a
 * client.
 */
import { randomUUID } from 'node:crypto';
import { beforeEach } from 'vitest';
import { opus, vp8 } from '../../scripts/support/media/clientParameters.ts';
import type { JoinReply, Role } from '../../shared/protocol.ts';
import type { JoinOptions, TestClient } from './client.ts';
import { type Joined, useServer } from './weir.ts';

export const camera = { source: 'camera', rtpParameters: vp8() } as const;
export const screen = { source: 'screen', rtpParameters: vp8('screen') } as const;
export const microphone = { source: 'microphone', rtpParameters: opus() } as const;

/**
 * A new broadcast for each test, on a server with anonymous access: a broadcast that everybody has left is remembered.
 * @param broadcastNotify least time between two notifications of its viewers and hands, in milliseconds
 */
export function useBroadcast(environment: Record<string, string> = {}, broadcastNotify?: number) {
  const weir = useServer(environment, { broadcastNotify });
  let room = '';
  beforeEach(() => {
    room = `show-${randomUUID()}`;
  });
  return {
    weir,
    /** Joins, as a viewer by default, and confirms the reply. */
    async enter(role?: Role, options: JoinOptions = {}): Promise<Joined> {
      const joined = await weir.join({ room, kind: 'broadcast', ...(role && { role }), ...options });
      await joined.client.request('ping', {});
      return joined;
    },
    get name(): string {
      return room;
    },
    /** The room on the server. */
    async room() {
      const found = await weir.app.rooms.find(room, 'broadcast');
      if (!found?.broadcast) throw new Error('There is no such broadcast.');
      return { ...found.broadcast.info, hands: found.broadcast.hands, peers: found.visiblePeers() };
    },
  };
}

/** A viewer raises a hand and is invited. */
export async function invite(host: Joined, viewer: Joined): Promise<void> {
  await viewer.client.request('setHand', { raised: true });
  await host.client.request('invite', { peerId: viewer.reply.peerId });
  await viewer.client.event('invited');
}

/** Brings a viewer onto the stage, with a sending transport. */
export async function bringOnStage(host: Joined, viewer: Joined): Promise<void> {
  await invite(host, viewer);
  await viewer.client.request('answerInvite', { accept: true });
  await viewer.client.request('openTransport', { direction: 'send' });
}

/** Names of all events that a client has received, in order. */
export function eventNames(client: TestClient): string[] {
  return client.messages.flatMap(({ event }) => event ?? []);
}

/** Sources of a client's current consumers; audio slots are `slot`. */
export function consumedSources({
  client,
  reply,
}: {
  client: TestClient;
  reply: Pick<JoinReply, 'consumers'>;
}): string[] {
  const consumers = new Map(reply.consumers.map((consumer) => [consumer.consumerId, consumer]));
  const later = client.unreadEvents('newConsumers').flatMap((one) => one.consumers);
  for (const consumer of later) consumers.set(consumer.consumerId, consumer);
  for (const { consumerIds } of client.unreadEvents('consumersClosed'))
    for (const id of consumerIds) consumers.delete(id);
  return [...consumers.values()].map(({ source, slot }) => (slot === undefined ? source : 'slot')).sort();
}

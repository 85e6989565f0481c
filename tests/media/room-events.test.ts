/**
 * The event stream of real rooms: a scripted call and a scripted broadcast emit exactly the events that they should.
 */
import { pino } from 'pino';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { grantsOf } from '../../server/auth/grants.ts';
import { Moderation } from '../../server/auth/Moderation.ts';
import { WorkerPool } from '../../server/media/WorkerPool.ts';
import type { Participant } from '../../server/room/Participant.ts';
import type { Room } from '../../server/room/Room.ts';
import type { RoomEventSource } from '../../server/room/RoomEvents.ts';
import { RoomManager } from '../../server/room/RoomManager.ts';
import type { RoomKind } from '../../shared/protocol.ts';
import { anyChat, anyJoinQueue, anyLoad } from '../support/load.ts';
import { PlainMember, PlainPublisher } from '../support/PlainMember.ts';

const log = pino({ level: 'silent' });
let pool: WorkerPool;
let rooms: RoomManager;
/** The events of each room, by key, as somebody sees them who subscribes when it opens. */
const streams = new Map<string, string[]>();

/** Writes each event as a line: its name, whom or what it is about, and what has changed. */
function record(events: RoomEventSource): string[] {
  const lines: string[] = [];
  const line = (...words: unknown[]) => void lines.push(words.join(' '));
  const nameOf = ({ identity }: Participant) => identity;
  events.on({
    joined: ({ participant }) => line('joined', nameOf(participant)),
    left: ({ participant, reason }) => line('left', nameOf(participant), reason),
    grantsChanged: ({ participant, before }) =>
      line('grantsChanged', nameOf(participant), before.hidden, '->', participant.grants.hidden),
    published: ({ publication }) => line('published', publication.track.source),
    unpublished: ({ publication }) => line('unpublished', publication.track.source),
    sourcesChanged: ({ participant }) =>
      line('sourcesChanged', nameOf(participant), JSON.stringify(participant.info.sources)),
    handChanged: ({ participant, raised }) => line('handChanged', nameOf(participant), raised),
    awayChanged: ({ participant, away }) => line('awayChanged', nameOf(participant), away),
    reaction: ({ participant, reaction }) => line('reaction', nameOf(participant), reaction),
    slotsChanged: ({ slots }) => line('slotsChanged', slots.length),
    liveChanged: ({ live }) => line('liveChanged', live),
    broadcastChanged: ({ broadcast }) => line('broadcastChanged', broadcast.state, broadcast.viewers),
    handsChanged: ({ hands }) => line('handsChanged', hands.total),
    draining: ({ seconds }) => line('draining', seconds),
    closed: ({ reason }) => line('closed', reason),
  });
  return lines;
}

beforeAll(async () => {
  const listen = { ips: ['127.0.0.1'], announced: { addresses: ['127.0.0.1'] } };
  pool = await WorkerPool.start({ count: 1, listen, firstPort: 0, responseTimeout: 5000, limits: anyLoad, log });
  const moderation = new Moderation({ lifetime: 60_000, leeway: 0 });
  const maxPeers = { call: 80, broadcast: 80, diagnosis: 2 };
  const rest = { chat: anyChat, joinQueue: anyJoinQueue, log };
  rooms = new RoomManager({ pool, moderation, maxPeers, maxAudibleSpeakers: 1, ...rest });
  rooms.onRoomOpened((room) => streams.set(room.key, record(room.events)));
});
afterAll(async () => {
  rooms.close();
  await pool.close();
});

async function openRoom(name: string, kind: RoomKind = 'call'): Promise<{ room: Room; stream: string[] }> {
  const { room, [Symbol.dispose]: giveBack } = await rooms.reserve(name, 'test', kind);
  onTestFinished(() => {
    room.close('roomClosed');
    giveBack();
  });
  const stream = streams.get(room.key);
  if (!stream) throw new Error('nobody was notified of the room');
  return { room, stream };
}

test('a call: joins, tracks, mute, a replaced identity, grants, audio slots, and its end', async () => {
  const { room, stream } = await openRoom('call');
  const ann = await PlainMember.join(room, 'ann');
  const microphone = await ann.publish(1000);
  await microphone.pause();
  await microphone.resume();
  const bob = await PlainMember.join(room, 'bob');
  room.handChanged(bob, true);
  room.react(bob, 'heart');
  room.awayChanged(bob, true);
  await PlainMember.join(room, 'bob');
  // The former one is nobody in the room any more.
  room.react(bob, 'heart');
  const others = [await PlainPublisher.join(room, 'cem'), await PlainPublisher.join(room, 'dan')];
  for (const [index, other] of others.entries()) await other.publish(1001 + index);
  room.changeGrants(ann, { canPublish: false });
  room.drain(30);
  room.close('roomClosed');
  expect(stream).toEqual([
    'joined ann',
    'sourcesChanged ann {"microphone":"live"}',
    'published microphone',
    'sourcesChanged ann {"microphone":"paused"}',
    'sourcesChanged ann {"microphone":"live"}',
    'joined bob',
    'handChanged bob true',
    'reaction bob heart',
    'awayChanged bob true',
    'left bob replaced',
    'joined bob',
    'joined cem',
    'joined dan',
    'sourcesChanged cem {"microphone":"live"}',
    'published microphone',
    'sourcesChanged dan {"microphone":"live"}',
    'published microphone',
    'slotsChanged 2',
    'sourcesChanged ann {}',
    'unpublished microphone',
    'grantsChanged ann false -> false',
    'draining 30',
    'left ann roomClosed',
    'left bob roomClosed',
    'left cem roomClosed',
    'unpublished microphone',
    'left dan roomClosed',
    'unpublished microphone',
    'closed roomClosed',
  ]);
});

test('a participant that has closed before it could join has joined and left', async () => {
  const { room, stream } = await openRoom('closed');
  const grants = grantsOf('speaker');
  const info = {
    peerId: 'gone',
    identity: 'gone',
    name: 'gone',
    sources: {},
    hand: false,
    away: false,
    canExchangeData: true,
  };
  const onEnd: Participant['onEnd'] = (listener) => listener('left');
  await room.join({ id: 'gone', identity: 'gone', grants, info, setGrants() {}, close() {}, onEnd });
  expect(room.size).toBe(0);
  expect(stream).toEqual(['joined gone', 'left gone left']);
});

test('a broadcast: live, viewers, hands, the stage, and its end', async () => {
  const { room, stream } = await openRoom('show', 'broadcast');
  const host = await PlainMember.join(room, 'host', grantsOf('host'));
  // Viewers are counted at the end of the turn, then once a second at most.
  await expect.poll(() => stream.at(-1)).toBe('broadcastChanged before 0');
  const viewer = await PlainMember.join(room, 'viewer', { ...grantsOf('viewer'), hidden: true });
  room.broadcast?.set({ live: true });
  await host.publish(2000);
  room.handChanged(viewer, true);
  await expect.poll(() => stream.at(-1), { timeout: 2000 }).toBe('handsChanged 1');
  room.changeGrants(viewer, { canPublish: true });
  room.broadcast?.set({ live: false });
  viewer.close('left');
  host.close('left');
  room.close('roomClosed');
  expect(stream).toEqual([
    'joined host',
    'broadcastChanged before 0',
    'joined viewer',
    'liveChanged true',
    'broadcastChanged live 1',
    'sourcesChanged host {"microphone":"live"}',
    'published microphone',
    'handChanged viewer true',
    'handsChanged 1',
    'grantsChanged viewer true -> false',
    'liveChanged false',
    'broadcastChanged ended 0',
    'handsChanged 0',
    'left viewer left',
    'left host left',
    'unpublished microphone',
    'closed roomClosed',
  ]);
});

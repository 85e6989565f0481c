/** Owns the proof that media goes where it should: RTP over UDP into a room, counted out of it. */
import { pino } from 'pino';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { Moderation } from '../../server/auth/Moderation.ts';
import { WorkerPool } from '../../server/media/WorkerPool.ts';
import type { Room } from '../../server/room/Room.ts';
import { RoomManager } from '../../server/room/RoomManager.ts';
import { anyJoinQueue, anyLoad } from '../support/load.ts';
import { PlainMember, ssrcOf } from '../support/PlainMember.ts';

const log = pino({ level: 'silent' });
let pool: WorkerPool;
let rooms: RoomManager;

beforeAll(async () => {
  const listen = { ip: '127.0.0.1', announcedAddresses: ['127.0.0.1'] as const };
  pool = await WorkerPool.start({ count: 1, listen, firstPort: 0, responseTimeout: 5000, limits: anyLoad, log });
  const moderation = new Moderation({ lifetime: 60_000, leeway: 0 });
  rooms = new RoomManager({
    pool,
    moderation,
    maxPeers: { call: 80, broadcast: 80 },
    maxAudibleSpeakers: 5,
    joinQueue: anyJoinQueue,
    log,
  });
});
afterAll(async () => {
  await rooms.close();
  await pool.close();
});

async function openRoom(name: string): Promise<Room> {
  const { room, [Symbol.dispose]: giveBack } = await rooms.reserve(name, 'test');
  onTestFinished(() => {
    room.close('roomClosed');
    giveBack();
  });
  return room;
}

test('every packet of a publisher reaches every other member exactly once, and nobody else', async () => {
  const room = await openRoom('every');
  const other = await openRoom('other');
  const ann = await PlainMember.enter(room, 'ann');
  const viewers = await Promise.all(['bob', 'cem', 'dan'].map((name) => PlainMember.enter(room, name)));
  const stranger = await PlainMember.enter(other, 'stranger');
  await ann.publish(1111);
  await expect.poll(() => viewers.every((viewer) => viewer.consumers.length === 1)).toBe(true);

  await ann.send(500);
  for (const viewer of viewers) {
    await expect.poll(() => viewer.counter.distinct(ssrcOf(viewer.consumers[0]))).toBe(500);
    expect(viewer.counter.packets).toBe(500);
  }
  expect(ann.counter.packets).toBe(0);
  expect(stranger.counter.packets).toBe(0);
  expect(stranger.consumers).toEqual([]);
});

test('one who comes late gets what is published already', async () => {
  const room = await openRoom('late');
  const ann = await PlainMember.enter(room, 'ann');
  await ann.publish(2222);
  const late = await PlainMember.enter(room, 'late');
  expect(late.consumers).toHaveLength(1);
  await ann.send(50);
  await expect.poll(() => late.counter.distinct(ssrcOf(late.consumers[0]))).toBe(50);
});

test('a muted source is not forwarded, and is again once it is unmuted', async () => {
  const room = await openRoom('mute');
  const ann = await PlainMember.enter(room, 'ann');
  const bob = await PlainMember.enter(room, 'bob');
  const cem = await PlainMember.enter(room, 'cem');
  const producer = await ann.publish(3333);
  const witness = await cem.publish(3334);
  await expect.poll(() => bob.consumers.length).toBe(2);
  const ssrc = ssrcOf(bob.consumers.find(({ producerId }) => producerId === producer.id));
  const witnessed = ssrcOf(bob.consumers.find(({ producerId }) => producerId === witness.id));

  await producer.pause();
  await ann.send(50);
  // The witness's packets take the same way, later: once they are here, the muted ones would be too.
  await cem.send(50);
  await expect.poll(() => bob.counter.distinct(witnessed)).toBe(50);
  expect(bob.counter.distinct(ssrc)).toBe(0);

  await producer.resume();
  await ann.send(50);
  await expect.poll(() => bob.counter.distinct(ssrc)).toBe(50);
});

test('one who leaves takes nothing from those who stay', async () => {
  const room = await openRoom('stay');
  const ann = await PlainMember.enter(room, 'ann');
  const bob = await PlainMember.enter(room, 'bob');
  const cem = await PlainMember.enter(room, 'cem');
  await ann.publish(4444);
  await expect.poll(() => bob.consumers.length + cem.consumers.length).toBe(2);
  cem.close('left');
  await ann.send(100);
  await expect.poll(() => bob.counter.distinct(ssrcOf(bob.consumers[0]))).toBe(100);
  expect(bob.heard).toContainEqual({ event: 'peerClosed', data: { peerId: cem.id, reason: 'left' } });
});

test("a publisher's end closes what the others receive of it", async () => {
  const room = await openRoom('end');
  const ann = await PlainMember.enter(room, 'ann');
  const bob = await PlainMember.enter(room, 'bob');
  await ann.publish(5555);
  await expect.poll(() => bob.consumers.length).toBe(1);
  ann.close('left');
  await expect.poll(() => bob.consumers.length).toBe(0);
});

test('a member that cannot take an offer harms nobody but itself', async () => {
  const room = await openRoom('harm');
  const ann = await PlainMember.enter(room, 'ann');
  const broken = await PlainMember.enter(room, 'broken');
  const bob = await PlainMember.enter(room, 'bob');
  broken.subscribe = () => Promise.reject(new Error('out of order'));
  await ann.publish(6666);
  await expect.poll(() => bob.consumers.length).toBe(1);
  await ann.send(20);
  await expect.poll(() => bob.counter.distinct(ssrcOf(bob.consumers[0]))).toBe(20);
});

test('a room whose worker dies ends for all of its members with `mediaLost`, and a new one opens on a new worker', async () => {
  const room = await openRoom('dies');
  const ann = await PlainMember.enter(room, 'ann');
  const reasons: string[] = [];
  ann.onEnd((reason) => reasons.push(reason));
  const [worker] = pool.workers;
  if (!worker) throw new Error('the pool is empty');
  process.kill(worker.pid, 'SIGKILL');
  await expect.poll(() => reasons).toEqual(['mediaLost']);
  expect(room.closed).toBe(true);
  // One that died young is replaced after a pause.
  await expect.poll(() => pool.complete, { timeout: 5000 }).toBe(true);
  expect(pool.workers[0]?.pid).not.toBe(worker.pid);

  const again = await openRoom('dies');
  expect(again).not.toBe(room);
  const bob = await PlainMember.enter(again, 'bob');
  const cem = await PlainMember.enter(again, 'cem');
  await bob.publish(7777);
  await expect.poll(() => cem.consumers.length).toBe(1);
  await bob.send(20);
  await expect.poll(() => cem.counter.distinct(ssrcOf(cem.consumers[0]))).toBe(20);
});

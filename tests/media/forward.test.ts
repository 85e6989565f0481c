/** Tests of forwarding: RTP over UDP into a room, counted at its receivers. */
import { pino } from 'pino';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { Moderation } from '../../server/auth/Moderation.ts';
import { WorkerPool } from '../../server/media/WorkerPool.ts';
import type { Room } from '../../server/room/Room.ts';
import { RoomManager } from '../../server/room/RoomManager.ts';
import { anyChat, anyJoinQueue, anyLoad } from '../support/load.ts';
import { EventLog, PlainMember, PlainPublisher, PlainSubscriber, ssrcOf } from '../support/PlainMember.ts';

const log = pino({ level: 'silent' });
let pool: WorkerPool;
let rooms: RoomManager;

beforeAll(async () => {
  const listen = { ips: ['127.0.0.1'], announced: { addresses: ['127.0.0.1'] } };
  pool = await WorkerPool.start({ count: 1, listen, firstPort: 0, responseTimeout: 5000, limits: anyLoad, log });
  const moderation = new Moderation({ lifetime: 60_000, leeway: 0 });
  rooms = new RoomManager({
    pool,
    moderation,
    maxPeers: { call: 80, broadcast: 80, diagnosis: 2 },
    chat: anyChat,
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
  const ann = await PlainMember.join(room, 'ann');
  const viewers = await Promise.all(['bob', 'cem', 'dan'].map((name) => PlainMember.join(room, name)));
  const stranger = await PlainMember.join(other, 'stranger');
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

test('a member who joins late receives what is published already', async () => {
  const room = await openRoom('late');
  const ann = await PlainMember.join(room, 'ann');
  await ann.publish(2222);
  const late = await PlainMember.join(room, 'late');
  expect(late.consumers).toHaveLength(1);
  await ann.send(50);
  await expect.poll(() => late.counter.distinct(ssrcOf(late.consumers[0]))).toBe(50);
});

test('a muted source is not forwarded until it is unmuted', async () => {
  const room = await openRoom('mute');
  const ann = await PlainMember.join(room, 'ann');
  const bob = await PlainMember.join(room, 'bob');
  const cem = await PlainMember.join(room, 'cem');
  const producer = await ann.publish(3333);
  const control = await cem.publish(3334);
  await expect.poll(() => bob.consumers.length).toBe(2);
  const ssrc = ssrcOf(bob.consumers.find(({ producerId }) => producerId === producer.id));
  const controlSsrc = ssrcOf(bob.consumers.find(({ producerId }) => producerId === control.id));

  await producer.pause();
  await ann.send(50);
  // The control's packets take the same path, later: once they have arrived, muted ones would have, too.
  await cem.send(50);
  await expect.poll(() => bob.counter.distinct(controlSsrc)).toBe(50);
  expect(bob.counter.distinct(ssrc)).toBe(0);

  await producer.resume();
  await ann.send(50);
  await expect.poll(() => bob.counter.distinct(ssrc)).toBe(50);
});

test("a member who leaves does not affect the others' media", async () => {
  const room = await openRoom('stay');
  const ann = await PlainMember.join(room, 'ann');
  const bob = await PlainMember.join(room, 'bob');
  const cem = await PlainMember.join(room, 'cem');
  await ann.publish(4444);
  await expect.poll(() => bob.consumers.length + cem.consumers.length).toBe(2);
  cem.close('left');
  await ann.send(100);
  await expect.poll(() => bob.counter.distinct(ssrcOf(bob.consumers[0]))).toBe(100);
  expect(bob.sink.events).toContainEqual({ event: 'peerClosed', data: { peerId: cem.id, reason: 'left' } });
});

test('the end of a publisher closes its consumers', async () => {
  const room = await openRoom('end');
  const ann = await PlainMember.join(room, 'ann');
  const bob = await PlainMember.join(room, 'bob');
  await ann.publish(5555);
  await expect.poll(() => bob.consumers.length).toBe(1);
  ann.close('left');
  await expect.poll(() => bob.consumers.length).toBe(0);
});

test('a member that fails to receive a consumer affects nobody else', async () => {
  const room = await openRoom('harm');
  const ann = await PlainMember.join(room, 'ann');
  const broken = await PlainMember.join(room, 'broken');
  const bob = await PlainMember.join(room, 'bob');
  broken.subscriber.subscribe = () => Promise.reject(new Error('out of order'));
  await ann.publish(6666);
  await expect.poll(() => bob.consumers.length).toBe(1);
  await ann.send(20);
  await expect.poll(() => bob.counter.distinct(ssrcOf(bob.consumers[0]))).toBe(20);
});

test('a publisher that is a participant only is seen and received, and receives nothing', async () => {
  const room = await openRoom('publisher');
  const bob = await PlainMember.join(room, 'bob');
  const camera = await PlainPublisher.join(room, 'camera');
  await camera.publish(1000);
  await bob.publish(1001);
  await expect.poll(() => bob.consumers.length).toBe(1);
  await camera.send(50);
  await expect.poll(() => bob.counter.distinct(ssrcOf(bob.consumers[0]))).toBe(50);
  expect(room.visiblePeers(bob)).toEqual([camera.info]);
  expect(camera.info.sources).toEqual({ microphone: 'live' });
  camera.close('left');
  expect(bob.sink.events.map(({ event }) => event)).toEqual(['newPeer', 'peerSources', 'peerClosed']);
});

test('a recorder that is a subscriber only receives all tracks, unseen and uncounted, until it is removed', async () => {
  const room = await openRoom('recorder');
  const [ann, bob] = [await PlainMember.join(room, 'ann'), await PlainMember.join(room, 'bob')];
  await ann.publish(2000);
  const recorder = await PlainSubscriber.open(room);
  onTestFinished(() => recorder.close());
  const added = room.addSubscriber(recorder);
  await bob.publish(2001);
  await expect.poll(() => recorder.consumers.length).toBe(2);
  for (const member of [ann, bob]) {
    await member.send(50);
    const consumer = recorder.consumers.find(({ producerId }) => producerId === member.producer?.id);
    await expect.poll(() => recorder.counter.distinct(ssrcOf(consumer))).toBe(50);
  }
  expect([room.size, room.visiblePeers().length]).toEqual([2, 2]);
  expect(ann.sink.events.map(({ event }) => event)).toEqual(['newPeer', 'peerSources']);

  added[Symbol.dispose]();
  expect(recorder.consumers).toEqual([]);
  const cem = await PlainMember.join(room, 'cem');
  await cem.publish(2002);
  await expect.poll(() => ann.consumers.length).toBe(2);
  expect(recorder.consumers).toEqual([]);
});

test('a recorder does not keep a room open', async () => {
  const { room, [Symbol.dispose]: giveBack } = await rooms.reserve('kept', 'test');
  const recorder = await PlainSubscriber.open(room);
  onTestFinished(() => recorder.close());
  room.addSubscriber(recorder);
  const ann = await PlainMember.join(room, 'ann');
  giveBack();
  expect(room.closed).toBe(false);
  ann.close('left');
  expect(room.closed).toBe(true);
});

test('a sink that is not a participant is sent events about everybody except hidden peers', async () => {
  const room = await openRoom('sink');
  const sink = new EventLog();
  const added = room.addSink(sink);
  const ann = await PlainPublisher.join(room, 'ann');
  expect(room.size).toBe(1);
  await ann.publish(3000);
  ann.close('left');
  expect(sink.events).toEqual([
    { event: 'newPeer', data: { ...ann.info, sources: {} } },
    { event: 'peerSources', data: { peerId: ann.id, sources: { microphone: 'live' } } },
    { event: 'peerClosed', data: { peerId: ann.id, reason: 'left' } },
  ]);
  added[Symbol.dispose]();
  await PlainPublisher.join(room, 'bob');
  expect(sink.events).toHaveLength(3);
});

test('one subscriber and one sink serve several participants, as a link to another server does', async () => {
  const room = await openRoom('link');
  const [ann, bob] = [await PlainPublisher.join(room, 'ann'), await PlainPublisher.join(room, 'bob')];
  const [subscriber, sink] = [await PlainSubscriber.open(room), new EventLog()];
  onTestFinished(() => subscriber.close());
  room.addSubscriber(subscriber);
  room.addSink(sink);
  const cem = await PlainMember.join(room, 'cem');
  await cem.publish(4001);
  await ann.publish(4002);
  await expect.poll(() => [subscriber.consumers.length, cem.consumers.length]).toEqual([2, 1]);
  await cem.send(20);
  const consumer = subscriber.consumers.find(({ producerId }) => producerId === cem.producer?.id);
  await expect.poll(() => subscriber.counter.distinct(ssrcOf(consumer))).toBe(20);
  for (const one of [ann, bob]) one.close('left');
  const closed = sink.events.filter(({ event }) => event === 'peerClosed').map(({ data }) => data);
  expect(closed).toEqual([ann, bob].map(({ id }) => ({ peerId: id, reason: 'left' })));
  expect(room.size).toBe(1);
});

test('a room whose worker dies ends for all members with `mediaLost`, and a new one opens on a new worker', async () => {
  const room = await openRoom('dies');
  const ann = await PlainMember.join(room, 'ann');
  const reasons: string[] = [];
  ann.onEnd((reason) => reasons.push(reason));
  const [worker] = pool.workers;
  if (!worker) throw new Error('the pool is empty');
  process.kill(worker.pid, 'SIGKILL');
  await expect.poll(() => reasons).toEqual(['mediaLost']);
  expect(room.closed).toBe(true);
  // A worker that died soon after its start is replaced after a pause.
  await expect.poll(() => pool.complete, { timeout: 5000 }).toBe(true);
  expect(pool.workers[0]?.pid).not.toBe(worker.pid);

  const again = await openRoom('dies');
  expect(again).not.toBe(room);
  const bob = await PlainMember.join(again, 'bob');
  const cem = await PlainMember.join(again, 'cem');
  await bob.publish(7777);
  await expect.poll(() => cem.consumers.length).toBe(1);
  await bob.send(20);
  await expect.poll(() => cem.counter.distinct(ssrcOf(cem.consumers[0]))).toBe(20);
});

/** Tests of a worker that dies: everybody who was placed on it leaves, and the room closes when it has no other worker. */
import { expect, onTestFinished, test, vi } from 'vitest';
import type { MediaWorker } from '../../server/media/MediaWorker.ts';
import { WorkerPool } from '../../server/media/WorkerPool.ts';
import { useServer } from '../support/weir.ts';

const weir = useServer({ WEIR_WORKERS: '2' });

/** Both workers. */
function workers(): readonly [MediaWorker, MediaWorker] {
  const [near, far] = weir.app.pool.workers;
  if (!near || !far) throw new Error('A worker is missing.');
  return [near, far];
}

/** Places the next peer on that worker, whatever the load is. */
function placeNextOn(worker: MediaWorker): void {
  const select = vi.spyOn(WorkerPool.prototype, 'selectForPeer');
  onTestFinished(() => select.mockRestore());
  select.mockImplementationOnce(() => ({ worker, reservation: worker.load.reserve(false) }));
}

test.each([
  ['both transports', { send: true, recv: true }],
  ['no transport', { send: false, recv: false }],
])('a peer with %s ends with the worker that it was placed on', async (_, transports) => {
  const [near, far] = workers();
  placeNextOn(near);
  const ada = await weir.join({ room: 'room' });
  placeNextOn(far);
  const bob = await weir.join({ room: 'room', transports });
  process.kill(far.pid, 'SIGKILL');
  expect(await bob.client.closed).toEqual({ code: 4005, reason: 'mediaLost' });
  expect(await ada.client.event('peerClosed')).toEqual({ peerId: bob.reply.peerId, reason: 'mediaLost' });
  expect(ada.client.open).toBe(true);
  await vi.waitUntil(() => weir.app.pool.complete, { timeout: 10_000, interval: 5 });
});

test('a room ends with its last worker, for the same reason as everybody in it', async () => {
  const [near] = workers();
  const select = vi.spyOn(WorkerPool.prototype, 'selectForRoom').mockReturnValueOnce(near);
  onTestFinished(() => select.mockRestore());
  placeNextOn(near);
  const ada = await weir.join({ room: 'room' });
  const room = await weir.app.rooms.find('room');
  const reasons: string[] = [];
  room?.events.on({
    left: ({ reason }) => reasons.push(`left ${reason}`),
    closed: ({ reason }) => reasons.push(`closed ${reason}`),
  });
  process.kill(near.pid, 'SIGKILL');
  expect(await ada.client.closed).toEqual({ code: 4005, reason: 'mediaLost' });
  expect(reasons).toEqual(['left mediaLost', 'closed mediaLost']);
  await vi.waitUntil(() => weir.app.pool.complete, { timeout: 10_000, interval: 5 });
});

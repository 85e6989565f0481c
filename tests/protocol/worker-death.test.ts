/** Tests of a worker that dies: everybody who was placed on it leaves, and the room closes when it has no other worker. */
import { expect, test } from 'vitest';
import { useServer } from '../support/weir.ts';

const weir = useServer({ WEIR_WORKERS: '2', WEIR_SPILLOVER_UTILIZATION: '0' });

test.each([
  ['both transports', { send: true, recv: true }],
  ['no transport', { send: false, recv: false }],
])('a peer with %s ends with the worker that it was placed on', async (_, transports) => {
  const ada = await weir.join({ room: 'room' });
  const bob = await weir.join({ room: 'room', transports });
  const room = await weir.app.rooms.find('room');
  const [, { worker } = { worker: undefined }] = room?.routers.routers ?? [];
  if (!worker) throw new Error('The room is on one worker only.');
  process.kill(worker.pid, 'SIGKILL');
  expect(await bob.client.closed).toEqual({ code: 4005, reason: 'mediaLost' });
  expect(await ada.client.event('peerClosed')).toEqual({ peerId: bob.reply.peerId, reason: 'mediaLost' });
  expect(ada.client.open).toBe(true);
  await expect.poll(() => weir.app.pool.complete).toBe(true);
});

test('a room ends with its last worker, for the same reason as everybody in it', async () => {
  const ada = await weir.join({ room: 'room' });
  const room = await weir.app.rooms.find('room');
  const reasons: string[] = [];
  room?.events.on({
    left: ({ reason }) => reasons.push(`left ${reason}`),
    closed: ({ reason }) => reasons.push(`closed ${reason}`),
  });
  const [router] = room?.routers.routers ?? [];
  if (!router) throw new Error('The room has no router.');
  process.kill(router.worker.pid, 'SIGKILL');
  expect(await ada.client.closed).toEqual({ code: 4005, reason: 'mediaLost' });
  expect(reasons).toEqual(['left mediaLost', 'closed mediaLost']);
  await expect.poll(() => weir.app.pool.complete).toBe(true);
});

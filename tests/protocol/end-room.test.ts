/** Tests of an administrator who ends a room for everyone: who is told what, and who may open it again, and when. */
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { useBroadcast } from '../support/broadcast.ts';
import { failure, useServer, withTokens } from '../support/weir.ts';

const ENDED = 400;
const weir = useServer({ ...withTokens, WEIR_RESUME_SECONDS: '3' }, { roomEnded: ENDED });
const ended = { code: 4016, reason: 'roomEnded' };

async function call() {
  const room = `ended-${randomUUID()}`;
  const admin = await weir.enter(room, 'Ann', { roomAdmin: true });
  const bob = await weir.enter(room, 'Bob');
  await bob.client.request('ping', {});
  return { room, admin, bob };
}

describe('endRoom', () => {
  test('closes every connection with its reason and who did it, and the room', async () => {
    const { room, admin, bob } = await call();
    await admin.client.request('endRoom', {});
    for (const one of [admin, bob]) expect(await one.client.closed).toEqual(ended);
    expect(bob.client.unreadEvents('closing')).toEqual([{ by: 'Ann' }]);
    // Nobody sees the others leave first.
    expect(bob.client.unreadEvents('peerClosed')).toEqual([]);
    expect(await weir.app.rooms.find(room)).toBeUndefined();
  });

  test('lets only administrators open the room again for a while; then anybody', async () => {
    const { room, admin, bob } = await call();
    await admin.client.request('endRoom', {});
    await bob.client.closed;
    const endedAt = performance.now();
    await expect(weir.enter(room, 'Bob')).rejects.toMatchObject({
      ...failure('unavailable'),
      reason: 'roomEnded',
      retryAfter: 1,
    });
    await expect(weir.enter(room, 'somebody else')).rejects.toMatchObject({ reason: 'roomEnded' });
    // A room of another name is another room.
    await weir.enter(`${room}-other`, 'Bob');
    await expect
      .poll(
        () =>
          weir.enter(room, 'Bob').then(
            () => true,
            () => false,
          ),
        { timeout: 3000 },
      )
      .toBe(true);
    expect(performance.now() - endedAt).toBeGreaterThan(ENDED * 0.9);
  });

  test('lets an administrator open it at once, and then anybody', async () => {
    const { room, admin, bob } = await call();
    await admin.client.request('endRoom', {});
    await bob.client.closed;
    await weir.enter(room, 'Ann', { roomAdmin: true });
    await weir.enter(room, 'Bob');
  });

  test('tells whoever resumes that it was ended, so that they do not join again by themselves', async () => {
    const { admin, bob } = await call();
    bob.client.cut();
    await bob.client.closed;
    await admin.client.request('endRoom', {});
    await admin.client.closed;
    const again = await weir.connect({ firstId: 1000 });
    await expect(again.request('resume', { key: bob.reply.resumeKey })).rejects.toBeDefined();
    expect(await again.closed).toEqual(ended);
  });

  test('does not let a join in progress into the room, or into a new one', async () => {
    let refused = 0;
    for (let round = 0; round < 8; round += 1) {
      const { room, admin } = await call();
      const client = await weir.connect();
      const joining = client.join({ room, token: await weir.token(room, 'Cat') }).then(
        () => 'joined',
        (error: { code: string; reason?: string }) => error.reason ?? error.code,
      );
      for (let turn = 0; turn < round * 2; turn += 1) await new Promise(setImmediate);
      await admin.client.request('endRoom', {});
      await admin.client.closed;
      const outcome = await joining;
      if (outcome === 'joined') expect(await client.closed).toEqual(ended);
      else {
        refused += 1;
        expect(['closed', 'roomEnded']).toContain(outcome);
      }
      expect(await weir.app.rooms.find(room)).toBeUndefined();
    }
    expect(refused).toBeGreaterThan(0);
  });
});

describe('of a broadcast', () => {
  const { enter } = useBroadcast({}, 100);

  test('ends it for the viewers, too', async () => {
    const host = await enter('host', { name: 'Ada' });
    const viewer = await enter();
    await host.client.request('setBroadcast', { live: true });
    await viewer.client.event('broadcastChanged', ({ state }) => state === 'live');
    await host.client.request('endRoom', {});
    expect(await viewer.client.closed).toEqual(ended);
    // On an open server, whoever asks for the role of a host is one.
    const late = await enter('host');
    expect(late.reply.broadcast?.state).toBe('ended');
  });
});

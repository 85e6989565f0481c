/** Tests of the waiting room: who waits, what they are sent, who lets them in, and what outlives a lost connection. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { VideoGrant } from '../../server/auth/claims.ts';
import { MAX_WAITING } from '../../shared/moderation.ts';
import { camera, eventNames } from '../support/broadcast.ts';
import type { TestClient } from '../support/client.ts';
import { useServer, withTokens } from '../support/weir.ts';
import { useWhip } from '../support/whip.ts';

const TIMEOUT = 3000;
const RETURN = 400;
const DENIED = 300;
const weir = useServer(
  { ...withTokens, WEIR_RESUME_SECONDS: '3', WEIR_MAX_CONNECTIONS_PER_IP: '1000' },
  { waiting: { timeout: TIMEOUT, return: RETURN, denied: DENIED, notify: 0 }, roomEnded: 200 },
);

/** An administrator in a room with a waiting room. */
async function open(kind: 'call' | 'broadcast' = 'call') {
  const name = `waiting-${randomUUID()}`;
  const admin = await weir.enter(name, 'Ann', { roomAdmin: true, broadcast: kind === 'broadcast' });
  await admin.client.request('updateRoom', { waitingRoom: true });
  const room = await weir.app.rooms.find(name, kind);
  if (!room) throw new Error('there is no room');
  return { name, admin, room };
}

type Outcome = { readonly peers: number } | { readonly code: string; readonly reason: string | undefined };

/** Somebody who joins; resolves once they wait. */
async function knock(room: string, identity: string, grants: VideoGrant = {}) {
  const client = await weir.connect();
  const token = await weir.token(room, identity, grants);
  const outcome: Promise<Outcome> = client.join({ room, token }).then(
    ({ peers }) => ({ peers: peers.length }),
    ({ code, reason }) => ({ code, reason }),
  );
  await client.event('waiting');
  return { client, outcome, identity };
}

const names = (admin: TestClient, expected: readonly string[]) =>
  admin.event(
    'waitingChanged',
    ({ first }) => JSON.stringify(first.map((one) => one.name)) === JSON.stringify(expected),
  );

describe('whoever joins a room with a waiting room', () => {
  test('waits until an administrator lets them in, and is sent nothing else', async () => {
    const { name, admin, room } = await open();
    await admin.client.request('produce', camera);
    const bob = await knock(name, 'Bob');
    await names(admin.client, ['Bob']);
    await admin.client.request('setHand', { raised: true });
    await admin.client.request('sendChat', { text: 'secret', nonce: randomUUID() });
    await bob.client.request('ping', {});
    expect(eventNames(bob.client)).toEqual(['welcome', 'waiting']);
    const asked = async (grants: VideoGrant) => {
      const authorization = `Bearer ${await weir.token(name, 'Bob', grants)}`;
      return (await fetch(`${weir.url}/api/rooms/${name}`, { headers: { authorization } })).json();
    };
    expect(await asked({})).toEqual({ people: [], waitingRoom: true });
    expect(await asked({ roomAdmin: true })).toEqual({ people: [{ name: 'Ann' }], waitingRoom: true });
    // There is nobody and nothing of them in the room.
    expect(room.participants.map(({ identity }) => identity)).toEqual(['Ann']);
    expect(room.waitingRoom.size).toBe(1);
    await admin.client.request('admit', { id: room.waitingRoom.list.first[0]?.id });
    expect(await bob.outcome).toEqual({ peers: 1 });
    await names(admin.client, []);
  });

  test('comes in the order in which they came, one or all', async () => {
    const { name, admin, room } = await open();
    const waiting = [await knock(name, 'Bob'), await knock(name, 'Cat'), await knock(name, 'Dan')];
    await names(admin.client, ['Bob', 'Cat', 'Dan']);
    const [, second] = room.waitingRoom.list.first;
    await admin.client.request('admit', { id: second?.id });
    expect(await waiting[1]?.outcome).toEqual({ peers: 1 });
    await names(admin.client, ['Bob', 'Dan']);
    expect(await admin.client.request('admit', {})).toEqual({ count: 2 });
    for (const { outcome } of waiting) expect(await outcome).toHaveProperty('peers');
    await expect(admin.client.request('admit', { id: second?.id })).rejects.toMatchObject({ code: 'notFound' });
  });

  test('does not wait as an administrator, and not again within a minute of leaving', async () => {
    const { name, admin } = await open();
    await weir.enter(name, 'Eve', { roomAdmin: true });
    const bob = await knock(name, 'Bob');
    await admin.client.request('admit', {});
    await bob.outcome;
    await bob.client.request('leave', {});
    await bob.client.closed;
    const back = await weir.enter(name, 'Bob');
    // Unless they were removed: then they need a newer token, and have to wait.
    await admin.client.request('kick', { peerId: back.reply.peerId });
    await back.client.closed;
    await delay(1100);
    await knock(name, 'Bob');
  });

  test('is denied with a reason, and for a while not heard again', async () => {
    const { name, admin } = await open();
    const [bob, cat] = [await knock(name, 'Bob'), await knock(name, 'Cat')];
    await names(admin.client, ['Bob', 'Cat']);
    expect(await admin.client.request('deny', {})).toEqual({ count: 2 });
    const denied = { code: 'forbidden', reason: 'denied' };
    for (const one of [bob, cat]) expect(await one.outcome).toEqual(denied);
    await names(admin.client, []);
    await expect(weir.enter(name, 'Bob')).rejects.toMatchObject({ ...denied, retryAfter: 1 });
    await delay(DENIED);
    await knock(name, 'Bob');
  });

  test('has waited long enough after a time', async () => {
    const { name, admin } = await open();
    const bob = await knock(name, 'Bob');
    expect(await bob.outcome).toEqual({ code: 'timeout', reason: 'notAdmitted' });
    await names(admin.client, []);
  });

  test('is refused when as many wait as may', async () => {
    const { name, room } = await open();
    const waiting = Array.from({ length: MAX_WAITING }, (_, index) => knock(name, `guest ${index}`));
    await Promise.all(waiting);
    expect(room.waitingRoom.list).toMatchObject({ total: MAX_WAITING });
    await expect(weir.enter(name, 'one more')).rejects.toMatchObject({ code: 'roomFull', reason: 'waitingRoomFull' });
  });

  test('is told whether an administrator is there', async () => {
    const { name, admin, room } = await open();
    const bob = await knock(name, 'Bob');
    await admin.client.request('leave', {});
    expect(await bob.client.event('waiting')).toEqual({ attended: false });
    // Who waits keeps the room open, so that the administrator finds it as it was.
    expect([room.size, room.closed]).toEqual([0, false]);
    const back = await weir.enter(name, 'Ann', { roomAdmin: true });
    expect(await bob.client.event('waiting')).toEqual({ attended: true });
    expect(back.reply.access).toEqual({ locked: false, waitingRoom: true });
    expect(back.reply.waiting?.first.map((one) => one.name)).toEqual(['Bob']);
    bob.client[Symbol.dispose]();
    await names(back.client, []);
  });

  test('is let in when the waiting room is turned off; but not while the room is locked', async () => {
    const { name, admin } = await open();
    const bob = await knock(name, 'Bob');
    await admin.client.request('updateRoom', { locked: true, waitingRoom: false });
    await expect(weir.enter(name, 'Cat')).rejects.toMatchObject({ reason: 'locked' });
    await bob.client.request('ping', {});
    expect(await Promise.race([bob.outcome, 'still waiting'])).toBe('still waiting');
    await admin.client.request('updateRoom', { locked: false });
    expect(await bob.outcome).toEqual({ peers: 1 });
  });

  test('is let in by an administrator although the room is locked', async () => {
    const { name, admin } = await open();
    const bob = await knock(name, 'Bob');
    await admin.client.request('updateRoom', { locked: true });
    await admin.client.request('admit', {});
    expect(await bob.outcome).toEqual({ peers: 1 });
  });

  test('is told when the room is ended', async () => {
    const { name, admin } = await open();
    const bob = await knock(name, 'Bob');
    await admin.client.request('endRoom', {});
    expect(await bob.outcome).toEqual({ code: 'unavailable', reason: 'roomEnded' });
  });
});

describe('the place of somebody who waits', () => {
  test('is kept while their connection is lost, and taken up by the next one', async () => {
    const { name, admin, room } = await open();
    const bob = await knock(name, 'Bob');
    await knock(name, 'Cat');
    bob.client.cut();
    const again = await knock(name, 'Bob');
    await delay(RETURN * 1.5);
    expect(room.waitingRoom.list.first.map((one) => one.name)).toEqual(['Bob', 'Cat']);
    await admin.client.request('admit', { id: room.waitingRoom.list.first[0]?.id });
    expect(await again.outcome).toEqual({ peers: 1 });
  });

  test('is given up when they do not come back', async () => {
    const { name, admin } = await open();
    const bob = await knock(name, 'Bob');
    await names(admin.client, ['Bob']);
    bob.client.cut();
    await names(admin.client, []);
  });

  test('is that of the decision that was made meanwhile', async () => {
    const { name, admin, room } = await open();
    const [bob, cat] = [await knock(name, 'Bob'), await knock(name, 'Cat')];
    for (const { client } of [bob, cat]) {
      client.cut();
      await client.closed;
    }
    await expect.poll(() => room.waitingRoom.size).toBe(2);
    const [first, second] = room.waitingRoom.list.first;
    await admin.client.request('admit', { id: first?.id });
    await admin.client.request('deny', { id: second?.id });
    await weir.enter(name, 'Bob');
    await expect(weir.enter(name, 'Cat')).rejects.toMatchObject({ reason: 'denied' });
  });

  test('is that of the newest connection of an identity', async () => {
    const { name, admin, room } = await open();
    const former = await knock(name, 'Bob');
    const latter = await knock(name, 'Bob');
    expect(await former.outcome).toMatchObject({ code: 'conflict' });
    expect(room.waitingRoom.size).toBe(1);
    await admin.client.request('admit', {});
    expect(await latter.outcome).toEqual({ peers: 1 });
  });

  test('and an admission at the moment in which they leave leave nobody behind', async () => {
    const { name, admin, room } = await open();
    for (let round = 0; round < 8; round += 1) {
      const bob = await knock(name, `guest ${round}`);
      const admitting = admin.client.request('admit', {});
      for (let turn = 0; turn < round; turn += 1) await new Promise(setImmediate);
      bob.client[Symbol.dispose]();
      await admitting;
      await expect.poll(() => [room.waitingRoom.size, room.size]).toEqual([0, 1]);
    }
  });
});

describe('administrators', () => {
  test('who become so later are sent who waits', async () => {
    const { name, admin } = await open();
    const eve = await knock(name, 'Eve');
    await admin.client.request('admit', {});
    await eve.outcome;
    await knock(name, 'Bob');
    await names(admin.client, ['Bob']);
    expect(eve.client.unreadEvents('waitingChanged')).toEqual([]);
    const [peerId = ''] =
      (await weir.app.rooms.find(name))?.participants
        .filter(({ identity }) => identity === 'Eve')
        .map(({ id }) => id) ?? [];
    await admin.client.request('setGrants', { peerId, grants: { roomAdmin: true } });
    await names(eve.client, ['Bob']);
  });

  test('and the others are told when the room is locked or opened', async () => {
    const name = `told-${randomUUID()}`;
    const admin = await weir.enter(name, 'Ann', { roomAdmin: true });
    const bob = await weir.enter(name, 'Bob');
    expect(bob.reply.access).toEqual({ locked: false, waitingRoom: false });
    expect(bob.reply.waiting).toBeUndefined();
    const access = { locked: true, waitingRoom: false };
    expect(await admin.client.request('updateRoom', { locked: true })).toEqual({ access });
    for (const one of [admin, bob]) expect(await one.client.event('roomAccessChanged')).toEqual(access);
  });
});

describe('a broadcast with a waiting room', () => {
  test('lets viewers watch; whoever would be on the stage waits', async () => {
    const { name, admin } = await open('broadcast');
    await weir.enter(name, 'viewer', { canPublish: false, broadcast: true });
    const speaker = await knock(name, 'speaker', { broadcast: true });
    await names(admin.client, ['speaker']);
    await admin.client.request('admit', {});
    expect(await speaker.outcome).toEqual({ peers: 1 });
  });
});

describe('a stream of a gateway', () => {
  const whip = useWhip(weir);

  test.each(['waitingRoom', 'locked'] as const)(
    'is refused by a room that is %s, unless its token is an administrator’s',
    async (setting) => {
      const { name, admin } = await open();
      await admin.client.request('updateRoom', { waitingRoom: false, [setting]: true });
      const refused = await whip.offer(name, { token: await weir.token(name, 'encoder') });
      expect(refused.response.status).toBe(403);
      expect(JSON.parse(refused.body)).toMatchObject({ detail: expect.stringMatching(/waiting room|locked/) });
      const admitted = await whip.offer(name, { token: await weir.token(name, 'encoder', { roomAdmin: true }) });
      expect(admitted.response.status).toBe(201);
      await whip.request(admitted.location, 'DELETE');
    },
  );
});

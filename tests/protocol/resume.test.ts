/** Covers sessions that outlive their connection: what they keep, the snapshot of `resume`, and that nobody else can resume them. */
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { opus, vp8 } from '../../scripts/support/media/clientParameters.ts';
import { startServer } from '../../scripts/support/servers/startServer.ts';
import type { JoinReply } from '../../shared/protocol.ts';
import { TestClient } from '../support/client.ts';
import { failure, type Joined, useServer, withTokens } from '../support/weir.ts';

/** How long a session outlives its connection here, in seconds. */
const WINDOW = 1;
const weir = useServer({
  ...withTokens,
  WEIR_RESUME_SECONDS: String(WINDOW),
  WEIR_PING_SECONDS: '0.25',
  WEIR_SIGNALLING_TIMEOUT_SECONDS: '0.75',
});

/** Joins, and confirms to the server that the reply was received. */
async function enter(identity: string): Promise<Joined> {
  const joined = await weir.enter('room', identity);
  await joined.client.request('ping', {});
  return joined;
}

/** Terminates a connection, and waits until it has closed. */
async function cut(client: TestClient): Promise<void> {
  client.cut();
  await client.closed;
}

let firstId = 1000;

async function resume({ reply }: { reply: JoinReply }) {
  // Higher than all ids that the client has used before.
  firstId += 1000;
  const client = await weir.connect({ firstId });
  return { client, reply: await client.request('resume', { key: reply.resumeKey }) };
}

/** Sorted ids of peers. */
const ids = (peers: readonly { peerId: string }[]) => peers.map(({ peerId }) => peerId).sort();

describe('a session whose connection is lost', () => {
  test('continues under the same ids: the others get no event, and its producers and consumers stay', async () => {
    const ada = await enter('ada');
    const bob = await enter('bob');
    await ada.client.request('produce', { source: 'camera', rtpParameters: vp8() });
    const { producerId } = await bob.client.request('produce', { source: 'microphone', rtpParameters: opus() });
    const offered = await bob.client.event('newConsumers');
    await cut(bob.client);
    const again = await resume(bob);
    expect(again.reply.consumers).toEqual(offered.consumers);
    expect(again.reply.addressChanged).toBe(false);
    expect(ids(again.reply.peers)).toEqual([ada.reply.peerId]);
    await again.client.request('setHand', { raised: true });
    expect(await ada.client.event('peerHand')).toEqual({ peerId: bob.reply.peerId, raised: true });
    expect(ada.client.unreadEvents('peerClosed')).toEqual([]);
    expect(ada.client.unreadEvents('peerAway')).toEqual([]);
    expect((await ada.client.event('newConsumers')).consumers.map((one) => one.producerId)).toEqual([producerId]);
    expect(ada.client.unreadEvents('consumersClosed')).toEqual([]);
  });

  test('gets a snapshot with all that it missed: peers that joined and left, sources, mute states and hands', async () => {
    const ada = await enter('ada');
    const bob = await enter('bob');
    const cleo = await enter('cleo');
    await bob.client.request('produce', { source: 'microphone', rtpParameters: opus() });
    await cleo.client.request('produce', { source: 'camera', rtpParameters: vp8() });
    const before = await ada.client.event('newConsumers');
    expect(before.consumers.length).toBeGreaterThan(0);
    await cut(ada.client);
    cleo.client.socket.close(1000);
    const dora = await enter('dora');
    await dora.client.request('produce', { source: 'camera', rtpParameters: vp8() });
    await bob.client.request('pauseProducer', { source: 'microphone' });
    await bob.client.request('setHand', { raised: true });
    const again = await resume(ada);
    const room = await weir.app.rooms.find('room');
    const self = room?.participant(ada.reply.peerId);
    expect(again.reply.peers).toEqual(room?.visiblePeers(self));
    expect(again.reply.peers.map(({ identity, sources, hand }) => ({ identity, sources, hand }))).toEqual([
      { identity: 'bob', sources: { microphone: 'paused' }, hand: true },
      { identity: 'dora', sources: { camera: 'live' }, hand: false },
    ]);
    expect(again.reply.consumers.map(({ peerId, source }) => [peerId, source]).sort()).toEqual(
      [
        [bob.reply.peerId, 'microphone'],
        [dora.reply.peerId, 'camera'],
      ].sort(),
    );
    // Events follow the snapshot.
    await bob.client.request('resumeProducer', { source: 'microphone' });
    expect(await again.client.event('peerSources')).toEqual({
      peerId: bob.reply.peerId,
      sources: { microphone: 'live' },
    });
  });

  test('runs a request once that is sent again, and replies as the first time', async () => {
    const ada = await enter('ada');
    const bob = await enter('bob');
    const ask = (client: TestClient) =>
      client.send(JSON.stringify({ id: 77, method: 'produce', data: { source: 'microphone', rtpParameters: opus() } }));
    ask(ada.client);
    await bob.client.event('newConsumers');
    await cut(ada.client);
    const again = await resume(ada);
    ask(again.client);
    const answer = await again.client.until('an answer', () => again.client.messages.find(({ id }) => id === 77));
    expect(answer).toEqual({ id: 77, data: { producerId: expect.any(String) } });
    // A request with a new id runs.
    await expect(
      again.client.request('produce', { source: 'microphone', rtpParameters: opus() }),
    ).rejects.toMatchObject(failure('conflict'));
    // The worker handles requests in order: a second consumer for bob would exist by now.
    await again.client.request('produce', { source: 'camera', rtpParameters: vp8() });
    await bob.client.event('newConsumers', ({ consumers }) => consumers.some(({ source }) => source === 'camera'));
    expect(bob.client.unreadEvents('newConsumers')).toEqual([]);
  });

  test('closes a connection that the server does not know to be lost when another one resumes', async () => {
    const ada = await enter('ada');
    const again = await resume(ada);
    expect(await ada.client.closed).toEqual({ code: 4013, reason: 'resumed' });
    await again.client.request('ping', {});
  });

  test('ends up with the last of several connections that are lost while they resume', async () => {
    const ada = await enter('ada');
    const bob = await enter('bob');
    await cut(bob.client);
    for (let turn = 0; turn < 5; turn += 1) {
      const half = await weir.connect();
      half.send(JSON.stringify({ id: 1, method: 'resume', data: { key: bob.reply.resumeKey } }));
      if (turn % 2) await half.until('the snapshot', () => half.messages.find(({ id }) => id === 1));
      half.cut();
    }
    const [one, two] = await Promise.all([resume(bob), resume(bob)]);
    expect([one.client.open, two.client.open].filter(Boolean).length).toBeGreaterThan(0);
    const last = await resume(bob);
    await last.client.request('setHand', { raised: true });
    expect(await ada.client.event('peerHand')).toEqual({ peerId: bob.reply.peerId, raised: true });
    expect(ada.client.unreadEvents('peerClosed')).toEqual([]);
    expect(ada.client.unreadEvents('newPeer').length).toBe(1);
  });

  test('ends when its client does not come back in time: the others get peerClosed, and the key expires', async () => {
    const ada = await enter('ada');
    const bob = await enter('bob');
    await cut(bob.client);
    expect(await ada.client.event('peerClosed')).toEqual({ peerId: bob.reply.peerId, reason: 'disconnected' });
    const client = await weir.connect();
    await expect(client.request('resume', { key: bob.reply.resumeKey })).rejects.toMatchObject(
      failure('sessionExpired'),
    );
    // The same connection can join.
    const { peerId } = await client.join({ room: 'open', token: await weir.token('open', 'bob') });
    expect(peerId).not.toBe(bob.reply.peerId);
  });

  test('ends with its room when nobody comes back', async () => {
    const { client } = await enter('ada');
    await cut(client);
    expect(weir.app.rooms.size).toBe(1);
    await vi.waitUntil(() => weir.app.rooms.size === 0, { timeout: 5000, interval: 10 });
  });

  test('ends at once if its client has not confirmed the reply to join: nobody has the key', async () => {
    const ada = await enter('ada');
    const bob = await weir.enter('room', 'bob');
    const began = performance.now();
    bob.client.cut();
    expect(await ada.client.event('peerClosed')).toEqual({ peerId: bob.reply.peerId, reason: 'disconnected' });
    expect(performance.now() - began).toBeLessThan(WINDOW * 1000);
  });

  test('is away after the heartbeat timeout, until it is resumed', async () => {
    const ada = await enter('ada');
    const client = await weir.connect({ mute: true });
    const reply = await client.join({ room: 'room', token: await weir.token('room', 'bob') });
    await client.request('ping', {});
    expect(await ada.client.event('peerAway')).toEqual({ peerId: reply.peerId, away: true });
    const cleo = await enter('cleo');
    expect(cleo.reply.peers.map(({ identity, away }) => [identity, away])).toEqual([
      ['ada', false],
      ['bob', true],
    ]);
    await resume({ reply });
    expect(await ada.client.event('peerAway')).toEqual({ peerId: reply.peerId, away: false });
  });
});

describe('nobody else', () => {
  test.each([
    ['an unknown key', () => 'x'.repeat(43), 'sessionExpired'],
    ['the id of the peer', ({ peerId }: JoinReply) => peerId, 'sessionExpired'],
    ['an empty key', () => '', 'badRequest'],
    ['a key that is too long', () => 'x'.repeat(87), 'badRequest'],
  ] as const)('resumes a session with %s, and its connection stays open', async (_name, keyOf, code) => {
    const ada = await enter('ada');
    const thief = await weir.connect();
    const answer = await thief.requestRaw('resume', { key: keyOf(ada.reply) });
    expect(answer.error?.code).toBe(code);
    await ada.client.request('ping', {});
    expect(ada.client.open).toBe(true);
  });

  test('can resume on a connection that has joined', async () => {
    const ada = await enter('ada');
    const bob = await enter('bob');
    await expect(bob.client.request('resume', { key: ada.reply.resumeKey })).rejects.toMatchObject(
      failure('alreadyJoined'),
    );
    await ada.client.request('ping', {});
  });
});

describe('a client that comes back', () => {
  test('is closed with kicked if it was removed meanwhile', async () => {
    const boss = await weir.enter('room', 'boss', { roomAdmin: true });
    const kim = await enter('kim');
    await cut(kim.client);
    await boss.client.request('kick', { peerId: kim.reply.peerId });
    const client = await weir.connect();
    client.send(JSON.stringify({ id: 1, method: 'resume', data: { key: kim.reply.resumeKey } }));
    expect(await client.closed).toEqual({ code: 4002, reason: 'kicked' });
  });

  test('is closed with replaced if its identity has joined elsewhere meanwhile, which stays', async () => {
    const bob = await enter('bob');
    await cut(bob.client);
    const elsewhere = await enter('bob');
    const client = await weir.connect();
    client.send(JSON.stringify({ id: 1, method: 'resume', data: { key: bob.reply.resumeKey } }));
    expect(await client.closed).toEqual({ code: 4001, reason: 'replaced' });
    await elsewhere.client.request('ping', {});
  });

  test('resumes repeatedly, for longer than one window in total', async () => {
    const ada = await enter('ada');
    const bob = await enter('bob');
    let { client } = bob;
    for (let turn = 0; turn < 4; turn += 1) {
      await cut(client);
      await setTimeout(WINDOW * 400);
      ({ client } = await resume(bob));
    }
    await client.request('setHand', { raised: true });
    expect(await ada.client.event('peerHand')).toEqual({ peerId: bob.reply.peerId, raised: true });
    expect(ada.client.unreadEvents('peerClosed')).toEqual([]);
  });
});

describe('a close frame of a proxy that restarts', () => {
  test.each([
    ['going away', 1001],
    ['no code', undefined],
    ['service restart', 1012],
    ['internal error', 1011],
  ] as const)('%s: the session continues', async (_name, code) => {
    const ada = await enter('ada');
    const bob = await enter('bob');
    bob.client.socket.close(code);
    await bob.client.closed;
    const again = await resume(bob);
    await again.client.request('setHand', { raised: true });
    expect(await ada.client.event('peerHand')).toEqual({ peerId: bob.reply.peerId, raised: true });
    expect(ada.client.unreadEvents('peerClosed')).toEqual([]);
  });
});

describe('leaving on purpose', () => {
  test.each([
    ['a close with 1000', 1000],
    ['a page that navigates away', 1001],
    ['a close without a code, and no resume', undefined],
  ] as const)('%s: the peer leaves at once', async (_name, code) => {
    const ada = await enter('ada');
    const bob = await enter('bob');
    const began = performance.now();
    bob.client.socket.close(code);
    expect(await ada.client.event('peerClosed')).toEqual({ peerId: bob.reply.peerId, reason: 'left' });
    expect(performance.now() - began).toBeLessThan(WINDOW * 500);
  });

  test('with `leave`, although another connection resumes at the same moment', async () => {
    const ada = await enter('ada');
    const bob = await enter('bob');
    const next = await weir.connect({ firstId: 5000 });
    bob.client.send(JSON.stringify({ id: 50, method: 'leave', data: {} }));
    next.send(JSON.stringify({ id: 5000, method: 'resume', data: { key: bob.reply.resumeKey } }));
    expect((await ada.client.event('peerClosed')).peerId).toBe(bob.reply.peerId);
    await next.closed;
  });
});

describe('a resumed connection', () => {
  const hurried = useServer({ ...withTokens, WEIR_RESUME_SECONDS: '1', WEIR_JOIN_SECONDS: '0.3' });

  test('need not join: it stays open after the join timeout', async () => {
    const ada = await hurried.enter('room', 'ada');
    await ada.client.request('ping', {});
    await cut(ada.client);
    const again = await hurried.connect({ firstId: 1000 });
    await again.request('resume', { key: ada.reply.resumeKey });
    const idle = await hurried.connect();
    expect(await idle.closed).toMatchObject({ reason: 'joinTimeout' });
    await again.request('ping', {});
  });
});

describe('a client that resumes while the server drains', () => {
  test('gets the time that is left', async () => {
    await using draining = await startServer({ ...withTokens, WEIR_RESUME_SECONDS: '5' });
    const client = await TestClient.connect(draining.url);
    const reply = await client.join({ room: 'drain', token: await weir.token('drain', 'ada') });
    await client.request('ping', {});
    void draining.app.drain(20_000);
    expect((await client.event('draining')).seconds).toBe(20);
    client.cut();
    await client.closed;
    using again = await TestClient.connect(draining.url, { firstId: 1000 });
    await again.request('resume', { key: reply.resumeKey });
    const { seconds } = await again.event('draining');
    expect(seconds).toBeGreaterThan(10);
    expect(seconds).toBeLessThan(20);
  });
});

describe('the limit of connections per address', () => {
  const few = useServer({ WEIR_RESUME_SECONDS: '2', WEIR_MAX_CONNECTIONS_PER_IP: '3' });
  const tokens = useServer({ ...withTokens, WEIR_RESUME_SECONDS: '2', WEIR_MAX_CONNECTIONS_PER_IP: '3' });

  test('applies to sessions without a connection too: one more ends at once', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const watcher = await few.join({ room: 'few', name: 'watcher' });
    for (const name of names) {
      const { client } = await few.join({ room: 'few', name });
      await client.request('ping', {});
      client.cut();
      await client.closed;
    }
    const gone = await watcher.client.event('peerClosed');
    const room = await few.app.rooms.find('few');
    expect(room?.visiblePeers().map((peer) => peer.name)).toEqual(['watcher', 'a', 'b', 'c']);
    expect(gone.reason).toBe('disconnected');
  });

  test('does not apply to sessions that joined with a token, connected or not', async () => {
    const inside = [];
    for (let count = 0; count < 8; count += 1) {
      const joined = await tokens.enter('few', `guest ${count}`);
      await joined.client.request('ping', {});
      inside.push(joined);
    }
    for (const { client } of inside) client.cut();
    await Promise.all(inside.map(({ client }) => client.closed));
    for (const { reply } of inside) {
      const client = await tokens.connect({ firstId: 1000 });
      await client.request('resume', { key: reply.resumeKey });
    }
    expect((await tokens.app.rooms.find('few'))?.size).toBe(8);
    // Connections that have not joined count.
    const waiting = [await tokens.connect(), await tokens.connect(), await tokens.connect()];
    await expect(tokens.connect()).rejects.toThrow('4011');
    waiting[0]?.cut();
    await waiting[0]?.closed;
    await expect
      .poll(() =>
        tokens.connect().then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
  });
});

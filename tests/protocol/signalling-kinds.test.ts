/** Covers that the protocol is the same over each kind of connection: order, limits, closing, resuming, 25 people in a room. */
import { describe, expect, test } from 'vitest';
import { opus } from '../../scripts/support/media/clientParameters.ts';
import { startServer } from '../../scripts/support/servers/startServer.ts';
import type { SignallingKind } from '../../web/client/Signalling.ts';
import { TestClient } from '../support/client.ts';
import { failure, type Joined, useServer, withTokens } from '../support/weir.ts';

const kinds: readonly SignallingKind[] = ['webSocket', 'sse', 'polling'];

describe.each(kinds)('over %s', (kind) => {
  const weir = useServer({
    WEIR_MESSAGE_BURST: '60',
    WEIR_MESSAGES_PER_SECOND: '5',
    WEIR_MAX_MESSAGE_BYTES: '16384',
  });

  test('the server speaks first, and requests and events arrive in their order', async () => {
    const watcher = await weir.join({ room: 'room' });
    const { client } = await weir.join({ room: 'room' }, { kind });
    expect(client.messages[0]?.event).toBe('welcome');
    for (let id = 100; id < 130; id += 1) client.send(JSON.stringify({ id, method: 'nothing', data: {} }));
    const raised = Array.from({ length: 9 }, (_, index) => index % 3 === 0);
    for (const state of raised) await watcher.client.request('setHand', { raised: state });
    await client.until('the last answer', () => client.messages.find(({ id }) => id === 129));
    const answers = client.messages.flatMap(({ id = 0, method }) => (id >= 100 && method === undefined ? id : []));
    expect(answers).toEqual(Array.from({ length: 30 }, (_, index) => 100 + index));
    for (const state of raised) expect((await client.event('peerHand')).raised).toBe(state);
  });

  test('25 people join, five at a time, and each sees all others', async () => {
    const startedAt = performance.now();
    const transports = { send: false, recv: false };
    const joined: Joined[] = [];
    while (joined.length < 25) {
      const five = Array.from({ length: 5 }, () => weir.join({ room: 'crowd', transports }, { kind }));
      joined.push(...(await Promise.all(five)));
    }
    console.info(`25 joins over ${kind}: ${Math.round(performance.now() - startedAt)} ms`);
    const all = joined.map(({ reply }) => reply.peerId);
    for (const { client, reply } of joined) {
      const seen = new Set(reply.peers.map(({ peerId }) => peerId));
      await client.until('the others', () => {
        for (const { peerId } of client.unreadEvents('newPeer')) seen.add(peerId);
        return seen.size === 24 || undefined;
      });
      expect([...seen].sort()).toEqual(all.filter((id) => id !== reply.peerId).sort());
    }
  });

  test('a message of the limit is accepted, and one of a byte more closes the connection with 1009', async () => {
    const client = await weir.connect({ kind });
    const text = (bytes: number) => {
      const frame = '{"id":7,"method":"nothing","data":""}';
      return frame.replace('""', `"${'x'.repeat(bytes - frame.length)}"`);
    };
    client.send(text(16_384));
    const answer = await client.until('the answer', () => client.messages.find(({ id }) => id === 7));
    expect(answer.error?.code).toBe('unknownMethod');
    client.send(text(16_385));
    expect((await client.closed).code).toBe(1009);
  });

  test('too many messages are answered with rateLimited, and then close the connection with 4007', async () => {
    const client = await weir.connect({ kind });
    for (let id = 0; id < 180; id += 1) client.send(JSON.stringify({ id, method: 'nothing', data: {} }));
    expect(await client.closed).toEqual({ code: 4007, reason: 'rateLimited' });
    const limited = client.messages.filter(({ error }) => error?.code === 'rateLimited').length;
    expect(limited).toBeGreaterThanOrEqual(50);
  });

  test('malformed messages are answered, and then close the connection with 4006', async () => {
    const client = await weir.connect({ kind });
    for (const text of ['hello', '', '{"id":1,', '[]']) {
      expect((await client.requestInvalid(text)).error?.code).toBe('badMessage');
    }
    await expect(client.join()).resolves.toBeDefined();
    client.send('null');
    expect(await client.closed).toEqual({ code: 4006, reason: 'protocolError' });
  });

  test('whoever closes with 1000 leaves at once', async () => {
    const ada = await weir.join({ room: 'room' });
    const bob = await weir.join({ room: 'room' }, { kind });
    bob.client.close(1000);
    expect(await ada.client.event('peerClosed')).toEqual({ peerId: bob.reply.peerId, reason: 'left' });
  });

  test('a page of another origin is refused with 4015', async () => {
    await expect(weir.connect({ kind, origin: 'https://evil.test' })).rejects.toThrow('4015 "originNotAllowed"');
    await expect(weir.connect({ kind, origin: weir.url })).resolves.toBeDefined();
  });
});

describe('the heartbeat', () => {
  const weir = useServer({
    WEIR_JOIN_SECONDS: '2',
    WEIR_PING_SECONDS: '0.25',
    WEIR_SIGNALLING_TIMEOUT_SECONDS: '2',
  });

  test('keeps a connection of each kind open that answers, and closes others with 4008 and 4009', async () => {
    const closes = kinds.map(async (kind) => {
      const { client } = await weir.join({}, { kind });
      const idle = await weir.connect({ kind });
      const mute = await weir.connect({ kind, mute: true });
      await mute.join();
      const [joinTimeout, unresponsive] = await Promise.all([
        idle.closed,
        mute.closed,
        client.until('five pings', () => client.pings >= 5 || undefined),
      ]);
      expect(joinTimeout, kind).toEqual({ code: 4008, reason: 'joinTimeout' });
      // A connection that the server gives up is not always told why.
      expect([4009, 1006], kind).toContain(unresponsive.code);
      expect(client.open, kind).toBe(true);
    });
    await Promise.all(closes);
  });
});

describe('connections of one address', () => {
  const weir = useServer({ WEIR_MAX_CONNECTIONS_PER_IP: '3' });

  test('are counted together, whatever carries them', async () => {
    const open = await Promise.all(kinds.map((kind) => weir.connect({ kind })));
    for (const kind of kinds) await expect(weir.connect({ kind })).rejects.toThrow('4011 "tooManyConnections"');
    for (const kind of kinds) {
      open.pop()?.close(1000);
      await expect
        .poll(async () => {
          const client = await weir.connect({ kind }).catch(() => undefined);
          client?.close(1000);
          return client !== undefined;
        })
        .toBe(true);
      open.unshift(await expectOpen(() => weir.connect({ kind })));
    }
  });
});

/** Connects as soon as there is a place. */
async function expectOpen(connect: () => Promise<TestClient>): Promise<TestClient> {
  let client: TestClient | undefined;
  await expect
    .poll(async () => {
      client = await connect().catch(() => undefined);
      return client !== undefined;
    })
    .toBe(true);
  if (!client) throw new Error('It did not connect.');
  return client;
}

describe('a session', () => {
  const weir = useServer({ ...withTokens, WEIR_RESUME_SECONDS: '5' });

  async function enter(identity: string, kind: SignallingKind, grants = {}): Promise<Joined> {
    const joined = await weir.enter('room', identity, grants, {}, { kind });
    await joined.client.request('ping', {});
    return joined;
  }

  const pairs = kinds.flatMap((from) => kinds.map((to) => [from, to] as const));

  test.each(pairs)('that was lost over %s goes on over %s, and no request runs twice', async (from, to) => {
    const ada = await enter('ada', 'webSocket');
    const bob = await enter('bob', from);
    const produce = JSON.stringify({
      id: 77,
      method: 'produce',
      data: { source: 'microphone', rtpParameters: opus() },
    });
    bob.client.send(produce);
    await ada.client.event('newConsumers');
    bob.client.cut();
    const cleo = await enter('cleo', 'webSocket');
    const again = await weir.connect({ kind: to, firstId: 1000 });
    const snapshot = await again.request('resume', { key: bob.reply.resumeKey });
    expect(snapshot.peers.map(({ identity }) => identity).sort()).toEqual(['ada', 'cleo']);
    expect(snapshot.sources).toEqual({ microphone: 'live' });
    again.send(produce);
    const answer = await again.until('the first reply', () => again.messages.find(({ id }) => id === 77));
    expect(answer.data).toEqual({ producerId: expect.any(String) });
    await again.request('setHand', { raised: true });
    for (const { client } of [ada, cleo]) {
      expect(await client.event('peerHand')).toEqual({ peerId: bob.reply.peerId, raised: true });
      expect(client.unreadEvents('peerClosed')).toEqual([]);
    }
  });

  test.each(kinds)('over %s is told why it ends: replaced, removed, resumed elsewhere', async (kind) => {
    const boss = await enter('boss', 'webSocket', { roomAdmin: true });
    const one = await enter('kim', kind);
    const again = await weir.connect({ kind: 'webSocket', firstId: 1000 });
    await again.request('resume', { key: one.reply.resumeKey });
    // The former connection of a client that has another one is not waited for.
    expect([4013, 1006]).toContain((await one.client.closed).code);
    const two = await enter('kim', kind);
    expect(await again.closed).toEqual({ code: 4001, reason: 'replaced' });
    const three = await enter('kim', kind);
    expect(await two.client.closed).toEqual({ code: 4001, reason: 'replaced' });
    await boss.client.request('kick', { peerId: three.reply.peerId });
    expect(await three.client.closed).toEqual({ code: 4002, reason: 'kicked' });
    await expect(three.client.request('ping', {})).rejects.toMatchObject(failure('closed'));
  });
});

describe('a server that ends', () => {
  test('drains, and tells clients over each kind of connection', async () => {
    const server = await startServer({ WEIR_RESUME_SECONDS: '5' });
    const clients = await Promise.all(kinds.map((kind) => TestClient.connect(server.url, { kind })));
    await Promise.all(clients.map((client) => client.join({ room: 'room' })));
    void server.app.drain(20_000);
    for (const client of clients) expect((await client.event('draining')).seconds).toBeGreaterThan(10);
    // Who polls waits for the next message by then.
    for (let count = 0; count < 3; count += 1) await clients[0]?.request('ping', {});
    const closing = server.close();
    for (const client of clients) expect(await client.closed).toEqual({ code: 4003, reason: 'serverClosing' });
    await closing;
  });
});

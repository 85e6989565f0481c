/** Covers the limits of one connection: message sizes, rates, timeouts and the send buffer. */
import { describe, expect, test } from 'vitest';
import { startServer } from '../../scripts/support/servers/startServer.ts';
import type { SignallingKind } from '../../web/client/Signalling.ts';
import { TestClient } from '../support/client.ts';
import { failure, token, useServer, withTokens } from '../support/weir.ts';

describe('a message', () => {
  const weir = useServer();

  test('of 64 KiB is accepted', async () => {
    const client = await weir.connect();
    const frame = '{"id":7,"method":"nothing","data":""}';
    client.send(frame.replace('""', `"${'x'.repeat(65_536 - frame.length)}"`));
    const answer = await client.until('the answer', () => client.messages.find(({ id }) => id === 7));
    expect(answer.error?.code).toBe('unknownMethod');
  });

  test('of one byte more closes the connection with 1009', async () => {
    const client = await weir.connect();
    client.send('x'.repeat(65_537));
    expect((await client.closed).code).toBe(1009);
  });

  test('in 128 fragments is accepted', async () => {
    const client = await weir.connect();
    sendInFragments(client, 128);
    const answer = await client.until('the answer', () => client.messages.find(({ id }) => id === 7));
    expect(answer.error?.code).toBe('unknownMethod');
  });

  test('in more fragments than that closes the connection with 1008', async () => {
    const client = await weir.connect();
    sendInFragments(client, 129);
    expect((await client.closed).code).toBe(1008);
  });

  test('that is too large makes the peer leave the room', async () => {
    const ada = await weir.join({ room: 'room' });
    const bob = await weir.join({ room: 'room' });
    bob.client.send('x'.repeat(65_537));
    expect(await ada.client.event('peerClosed')).toMatchObject({ peerId: bob.reply.peerId });
  });
});

describe('an excessive rate of messages', () => {
  const weir = useServer({ WEIR_MESSAGE_BURST: '20', WEIR_MESSAGES_PER_SECOND: '1' });

  test('is answered with rateLimited at first, and then closed with 4007', async () => {
    const client = await weir.connect();
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.requestRaw('nothing')));
    expect(new Set(answers.map(({ error }) => error?.code))).toEqual(new Set(['unknownMethod']));
    for (let id = 0; id < 60; id += 1) client.send(JSON.stringify({ id, method: 'nothing', data: {} }));
    expect(await client.closed).toEqual({ code: 4007, reason: 'rateLimited' });
    // The bucket may have refilled by a message or two meanwhile.
    const limited = client.messages.filter(({ error }) => error?.code === 'rateLimited').length;
    expect(limited).toBeGreaterThanOrEqual(19);
    expect(limited).toBeLessThanOrEqual(21);
  });

  test('affects nobody else', async () => {
    const ada = await weir.join({ room: 'room' });
    const bob = await weir.join({ room: 'room' });
    for (let count = 0; count < 60; count += 1) bob.client.send('{"id":1,"method":"nothing","data":{}}');
    expect(await ada.client.event('peerClosed')).toEqual({ peerId: bob.reply.peerId, reason: 'rateLimited' });
    expect((await ada.client.requestRaw('nothing')).error?.code).toBe('unknownMethod');
  });
});

describe('an excessive rate of ping frames', () => {
  const weir = useServer({ WEIR_MESSAGES_PER_SECOND: '1000' });

  test('closes the connection, and affects nobody else', async () => {
    const ada = await weir.join({ room: 'room' });
    const bob = await weir.join({ room: 'room' });
    for (let count = 0; count < 100_000 && bob.client.open; count += 500) {
      for (let burst = 0; burst < 500; burst += 1) bob.client.socket.ping('x'.repeat(100));
      await ada.client.requestRaw('nothing');
    }
    await bob.client.closed;
    expect(await ada.client.event('peerClosed')).toMatchObject({ peerId: bob.reply.peerId });
  });
});

describe('a flood that stops before the limit', () => {
  const weir = useServer({ WEIR_MESSAGE_BURST: '20', WEIR_MESSAGES_PER_SECOND: '20' });

  test('leaves the connection open, and later messages are accepted', async () => {
    const client = await weir.connect();
    const answers = await Promise.all(Array.from({ length: 30 }, () => client.requestRaw('nothing')));
    expect(answers.at(-1)?.error?.code).toBe('rateLimited');
    const ask = async () => (await client.requestRaw('nothing')).error?.code;
    await expect.poll(ask, { timeout: 8000, interval: 200 }).toBe('unknownMethod');
    await expect(client.join()).resolves.toBeDefined();
  });
});

describe('a connection', () => {
  const weir = useServer({
    WEIR_JOIN_SECONDS: '0.3',
    WEIR_PING_SECONDS: '0.25',
    WEIR_SIGNALLING_TIMEOUT_SECONDS: '0.6',
  });

  test('that does not join in time is closed with 4008 "joinTimeout"', async () => {
    const client = await weir.connect();
    expect(await client.closed).toEqual({ code: 4008, reason: 'joinTimeout' });
  });

  test('whose joins fail is closed too', async () => {
    const client = await weir.connect();
    await expect(client.join({ room: '' })).rejects.toMatchObject(failure('badRequest'));
    expect(await client.closed).toEqual({ code: 4008, reason: 'joinTimeout' });
  });

  test('that answers every ping stays open without other messages', async () => {
    const { client } = await weir.join();
    // Six pings take longer than the heartbeat timeout.
    await client.until('the sixth ping', () => (client.pings >= 6 ? true : undefined));
    expect(client.open).toBe(true);
  });

  test('that answers no ping is closed with 4009 "unresponsive"', async () => {
    const client = await weir.connect({ mute: true });
    await client.join();
    expect(await client.closed).toEqual({ code: 4009, reason: 'unresponsive' });
  });

  test('that neither reads nor sends is closed, and the others get the reason', async () => {
    const ada = await weir.join({ room: 'room' });
    const bob = await weir.join({ room: 'room' });
    bob.client.socket.pause();
    expect(await ada.client.event('peerClosed')).toEqual({ peerId: bob.reply.peerId, reason: 'unresponsive' });
    expect(ada.client.open).toBe(true);
  });
});

describe('a slow reader', () => {
  test('is closed when its send buffer is full, whatever it reads from; the others miss nothing', async () => {
    await using server = await startServer({
      ...withTokens,
      WEIR_MAX_SEND_BUFFER_BYTES: '65536',
      // It answers no ping either: on a busy machine that would end it before its buffer is full.
      WEIR_SIGNALLING_TIMEOUT_SECONDS: '120',
      WEIR_MAX_CONNECTIONS_PER_IP: '10000',
    });
    const room = 'room';
    const transports = { send: false, recv: false };
    const enter = async (identity: string, metadata?: string, kind?: SignallingKind) => {
      const client = await TestClient.connect(server.url, { kind });
      const key = await token(room, identity, {}, 60, metadata);
      return { client, reply: await client.join({ room, token: key, transports }) };
    };
    const ada = await enter('ada');
    const slow = await Promise.all(
      (['webSocket', 'sse', 'polling'] as const).map((kind) => enter(`slow ${kind}`, undefined, kind)),
    );
    for (const { client } of slow) client.pause();
    // Every new peer is announced with 11 KiB of metadata, which accumulate for the slow reader.
    const metadata = 'x'.repeat(11 * 1024);
    const came = new Set<string>();
    const dropped = () => {
      const full = ada.client.unreadEvents('peerClosed').filter(({ reason }) => reason === 'sendBufferFull');
      return slow.every(({ reply }) => full.some(({ peerId }) => peerId === reply.peerId));
    };
    while (!dropped() && came.size < 2000) {
      const { client, reply } = await enter('guest', metadata);
      came.add(reply.peerId);
      client.cut();
    }
    expect(dropped()).toBe(true);
    for (const peerId of came) await ada.client.event('newPeer', (peer) => peer.peerId === peerId);
    // The kernel's buffers, some MiB, fill before the server's own.
  }, 60_000);
});

/** Sends one request in so many fragments. */
function sendInFragments({ socket }: TestClient, count: number): void {
  const text = JSON.stringify({ id: 7, method: 'nothing', data: 'x'.repeat(count) });
  for (let index = 0; index < count - 1; index += 1) socket.send(text.charAt(index), { fin: false });
  socket.send(text.slice(count - 1), { fin: true });
}

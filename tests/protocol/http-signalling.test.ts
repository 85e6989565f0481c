/** Covers the requests of the signalling over HTTP as no client of ours makes them: repeated, lost, reordered, hostile. */
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { randomFrom } from '../../scripts/support/random.ts';
import { httpSignallingPaths } from '../../shared/httpSignalling.ts';
import type { TestClient } from '../support/client.ts';
import { useServer } from '../support/weir.ts';

const withoutPings = { WEIR_PING_SECONDS: '60', WEIR_SIGNALLING_TIMEOUT_SECONDS: '120' };

const post = (url: string, path: string, body?: BodyInit, headers: Record<string, string> = {}) =>
  fetch(url + path, {
    method: 'POST',
    ...(body !== undefined && { body }),
    headers: { ...(body !== undefined && { 'content-type': 'text/plain' }), ...headers },
  });

/** A frame of requests with these ids. */
const frame = (id: string, number: number, ...requests: number[]) =>
  [
    JSON.stringify({ id, number }),
    ...requests.map((request) => JSON.stringify({ id: request, method: 'nothing', data: {} })),
  ].join('\n');

const answered = (client: TestClient) => client.messages.flatMap(({ id }) => id ?? []);

describe('a frame of messages', () => {
  // The client answers pings, in frames with numbers of its own.
  const weir = useServer({ ...withoutPings, WEIR_MESSAGE_BURST: '20', WEIR_MESSAGES_PER_SECOND: '1' });
  const send = (body: string) => post(weir.url, httpSignallingPaths.send, body);

  test.each(['sse', 'polling'] as const)('is handled once over %s, however often it comes', async (kind) => {
    const client = await weir.connect({ kind });
    const { id } = client.http;
    expect((await send(frame(id, 1, 1, 2))).status).toBe(204);
    const statuses = await Promise.all([1, 1, 1].map((number) => send(frame(id, number, 1, 2))));
    expect(statuses.map(({ status }) => status)).toEqual([204, 204, 204]);
    expect((await send(frame(id, 2, 3))).status).toBe(204);
    // One that was held up on its way.
    expect((await send(frame(id, 1, 1, 2))).status).toBe(204);
    await client.until('the last answer', () => client.messages.find((message) => message.id === 3));
    expect(answered(client)).toEqual([1, 2, 3]);
  });

  test('that is missing closes the connection with 4006', async () => {
    const client = await weir.connect({ kind: 'polling' });
    await send(frame(client.http.id, 2, 1));
    expect(await client.closed).toEqual({ code: 4006, reason: 'protocolError' });
    expect(answered(client)).toEqual([]);
    // Whoever sends after that is told why, too.
    const late = await send(frame(client.http.id, 1, 1));
    expect(late.status).toBe(410);
    expect(await late.json()).toEqual({ close: { code: 4006, reason: 'protocolError' } });
  });

  test('that is repeated all the time closes the connection with 4007', async () => {
    const client = await weir.connect({ kind: 'sse' });
    for (let count = 0; count < 60 && client.open; count += 1) await send(frame(client.http.id, 1, 1));
    expect(await client.closed).toEqual({ code: 4007, reason: 'rateLimited' });
    expect(answered(client)).toEqual([1]);
  });

  test('of thousands of empty messages is refused like malformed ones', async () => {
    const client = await weir.connect({ kind: 'polling' });
    await send(`${JSON.stringify({ id: client.http.id, number: 1 })}${'\n'.repeat(60_000)}`);
    expect((await client.closed).code).toBe(4006);
  });
});

describe('a poll', () => {
  const weir = useServer(withoutPings);
  const poll = async (body?: object) => {
    const response = await post(weir.url, httpSignallingPaths.poll, body && JSON.stringify(body));
    const [header = '', ...messages] = (await response.text()).split('\n');
    return { status: response.status, header: JSON.parse(header), messages };
  };

  async function open(): Promise<string> {
    const { header, messages } = await poll();
    expect(header).toMatchObject({ number: 1, opened: { frameBytes: 65_536 } });
    expect(messages.map((text) => JSON.parse(text).event)).toEqual(['welcome']);
    return header.opened.id;
  }

  test('whose response was lost gets it again, and one that confirms it the next', async () => {
    const id = await open();
    await post(weir.url, httpSignallingPaths.send, frame(id, 1, 1));
    const first = await poll({ id, after: 1 });
    expect(first.messages.map((text) => JSON.parse(text).id)).toEqual([1]);
    await post(weir.url, httpSignallingPaths.send, frame(id, 2, 2));
    expect(await poll({ id, after: 1 })).toEqual(first);
    const next = await poll({ id, after: 2 });
    expect(next.messages.map((text) => JSON.parse(text).id)).toEqual([2]);
  });

  test('is replaced by another one, which gets the messages', async () => {
    const id = await open();
    const one = poll({ id, after: 1 });
    const other = poll({ id, after: 1 });
    // Which of them comes first is not known.
    expect((await Promise.race([one, other])).status).toBe(409);
    await post(weir.url, httpSignallingPaths.send, frame(id, 1, 1));
    const results = await Promise.all([one, other]);
    expect(results.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  test('for what has not been sent closes the connection', async () => {
    const id = await open();
    expect(await poll({ id, after: 7 })).toMatchObject({
      status: 410,
      header: { close: { code: 4006, reason: 'protocolError' } },
    });
  });

  test('gets all that came meanwhile in one response', async () => {
    const id = await open();
    for (let number = 1; number <= 5; number += 1) {
      await post(weir.url, httpSignallingPaths.send, frame(id, number, number));
    }
    const { messages } = await poll({ id, after: 1 });
    expect(messages.map((text) => JSON.parse(text).id)).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('a close', () => {
  const weir = useServer({ WEIR_RESUME_SECONDS: '5' });

  test('that never comes after the loss of the stream is not waited for', async () => {
    const ada = await weir.join({ room: 'room' });
    const bob = await weir.join({ room: 'room' }, { kind: 'sse' });
    const startedAt = performance.now();
    bob.client.cut();
    expect(await ada.client.event('peerClosed')).toEqual({ peerId: bob.reply.peerId, reason: 'disconnected' });
    expect(performance.now() - startedAt).toBeGreaterThan(1900);
  });

  test('that comes after the loss of the stream still says why', async () => {
    const ada = await weir.join({ room: 'room' });
    const bob = await weir.join({ room: 'room' }, { kind: 'sse' });
    await bob.client.request('ping', {});
    const { id } = bob.client.http;
    bob.client.cut();
    await setTimeout(300);
    expect(ada.client.unreadEvents('peerClosed')).toEqual([]);
    await post(weir.url, httpSignallingPaths.send, JSON.stringify({ id, close: { code: 1000, reason: 'left' } }));
    expect(await ada.client.event('peerClosed')).toEqual({ peerId: bob.reply.peerId, reason: 'left' });
    // It cannot be used any more.
    expect((await post(weir.url, httpSignallingPaths.send, frame(id, 1, 1))).status).toBe(404);
  });

  test('comes after the messages of its frame, which is handled once as any other', async () => {
    const ada = await weir.join({ room: 'room' });
    const bob = await weir.join({ room: 'room' }, { kind: 'polling' });
    const { id, number } = bob.client.http;
    const react = JSON.stringify({ id: 100, method: 'react', data: { reaction: 'heart' } });
    const send = (header: object) =>
      post(weir.url, httpSignallingPaths.send, `${JSON.stringify({ id, number: number + 1, ...header })}\n${react}`);
    expect((await send({})).status).toBe(204);
    expect((await send({ close: { code: 1000, reason: 'left' } })).status).toBe(204);
    expect(await ada.client.event('reaction')).toMatchObject({ reaction: 'heart' });
    expect(await ada.client.event('peerClosed')).toEqual({ peerId: bob.reply.peerId, reason: 'left' });
    expect(ada.client.unreadEvents('reaction')).toEqual([]);
    const cleo = await weir.join({ room: 'room' }, { kind: 'polling' });
    const last = {
      id: cleo.client.http.id,
      number: cleo.client.http.number + 1,
      close: { code: 1000, reason: 'left' },
    };
    await post(weir.url, httpSignallingPaths.send, `${JSON.stringify(last)}\n${react}`);
    expect(await ada.client.event('reaction')).toMatchObject({ peerId: cleo.reply.peerId });
    expect(await ada.client.event('peerClosed')).toEqual({ peerId: cleo.reply.peerId, reason: 'left' });
  });
});

describe('a request', () => {
  const weir = useServer({ WEIR_ALLOWED_ORIGINS: 'https://example.com', WEIR_MESSAGE_BURST: '100' });
  const stranger = 'x'.repeat(43);

  test.each([
    ['send', 'nothing', ''],
    ['send', 'no JSON', 'hello'],
    ['send', 'another form', '[]'],
    ['send', 'the number 0', JSON.stringify({ id: stranger, number: 0 })],
    ['send', 'a fraction', JSON.stringify({ id: stranger, number: 1.5 })],
    ['send', 'a short id', JSON.stringify({ id: 'x', number: 1 })],
    ['send', 'an id that is none', JSON.stringify({ id: { length: 43 }, number: 1 })],
    ['send', 'another field', JSON.stringify({ id: stranger, number: 1, extra: 1 })],
    ['send', 'the field __proto__', `{"id":"${stranger}","number":1,"__proto__":{"close":{}}}`],
    ['send', 'neither a number nor a close', JSON.stringify({ id: stranger })],
    ['send', 'a close without a code', JSON.stringify({ id: stranger, close: {} })],
    ['send', 'a close with a huge code', JSON.stringify({ id: stranger, close: { code: 70_000, reason: '' } })],
    ['poll', 'nothing', ''],
    ['poll', 'no JSON', '{'],
    ['poll', 'no number', JSON.stringify({ id: stranger })],
    ['poll', 'a negative number', JSON.stringify({ id: stranger, after: -1 })],
    ['poll', 'a huge number', JSON.stringify({ id: stranger, after: 1e300 })],
  ] as const)('to %s with %s is malformed', async (path, _what, body) => {
    const response = await post(weir.url, httpSignallingPaths[path], body);
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
  });

  test('with bytes that are not UTF-8 is malformed, and with another content type unsupported', async () => {
    const bytes = Buffer.concat([Buffer.from(`${JSON.stringify({ id: stranger, number: 1 })}\n`), Buffer.from([0xff])]);
    expect((await post(weir.url, httpSignallingPaths.send, bytes)).status).toBe(400);
    for (const path of Object.values(httpSignallingPaths)) {
      const headers = { 'content-type': 'application/octet-stream' };
      expect((await post(weir.url, path, 'x', headers)).status).toBe(415);
      // JSON is parsed by nobody here.
      const json = await post(weir.url, path, '{"a":1}', { 'content-type': 'application/json' });
      expect(json.status).toBeLessThan(500);
      await json.body?.cancel();
    }
  });

  test('with an id that is not known is 404, and so is one to poll a stream', async () => {
    const { http } = await weir.connect({ kind: 'sse' });
    const send = await post(weir.url, httpSignallingPaths.send, frame(stranger, 1, 1));
    const poll = (id: string) => post(weir.url, httpSignallingPaths.poll, JSON.stringify({ id, after: 0 }));
    expect([send.status, (await poll(stranger)).status, (await poll(http.id)).status]).toEqual([404, 404, 404]);
  });

  test('of random bytes is never an error of the server', async () => {
    const random = randomFrom(7);
    const { http } = await weir.connect({ kind: 'polling' });
    const valid = frame(http.id, 1, 1);
    const bodies = Array.from({ length: 150 }, () => {
      const bytes = Buffer.from(valid);
      for (let change = 0; change <= random.int(4); change += 1) {
        // The id stays, so that some reach the connection.
        bytes[50 + random.int(bytes.length - 50)] = random.int(256);
      }
      return bytes;
    });
    for (let first = 0; first < bodies.length; first += 10) {
      const responses = bodies.slice(first, first + 10).map(async (body, index) => {
        const path = index % 2 ? httpSignallingPaths.send : httpSignallingPaths.poll;
        const response = await post(weir.url, path, body);
        expect(response.status, `seed 7, ${first + index}`).toBeLessThan(500);
        await response.body?.cancel();
      });
      await Promise.all(responses);
    }
    // Others are not affected.
    await (await weir.connect({ kind: 'sse' })).request('ping', {});
  });

  test('of another method or without the right page is refused', async () => {
    for (const path of Object.values(httpSignallingPaths)) {
      for (const method of ['GET', 'HEAD']) expect((await fetch(weir.url + path, { method })).status).toBe(404);
      for (const method of ['PUT', 'OPTIONS']) expect((await fetch(weir.url + path, { method })).status).toBe(405);
      const refused = await post(weir.url, path, undefined, { origin: 'https://evil.test' });
      expect(refused.status).toBe(403);
      // The page can read why.
      expect(refused.headers.get('access-control-allow-origin')).toBe('https://evil.test');
      expect(await refused.json()).toEqual({ close: { code: 4015, reason: 'originNotAllowed' } });
    }
  });

  test('of an allowed page may be read by it, and not be cached or held back', async () => {
    const stream = await post(weir.url, httpSignallingPaths.events, undefined, { origin: 'https://example.com' });
    expect(Object.fromEntries(stream.headers)).toMatchObject({
      'access-control-allow-origin': 'https://example.com',
      'cache-control': 'no-store, no-transform',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
      'content-type': 'text/event-stream; charset=utf-8',
      'cross-origin-resource-policy': 'cross-origin',
      'x-accel-buffering': 'no',
      vary: 'origin',
    });
    expect(stream.headers.get('access-control-allow-credentials')).toBeNull();
    const reader = stream.body?.getReader();
    const first = new TextDecoder().decode((await reader?.read())?.value);
    await reader?.cancel();
    // What looks at the beginning of responses has enough to look at.
    expect(first.indexOf('event: open')).toBeGreaterThan(2000);
    const poll = await post(weir.url, httpSignallingPaths.poll);
    expect(poll.headers.get('access-control-allow-origin')).toBeNull();
    expect(poll.headers.get('cache-control')).toBe('no-store');
  });
});

describe('a server under a path', () => {
  const weir = useServer({ WEIR_BASE_PATH: '/meet' });

  test('has it there', async () => {
    const response = await post(weir.url, `/meet${httpSignallingPaths.poll}`);
    expect(await response.text()).toContain('"welcome"');
  });
});

describe('a server with WEIR_HTTP_SIGNALLING=false', () => {
  const weir = useServer({ WEIR_HTTP_SIGNALLING: 'false' });

  test('has WebSockets only', async () => {
    for (const path of Object.values(httpSignallingPaths)) expect((await post(weir.url, path)).status).toBe(405);
    await expect(weir.connect()).resolves.toBeDefined();
  });
});

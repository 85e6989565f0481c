/** Webhooks of real servers to real receivers, checked with LiveKit's own package. */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TokenVerifier, WebhookReceiver } from 'livekit-server-sdk';
import { describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../scripts/support/network/freePort.ts';
import { WebhookExchange, webhookKeys } from '../../scripts/support/servers/WebhookExchange.ts';
import { WebhookReceiverProcess } from '../../scripts/support/servers/WebhookReceiverProcess.ts';
import { WeirProcess } from '../../scripts/support/servers/WeirProcess.ts';
import { TestClient } from '../support/client.ts';
import { startLoggedServer } from '../support/logged.ts';
import { apiKey, apiSecret, token, withTokens } from '../support/weir.ts';

interface Request {
  readonly path: string;
  readonly body: string;
  readonly headers: http.IncomingHttpHeaders;
}

/** A receiver in this process. */
interface Receiver {
  readonly url: string;
  readonly requests: Request[];
  /** What the requests that are answered with 200 say, in the order in which they came. */
  types(room?: string): string[];
}

/** @param answer the status of a request; 200 by default */
async function receive(
  answer: (request: Request, count: number) => number | http.OutgoingHttpHeaders = () => 200,
): Promise<Receiver> {
  const requests: Request[] = [];
  const accepted: { event: string; room?: { name: string } }[] = [];
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const body = Buffer.concat(chunks).toString();
    const seen = { path: request.url ?? '', body, headers: request.headers };
    requests.push(seen);
    const result = answer(seen, requests.length);
    if (result === 200) accepted.push(JSON.parse(body));
    if (typeof result === 'number') response.writeHead(result).end();
    else response.writeHead(307, result).end();
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const types = (room?: string) =>
    accepted.filter((event) => room === undefined || event.room?.name === room).map(({ event }) => event);
  return { url: `http://127.0.0.1:${port}/hook`, requests, types };
}

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'weir-data-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A server that sends webhooks, with the lines of its log. */
async function serve(urls: string, settings: Record<string, string> = {}) {
  const dataDir = temporary();
  const server = await startLoggedServer({
    ...withTokens,
    WEIR_WEBHOOK_URLS: urls,
    WEIR_DATA_DIR: dataDir,
    WEIR_DRAIN_SECONDS: '0',
    ...settings,
  });
  onTestFinished(() => server.close());
  const clients = new Set<TestClient>();
  onTestFinished(() => {
    for (const client of clients) client[Symbol.dispose]();
  });
  const enter = async (room: string, identity: string, metadata?: string) => {
    const client = await TestClient.connect(server.url);
    clients.add(client);
    const reply = await client.join({ room, token: await token(room, identity, { roomAdmin: true }, 60, metadata) });
    // Whoever has sent something after the reply has been connected.
    await client.request('ping', {});
    return { client, reply };
  };
  return { ...server, dataDir, enter };
}

describe('a call', () => {
  test("is told of in order, and LiveKit's package accepts each event, and no other body", async () => {
    const receiver = await receive();
    const { enter } = await serve(receiver.url);
    const ann = await enter('lobby', 'ann', 'of Ann');
    const bob = await enter('lobby', 'bob');
    await ann.client.request('setGrants', { peerId: bob.reply.peerId, grants: { canPublishData: false } });
    await ann.client.request('kick', { peerId: bob.reply.peerId });
    await ann.client.request('leave', {});
    await expect
      .poll(() => receiver.types())
      .toEqual([
        'room_started',
        'participant_joined',
        'participant_joined',
        'participant_grants_changed',
        'participant_left',
        'participant_left',
        'room_finished',
      ]);
    const checker = new WebhookReceiver(apiKey, apiSecret);
    for (const { body, headers } of receiver.requests) {
      expect(headers['content-type']).toBe('application/webhook+json');
      await expect(checker.receive(body, headers.authorization)).resolves.toMatchObject({ room: { name: 'lobby' } });
      await expect(checker.receive(`${body} `, headers.authorization)).rejects.toThrow('checksum');
      await expect(new WebhookReceiver(apiKey, 'x'.repeat(32)).receive(body, headers.authorization)).rejects.toThrow();
    }
    const claims = await new TokenVerifier(apiKey, apiSecret).verify(receiver.requests[0]?.headers.authorization ?? '');
    expect((claims.exp ?? 0) - (claims.nbf ?? 0)).toBe(300);
    const [, joined] = receiver.requests.map(({ body }) => JSON.parse(body));
    expect(joined.participant).toMatchObject({ identity: 'ann', metadata: 'of Ann', sid: ann.reply.peerId });
  });

  test('whose client goes before it knows that it is in is told of as aborted', async () => {
    const receiver = await receive();
    const { url } = await serve(receiver.url);
    const client = await TestClient.connect(url, { mute: true });
    await client.join({ room: 'lobby', token: await token('lobby', 'ann') });
    client.cut();
    await expect.poll(() => receiver.types()).toContain('participant_connection_aborted');
    expect(receiver.types()).not.toContain('participant_left');
  });

  test('that is refused is told of where that is asked for', async () => {
    const receiver = await receive();
    const { url } = await serve(receiver.url, { WEIR_WEBHOOK_EVENTS: 'join_refused' });
    const client = await TestClient.connect(url);
    await expect(client.join({ room: 'lobby', token: await token('other', 'ann') })).rejects.toThrow();
    client.cut();
    await expect
      .poll(() => receiver.requests.map(({ body }) => JSON.parse(body)))
      .toMatchObject([
        { event: 'join_refused', room: { name: 'lobby' }, weir: { code: 'unauthorized', kind: 'call' } },
      ]);
  });
});

describe('a receiver that fails', () => {
  test('is sent the same again, signed anew, before what follows in that room, and other rooms do not wait', async () => {
    const receiver = await receive(({ body }, count) =>
      JSON.parse(body).room.name === 'bad' && count < 3 ? 503 : 200,
    );
    const { enter } = await serve(receiver.url);
    await enter('bad', 'ann');
    await enter('good', 'bob');
    await expect.poll(() => receiver.types('good')).toEqual(['room_started', 'participant_joined']);
    await expect.poll(() => receiver.types('bad')).toEqual(['room_started', 'participant_joined']);
    const bodies = receiver.requests.map(({ body }) => body).filter((body) => body.includes('"bad"'));
    expect(new Set(bodies.slice(0, -1)).size).toBe(1);
    expect(bodies.length).toBeGreaterThan(2);
  });

  test('by a redirect is not followed, and holds up no other one', async () => {
    const elsewhere = await receive();
    const moved = await receive(() => ({ location: elsewhere.url }));
    const good = await receive();
    const silent = `http://127.0.0.1:${await freePort()}/?token=something-secret`;
    const server = await serve([moved.url, silent, good.url].join(','));
    await server.enter('lobby', 'ann');
    await expect.poll(() => good.types()).toEqual(['room_started', 'participant_joined']);
    await expect.poll(() => moved.requests.length).toBeGreaterThan(1);
    expect(elsewhere.requests).toEqual([]);
    const log = server.lines.join('');
    expect(log).toContain('status 307, a redirect, which is not followed');
    expect(log).toContain('ECONNREFUSED');
    expect(log).not.toContain('something-secret');
  });

  test('by never answering is given up after the timeout, and sent again', async () => {
    const hanging = http.createServer(() => {});
    const port = await freePort();
    await new Promise<void>((resolve) => hanging.listen(port, '127.0.0.1', resolve));
    onTestFinished(() => {
      hanging.closeAllConnections();
      hanging.close();
    });
    const server = await serve(`http://127.0.0.1:${port}`, { WEIR_WEBHOOK_TIMEOUT_SECONDS: '0.2' });
    await server.enter('lobby', 'ann');
    await expect.poll(() => server.app.webhooks?.targets[0]?.failed).toBeGreaterThan(1);
    expect(server.lines.join('')).toContain('no answer within 0.2 s');
  });
});

describe('the queue on disk', () => {
  test('is readable by its owner alone, and what is left in it is sent at the next start', async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/hook`;
    const first = await serve(url);
    await first.enter('lobby', 'ann');
    await first.close();
    expect(first.lines.join('')).toContain('webhooks are left, and sent at the next start');
    expect(statSync(join(first.dataDir, 'webhooks.db')).mode & 0o777).toBe(0o600);
    const types: string[] = [];
    const receiver = http.createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      types.push(JSON.parse(body).event);
      response.end();
    });
    await new Promise<void>((resolve) => receiver.listen(port, '127.0.0.1', resolve));
    onTestFinished(() => {
      receiver.closeAllConnections();
      receiver.close();
    });
    const second = await serve(url, { WEIR_DATA_DIR: first.dataDir });
    await expect.poll(() => types).toEqual(['room_started', 'participant_joined', 'participant_left', 'room_finished']);
    await expect.poll(() => second.app.webhooks?.targets[0]?.queued).toBe(0);
    await second.close();
    // Nothing is sent twice.
    const third = await serve(url, { WEIR_DATA_DIR: first.dataDir });
    expect(third.app.webhooks?.targets[0]?.queued).toBe(0);
    expect(types).toHaveLength(4);
  });

  test('drops what is for a URL that is not configured any more', async () => {
    const first = await serve(`http://127.0.0.1:${await freePort()}/hook`);
    await first.enter('lobby', 'ann');
    await first.close();
    const receiver = await receive();
    const second = await serve(receiver.url, { WEIR_DATA_DIR: first.dataDir });
    expect(second.lines.join('')).toContain('webhooks dropped: their URL is not in WEIR_WEBHOOK_URLS any more');
    await second.enter('lobby', 'ann');
    await expect.poll(() => receiver.types()).toEqual(['room_started', 'participant_joined']);
  });

  test('that is damaged is put aside, which is said, and calls and webhooks go on', async () => {
    const dataDir = temporary();
    writeFileSync(join(dataDir, 'webhooks.db'), 'this is no database, but long enough to look like one. '.repeat(100));
    const receiver = await receive();
    const server = await serve(receiver.url, { WEIR_DATA_DIR: dataDir });
    await server.enter('lobby', 'ann');
    await expect.poll(() => receiver.types()).toEqual(['room_started', 'participant_joined']);
    expect(server.lines.join('')).toContain('the file of webhooks was damaged');
    expect(server.app.webhooks?.persistent).toBe(true);
    expect(readdirSync(dataDir).filter((name) => name.includes('.damaged-'))).toHaveLength(1);
  });

  test.each([
    ['cannot be written', () => '/dev/null/data'],
    ['is that of another Weir', (busy: string) => busy],
  ])('that %s is said so, and calls and webhooks go on', async (_why, choose) => {
    const receiver = await receive();
    const other = await serve(receiver.url);
    await other.enter('other', 'bob');
    const server = await serve(receiver.url, { WEIR_DATA_DIR: choose(other.dataDir) });
    await server.enter('lobby', 'ann');
    await expect.poll(() => receiver.types('lobby')).toEqual(['room_started', 'participant_joined']);
    expect(server.lines.filter((line) => line.includes('webhooks cannot be kept on disk'))).toHaveLength(1);
    expect(server.app.webhooks?.persistent).toBe(false);
  });

  test('is not made by a server without webhooks', async () => {
    const dataDir = join(temporary(), 'data');
    const server = await startLoggedServer({ ...withTokens, WEIR_DATA_DIR: dataDir });
    await server.close();
    expect(existsSync(dataDir)).toBe(false);
  });
});

test('a server that closes sends what happens at its end, within the time to drain', async () => {
  const receiver = await receive();
  const server = await serve(receiver.url, { WEIR_DRAIN_SECONDS: '5' });
  await server.enter('lobby', 'ann');
  await server.close();
  expect(receiver.types()).toEqual(['room_started', 'participant_joined', 'participant_left', 'room_finished']);
});

// The long form of this is `npm run torture -- webhooks`.
test('the receiver and Weir are killed: every event that was confirmed arrives, in order, and repeated ones are the same', {
  timeout: 60_000,
}, async () => {
  await using receiver = await WebhookReceiverProcess.prepare({ ...webhookKeys, failing: 0.3 });
  await receiver.start();
  const settings = {
    ...{ WEIR_API_KEY: webhookKeys.apiKey, WEIR_API_SECRET: webhookKeys.apiSecret, WEIR_WORKERS: '1' },
    ...{ WEIR_WEBHOOK_URLS: receiver.url, WEIR_DATA_DIR: receiver.directory, WEIR_MESSAGE_BURST: '10000' },
  };
  const exchange = new WebhookExchange();
  /** Starts Weir, and has it confirm so many events in all. @param kill ends it while more happen */
  const live = async (events: number, kill?: () => Promise<void>) => {
    await using weir = new WeirProcess(settings);
    const gone = new AbortController();
    onTestFinished(() => gone.abort());
    const url = await weir.running();
    const until = kill ? Number.POSITIVE_INFINITY : events;
    const runs = Promise.all(
      Array.from({ length: 12 }, (_, index) => exchange.run(url, `${events} ${index}`, until, gone.signal)),
    );
    await expect.poll(() => exchange.confirmed, { timeout: 20_000 }).toBeGreaterThanOrEqual(events);
    if (kill) {
      weir.child.kill('SIGKILL');
      gone.abort();
      await kill();
    }
    await runs;
    if (!kill) await expect.poll(() => exchange.compare(receiver.received).missing, { timeout: 30_000 }).toBe(0);
  };
  await live(60, () => receiver.kill());
  await receiver.start();
  await live(120, async () => {});
  await live(180);
  const findings = exchange.compare(receiver.received);
  expect(findings).toMatchObject({ missing: 0, outOfOrder: 0, changed: 0, wrong: 0 });
  expect(findings.delivered).toBeGreaterThan(180);
  expect(findings.duplicates).toBeGreaterThan(0);
});

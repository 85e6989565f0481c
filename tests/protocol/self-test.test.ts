/** Tests of what the self-test says of signalling, proxies, certificates and clocks: with a real nginx, TLS and an NTP server. */
import { X509Certificate } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { TestAuthority } from '../../scripts/support/servers/TestAuthority.ts';
import { certificateRow } from '../../server/ice/selfTest/certificateRows.ts';
import { clockRows } from '../../server/ice/selfTest/clockRows.ts';
import { publicRows } from '../../server/ice/selfTest/publicRows.ts';
import { signallingRows } from '../../server/ice/selfTest/signallingRows.ts';
import { stunRows } from '../../server/ice/selfTest/stunRows.ts';
import type { SelfTestRow } from '../../shared/selfTest.ts';
import { hasProxy, type Manner, TestProxy } from '../support/proxies.ts';

/** Longer than anything here takes on a busy machine. */
const signalOf = () => AbortSignal.timeout(15_000);
const signalling = (url: string, judgesCertificate = true) =>
  signallingRows({ url: new URL(url), judgesCertificate, signal: signalOf() });
const rowOf = (rows: readonly SelfTestRow[], check: SelfTestRow['check']) => rows.find((row) => row.check === check);

describe('signalling', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ WEIR_BASE_PATH: '/meet' });
  });
  afterAll(() => server?.close());

  test('of a server without a proxy is reachable, and there is nothing to say of proxies and certificates', async () => {
    expect(await signalling(`${server.url}/meet`)).toEqual([
      {
        check: 'signalling',
        target: `${server.url}/meet`,
        state: 'reachable',
        message: expect.any(String),
        roundTripTime: expect.any(Number),
      },
    ]);
  });

  test('of a port that nobody listens on is unreachable', async () => {
    expect(await signalling('http://127.0.0.1:9')).toMatchObject([{ state: 'unreachable', reason: 'refused' }]);
  });

  test('of another program is not Weir', async () => {
    const other = createServer((_request, response) => response.writeHead(404).end()).listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    const address = other.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    expect(await signalling(`http://127.0.0.1:${port}`)).toMatchObject([{ state: 'failed', reason: 'httpFailed' }]);
  });

  test('of a server that does not answer ends with the time', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    onTestFinished(() => void silent.closeAllConnections());
    onTestFinished(() => void silent.close());
    await once(silent, 'listening');
    const address = silent.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const url = new URL(`http://127.0.0.1:${port}`);
    const rows = await signallingRows({ url, judgesCertificate: true, signal: AbortSignal.timeout(300) });
    expect(rows).toMatchObject([{ state: 'unreachable', reason: 'noAnswer' }]);
  });
});

describe.runIf(hasProxy('nginx'))('nginx', () => {
  let server: TestServer;
  let trusting: TestServer;
  beforeAll(async () => {
    [server, trusting] = await Promise.all([
      startServer({ WEIR_BASE_PATH: '/meet' }),
      startServer({ WEIR_BASE_PATH: '/meet', WEIR_TRUST_PROXY: '1' }),
    ]);
  });
  afterAll(() => Promise.all([server?.close(), trusting?.close()]));

  async function through(manner: Manner, target: TestServer): Promise<SelfTestRow[]> {
    await using proxy = await TestProxy.start('nginx', target.url, manner);
    return await publicRows(new URL(`${proxy.url}/meet`), signalOf());
  }

  test('as documented: all is well, seen from outside', async () => {
    const rows = await through('keeps the path', trusting);
    expect(rows.map(({ check, protocol, state }) => [check, protocol, state])).toEqual([
      ['signalling', undefined, 'reachable'],
      ['proxy', undefined, 'ok'],
      ['media', 'udp', 'reachable'],
      ['media', 'tcp', 'reachable'],
    ]);
  });

  test('that does not pass upgrades on', async () => {
    const rows = await through('does not pass upgrades on', trusting);
    expect(rowOf(rows, 'signalling')).toMatchObject({
      state: 'failed',
      reason: 'noUpgrade',
      message: 'HTTP is answered, but a WebSocket is not opened: the answer has status 426.',
    });
    expect(rowOf(rows, 'media')).toBeUndefined();
  });

  test('that does not pass the Host on', async () => {
    const rows = await through('does not pass the Host on', server);
    expect(rowOf(rows, 'signalling')).toMatchObject({ state: 'failed', reason: 'originRefused' });
  });

  test('that Weir does not trust', async () => {
    expect(rowOf(await through('keeps the path', server), 'proxy')).toMatchObject({
      state: 'warning',
      reason: 'proxyUntrusted',
      remedy: 'Set WEIR_TRUST_PROXY=1, the number of proxies.',
    });
  });

  test('that is one, where Weir trusts two', async () => {
    await using twice = await startServer({ WEIR_BASE_PATH: '/meet', WEIR_TRUST_PROXY: '2' });
    expect(rowOf(await through('keeps the path', twice), 'proxy')).toMatchObject({
      state: 'failed',
      reason: 'proxyUntrusted',
    });
  });
});

describe('the STUN server', () => {
  test('answers; its URL is tested from inside', async () => {
    await using server = await startServer({ WEIR_STUN_PORT: '0' });
    const { rows } = await server.app.selfTest.run();
    expect(rowOf(rows, 'stun')).toMatchObject({ state: 'reachable', roundTripTime: expect.any(Number) });
  });

  test('whose port is taken is missing', async () => {
    const taken = createSocket('udp4').bind({ port: 0, address: '127.0.0.1', exclusive: true });
    onTestFinished(() => void taken.close());
    await once(taken, 'listening');
    await using server = await startServer({ WEIR_STUN_PORT: String(taken.address().port) });
    const { rows } = await server.app.selfTest.run();
    expect(rowOf(rows, 'stun')).toMatchObject({ state: 'failed', reason: 'refused' });
  });

  test('that is silent is unreachable at an address of this machine and from outside, and unknown at another', async () => {
    const silent = createSocket('udp4').bind(0, '127.0.0.1');
    onTestFinished(() => void silent.close());
    await once(silent, 'listening');
    const iceServers = [{ urls: [`stun:127.0.0.1:${silent.address().port}`] }];
    const states = [new Set(['127.0.0.1']), undefined, new Set(['192.0.2.1'])].map(async (ownAddresses) => {
      const [row] = await stunRows({ iceServers, ownAddresses, signal: AbortSignal.timeout(300) });
      return row?.state;
    });
    expect(await Promise.all(states)).toEqual(['unreachable', 'unreachable', 'unknown']);
  });
});

describe('a certificate', () => {
  const authority = new TestAuthority();
  afterAll(() => authority[Symbol.dispose]());
  const { cert, key } = authority.issue('meet.example', '127.0.0.1');
  const other = authority.issue('other.example');
  const settings = (one: { cert: string; key: string }) => ({ WEIR_TLS_CERT: one.cert, WEIR_TLS_KEY: one.key });
  const certificate = new X509Certificate(readFileSync(cert));
  const days = (count: number) => new Date(Date.now() + count * 86_400_000);
  const judge = (options: Partial<Parameters<typeof certificateRow>[0]> = {}) =>
    certificateRow({ target: 'test', certificate, ...options });

  test.each([
    ['is fine', {}, 'ok', undefined],
    ['fits its names', { host: 'meet.example' }, 'ok', undefined],
    ['fits its addresses', { host: '127.0.0.1' }, 'ok', undefined],
    ['does not fit another name', { host: 'example.com' }, 'failed', 'certificateName'],
    ['has expired', { now: days(3) }, 'failed', 'certificateExpired'],
    ['is not valid yet', { now: days(-1) }, 'failed', 'certificateNotYetValid'],
    ['ends soon', { now: days(1.9) }, 'failed', 'certificateEndsSoon'],
    ['is not trusted', { untrusted: 'SELF_SIGNED_CERT_IN_CHAIN' }, 'failed', 'certificateUntrusted'],
  ] as const)('%s', (_name, options, state, reason) => {
    const row = judge(options);
    expect(row).toMatchObject({ check: 'certificate', state });
    expect(row.reason).toBe(reason);
    expect(row.remedy !== undefined).toBe(state === 'failed');
  });

  test('of another name is found over TLS, and signalling is tested nevertheless', async () => {
    await using server = await startServer(settings(other));
    const rows = await signalling(server.url.replace('http:', 'https:'));
    expect(rowOf(rows, 'certificate')).toMatchObject({ state: 'failed', reason: 'certificateName' });
    expect(rowOf(rows, 'signalling')).toMatchObject({ state: 'reachable' });
  });

  test('of an unknown authority is found over TLS; of Weir itself, the server judges the dates', async () => {
    await using server = await startServer(settings({ cert, key }));
    const rows = await signalling(server.url.replace('http:', 'https:'));
    expect(rowOf(rows, 'certificate')).toMatchObject({ state: 'failed', reason: 'certificateUntrusted' });
    const report = await server.app.selfTest.run();
    expect(rowOf(report.rows, 'certificate')).toMatchObject({ target: 'WEIR_TLS_CERT', state: 'ok' });
    expect(rowOf(report.rows, 'signalling')).toMatchObject({ state: 'reachable' });
  });
});

describe('a clock', () => {
  /** An NTP server whose clock is ahead by `offset` milliseconds; it does not answer if that is undefined. */
  async function ntpServer(offset?: number, change = (_answer: Buffer) => {}): Promise<string> {
    const socket: Socket = createSocket('udp4');
    onTestFinished(() => void socket.close());
    socket.on('message', (request, from) => {
      if (offset === undefined) return;
      const answer = Buffer.alloc(48);
      answer[0] = 0x24;
      answer[1] = 2;
      request.copy(answer, 24, 40, 48);
      const now = Date.now() + offset;
      for (const place of [32, 40]) {
        answer.writeUInt32BE((Math.floor(now / 1000) + 2_208_988_800) % 2 ** 32, place);
        answer.writeUInt32BE(Math.floor(((now % 1000) / 1000) * 2 ** 32), place + 4);
      }
      change(answer);
      socket.send(answer, from.port, from.address);
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return `127.0.0.1:${socket.address().port}`;
  }
  const run = async (ntp: string | undefined, synchronised?: boolean, timeout = 15_000) =>
    clockRows({
      ntp,
      leeway: 60_000,
      signal: AbortSignal.timeout(timeout),
      isSynchronised: async () => synchronised,
    });

  test.each([
    ['right', 0, 'ok', undefined],
    ['some seconds behind', 5000, 'warning', 'clockOff'],
    ['five minutes behind', 300_000, 'failed', 'clockOff'],
    ['five minutes ahead', -300_000, 'failed', 'clockOff'],
  ] as const)('that is %s', async (name, offset, state, reason) => {
    const [row] = await run(await ntpServer(offset));
    expect(row).toMatchObject({ check: 'clock', state });
    expect(row?.reason).toBe(reason);
    if (reason) expect(row?.message).toContain(name.includes('behind') ? 's behind' : 's ahead of');
  });

  test('cannot be compared with a server that does not answer, is not synchronised itself, or answers another request', async () => {
    const spoilt = [
      await ntpServer(),
      await ntpServer(0, (answer) => answer.writeUInt8(0, 1)),
      await ntpServer(0, (answer) => answer.writeUInt8(0xe4, 0)),
      await ntpServer(0, (answer) => answer.writeUInt8((answer[24] ?? 0) ^ 1, 24)),
    ];
    const rows = await Promise.all(spoilt.map((ntp) => run(ntp, undefined, 500)));
    for (const [row] of rows) expect(row).toMatchObject({ state: 'unknown', reason: 'noAnswer' });
  });

  test('that the system does not synchronise is worth a look; where it does not say, nothing is said', async () => {
    expect(await run(undefined, true)).toMatchObject([{ state: 'ok' }]);
    expect(await run(undefined, false)).toMatchObject([{ state: 'warning', reason: 'clockUnsynchronised' }]);
    expect(await run(undefined)).toEqual([]);
  });
});

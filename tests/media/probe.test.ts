/** Tests of the self-test's client and loopback: ICE, DTLS and RTP to a real media worker, over each kind of path. */
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../scripts/support/network/freePort.ts';
import type { OpenIcePath } from '../../server/ice/probe/IcePath.ts';
import { type ProbeOptions, type ProbeTarget, probe } from '../../server/ice/probe/probe.ts';
import { frame, openTcpPath, unframe } from '../../server/ice/probe/TcpPath.ts';
import { openUdpPath } from '../../server/ice/probe/UdpPath.ts';
import { Loopback } from '../../server/media/Loopback.ts';
import type { MediaWorker } from '../../server/media/MediaWorker.ts';
import { WorkerPool } from '../../server/media/WorkerPool.ts';

const address = '127.0.0.1';
let pool: WorkerPool;
let worker: MediaWorker;
const open = new Set<Loopback>();

beforeAll(async () => {
  pool = await WorkerPool.start({
    count: 1,
    listen: { ips: [address], announced: { addresses: [address] } },
    firstPort: 0,
    responseTimeout: 5000,
    limits: { packets: 1e6, spillover: 10, rooms: 10, peers: 10 },
    log: pino({ level: 'silent' }),
  });
  const [first] = pool.workers;
  if (!first) throw new Error('There is no worker.');
  worker = first;
});
afterEach(() => {
  for (const loopback of open) loopback.close();
  open.clear();
  expect(worker.routers).toBe(0);
});
afterAll(() => pool?.close());

async function openLoopback(): Promise<Loopback> {
  const loopback = await Loopback.open(worker);
  open.add(loopback);
  return loopback;
}

const overUdp: OpenIcePath = (events) => openUdpPath({ address, port: worker.port }, events, { connected: true });
const overTcp: OpenIcePath = (events, signal) => openTcpPath({ address, port: worker.port }, events, signal);
const run = (target: ProbeTarget, openPath: OpenIcePath, options: Partial<ProbeOptions> = {}) =>
  probe(target, {
    openPath,
    iceTimeout: 2000,
    limit: (task) => task(),
    signal: new AbortController().signal,
    ...options,
  });

describe('a probe', () => {
  test.each([
    ['UDP', overUdp],
    ['TCP', overTcp],
  ])('over %s: ICE, DTLS, and RTP that comes back', async (_name, path) => {
    expect(await run(await openLoopback(), path)).toEqual({ reached: 'media', roundTripTime: expect.any(Number) });
  });

  test('to a port that refuses fails at once, with the code of the system', async () => {
    const port = await freePort();
    const paths: OpenIcePath[] = [
      (events) => openUdpPath({ address, port }, events, { connected: true }),
      (events, signal) => openTcpPath({ address, port }, events, signal),
    ];
    for (const path of paths) {
      const began = performance.now();
      const result = await run(await openLoopback(), path, { iceTimeout: 10_000 });
      expect(result).toMatchObject({ failed: 'ice', code: 'ECONNREFUSED' });
      expect(performance.now() - began).toBeLessThan(5000);
    }
  });

  test('without an answer fails after its timeout, without a code', async () => {
    const target = await openLoopback();
    const info = { ...target.info, iceParameters: { ...target.info.iceParameters, usernameFragment: 'nobody' } };
    const { sent, received } = target;
    const result = await run({ info, sent, received, connect: async () => {} }, overUdp, { iceTimeout: 200 });
    expect(result).toMatchObject({ failed: 'ice', code: undefined });
  });

  test('to a server with another certificate fails in DTLS', async () => {
    const { info, sent, received, connect } = await loopbackParts();
    const [fingerprint] = info.dtlsParameters.fingerprints;
    const value = fingerprint?.value.replace(/^../, (byte) => (byte === '00' ? '01' : '00')) ?? '';
    const wrong = { ...info, dtlsParameters: { fingerprints: [{ algorithm: 'sha-256' as const, value }] } };
    expect(await run({ info: wrong, sent, received, connect }, overUdp)).toMatchObject({
      failed: 'dtls',
      message: 'DTLS: the certificate is not the one that was announced.',
    });
  });

  test('whose RTP does not come back says so', async () => {
    const { info, sent, received, connect } = await loopbackParts();
    const unknown = { ...sent, ssrc: (sent.ssrc ^ 1) >>> 0 };
    expect(await run({ info, sent: unknown, received, connect }, overUdp)).toMatchObject({ failed: 'rtp' });
  });

  test('that is aborted ends at once', async () => {
    const target = await openLoopback();
    const silent = await silence();
    const abort = new AbortController();
    const result = run(target, silent.path, { iceTimeout: 60_000, signal: abort.signal });
    await silent.asked;
    abort.abort();
    expect(await result).toMatchObject({ failed: 'ice' });
  });
});

/** A path on which nobody answers. */
async function silence(): Promise<{ path: OpenIcePath; asked: Promise<void> }> {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const path: OpenIcePath = async () => ({
    protocol: 'udp',
    local: { address, port: 9 },
    send: () => resolve(),
    close: () => {},
  });
  return { path, asked };
}

/** A loopback as an object whose parts can be replaced. */
async function loopbackParts(): Promise<ProbeTarget> {
  const loopback = await openLoopback();
  const { info, sent, received } = loopback;
  return { info, sent, received, connect: (parameters) => loopback.connect(parameters) };
}

test('a loopback ends with its worker, and a new one says that none can be opened', async () => {
  const loopback = await openLoopback();
  const { promise, resolve } = Promise.withResolvers<string>();
  loopback.onEnd(resolve);
  process.kill(worker.pid, 'SIGKILL');
  expect(await promise).toBe('mediaLost');
  await expect(Loopback.open(worker)).rejects.toMatchObject({ code: 'unavailable' });
});

test('packets over TCP are found again however the stream is cut', () => {
  const packets = [Buffer.from('a'), Buffer.alloc(0), Buffer.alloc(70, 7), Buffer.from('end')];
  const stream = Buffer.concat(packets.map(frame));
  for (const size of [1, 2, 3, 50, stream.length]) {
    const found: Buffer[] = [];
    const read = unframe((packet) => found.push(Buffer.from(packet)));
    for (let from = 0; from < stream.length; from += size) read(stream.subarray(from, from + size));
    expect(found).toEqual(packets);
  }
});

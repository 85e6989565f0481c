/** Covers JoinReporter: when it reports a join, and what. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { JoinReport } from '../../shared/protocol.ts';
import { JoinReporter } from '../../web/client/quality/JoinReporter.ts';
import type { ReceivedSample } from '../../web/client/quality/QualitySample.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

type Options = ConstructorParameters<typeof JoinReporter>[0];
type Connections = Awaited<ReturnType<Options['connections']>>;

const camera = (frames: number): ReceivedSample => ({
  ...{ peerId: 'ada', source: 'camera', packets: 10, packetsLost: 0, nackCount: 0, playoutDelay: 0, frames },
  ...{ jitterBufferDelay: 0, jitterBufferEmittedCount: 0 },
});
const { frames: _, ...microphone } = camera(0);
const host = { local: { candidateType: 'host', protocol: 'udp' } } as const;

/** A join that took 300 ms, after which things happen that a test chooses. */
class Join {
  received: ReceivedSample[] = [];
  connections: Connections;
  fails = false;
  /** How long statistics take, in milliseconds. */
  lookTime = 0;
  looks = 0;
  readonly reports: JoinReport[] = [];
  readonly reporter: JoinReporter;

  constructor(expectsVideo = true, connections: Connections = [{ direction: 'receive', pair: host }]) {
    this.connections = connections;
    this.reporter = new JoinReporter({
      wished: performance.now() - 300,
      joinTime: 300,
      expectsVideo,
      sample: async () => {
        this.looks += 1;
        if (this.lookTime > 0) await new Promise((resolve) => setTimeout(resolve, this.lookTime));
        if (this.fails) throw new Error('The transport has closed.');
        return { received: this.received };
      },
      connections: async () => this.connections,
      report: (report) => this.reports.push(report),
    });
  }
}

const candidate = { candidateType: 'host', protocol: 'udp' };

test('reports the time until the first frame, once', async () => {
  const join = new Join();
  await vi.advanceTimersByTimeAsync(450);
  expect(join.reports).toEqual([]);
  join.received = [camera(0), microphone];
  await vi.advanceTimersByTimeAsync(500);
  expect(join.reports).toEqual([]);
  join.received = [camera(0), camera(1)];
  await vi.advanceTimersByTimeAsync(60_000);
  expect(join.reports).toEqual([{ joinSeconds: 0.3, firstFrame: 1.3, candidate }]);
  expect(vi.getTimerCount()).toBe(0);
});

test('looks ten times a second, and less often where a look takes long', async () => {
  const join = new Join();
  await vi.advanceTimersByTimeAsync(1000);
  expect(join.looks).toBe(11);
  join.lookTime = 50;
  await vi.advanceTimersByTimeAsync(5000);
  expect(join.looks).toBeLessThanOrEqual(22);
  join.reporter.close();
});

test('says that a video is missing which is expected for half a minute, and not shown', async () => {
  const join = new Join();
  join.received = [camera(0)];
  await vi.advanceTimersByTimeAsync(29_000);
  expect(join.reports).toEqual([]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(join.reports).toEqual([{ joinSeconds: 0.3, firstFrame: 'missing', candidate }]);
});

test('says nothing of a missing video that was muted or hidden meanwhile', async () => {
  const join = new Join();
  join.received = [microphone];
  await vi.advanceTimersByTimeAsync(30_000);
  expect(join.reports).toEqual([{ joinSeconds: 0.3, firstFrame: 'none', candidate }]);
});

test('waits for a connection where there is no video, for ten seconds', async () => {
  const join = new Join(false, [{ direction: 'send' }]);
  await vi.advanceTimersByTimeAsync(2000);
  expect(join.reports).toEqual([]);
  join.connections = [{ direction: 'send', pair: host }];
  await vi.advanceTimersByTimeAsync(100);
  expect(join.reports).toEqual([{ joinSeconds: 0.3, firstFrame: 'none', candidate }]);
  expect(join.looks).toBe(0);

  const alone = new Join(false, []);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(alone.reports).toEqual([{ joinSeconds: 0.3, firstFrame: 'none' }]);
});

test('names the way to a relay, prefers the transport for receiving, and leaves out direct connections', async () => {
  const join = new Join(false, [
    { peerId: 'ada', direction: 'receive', pair: host },
    { direction: 'send', pair: host },
    { direction: 'receive', pair: { local: { candidateType: 'relay', protocol: 'udp', relayProtocol: 'tls' } } },
  ]);
  await vi.advanceTimersByTimeAsync(0);
  expect(join.reports).toMatchObject([{ candidate: { candidateType: 'relay', protocol: 'tls' } }]);
});

test('goes on after statistics that fail, and reports nothing after its end', async () => {
  const join = new Join();
  join.fails = true;
  await vi.advanceTimersByTimeAsync(1000);
  join.fails = false;
  join.received = [camera(3)];
  await vi.advanceTimersByTimeAsync(200);
  expect(join.reports).toHaveLength(1);

  const left = new Join();
  left.reporter.close();
  left.received = [camera(1)];
  await vi.advanceTimersByTimeAsync(40_000);
  expect(left.reports).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

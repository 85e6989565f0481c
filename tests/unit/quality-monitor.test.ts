/** Tests of QualityMonitor: when it asks the server, what it tells it, and when it tells the application. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ConnectionQuality, LinkFacts } from '../../web/client/quality/judge.ts';
import { QualityMonitor } from '../../web/client/quality/QualityMonitor.ts';
import type { ReceivedSample } from '../../web/client/quality/QualitySample.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const well: LinkFacts = {
  overloaded: false,
  uplinkLoss: 0,
  downlinkLoss: 0,
  downlinkLimited: false,
  downlinkEstimateLow: false,
  peers: [],
};

/** A session in which Ada's camera is received, with faults that a test switches on. */
class Session {
  facts: LinkFacts = well;
  active = true;
  lost = false;
  sources = 'camera';
  /** How long the server takes to answer, in milliseconds. */
  answerTime = 0;
  /** Whether a tenth of Ada's packets is lost, and whether our bandwidth is not enough. */
  lossy = false;
  narrow = false;
  readonly questions: { peerIds: string[]; uplinkLimited?: boolean | undefined }[] = [];
  readonly changes: [string | undefined, ConnectionQuality][] = [];
  #packets = 0;
  #packetsLost = 0;
  readonly monitor = new QualityMonitor({
    sample: async () => ({
      time: performance.now(),
      sent: {
        packets: performance.now() / 10,
        packetsLost: 0,
        bytes: performance.now() * 25,
        isBandwidthLimited: this.narrow,
        availableOutgoingBitrate: this.narrow ? 250_000 : 2_000_000,
      },
      received: [this.#ada()],
    }),
    ask: async (question) => {
      this.questions.push(question);
      if (this.answerTime > 0) await new Promise((resolve) => setTimeout(resolve, this.answerTime));
      return this.facts;
    },
    isActive: () => this.active,
    isMediaLost: () => this.lost,
    sending: () => this.sources,
    onChange: (peerId, quality) => this.changes.push([peerId, quality]),
  });

  #ada(): ReceivedSample {
    this.#packets += 100;
    if (this.lossy) this.#packetsLost += 10;
    return {
      peerId: 'ada',
      source: 'camera',
      packets: this.#packets,
      packetsLost: this.#packetsLost,
      nackCount: 0,
      jitterBufferDelay: 0,
      jitterBufferEmittedCount: 0,
      playoutDelay: 0,
    };
  }
}

const seconds = (time: number) => vi.advanceTimersByTimeAsync(time * 1000);

test('asks nothing while all is well', async () => {
  const { questions, monitor, changes } = new Session();
  await seconds(600);
  expect(questions).toEqual([]);
  expect(changes).toEqual([]);
  monitor.close();
});

test('says as soon what is wrong when answers are slow, as they are behind a narrow link', async () => {
  const session = new Session();
  await seconds(20);
  session.answerTime = 1700;
  session.lossy = true;
  session.facts = { ...well, downlinkLoss: 0.1 };
  await seconds(7.5);
  expect(session.changes).toEqual([['ada', 'localDownlink']]);
  session.monitor.close();
});

test('asks while something looks bad, says it when it has lasted, and takes it back', async () => {
  const session = new Session();
  await seconds(20);
  session.lossy = true;
  session.facts = { ...well, downlinkLoss: 0.1 };
  await seconds(6);
  expect(session.questions.at(-1)).toEqual({ peerIds: ['ada'] });
  expect(session.changes).toEqual([['ada', 'localDownlink']]);
  expect(session.monitor.quality('ada')).toBe('localDownlink');
  expect(session.monitor.quality()).toBe('good');
  session.lossy = false;
  const asked = session.questions.length;
  await seconds(7);
  expect(session.changes).toEqual([
    ['ada', 'localDownlink'],
    ['ada', 'good'],
  ]);
  expect(session.questions.length).toBe(asked);
  session.monitor.close();
});

test('waits for a peer to say that its uplink is narrow before our downlink is blamed', async () => {
  const session = new Session();
  await seconds(20);
  session.lossy = true;
  session.facts = { ...well, downlinkLimited: true };
  await seconds(4.5);
  session.facts = { ...session.facts, peers: [{ peerId: 'ada', uplink: 'poor', overloaded: false }] };
  await seconds(6);
  expect(session.changes).toEqual([['ada', 'remoteUplink']]);
  session.monitor.close();
});

test('asks less and less where the answers explain nothing, and at once when something else looks bad', async () => {
  const session = new Session();
  await seconds(20);
  session.lossy = true;
  await seconds(120);
  expect(session.questions.length).toBeLessThan(30);
  expect(session.changes).toEqual([]);
  const before = session.questions.length;
  session.narrow = true;
  await seconds(1.1);
  expect(session.questions.length).toBe(before + 1);
  session.monitor.close();
});

test('finds out soon that the server is the cause of what has looked bad for long', async () => {
  const session = new Session();
  await seconds(20);
  session.lossy = true;
  await seconds(100);
  expect(session.changes).toEqual([]);
  session.facts = { ...well, overloaded: true };
  await seconds(8);
  expect(session.changes).toEqual([['ada', 'server']]);
  session.monitor.close();
});

test('tells the server that our bandwidth is not enough, once that is judged', async () => {
  const session = new Session();
  await seconds(20);
  session.narrow = true;
  await seconds(6);
  expect(session.questions[0]).toEqual({ peerIds: [] });
  expect(session.questions.at(-1)).toEqual({ peerIds: [], uplinkLimited: true });
  expect(session.changes).toEqual([[undefined, 'localUplink']]);
  // The server is what does not keep up: nobody is told that it is us.
  session.facts = { ...well, overloaded: true };
  await seconds(3);
  expect(session.questions.at(-1)).toEqual({ peerIds: [] });
  expect(session.monitor.quality()).toBe('server');
  session.monitor.close();
});

test('says nothing while nobody looks or signalling is lost, nor in the seconds after that', async () => {
  const session = new Session();
  await seconds(20);
  session.narrow = true;
  await seconds(6);
  session.active = false;
  await seconds(2);
  expect(session.monitor.quality()).toBe('good');
  expect(session.changes.at(-1)).toEqual([undefined, 'good']);
  const asked = session.questions.length;
  await seconds(20);
  session.active = true;
  await seconds(8);
  expect(session.questions.length).toBe(asked);
  session.monitor.close();
});

test('an unmute begins anew', async () => {
  const session = new Session();
  await seconds(20);
  session.narrow = true;
  session.sources = 'camera, microphone';
  await seconds(8);
  expect(session.questions).toEqual([]);
  session.monitor.close();
});

test('while media has no path, only the server is blamed', async () => {
  const session = new Session();
  await seconds(20);
  Object.assign(session, { lossy: true, lost: true, facts: { ...well, downlinkLoss: 0.1 } });
  await seconds(8);
  expect(session.changes).toEqual([]);
  session.facts = { ...well, overloaded: true };
  await seconds(6);
  expect(session.changes).toEqual([['ada', 'server']]);
  session.monitor.close();
});

/** Tests of SymptomDetector: what looks bad, and what does not although less arrives. */
import { describe, expect, test } from 'vitest';
import type { QualitySample, ReceivedSample, SentSample } from '../../web/client/quality/QualitySample.ts';
import { sampleOf } from '../../web/client/quality/QualitySample.ts';
import { SymptomDetector } from '../../web/client/quality/Symptoms.ts';

/** What happens in a second. */
interface Second {
  sent?: Partial<SentSample>;
  /** Of Ada's camera; undefined: it is not expected, as one that is muted, hidden or away. */
  camera?: Partial<ReceivedSample> | undefined;
}
const steadySent: SentSample = { packets: 100, packetsLost: 0, bytes: 60_000, isBandwidthLimited: false };
const steadyCamera = {
  packets: 100,
  packetsLost: 0,
  nackCount: 0,
  jitterBufferDelay: 2,
  jitterBufferEmittedCount: 25,
  frames: 25,
  totalFreezesDuration: 0,
};

const typedKeys = [
  'packets',
  'packetsLost',
  'nackCount',
  'jitterBufferDelay',
  'jitterBufferEmittedCount',
  'frames',
  'totalFreezesDuration',
] as const;

/** Samples of the counters, one a second. */
class Story {
  readonly detector = new SymptomDetector();
  #time = 0;
  #sent = { packets: 0, packetsLost: 0, bytes: 0 };
  #camera = {
    packets: 0,
    packetsLost: 0,
    nackCount: 0,
    jitterBufferDelay: 0,
    jitterBufferEmittedCount: 0,
    frames: 0,
    totalFreezesDuration: 0,
  };
  readonly source: 'camera' | 'screen';

  constructor(source: 'camera' | 'screen' = 'camera') {
    this.source = source;
  }

  /** @returns the symptoms after as many such seconds */
  after(seconds: number, second: Second = {}) {
    let symptoms = this.detector.update(this.#sample(second));
    for (let passed = 1; passed < seconds; passed += 1) symptoms = this.detector.update(this.#sample(second));
    return { ...symptoms.uplink, ada: symptoms.peers.get('ada') };
  }

  restart() {
    this.detector.restartSending(this.#time);
  }

  #sample(second: Second): QualitySample {
    this.#time += 1000;
    const sent = { ...steadySent, ...second.sent };
    for (const key of ['packets', 'packetsLost', 'bytes'] as const) this.#sent[key] += sent[key];
    const received = 'camera' in second && second.camera === undefined ? [] : [this.#received(second.camera)];
    return { time: this.#time, sent: { ...sent, ...this.#sent }, received };
  }

  #received(camera: Partial<ReceivedSample> = {}): ReceivedSample {
    const counters = { ...steadyCamera, ...camera };
    for (const key of typedKeys) this.#camera[key] += counters[key];
    return {
      peerId: 'ada',
      source: this.source,
      playoutDelay: 0,
      size: { width: 640, height: 360 },
      ...camera,
      ...this.#camera,
    };
  }
}

const good = { loss: false, limited: false, ada: undefined };
const narrow = { isBandwidthLimited: true, availableOutgoingBitrate: 250_000, bytes: 25_000 };

describe('what is sent', () => {
  test('loses 4 % or more', () => {
    const story = new Story();
    expect(story.after(15)).toEqual(good);
    expect(story.after(1, { sent: { packetsLost: 10 } }).loss).toBe(true);
    expect(story.after(1, { sent: { packetsLost: 3 } }).loss).toBe(false);
  });

  test('is limited by a bandwidth below 400 kbit/s that it uses up', () => {
    const story = new Story();
    story.after(15);
    expect(story.after(1, { sent: narrow }).limited).toBe(true);
    expect(story.after(1, { sent: { ...narrow, availableOutgoingBitrate: 900_000, bytes: 100_000 } }).limited).toBe(
      false,
    );
  });

  test('is not limited by bandwidth while a still screen sends little, whatever the browser says', () => {
    const story = new Story();
    story.after(15);
    expect(story.after(1, { sent: { ...narrow, bytes: 3000 } }).limited).toBe(false);
  });

  test('is not judged in its first eight seconds, nor in those after an unmute', () => {
    const story = new Story();
    expect(story.after(7, { sent: narrow })).toEqual(good);
    expect(story.after(2, { sent: narrow }).limited).toBe(true);
    story.restart();
    expect(story.after(7, { sent: { ...narrow, packetsLost: 20 } })).toEqual(good);
  });
});

describe('what is received', () => {
  test.each([
    ['loss', { packetsLost: 10 }],
    ['loss', { nackCount: 5 }],
    ['frozen', { totalFreezesDuration: 0.5 }],
    ['slow', { frames: 4 }],
    ['delayed0', { jitterBufferDelay: 5 }],
    ['delayed1', { jitterBufferDelay: 10 }],
    ['soft1', { shownSize: { width: 1280, height: 720 } }],
    ['soft2', { shownSize: { width: 1280, height: 720 }, size: { width: 320, height: 180 } }],
  ] as const)('shows as %s', (symptom, camera) => {
    const story = new Story();
    // The size in which it is shown has been the same for long.
    story.after(15, { camera: 'shownSize' in camera ? { shownSize: camera.shownSize } : {} });
    expect(story.after(1, { camera }).ada).toBe(symptom);
  });

  test('is not judged in its first eight seconds, nor in those after it was muted, hidden or away', () => {
    const story = new Story();
    expect(story.after(8, { camera: { packetsLost: 20 } })).toEqual(good);
    expect(story.after(1, { camera: { packetsLost: 20 } }).ada).toBe('loss');
    expect(story.after(5, { camera: undefined })).toEqual(good);
    expect(story.after(8, { camera: { packetsLost: 20 } })).toEqual(good);
  });

  test('may be soft for some seconds after it is shown larger', () => {
    const story = new Story();
    story.after(15, { camera: { shownSize: { width: 640, height: 360 } } });
    const larger = { camera: { shownSize: { width: 1920, height: 1080 } } };
    expect(story.after(8, larger)).toEqual(good);
    expect(story.after(2, larger).ada).toBe('soft1');
  });

  test('may be played later on purpose', () => {
    const story = new Story();
    const smooth = { camera: { jitterBufferDelay: 27, playoutDelay: 1 } };
    story.after(15, smooth);
    expect(story.after(5, smooth)).toEqual(good);
  });

  test('may have few frames where it had few before, and where it is a screen', () => {
    const quiet = new Story();
    quiet.after(15, { camera: { frames: 5 } });
    expect(quiet.after(2, { camera: { frames: 1 } })).toEqual(good);
    const screen = new Story('screen');
    screen.after(15);
    expect(screen.after(5, { camera: { frames: 0, packets: 0 } })).toEqual(good);
  });

  test('is not judged by counters that began anew', () => {
    const story = new Story();
    story.after(15);
    const other = new Story();
    other.after(2);
    expect(story.after(1, { camera: { packets: -1400, packetsLost: 20 } })).toEqual(good);
  });
});

describe('a sample', () => {
  const report = (rows: readonly object[]): RTCStatsReport => new Map(rows.map((row, index) => [String(index), row]));

  test('has the tracks that are expected, and sums of all that is sent', () => {
    const send = report([
      { type: 'outbound-rtp', packetsSent: 3, bytesSent: 30, qualityLimitationReason: 'none' },
      { type: 'outbound-rtp', packetsSent: 4, bytesSent: 40, qualityLimitationReason: 'bandwidth' },
      { type: 'remote-inbound-rtp', packetsLost: 2 },
      { type: 'candidate-pair', availableOutgoingBitrate: 5000 },
    ]);
    const recv = report([
      {
        type: 'inbound-rtp',
        kind: 'video',
        trackIdentifier: 'one',
        packetsReceived: 9,
        framesDecoded: 2,
        frameWidth: 4,
        frameHeight: 3,
      },
      { type: 'inbound-rtp', kind: 'audio', trackIdentifier: 'slot', packetsReceived: 9 },
    ]);
    const sample = sampleOf(7, { send, recv }, (id) =>
      id === 'one' ? { peerId: 'ada', source: 'camera', playoutDelay: 0 } : undefined,
    );
    expect(sample).toMatchObject({
      time: 7,
      sent: { packets: 7, bytes: 70, packetsLost: 2, isBandwidthLimited: true, availableOutgoingBitrate: 5000 },
      received: [{ peerId: 'ada', packets: 9, frames: 2, size: { width: 4, height: 3 } }],
    });
    expect(sample.received).toHaveLength(1);
  });
});

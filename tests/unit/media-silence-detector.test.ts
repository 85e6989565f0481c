/** Tests of MediaSilenceDetector: when media that should arrive counts as silent. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MediaSilenceDetector } from '../../web/client/sfu/MediaSilenceDetector.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** The age of the last packet as the test sets it, and the times of silences, in milliseconds since `stop`. */
function setUp() {
  const silences: number[] = [];
  let stoppedAt: number | undefined;
  let expected = true;
  const detector = new MediaSilenceDetector({
    lastPacketAge: () => (expected ? performance.now() - (stoppedAt ?? performance.now()) : undefined),
    onSilence: () => silences.push(performance.now() - (stoppedAt ?? 0)),
  });
  return {
    detector,
    silences,
    stop: () => {
      stoppedAt = performance.now();
    },
    resume: () => {
      stoppedAt = undefined;
    },
    expect: (value: boolean) => {
      expected = value;
    },
  };
}

test('packets that stop are a silence within 900 ms, which is reported again at growing intervals', async () => {
  const { silences, stop, resume } = setUp();
  await vi.advanceTimersByTimeAsync(1000);
  stop();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(silences).toHaveLength(3);
  const [first = 0, second = 0, third = 0] = silences;
  expect(first).toBeLessThanOrEqual(900);
  expect(second - first).toBeGreaterThanOrEqual(2000);
  expect(third - second).toBeGreaterThanOrEqual(4000);
  resume();
  await vi.advanceTimersByTimeAsync(1000);
  stop();
  await vi.advanceTimersByTimeAsync(3500);
  expect(silences).toHaveLength(5);
});

test('packets that are not expected, or have never arrived, are no silence', async () => {
  const { detector, silences, stop, expect: expectPackets } = setUp();
  stop();
  expectPackets(false);
  await vi.advanceTimersByTimeAsync(5000);
  expectPackets(true);
  await vi.advanceTimersByTimeAsync(5000);
  expect(silences).toEqual([]);
  detector.close();
});

test('a silence is reported again at once where the check of it has been cut short', async () => {
  const { detector, silences, stop } = setUp();
  await vi.advanceTimersByTimeAsync(1000);
  stop();
  await vi.advanceTimersByTimeAsync(1200);
  expect(silences).toHaveLength(1);
  detector.reportAgain();
  await vi.advanceTimersByTimeAsync(300);
  expect(silences).toHaveLength(2);
  detector.close();
});

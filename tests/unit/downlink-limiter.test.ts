import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DownlinkLimiter } from '../../server/media/DownlinkLimiter.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const UNBOUND = Number.POSITIVE_INFINITY;

/** A limiter that receives estimates one after another; the sent bitrate is the last estimate unless set. */
function followed() {
  const news: string[] = [];
  let last = 0;
  let sent: number | undefined;
  const downlink = new DownlinkLimiter({
    minBitrate: 250_000,
    sent: async () => sent ?? last,
    limit: (bitrate) => news.push(`limit ${bitrate}`),
    onCongestion: (layersLess) => news.push(`${layersLess} less`),
  });
  return {
    downlink,
    news,
    /** Sets the bitrate sent from now on, bit/s. */
    sends(bitrate: number) {
      sent = bitrate;
    },
    async estimates(bitrates: readonly number[], most = UNBOUND) {
      for (const bitrate of bitrates) {
        await downlink.onEstimate(bitrate, most);
        last = bitrate;
      }
    },
  };
}

test('after a drop of the estimate, only a part of it is sent until the queue has drained', async () => {
  const { estimates, news } = followed();
  await estimates([1_000_000, 3_000_000, 2_000_000]);
  expect(news).toEqual(['limit 1200000', '1 less']);
  vi.advanceTimersByTime(2499);
  expect(news).toHaveLength(2);
  vi.advanceTimersByTime(1);
  expect(news).toEqual(['limit 1200000', '1 less', 'limit 0', '0 less']);
});

test('at a low estimate, no more than the lowest layers is sent', async () => {
  const { estimates, news } = followed();
  await estimates([2_000_000, 600_000]);
  expect(news).toEqual(['limit 360000', '2 less']);
});

test('a further drop lowers the limit and restarts the timer, down to the minimum', async () => {
  const { estimates, news } = followed();
  await estimates([2_000_000, 1_300_000]);
  vi.advanceTimersByTime(2000);
  await estimates([300_000]);
  vi.advanceTimersByTime(2499);
  expect(news).toEqual(['limit 780000', '1 less', 'limit 250000', '2 less']);
  vi.advanceTimersByTime(1);
  expect(news.slice(4)).toEqual(['limit 0', '0 less']);
});

test('a drop from a low estimate is one step, not two', async () => {
  const { estimates, news } = followed();
  await estimates([4_000_000, 900_000, 200_000]);
  expect(news).toEqual(['limit 540000', '2 less', 'limit 250000']);
});

test('estimates capped by our own limit are not drops, however often they repeat, nor are those after it is lifted', async () => {
  const { estimates, news } = followed();
  await estimates([4_000_000, 2_000_000]);
  // mediasoup caps its estimate at the limit.
  await estimates([1_200_000, 1_200_000, 1_200_000], 1_200_000);
  expect(news).toEqual(['limit 1200000', '1 less']);
  vi.advanceTimersByTime(2500);
  await estimates([1_100_000, 1_200_000, 1_500_000]);
  expect(news).toEqual(['limit 1200000', '1 less', 'limit 0', '0 less']);
});

test('while limited, an estimate follows what is sent: only one below half of the limit is a further drop', async () => {
  const { estimates, news } = followed();
  await estimates([4_000_000, 2_000_000]);
  await estimates([900_000, 650_000], 1_200_000);
  expect(news).toHaveLength(2);
  await estimates([400_000], 1_200_000);
  expect(news.slice(2)).toEqual(['limit 250000', '2 less']);
});

test('for ten seconds after the limit is lifted, drops caused by probing are left to mediasoup', async () => {
  const { estimates, news } = followed();
  await estimates([4_000_000, 2_000_000]);
  vi.advanceTimersByTime(2500);
  await estimates([3_000_000, 800_000]);
  expect(news.slice(2)).toEqual(['limit 0', '0 less']);
  vi.advanceTimersByTime(10_000);
  await estimates([3_000_000, 800_000]);
  expect(news.slice(4)).toEqual(['limit 480000', '2 less']);
});

test('an estimate that falls because less is requested is not a drop: tiles got smaller', async () => {
  const { estimates, news } = followed();
  await estimates([5_000_000], 6_000_000);
  await estimates([1_000_000], 1_000_000);
  expect(news).toEqual([]);
});

test('an estimate that falls back to what is sent is not a drop: the one before came from a probe', async () => {
  const { estimates, sends, news } = followed();
  sends(900_000);
  await estimates([1_000_000, 3_000_000, 800_000]);
  expect(news).toEqual([]);
});

test('a small decrease is not a drop, however much more was sent', async () => {
  const { estimates, sends, news } = followed();
  sends(3_000_000);
  await estimates([1_300_000, 1_250_000]);
  expect(news).toEqual([]);
});

test('the first estimate, an increase and a small decrease change nothing', async () => {
  const { estimates, news } = followed();
  await estimates([1_000_000, 2_000_000, 1_600_000, 1_250_000]);
  expect(news).toEqual([]);
});

test('after close nothing is set, although an estimate is still pending', async () => {
  const { downlink, estimates, news } = followed();
  await estimates([2_000_000, 900_000]);
  // Below half of the limit: without the close it would be a further drop.
  const late = estimates([260_000]);
  downlink.close();
  await late;
  vi.advanceTimersByTime(10_000);
  expect(news).toEqual(['limit 540000', '2 less']);
});

test('a drop whose check ends after the link has recovered limits nothing', async () => {
  const answers: ((bitrate: number) => void)[] = [];
  const news: string[] = [];
  const downlink = new DownlinkLimiter({
    minBitrate: 250_000,
    sent: () => new Promise((resolve) => answers.push(resolve)),
    limit: (bitrate) => news.push(`limit ${bitrate}`),
    onCongestion: (layersLess) => news.push(`${layersLess} less`),
  });
  await downlink.onEstimate(3_000_000, UNBOUND);
  const [first, second] = [downlink.onEstimate(2_000_000, UNBOUND), downlink.onEstimate(1_400_000, UNBOUND)];
  answers[0]?.(3_000_000);
  await first;
  vi.advanceTimersByTime(2500);
  answers[1]?.(3_000_000);
  await second;
  expect(news).toEqual(['limit 1200000', '1 less', 'limit 0', '0 less']);
  downlink.close();
});

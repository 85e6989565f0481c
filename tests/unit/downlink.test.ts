import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Downlink } from '../../server/media/Downlink.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function followed() {
  const news: string[] = [];
  const downlink = new Downlink({
    least: 250_000,
    limit: (bitrate) => news.push(`limit ${bitrate}`),
    onNarrow: (layersLess) => news.push(`${layersLess} less`),
  });
  return { downlink, news };
}

test('an estimate that is cut is believed only in part, until the queue has had the time to empty', () => {
  const { downlink, news } = followed();
  for (const bitrate of [1_000_000, 3_000_000, 2_000_000]) downlink.estimated(bitrate);
  expect(news).toEqual(['limit 1200000', '1 less']);
  vi.advanceTimersByTime(2499);
  expect(news).toHaveLength(2);
  vi.advanceTimersByTime(1);
  expect(news).toEqual(['limit 1200000', '1 less', 'limit 0', '0 less']);
});

test('where little is left, no more than the lowest layers is sent', () => {
  const { downlink, news } = followed();
  for (const bitrate of [2_000_000, 600_000]) downlink.estimated(bitrate);
  expect(news).toEqual(['limit 360000', '2 less']);
});

test('a further cut meanwhile makes it less, and the time begins anew; less than the least is never believed', () => {
  const { downlink, news } = followed();
  for (const bitrate of [2_000_000, 1_300_000]) downlink.estimated(bitrate);
  vi.advanceTimersByTime(2000);
  downlink.estimated(300_000);
  vi.advanceTimersByTime(2499);
  expect(news).toEqual(['limit 780000', '1 less', 'limit 250000', '2 less']);
  vi.advanceTimersByTime(1);
  expect(news.slice(4)).toEqual(['limit 0', '0 less']);
});

test('a cut from little to less is one step, not two', () => {
  const { downlink, news } = followed();
  for (const bitrate of [2_000_000, 500_000, 300_000]) downlink.estimated(bitrate);
  expect(news).toEqual(['limit 300000', '2 less', 'limit 250000']);
});

test('the first estimate, one that grows, and one that falls a little, are as they are', () => {
  const { downlink, news } = followed();
  for (const bitrate of [1_000_000, 2_000_000, 1_600_000, 1_250_000]) downlink.estimated(bitrate);
  expect(news).toEqual([]);
});

test('what is closed says nothing any more', () => {
  const { downlink, news } = followed();
  for (const bitrate of [2_000_000, 900_000]) downlink.estimated(bitrate);
  downlink.close();
  vi.advanceTimersByTime(10_000);
  expect(news).toEqual(['limit 540000', '2 less']);
});

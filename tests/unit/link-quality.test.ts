/** Tests of LinkQuality and ResponseTimes: what the server measures of a client's links, and whether its worker keeps up. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ResponseTimes } from '../../server/media/ResponseTimes.ts';
import { LinkQuality, type LinkStats } from '../../server/room/LinkQuality.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const well: LinkStats = { uplinkLoss: 0, downlinkLoss: 0, downlinkBitrate: 500_000, availableBitrate: 2_000_000 };

class Link {
  stats = well;
  limitedLayers = false;
  overloaded = false;
  /** How often the worker was asked. */
  asked = 0;
  readonly quality = new LinkQuality({
    getStats: async () => {
      this.asked += 1;
      return this.stats;
    },
    hasLimitedLayers: () => this.limitedLayers,
    isOverloaded: () => this.overloaded,
  });
}

describe('the links of a client', () => {
  test('are measured once a second, however many ask', async () => {
    const link = new Link();
    await Promise.all(Array.from({ length: 100 }, () => link.quality.uplink()));
    await link.quality.report();
    expect(link.asked).toBe(1);
    vi.advanceTimersByTime(1100);
    await link.quality.uplink();
    expect(link.asked).toBe(2);
  });

  test('are not measured while the worker does not keep up', async () => {
    const link = new Link();
    Object.assign(link, { overloaded: true, stats: { ...well, uplinkLoss: 0.5, downlinkLoss: 0.5 } });
    expect(await link.quality.report()).toMatchObject({ overloaded: true, uplinkLoss: 0, downlinkLoss: 0 });
    expect(await link.quality.uplink()).toEqual({ uplink: 'good', overloaded: true });
    expect(link.asked).toBe(0);
  });

  test('the uplink is poor from 4 % loss on', async () => {
    const link = new Link();
    link.stats = { ...well, uplinkLoss: 0.04 };
    expect((await link.quality.uplink()).uplink).toBe('poor');
    vi.advanceTimersByTime(1100);
    link.stats = { ...well, uplinkLoss: 0.03 };
    expect((await link.quality.uplink()).uplink).toBe('good');
  });

  test("the uplink is poor by the client's word, for five seconds or until it takes it back", async () => {
    const link = new Link();
    link.quality.setUplinkLimited(true);
    vi.advanceTimersByTime(4900);
    expect((await link.quality.uplink()).uplink).toBe('poor');
    vi.advanceTimersByTime(200);
    expect((await link.quality.uplink()).uplink).toBe('good');
    link.quality.setUplinkLimited(true);
    link.quality.setUplinkLimited(false);
    expect((await link.quality.uplink()).uplink).toBe('good');
  });

  test('the downlink is limited where a layer is missing and the estimate is used up', async () => {
    const link = new Link();
    link.limitedLayers = true;
    // mediasoup has left the layer for another reason.
    expect((await link.quality.report()).downlinkLimited).toBe(false);
    vi.advanceTimersByTime(1100);
    link.stats = { ...well, availableBitrate: 600_000 };
    expect((await link.quality.report()).downlinkLimited).toBe(true);
    link.limitedLayers = false;
    expect((await link.quality.report()).downlinkLimited).toBe(false);
  });

  test('the downlink is limited while it is congested, if the estimate is used up', async () => {
    const link = new Link();
    link.quality.setCongested(true);
    expect((await link.quality.report()).downlinkLimited).toBe(false);
    vi.advanceTimersByTime(1100);
    link.stats = { ...well, availableBitrate: 600_000 };
    expect((await link.quality.report()).downlinkLimited).toBe(true);
    link.quality.setCongested(false);
    expect((await link.quality.report()).downlinkLimited).toBe(false);
  });

  /** What is said of the downlink after some milliseconds, with what is sent and the estimate in kbit/s. */
  async function downlinkAfter(link: Link, time: number, sent: number, estimate: number) {
    vi.advanceTimersByTime(time);
    link.stats = { ...well, downlinkBitrate: sent * 1000, availableBitrate: estimate * 1000 };
    const { downlinkLimited, downlinkEstimateLow } = await link.quality.report();
    return { limited: downlinkLimited, low: downlinkEstimateLow };
  }

  test('an estimate below 400 kbit/s that is used up is low, and limits nothing before there was a congestion', async () => {
    const link = new Link();
    expect(await downlinkAfter(link, 0, 200, 300)).toEqual({ limited: false, low: true });
    expect(await downlinkAfter(link, 1100, 40, 300)).toEqual({ limited: false, low: false });
    expect(await downlinkAfter(link, 1100, 400, 500)).toEqual({ limited: false, low: false });
    // There is no estimate.
    expect(await downlinkAfter(link, 1100, 40, 0)).toEqual({ limited: false, low: false });
  });

  test('a low estimate is the effect of a congestion until it rises, or for 15 s after nobody has asked', async () => {
    const link = new Link();
    link.quality.setCongested(true);
    vi.advanceTimersByTime(2500);
    link.quality.setCongested(false);
    for (const time of [14_000, 14_000, 14_000]) {
      expect(await downlinkAfter(link, time, 200, 300)).toEqual({ limited: true, low: true });
    }
    expect(await downlinkAfter(link, 16_000, 200, 300)).toEqual({ limited: false, low: true });
    link.quality.setCongested(true);
    link.quality.setCongested(false);
    expect(await downlinkAfter(link, 1100, 300, 500)).toEqual({ limited: false, low: false });
    expect(await downlinkAfter(link, 1100, 200, 300)).toEqual({ limited: false, low: true });
  });

  test('a low estimate is the effect of missing layers, also after these have come', async () => {
    const link = new Link();
    link.limitedLayers = true;
    expect(await downlinkAfter(link, 0, 200, 300)).toEqual({ limited: true, low: true });
    link.limitedLayers = false;
    expect(await downlinkAfter(link, 1100, 200, 300)).toEqual({ limited: true, low: true });
  });

  test('what a worker congests that does not keep up is not the effect of the link', async () => {
    const link = new Link();
    link.overloaded = true;
    link.quality.setCongested(true);
    link.quality.setCongested(false);
    link.overloaded = false;
    expect(await downlinkAfter(link, 0, 200, 300)).toEqual({ limited: false, low: true });
    // It was found after the congestion that it has caused.
    link.quality.setCongested(true);
    link.quality.setCongested(false);
    link.overloaded = true;
    await link.quality.report();
    link.overloaded = false;
    expect(await downlinkAfter(link, 1100, 200, 300)).toEqual({ limited: false, low: true });
  });

  test('may be asked for 90 times a minute', () => {
    const link = new Link();
    for (let times = 0; times < 90; times += 1) {
      link.quality.takeRequest();
      vi.advanceTimersByTime(500);
    }
    expect(() => link.quality.takeRequest()).toThrow('asked for again in 15 s');
    vi.advanceTimersByTime(16_000);
    link.quality.takeRequest();
  });
});

describe('a worker', () => {
  /** @param delays of its answers, in milliseconds, one after the other; 0 from then on */
  async function slowAfter(delays: readonly number[], time: number, ownDelay = 0): Promise<boolean> {
    const left = [...delays];
    const times = new ResponseTimes({
      ask: () => new Promise((resolve) => setTimeout(resolve, left.shift() ?? 0)),
      ownDelay: { max: ownDelay * 1e6, reset: () => {} },
    });
    await vi.advanceTimersByTimeAsync(time);
    const { slow } = times;
    times.close();
    return slow;
  }
  const often = (delay: number) => Array.from({ length: 100 }, () => delay);

  test('keeps up while it answers within 120 ms, or only single answers take longer', async () => {
    expect(await slowAfter(often(90), 10_000)).toBe(false);
    expect(await slowAfter([400, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 400], 8000)).toBe(false);
  });

  test('does not keep up when its answers take longer, or there is none', async () => {
    expect(await slowAfter(often(150), 2000)).toBe(true);
    expect(await slowAfter([60_000], 1200)).toBe(true);
  });

  test('is not blamed for the delays of the process that asks', async () => {
    expect(await slowAfter(often(150), 10_000, 60)).toBe(false);
    expect(await slowAfter(often(200), 10_000, 60)).toBe(true);
  });

  test('counts as slow for ten seconds more', async () => {
    expect(await slowAfter([150, 150, 150], 9000)).toBe(true);
    expect(await slowAfter([150, 150, 150], 16_000)).toBe(false);
  });
});

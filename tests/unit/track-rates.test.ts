/** Tests of the rates of tracks over a window. */
import { describe, expect, test } from 'vitest';
import type { TrackStats } from '../../web/client/stats.ts';
import { TrackRateMeter } from '../../web/client/trackRates.ts';

const track = (values: Partial<TrackStats>): TrackStats => ({
  direction: 'receive',
  source: 'camera',
  peerId: 'ada',
  bytes: 0,
  packets: 0,
  packetsLost: 0,
  ...values,
});

describe('TrackRateMeter', () => {
  test('needs two samples, and covers the window at most', () => {
    const meter = new TrackRateMeter(2000);
    expect(meter.add([track({ bytes: 0 })], 0)).toBeUndefined();
    const bitrates = [1, 2, 3, 4].map((second) => {
      const [now] = [track({ bytes: second ** 2 * 1000, frames: second * 10 })];
      const rates = meter.add([now], second * 1000);
      return [rates?.seconds, rates?.bitrate(now), rates?.framesPerSecond(now)];
    });
    // 0, 1, 4, 9 and 16 kB after so many seconds.
    expect(bitrates).toEqual([
      [1, 8000, 10],
      [2, 16_000, 10],
      [2, 32_000, 10],
      [2, 48_000, 10],
    ]);
  });

  test('keeps tracks of different directions, sources, peers and slots apart; a new one counts from zero', () => {
    const meter = new TrackRateMeter();
    const others = [
      track({ bytes: 50, direction: 'send', peerId: undefined }),
      track({ bytes: 60, source: 'screen' }),
      track({ bytes: 70, peerId: 'bob' }),
      track({ bytes: 80, peerId: undefined, slot: 1 }),
    ];
    meter.add(others, 0);
    const now = track({ bytes: 125 });
    const rates = meter.add([...others, now], 1000);
    expect([now, ...others].map((one) => rates?.bitrate(one))).toEqual([1000, 0, 0, 0, 0]);
  });

  test('counters that start again do not count backwards', () => {
    const meter = new TrackRateMeter();
    meter.add([track({ bytes: 1_000_000, packets: 1000 })], 0);
    const now = track({ bytes: 250, packets: 1 });
    expect(meter.add([now], 1000)?.bitrate(now)).toBe(2000);
  });

  test('loss is the share of what should have arrived, or of what was sent', () => {
    const meter = new TrackRateMeter();
    const sent = (values: Partial<TrackStats>) => track({ direction: 'send', peerId: undefined, ...values });
    meter.add([track({ packets: 100, packetsLost: 50 }), sent({ packets: 100 })], 0);
    const now = [track({ packets: 190, packetsLost: 60 }), sent({ packets: 200, packetsLost: 10 })];
    const rates = meter.add(now, 1000);
    expect(now.map((one) => rates?.loss(one))).toEqual([0.1, 0.1]);
    // Packets that arrive late make the counter of lost packets fall.
    const late = track({ packets: 200, packetsLost: 40 });
    expect(meter.add([late], 2000)?.loss(late)).toBe(0);
  });
});

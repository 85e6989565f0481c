/** What gets through, as the diagnosis computes it from the counters of both ends. */
import { expect, test } from 'vitest';
import { ratesOf } from '../../web/client/diagnosis/measureThroughput.ts';

/** One sample: bytes sent and received until then, and of the packets sent, those that the server has missed. */
const sampleAt = (at: number, sent: number, received: number, packets = 0, packetsLost = 0) => ({
  sending: { at, bytes: sent },
  receiving: { at, bytes: received },
  sent: { packets, packetsLost, jitter: undefined },
  received: { packets: 0, packetsLost: 0, jitter: undefined },
  roundTripTime: undefined,
  estimate: undefined,
  protocol: 'udp' as const,
});

test('nothing is known of one sample', () => {
  expect(ratesOf([])).toEqual({ up: 0, down: 0 });
  expect(ratesOf([sampleAt(1000, 5000, 5000)])).toEqual({ up: 0, down: 0 });
});

test('each direction has its own bytes, over the last second and a half', () => {
  const samples = [sampleAt(0, 0, 0), sampleAt(1000, 900_000, 900_000), sampleAt(2500, 1_087_500, 993_750)];
  expect(ratesOf(samples)).toEqual({ up: 1_000_000, down: 500_000 });
});

test('what the server has missed did not get through', () => {
  expect(ratesOf([sampleAt(0, 0, 0), sampleAt(1000, 250_000, 125_000, 200, 50)])).toEqual({
    up: 1_500_000,
    down: 1_000_000,
  });
});

/** Made-up results of a load test: an empty one, and one with a few publishers and many subscribers. */

import type { LoadResults, Packets, SubscriberRow, TimelineRow, TrackRow } from '../../scripts/load/results.ts';
import { addPackets } from '../../scripts/load/tally.ts';
import { type Random, randomFrom } from '../../scripts/support/random.ts';
import { distributionOf } from '../../scripts/support/statistics/distribution.ts';

const none = distributionOf([]);
const noPackets: Packets = { expected: 0, distinct: 0, lost: 0, repaired: 0, duplicate: 0, bytes: 0 };

/** The results of a test without members. */
export const emptyResults: LoadResults = {
  version: 1,
  startedAt: '2026-01-31T12:00:00.000Z',
  duration: 0,
  command: '',
  url: 'ws://localhost:3000/ws',
  seed: 1,
  srtp: 'AEAD_AES_128_GCM',
  members: { offered: 0, joined: 0, failed: 0, failures: {} },
  join: none,
  firstPacket: none,
  firstKeyFrame: none,
  latency: none,
  jitter: none,
  gaps: none,
  packets: noPackets,
  sent: 0,
  keyFrameRequests: 0,
  undecryptable: 0,
  tracks: [],
  subscribers: [],
  timeline: [],
  processes: [],
  warnings: [],
  assertions: [],
};

export interface Cast {
  readonly publishers: number;
  readonly subscribers: number;
  /** Seconds. */
  readonly duration: number;
}

/**
 * Plausible results: everyone but the last subscriber receives almost everything. The same members give the same
 * figures.
 */
export function loadResults(
  { publishers, subscribers, duration }: Cast,
  change: Partial<LoadResults> = {},
): LoadResults {
  const random = randomFrom(publishers * 1000 + subscribers);
  const rows = Array.from({ length: subscribers }, (_none, at) =>
    at === subscribers - 1 ? failedSubscriber(at) : subscriber(at, publishers, duration, random),
  );
  const came = rows.filter(({ error }) => error === undefined);
  const times = (of: (row: SubscriberRow) => number | undefined) =>
    distributionOf(rows.map(of).filter((time) => time !== undefined));
  return {
    ...emptyResults,
    duration,
    command: `npm run load -- --url ws://localhost:3000/ws --publishers ${publishers} --subscribers ${subscribers} --duration ${duration} --seed 7 --assert 'ttff.p95<1500' --assert 'loss<0.5%'`,
    seed: 7,
    members: {
      offered: publishers + subscribers,
      joined: publishers + came.length,
      failed: rows.length - came.length,
      failures: { 'unavailable: no worker has room for another transport': rows.length - came.length },
    },
    join: times(({ join }) => join),
    firstPacket: times(({ firstPacket }) => firstPacket),
    firstKeyFrame: times(({ firstKeyFrame }) => firstKeyFrame),
    latency: latencies(random, 4000),
    jitter: distributionOf(came.map(({ jitter }) => jitter)),
    gaps: distributionOf(came.map(({ longestGap }) => longestGap)),
    packets: came.reduce((sum, { packets }) => addPackets(sum, packets), noPackets),
    sent: publishers * 130 * duration,
    keyFrameRequests: publishers * 9,
    tracks: Array.from({ length: publishers }, (_none, at) => tracksOf(at, came.length, duration, random)).flat(),
    subscribers: rows,
    timeline: Array.from({ length: duration }, (_none, second) => moment(second, publishers, came.length, random)),
    processes: [
      { role: 'server', pid: 4101, cpu: 0.14, cpuMost: 0.61, rss: 118 * 2 ** 20 },
      { role: 'worker', pid: 4110, cpu: 0.52, cpuMost: 0.77, rss: 41 * 2 ** 20 },
      { role: 'worker', pid: 4111, cpu: 0.49, cpuMost: 0.7, rss: 40 * 2 ** 20 },
      { role: 'tester', pid: 4200, cpu: 0.66, cpuMost: 0.91, rss: 203 * 2 ** 20 },
    ],
    warnings: [
      'A process of the tester used 91 % of its core in second 14: latencies of that second are partly its own. Give it more processes, or fewer subscribers.',
    ],
    assertions: [
      { text: 'ttff.p95<1500', value: times(({ firstKeyFrame }) => firstKeyFrame).p95, ok: true },
      { text: 'loss<0.5%', value: 0.041, ok: true },
      { text: 'failed==0', value: 1, ok: false },
      { text: 'undecryptable==0', value: undefined, ok: false },
    ],
    ...change,
  };
}

/** A made-up latency in milliseconds: mostly short, occasionally ten times as long. */
const delay = (random: Random) => 0.4 + random.int(1000) / 800 + (random.int(40) === 0 ? random.int(140) / 10 : 0);
const latencies = (random: Random, count: number) => distributionOf(Array.from({ length: count }, () => delay(random)));

function packetsOf(expected: number, random: Random): Packets {
  const lost = random.int(Math.ceil(expected / 1200) + 1);
  const repaired = lost - random.int(Math.min(lost, 2) + 1);
  return {
    expected,
    distinct: expected - lost + repaired,
    lost,
    repaired,
    duplicate: random.int(4),
    bytes: expected * 940,
  };
}

function subscriber(at: number, publishers: number, duration: number, random: Random): SubscriberRow {
  const join = 24 + random.int(60) + at;
  const firstPacket = join + 8 + random.int(40);
  const packets = packetsOf(publishers * 130 * duration, random);
  return {
    room: 'load-1',
    name: `subscriber-${at + 1}`,
    tracks: publishers * 2,
    join,
    firstPacket,
    firstKeyFrame: firstPacket + random.int(random.int(4) === 0 ? 900 : 160),
    packets,
    bitrate: (packets.bytes * 8) / duration,
    latency: latencies(random, 300),
    jitter: 0.3 + random.int(30) / 10,
    gaps: random.int(3),
    longestGap: random.int(3) === 0 ? 205 + random.int(160) : 40 + random.int(60),
    sampled: at % 10 === 0,
    error: undefined,
  };
}

function failedSubscriber(at: number): SubscriberRow {
  return {
    room: 'load-1',
    name: `subscriber-${at + 1}`,
    tracks: 0,
    join: undefined,
    firstPacket: undefined,
    firstKeyFrame: undefined,
    packets: noPackets,
    bitrate: 0,
    latency: none,
    jitter: 0,
    gaps: 0,
    longestGap: 0,
    sampled: false,
    error: 'unavailable: no worker has room for another transport',
  };
}

function tracksOf(at: number, subscribers: number, duration: number, random: Random): readonly TrackRow[] {
  const track = (source: string, codec: string, rate: number, keyFrameRequests: number): TrackRow => ({
    room: 'load-1',
    publisher: `publisher-${at + 1}`,
    source,
    codec,
    subscribers,
    sent: rate * duration,
    packets: packetsOf(rate * duration * subscribers, random),
    latency: latencies(random, 800),
    keyFrameRequests,
  });
  return [track('microphone', 'opus', 50, 0), track('camera', 'VP8', 80, 9)];
}

function moment(second: number, publishers: number, subscribers: number, random: Random): TimelineRow {
  const here = Math.min(subscribers, second * 8);
  const packets = here * publishers * (128 + random.int(5));
  const sorted = latencies(random, 120);
  const load = here / Math.max(1, subscribers);
  return {
    second,
    joined: publishers + here,
    failed: second > 5 ? 1 : 0,
    packets,
    bytes: packets * 940,
    lost: second % 17 === 14 ? random.int(60) : random.int(3),
    latencyP50: packets > 0 ? sorted.p50 : 0,
    latencyP95: packets > 0 ? sorted.p95 : 0,
    testerCpu: 0.05 + load * (0.5 + random.int(20) / 100) + (second === 14 ? 0.2 : 0),
    serverCpu: second < 6 ? 0.3 + random.int(30) / 100 : 0.06 + random.int(8) / 100,
    workersCpu: 0.03 + load * (0.9 + random.int(20) / 100),
  };
}

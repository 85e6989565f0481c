/** Adds what the counters of RTP streams have grown by, from sample to sample, to the totals of their kind. */
import type { RtpStreamRecvStats, RtpStreamSendStats } from 'mediasoup/types';
import type { Series, streamLabels } from './createSeries.ts';

export type StreamStats = RtpStreamRecvStats | RtpStreamSendStats;
export type StreamLabels = Readonly<Record<(typeof streamLabels)[number], string>>;

/** The counters of one stream, at the last sample. */
export type StreamCounts = Map<number, number[]>;

/** The totals of all streams with the same labels. */
export class StreamTotals {
  readonly #children: readonly { readonly of: (stats: StreamStats) => number; readonly inc: (by: number) => void }[];

  constructor(series: Series, labels: StreamLabels) {
    const { rtpPackets, rtpBytes, rtpLost, rtpRetransmitted, nacks, nackPackets, plis, firs } = series;
    const of = (counter: typeof rtpPackets, read: (stats: StreamStats) => number) => {
      const child = counter.labels(labels);
      // A series exists from the first stream of its kind on, so that rates do not miss the first event.
      child.inc(0);
      return { of: read, inc: (by: number) => child.inc(by) };
    };
    this.#children = [
      of(rtpPackets, ({ packetCount }) => packetCount),
      of(rtpBytes, ({ byteCount }) => byteCount),
      of(rtpLost, ({ packetsLost }) => packetsLost),
      of(rtpRetransmitted, ({ packetsRetransmitted }) => packetsRetransmitted),
      of(nacks, ({ nackCount }) => nackCount),
      of(nackPackets, ({ nackPacketCount }) => nackPacketCount),
      of(plis, ({ pliCount }) => pliCount),
      of(firs, ({ firCount }) => firCount),
    ];
  }

  /** @param counts of the streams of one producer or consumer by SSRC, updated */
  add(counts: StreamCounts, stats: StreamStats): void {
    const before = counts.get(stats.ssrc) ?? [];
    const now = this.#children.map(({ of, inc }, index) => {
      const [value, highest] = [of(stats), before[index] ?? 0];
      // Losses are estimates, which may go back: only what exceeds all before is new.
      if (value <= highest) return highest;
      inc(value - highest);
      return value;
    });
    counts.set(stats.ssrc, now);
  }
}

/** What one look at the statistics of both transports says about the quality of what is sent and received. */
import type { Source } from '../../../shared/media.ts';

/** Counters are totals since the track started. */
export interface QualitySample {
  /** `performance.now()`. */
  readonly time: number;
  readonly sent: SentSample;
  readonly received: readonly ReceivedSample[];
}

/** All that is sent, summed over its streams. */
export interface SentSample {
  readonly packets: number;
  /** Those that the server reports as lost. */
  readonly packetsLost: number;
  readonly bytes: number;
  /** Whether the browser reports that bandwidth limits a video; never in browsers that do not report it. */
  readonly isBandwidthLimited: boolean;
  /** In bit/s; undefined in browsers that do not report it. */
  readonly availableOutgoingBitrate?: number | undefined;
}

/** One track of one peer that should arrive all the time: not muted, not hidden, of nobody who is away. */
export interface ReceivedSample {
  readonly peerId: string;
  readonly source: Source;
  readonly packets: number;
  readonly packetsLost: number;
  /** How often packets were requested again. */
  readonly nackCount: number;
  /** In seconds: for how long frames or samples were buffered before playout, in all, and the number of them. */
  readonly jitterBufferDelay: number;
  readonly jitterBufferEmittedCount: number;
  /** In seconds: how much later than necessary it is played on purpose. */
  readonly playoutDelay: number;
  /** Video only. */
  readonly frames?: number | undefined;
  /** In seconds. */
  readonly totalFreezesDuration?: number | undefined;
  readonly size?: PixelSize | undefined;
  /** In device pixels; undefined where the page has not reported it, or has chosen a quality itself. */
  readonly shownSize?: PixelSize | undefined;
  /** Audio only: samples in all, and those that were made up since packets were missing, without those of silence. */
  readonly samples?: number | undefined;
  readonly concealedSamples?: number | undefined;
}

export interface PixelSize {
  readonly width: number;
  readonly height: number;
}

/** Which track an `inbound-rtp` row is of, by the id of its `MediaStreamTrack`. */
export type TrackLookup = (
  trackId: string,
) => Pick<ReceivedSample, 'peerId' | 'source' | 'shownSize' | 'playoutDelay'> | undefined;

/** The statistics of both transports as the browser reports them, and what they are of. */
export interface QualityReports {
  readonly reports: { readonly send: RTCStatsReport | undefined; readonly recv: RTCStatsReport | undefined };
  /** Undefined for tracks that are not expected. */
  readonly trackOf: TrackLookup;
}

type Row = Record<string, unknown>;

/** Summarises the reports of the two transports (webrtc-stats). @param lookup undefined for tracks that are not expected */
export function sampleOf(time: number, { send, recv }: QualityReports['reports'], lookup: TrackLookup): QualitySample {
  const sent = rowsOf(send);
  const outbound = sent.filter(({ type }) => type === 'outbound-rtp');
  const remote = sent.filter(({ type }) => type === 'remote-inbound-rtp');
  const available = sent.flatMap(({ type, availableOutgoingBitrate }) =>
    type === 'candidate-pair' && typeof availableOutgoingBitrate === 'number' ? [availableOutgoingBitrate] : [],
  );
  return {
    time,
    sent: {
      packets: sum(outbound, 'packetsSent'),
      packetsLost: sum(remote, 'packetsLost'),
      bytes: sum(outbound, 'bytesSent'),
      isBandwidthLimited: outbound.some(({ qualityLimitationReason }) => qualityLimitationReason === 'bandwidth'),
      availableOutgoingBitrate: available.length > 0 ? Math.max(...available) : undefined,
    },
    received: rowsOf(recv).flatMap((row) => receivedOf(row, lookup) ?? []),
  };
}

function receivedOf(row: Row, lookup: TrackLookup): ReceivedSample | undefined {
  if (row.type !== 'inbound-rtp' || typeof row.trackIdentifier !== 'string') return undefined;
  const track = lookup(row.trackIdentifier);
  if (!track) return undefined;
  const counters = {
    packets: numberOf(row, 'packetsReceived'),
    packetsLost: numberOf(row, 'packetsLost'),
    nackCount: numberOf(row, 'nackCount'),
    jitterBufferDelay: numberOf(row, 'jitterBufferDelay'),
    jitterBufferEmittedCount: numberOf(row, 'jitterBufferEmittedCount'),
  };
  if (row.kind === 'audio') {
    return {
      ...track,
      ...counters,
      samples: numberOf(row, 'totalSamplesReceived'),
      concealedSamples: numberOf(row, 'concealedSamples') - numberOf(row, 'silentConcealedSamples'),
    };
  }
  const [width, height] = [numberOf(row, 'frameWidth'), numberOf(row, 'frameHeight')];
  return {
    ...track,
    ...counters,
    frames: numberOf(row, 'framesDecoded'),
    totalFreezesDuration: numberOf(row, 'totalFreezesDuration'),
    size: width > 0 && height > 0 ? { width, height } : undefined,
  };
}

function rowsOf(report: RTCStatsReport | undefined): Row[] {
  const rows: Row[] = [];
  report?.forEach((row: Row) => {
    rows.push(row);
  });
  return rows;
}

function numberOf(row: Row, key: string): number {
  const found = row[key];
  return typeof found === 'number' ? found : 0;
}

function sum(rows: readonly Row[], key: string): number {
  return rows.reduce((total, row) => total + numberOf(row, key), 0);
}

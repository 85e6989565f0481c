/** Owns the statistics of a call: what WebRTC reports, cut down to what a person can use. */
import type { Source } from '../../shared/media.ts';

/** One track, sent or received. Times are in seconds since it started, bytes and packets counted since then. */
export interface TrackStats {
  readonly direction: 'send' | 'receive';
  readonly source: Source;
  /** Whose track it is; undefined for our own. */
  readonly peerId?: string;
  /** The audio slot that it is, of a large room. */
  readonly slot?: number;
  readonly bytes: number;
  readonly packets: number;
  /** Received: packets that never came. Sent: what the server reports lost. */
  readonly packetsLost: number;
  /** Seconds. */
  readonly jitter?: number;
  /** Seconds. */
  readonly roundTripTime?: number;
  readonly codec?: string;
  /** Video: frames encoded or decoded, and their size in pixels. */
  readonly frames?: number;
  readonly frameWidth?: number;
  readonly frameHeight?: number;
  readonly framesPerSecond?: number;
  /** Video sent: what keeps it from being better, where the browser says that something does. */
  readonly qualityLimitationReason?: 'cpu' | 'bandwidth' | 'other';
  /** Video received: how often and for how many seconds the picture stood still. */
  readonly freezeCount?: number;
  readonly totalFreezesDuration?: number;
  /** Received: seconds that frames or samples have waited before they were played, summed up, and how many have. */
  readonly jitterBufferDelay?: number;
  readonly jitterBufferEmittedCount?: number;
  /** Video received: seconds of decoding, summed up. */
  readonly totalDecodeTime?: number;
  /** Of the network between here and the server, there and back, in seconds. */
  readonly currentRoundTripTime?: number;
}

/** Of several layers, the first of these that one has counts. */
const limits = ['cpu', 'bandwidth', 'other'] as const;

type Row = Record<string, unknown>;

/** Sums up the report of one sender or receiver. */
export function summarise(track: {
  source: Source;
  peerId?: string;
  slot?: number;
  report: RTCStatsReport;
}): TrackStats {
  const rows: Row[] = [];
  track.report.forEach((row: Row) => {
    rows.push(row);
  });
  const ofType = (type: string) => rows.filter((row) => row.type === type);
  const received = track.peerId !== undefined || track.slot !== undefined;
  const streams = ofType(received ? 'inbound-rtp' : 'outbound-rtp');
  const remote = ofType(received ? 'remote-outbound-rtp' : 'remote-inbound-rtp');
  const codec = ofType('codec')[0]?.mimeType;
  const optional = (key: string, from = streams) => (from.some((row) => key in row) ? max(from, key) : undefined);
  return {
    direction: received ? 'receive' : 'send',
    source: track.source,
    ...(track.peerId !== undefined && { peerId: track.peerId }),
    ...(track.slot !== undefined && { slot: track.slot }),
    bytes: sum(streams, received ? 'bytesReceived' : 'bytesSent'),
    packets: sum(streams, received ? 'packetsReceived' : 'packetsSent'),
    packetsLost: sum(received ? streams : remote, 'packetsLost'),
    jitter: optional('jitter', received ? streams : remote),
    roundTripTime: optional('roundTripTime', remote),
    codec: typeof codec === 'string' ? codec : undefined,
    frames: optional(received ? 'framesDecoded' : 'framesEncoded'),
    frameWidth: optional('frameWidth'),
    frameHeight: optional('frameHeight'),
    framesPerSecond: optional('framesPerSecond'),
    qualityLimitationReason: received
      ? undefined
      : limits.find((limit) => streams.some((row) => row.qualityLimitationReason === limit)),
    freezeCount: optional('freezeCount'),
    totalFreezesDuration: optional('totalFreezesDuration'),
    jitterBufferDelay: optional('jitterBufferDelay'),
    jitterBufferEmittedCount: optional('jitterBufferEmittedCount'),
    totalDecodeTime: optional('totalDecodeTime'),
    currentRoundTripTime: currentRoundTripTime(rows),
  };
}

/** What has gone over one transport: RTP packets, and bytes of everything that came, RTCP among it. */
export interface TransportReport {
  readonly sent: number;
  readonly received: number;
  readonly bytesReceived: number;
}

/** Sums up the report of one transport. */
export function countTransport(report: RTCStatsReport): TransportReport {
  const rows: Row[] = [];
  report.forEach((row: Row) => {
    rows.push(row);
  });
  const total = (type: string, key: string) =>
    sum(
      rows.filter((row) => row.type === type),
      key,
    );
  return {
    sent: total('outbound-rtp', 'packetsSent'),
    received: total('inbound-rtp', 'packetsReceived'),
    bytesReceived: total('candidate-pair', 'bytesReceived'),
  };
}

/** The round trip of the pair of candidates that carries it; not every browser says which that is by the transport. */
function currentRoundTripTime(rows: readonly Row[]): number | undefined {
  const chosen = new Set(rows.map((row) => row.selectedCandidatePairId).filter(Boolean));
  const pairs = rows.filter(({ type, id, selected, nominated, state }) => {
    if (type !== 'candidate-pair') return false;
    return chosen.size > 0 ? chosen.has(id) : selected === true || (nominated === true && state === 'succeeded');
  });
  const time = pairs[0]?.currentRoundTripTime;
  return typeof time === 'number' ? time : undefined;
}

const value = (row: Row, key: string): number => {
  const found = row[key];
  return typeof found === 'number' ? found : 0;
};
const sum = (rows: readonly Row[], key: string) => rows.reduce((total, row) => total + value(row, key), 0);
const max = (rows: readonly Row[], key: string) => rows.reduce((most, row) => Math.max(most, value(row, key)), 0);

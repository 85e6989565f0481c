/** The statistics of tracks and transports: a summary of the WebRTC reports, in the terms of webrtc-stats. */
import type { Source } from '../../shared/media.ts';
import { selectedPair } from './connectionStats.ts';

/** One sent or received track. Times are in seconds; bytes, packets and frames are counted since it started. */
export interface TrackStats {
  readonly direction: 'send' | 'receive';
  readonly source: Source;
  /** The peer of a received track; undefined for our own tracks and for audio slots. */
  readonly peerId?: string;
  /** The peer that our own track is sent to directly: it is sent to each one by itself. */
  readonly toPeerId?: string;
  /** The audio slot of a large room. */
  readonly slot?: number;
  /** Whether it goes from peer to peer, not through the server. */
  readonly direct?: boolean;
  readonly bytes: number;
  readonly packets: number;
  /** Received: packets that did not arrive. Sent: those that the server, or the peer, reports as lost. */
  readonly packetsLost: number;
  readonly jitter?: number;
  readonly roundTripTime?: number;
  readonly codec?: string;
  /** The id of its media section in the SDP. */
  readonly mid?: string;
  /** Sent: the scalability mode of its encodings. Received: that with which its publisher sends it, such as `S3T3`. */
  readonly scalabilityMode?: string;
  /** Video sent: its encodings that are active, the smallest first. Of simulcast each is a spatial layer. */
  readonly encodings?: readonly EncodingStats[];
  /** Packets that were asked for again, and requests for a key frame: those that were received of what is sent, or sent. */
  readonly nackCount?: number;
  readonly pliCount?: number;
  /** The encoder or decoder, in browsers that report it. */
  readonly codecImplementation?: string;
  /** Video: encoded or decoded frames, and their size in pixels. */
  readonly frames?: number;
  readonly frameWidth?: number;
  readonly frameHeight?: number;
  readonly framesPerSecond?: number;
  /** Video sent: what limits its quality, in browsers that report it. */
  readonly qualityLimitationReason?: 'cpu' | 'bandwidth' | 'other';
  /** Video received: the number of freezes, and the sum of their durations. */
  readonly freezeCount?: number;
  readonly totalFreezesDuration?: number;
  /** Received: the sum of the times that frames or samples were buffered before playout, and the number of them. */
  readonly jitterBufferDelay?: number;
  readonly jitterBufferEmittedCount?: number;
  /** Video received: the sum of the decode times. */
  readonly totalDecodeTime?: number;
  /** The round-trip time of the network path to the server, or to the peer. */
  readonly currentRoundTripTime?: number;
}

/** One encoding of a video that is sent. */
export interface EncodingStats {
  readonly rid?: string;
  readonly frameWidth?: number;
  readonly frameHeight?: number;
  readonly framesPerSecond?: number;
  readonly bytes: number;
}

/** In order of precedence: the layers of one video may have different reasons. */
const limitationReasons = ['cpu', 'bandwidth', 'other'] as const;

type Row = Record<string, unknown>;

/** The report of one sender or receiver, and what the browser does not know of its track. */
export interface TrackReport {
  readonly source: Source;
  readonly peerId?: string;
  readonly toPeerId?: string;
  readonly slot?: number;
  /** Of a received track. */
  readonly scalabilityMode?: string;
  readonly report: RTCStatsReport;
}

/** Summarises the report of one sender or receiver. */
export function summarise(track: TrackReport): TrackStats {
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
    ...(track.toPeerId !== undefined && { toPeerId: track.toPeerId }),
    ...(track.slot !== undefined && { slot: track.slot }),
    bytes: sum(streams, received ? 'bytesReceived' : 'bytesSent'),
    packets: sum(streams, received ? 'packetsReceived' : 'packetsSent'),
    packetsLost: sum(received ? streams : remote, 'packetsLost'),
    jitter: optional('jitter', received ? streams : remote),
    roundTripTime: optional('roundTripTime', remote),
    codec: typeof codec === 'string' ? codec : undefined,
    mid: text(streams, 'mid'),
    scalabilityMode: track.scalabilityMode ?? text(streams, 'scalabilityMode'),
    encodings: received ? undefined : encodingsOf(streams),
    nackCount: streams.some((row) => 'nackCount' in row) ? sum(streams, 'nackCount') : undefined,
    pliCount: streams.some((row) => 'pliCount' in row) ? sum(streams, 'pliCount') : undefined,
    codecImplementation: text(streams, received ? 'decoderImplementation' : 'encoderImplementation'),
    frames: optional(received ? 'framesDecoded' : 'framesEncoded'),
    frameWidth: optional('frameWidth'),
    frameHeight: optional('frameHeight'),
    framesPerSecond: optional('framesPerSecond'),
    qualityLimitationReason: received
      ? undefined
      : limitationReasons.find((reason) => streams.some((row) => row.qualityLimitationReason === reason)),
    freezeCount: optional('freezeCount'),
    totalFreezesDuration: optional('totalFreezesDuration'),
    jitterBufferDelay: optional('jitterBufferDelay'),
    jitterBufferEmittedCount: optional('jitterBufferEmittedCount'),
    totalDecodeTime: optional('totalDecodeTime'),
    currentRoundTripTime: currentRoundTripTime(rows),
  };
}

/** Of a video with its size only: one that is not sent has none. */
function encodingsOf(streams: readonly Row[]): EncodingStats[] | undefined {
  const active = streams
    .filter((row) => row.active !== false && value(row, 'frameWidth') > 0)
    .toSorted((one, other) => value(one, 'frameWidth') - value(other, 'frameWidth'))
    .map((row) => ({
      rid: text([row], 'rid'),
      frameWidth: value(row, 'frameWidth'),
      frameHeight: value(row, 'frameHeight'),
      framesPerSecond: 'framesPerSecond' in row ? value(row, 'framesPerSecond') : undefined,
      bytes: value(row, 'bytesSent'),
    }));
  return active.length > 0 ? active : undefined;
}

/** The counters of one transport: RTP packets, and all received bytes, including RTCP. */
export interface TransportReport {
  readonly sent: number;
  readonly received: number;
  readonly bytesReceived: number;
}

/** Summarises the report of one transport. */
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

/** The round-trip time of the selected candidate pair. */
function currentRoundTripTime(rows: readonly Row[]): number | undefined {
  const time = selectedPair(rows)?.currentRoundTripTime;
  return typeof time === 'number' ? time : undefined;
}

/** The first text of that name. */
const text = (rows: readonly Row[], key: string) =>
  rows.map((row) => row[key]).find((one): one is string => typeof one === 'string' && one !== '');
const value = (row: Row, key: string): number => {
  const found = row[key];
  return typeof found === 'number' ? found : 0;
};
const sum = (rows: readonly Row[], key: string) => rows.reduce((total, row) => total + value(row, key), 0);
const max = (rows: readonly Row[], key: string) => rows.reduce((most, row) => Math.max(most, value(row, key)), 0);

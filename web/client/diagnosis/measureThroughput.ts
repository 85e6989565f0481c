/** Measures how much video gets through to the server and back: one client sends, another one of this device receives. */
import type { RoomClient } from '../RoomClient.ts';
import { becomes, wait } from './abortable.ts';
import { joinDiagnosis, newDiagnosisRoom } from './diagnosisRoom.ts';

/**
 * In milliseconds: how long it may take to connect, how long browsers estimate the path, how long their congestion control may
 * take to adapt, how long it is measured, how often, and over which time a rate is.
 */
const TIMES = { start: 10_000, estimation: 1500, adaptation: 2000, measurement: 8000, interval: 500, window: 1500 };
/** What a diagnosis sends at most, in bit/s, is `DIAGNOSIS` in encodings.ts: above this share of it nothing limits it. */
const UNLIMITED = 3_400_000;
/** Bytes of the headers of UDP and IPv4 in each packet. */
const HEADERS = 28;
/** An estimate so much higher than what is sent means that more would get through. */
const SPARE = 1.3;
/** The share of what was sent up that counts as all of it, when it has come down: they are measured over different times. */
const ALL = 0.9;

/** One direction. What is not known is undefined. */
export interface DirectionStats {
  /** The most that got through for a second and a half, with all headers, in bit/s. */
  readonly bitrate: number;
  /** The share of packets that were lost, 0 to 1. */
  readonly packetLoss: number;
  /** In milliseconds. */
  readonly jitter: number | undefined;
  /** Whether more might get through: this is all that was sent. */
  readonly lowerBound: boolean;
}

export interface ThroughputResult {
  readonly up: DirectionStats;
  readonly down: DirectionStats;
  /** Of the path while it carries this video, in milliseconds. */
  readonly roundTripTime: number | undefined;
  /** How media went. */
  readonly protocol: 'udp' | 'tcp' | 'relay' | undefined;
}

export interface ThroughputOptions {
  /** The URL of the server. */
  readonly url: string;
  /** The video that is sent. It belongs to the caller. */
  readonly video: MediaStreamTrack;
  /**
   * Makes the video need all the bitrate that it gets, as noise does, or hardly any. Browsers estimate what a path carries
   * within a second while they have little to send, by padding, and over minutes while they have much.
   */
  saturate(on: boolean): void;
  readonly signal: AbortSignal;
  /** Called twice a second with what gets through at present, in bit/s. */
  onProgress?(bitrates: { readonly up: number; readonly down: number }): void;
}

/** The counters of both ends. */
interface Sample {
  readonly sending: ByteCount;
  readonly receiving: ByteCount;
  readonly sent: Counters;
  readonly received: Counters;
  readonly roundTripTime: number | undefined;
  /** What congestion control believes that the path carries, in bit/s, where the browser reports it. */
  readonly estimate: number | undefined;
  readonly protocol: ThroughputResult['protocol'];
}

/** A number of bytes, and when it was that, in milliseconds: a busy page gets it later. */
interface ByteCount {
  readonly at: number;
  readonly bytes: number;
}

interface Counters {
  readonly packets: number;
  readonly packetsLost: number;
  readonly jitter: number | undefined;
}

/**
 * @returns undefined where no video arrives at all
 * @throws {WeirError} if the server cannot be joined; the reason of the signal
 */
export async function measureThroughput(options: ThroughputOptions): Promise<ThroughputResult | undefined> {
  const { url, signal } = options;
  const room = newDiagnosisRoom();
  const receiver = await joinDiagnosis({ url, room, signal });
  try {
    const sender = await joinDiagnosis({ url, room, signal });
    const video = options.video.clone();
    options.saturate(false);
    try {
      sender.client.publish('camera', video, { codec: 'VP8' }).catch(() => {});
      return await measure(sender.client, receiver.client, options);
    } finally {
      options.saturate(false);
      video.stop();
      sender.leave();
    }
  } finally {
    receiver.leave();
  }
}

async function measure(
  sender: RoomClient,
  receiver: RoomClient,
  { signal, saturate, onProgress }: ThroughputOptions,
): Promise<ThroughputResult | undefined> {
  const bothJoined = () => sender.state === 'joined' && receiver.state === 'joined';
  const isConnected = () => sender.mediaWasConnected && receiver.mediaWasConnected;
  await becomes(() => isConnected() || !bothJoined(), TIMES.start, signal);
  if (!isConnected()) return undefined;
  await wait(TIMES.estimation, signal);
  saturate(true);
  const samples: Sample[] = [];
  const end = performance.now() + TIMES.measurement;
  while (performance.now() < end && bothJoined()) {
    samples.push(await sample(sender, receiver));
    const rates = ratesOf(samples);
    onProgress?.(rates);
    if (isUnlimited(rates, samples)) break;
    await wait(TIMES.interval, signal);
  }
  return resultOf(samples);
}

async function sample(sender: RoomClient, receiver: RoomClient): Promise<Sample> {
  const [sent, received, sending, receiving] = await Promise.all([
    sender.getStats(),
    receiver.getStats(),
    sender.getConnectionStats(),
    receiver.getConnectionStats(),
  ]);
  const up = sending.find(({ direction }) => direction === 'send')?.pair;
  const down = receiving.find(({ direction }) => direction === 'receive')?.pair;
  const video = ({ source }: { source: string }) => source === 'camera';
  const sentVideo = countersOf(sent.find(video));
  const receivedVideo = countersOf(received.find(video));
  return {
    sending: byteCount(up?.timestamp, up?.bytesSent, sentVideo.packets),
    receiving: byteCount(down?.timestamp, down?.bytesReceived, receivedVideo.packets),
    sent: sentVideo,
    received: receivedVideo,
    roundTripTime: up?.currentRoundTripTime === undefined ? undefined : up.currentRoundTripTime * 1000,
    estimate: up?.availableOutgoingBitrate,
    protocol: up && (up.local.candidateType === 'relay' ? 'relay' : up.local.protocol),
  };
}

/** @param payload bytes without the headers of UDP and IP */
function byteCount(at = Date.now(), payload = 0, packets = 0): ByteCount {
  return { at, bytes: payload + HEADERS * packets };
}

function countersOf(track: Partial<Counters> | undefined): Counters {
  const { packets = 0, packetsLost = 0, jitter } = track ?? {};
  return { packets, packetsLost, jitter };
}

/** What got through in the last seconds, in bit/s. */
export function ratesOf(samples: readonly Sample[]): { up: number; down: number } {
  const last = samples.at(-1);
  const first = samples.find(({ sending }) => last && sending.at >= last.sending.at - TIMES.window);
  if (!first || !last) return { up: 0, down: 0 };
  const sent = rateBetween(first.sending, last.sending);
  // Reports of the server on what it has received come about once a second.
  return { up: sent * (1 - lossOfSent(first, last)), down: rateBetween(first.receiving, last.receiving) };
}

/**
 * The highest rates. At first more is sent than a narrow path carries, which then is full: what arrives is all that it can.
 * Congestion control stays below that for a while. What has come back has also gone up.
 */
function bestRates(samples: readonly Sample[]): { up: number; down: number } {
  const begin = samples[0]?.sending.at ?? 0;
  const since = (time: number) =>
    samples.flatMap(({ sending }, index) => (sending.at - begin >= time ? [ratesOf(samples.slice(0, index + 1))] : []));
  const down = Math.max(0, ...since(TIMES.window).map((rates) => rates.down));
  // The server's reports of loss come late: until congestion control has adapted, they do not tell how much has arrived.
  const up = Math.max(down, ...since(TIMES.adaptation + TIMES.window).map((rates) => rates.up));
  return { up, down };
}

function rateBetween(first: ByteCount, last: ByteCount): number {
  return last.at > first.at ? (8000 * (last.bytes - first.bytes)) / (last.at - first.at) : 0;
}

/** Whether more than is ever sent would get through: the rates have been near the limit for the whole window. */
function isUnlimited(rates: { readonly up: number; readonly down: number }, samples: readonly Sample[]): boolean {
  const [first] = samples;
  const last = samples.at(-1);
  const isLong = first !== undefined && last !== undefined && last.sending.at - first.sending.at > TIMES.window;
  return isLong && Math.min(rates.up, rates.down) >= UNLIMITED;
}

/** The share of sent packets that did not reach the server. */
function lossOfSent(first: Sample, last: Sample): number {
  const packets = last.sent.packets - first.sent.packets;
  return packets > 0 ? share((last.sent.packetsLost - first.sent.packetsLost) / packets) : 0;
}

function resultOf(samples: readonly Sample[]): ThroughputResult | undefined {
  const last = samples.at(-1);
  const [first] = samples;
  if (!first || !last || last.received.packets === 0) return undefined;
  const { up, down } = bestRates(samples);
  const arrived = last.received.packets - first.received.packets;
  const lost = last.received.packetsLost - first.received.packetsLost;
  // A slow device encodes less than the path carries.
  const isAllSent = isUnlimited({ up, down }, samples) || (last.estimate ?? 0) > SPARE * up;
  return {
    up: {
      bitrate: up,
      packetLoss: lossOfSent(first, last),
      jitter: inMilliseconds(last.sent.jitter),
      lowerBound: isAllSent,
    },
    down: {
      bitrate: down,
      packetLoss: arrived + lost > 0 ? share(lost / (arrived + lost)) : 0,
      jitter: inMilliseconds(last.received.jitter),
      lowerBound: down >= ALL * up,
    },
    roundTripTime: last.roundTripTime,
    protocol: last.protocol,
  };
}

const share = (value: number) => Math.min(1, Math.max(0, value));
const inMilliseconds = (seconds: number | undefined) => (seconds === undefined ? undefined : seconds * 1000);

/** Finds what looks bad between two samples: of what is sent, and of each peer. It does not know whose fault that is. */
import type { PixelSize, QualitySample, ReceivedSample, SentSample } from './QualitySample.ts';

/** What is wrong with what is sent: packets are lost, or the bandwidth is not enough. */
export interface UplinkSymptoms {
  readonly loss: boolean;
  readonly limited: boolean;
}

export interface Symptoms {
  readonly uplink: UplinkSymptoms;
  /** By peer whose picture or sound is bad: what is wrong, as words that are equal as long as nothing changes. */
  readonly peers: ReadonlyMap<string, string>;
}

/**
 * In milliseconds: for how long nothing is judged after a track begins or comes back, since bandwidth estimates start low
 * and rise for some seconds; and after the shown size has changed, since another layer takes a few seconds to come.
 */
const GRACE = { start: 8000, resize: 8000 };
/** Shares of packets, and of samples that are concealed: less is repaired, or not noticed. */
const LOSS = { sent: 0.04, received: 0.03, nacks: 0.02, concealed: 0.05 };
/** A video is judged from so many packets on, and audio too: 20 packets a second of a microphone, without DTX 50. */
const MIN_PACKETS = 10;
/**
 * In bit/s: below this, a browser sends of a camera only its lowest layers. A higher limit costs sharpness that nobody
 * complains about.
 */
const LOW_BITRATE = 400_000;
/** From this share of the estimate on, what is sent is limited by it; a still screen is not, though the browser says so. */
const BINDING = 0.5;
/** Of a second: a freeze that is noticed. */
const FREEZE = 0.3;
/** In seconds: buffered for longer on the average, people begin to talk at the same time. Jitter on a usual link needs half. */
const DELAY = 0.18;
/** Frames per second: a camera that had the first, and has less than the second, stutters. */
const FRAME_RATE = { moving: 12, slow: 7 };
/** A video that is shown larger than it is by more than this factor looks soft (the server's layers leave 1.33). */
const SOFT = 1.67;

interface Track {
  readonly last: ReceivedSample;
  readonly since: number;
  readonly sizedSince: number;
  /** The highest frame rate so far, forgotten slowly. */
  readonly frameRate: number;
}

export class SymptomDetector {
  #last: QualitySample | undefined;
  #sendingSince = 0;
  #tracks: ReadonlyMap<string, Track> = new Map();

  /** What is sent has begun anew: a source was published or unmuted, or media has connected again. */
  restartSending(now: number): void {
    this.#sendingSince = now;
  }

  /** Compares with the sample before. */
  update(sample: QualitySample): Symptoms {
    const before = this.#last;
    this.#last = sample;
    const isSettled = sample.time - this.#sendingSince >= GRACE.start;
    const uplink =
      before && isSettled
        ? uplinkSymptoms(before.sent, sample.sent, (sample.time - before.time) / 1000)
        : { loss: false, limited: false };
    const tracks = new Map<string, Track>();
    const peers = new Map<string, string>();
    for (const received of sample.received) {
      const key = `${received.source} ${received.peerId}`;
      const known = this.#tracks.get(key);
      // Counters of another consumer of the same source begin from zero.
      const track = known && known.last.packets <= received.packets ? known : undefined;
      const seconds = before ? (sample.time - before.time) / 1000 : 0;
      const rate = track && seconds > 0 ? increase(track.last.frames, received.frames) / seconds : 0;
      tracks.set(key, {
        last: received,
        since: track?.since ?? sample.time,
        sizedSince: track && isSameSize(track.last.shownSize, received.shownSize) ? track.sizedSince : sample.time,
        frameRate: Math.max(rate, (track?.frameRate ?? 0) * 0.98),
      });
      if (!track || sample.time - track.since < GRACE.start) continue;
      const isSized = sample.time - track.sizedSince >= GRACE.resize;
      const found = trackSymptoms(track, received, { rate, isSized });
      if (found) peers.set(received.peerId, [peers.get(received.peerId), found].filter(Boolean).join(' '));
    }
    this.#tracks = tracks;
    return { uplink, peers };
  }
}

function uplinkSymptoms(before: SentSample, now: SentSample, seconds: number): UplinkSymptoms {
  const packets = increase(before.packets, now.packets);
  const loss = packets >= MIN_PACKETS && increase(before.packetsLost, now.packetsLost) >= packets * LOSS.sent;
  const available = now.availableOutgoingBitrate ?? Number.POSITIVE_INFINITY;
  const bitrate = (increase(before.bytes, now.bytes) * 8) / seconds;
  return { loss, limited: now.isBandwidthLimited && available < LOW_BITRATE && bitrate > available * BINDING };
}

function trackSymptoms(
  { last, frameRate }: Track,
  now: ReceivedSample,
  { rate, isSized }: { readonly rate: number; readonly isSized: boolean },
): string {
  const packets = increase(last.packets, now.packets);
  const lost = increase(last.packetsLost, now.packetsLost);
  const found: string[] = [];
  if (packets + lost >= MIN_PACKETS && lost >= (packets + lost) * LOSS.received) found.push('loss');
  else if (packets >= MIN_PACKETS && increase(last.nackCount, now.nackCount) >= packets * LOSS.nacks)
    found.push('loss');
  const emitted = increase(last.jitterBufferEmittedCount, now.jitterBufferEmittedCount);
  const buffered = increase(last.jitterBufferDelay, now.jitterBufferDelay);
  const delay = emitted > 0 ? buffered / emitted - now.playoutDelay : 0;
  // The name has the step, so that a delay which changes much is another symptom: buffers stay long for a while after a fault.
  if (delay > DELAY) found.push(`delayed${Math.floor(Math.log2(delay / DELAY))}`);
  if (now.frames === undefined) {
    const samples = increase(last.samples, now.samples);
    if (samples > 0 && increase(last.concealedSamples, now.concealedSamples) >= samples * LOSS.concealed) {
      found.push('concealed');
    }
    return found.join(' ');
  }
  if (increase(last.totalFreezesDuration, now.totalFreezesDuration) >= FREEZE) found.push('frozen');
  // Screens stand still, cameras do not.
  else if (now.source === 'camera' && frameRate >= FRAME_RATE.moving && rate < FRAME_RATE.slow) found.push('slow');
  const scale = isSized ? scaleOf(now.size, now.shownSize) : 1;
  // As above: a video that becomes smaller still has another symptom.
  if (scale > SOFT) found.push(`soft${Math.floor(Math.log2(scale))}`);
  return found.join(' ');
}

/** By how much a video is shown larger than it is; the larger side counts, since cameras cover their tiles. */
function scaleOf(size: PixelSize | undefined, shown: PixelSize | undefined): number {
  if (!size || !shown) return 1;
  return Math.max(shown.width / size.width, shown.height / size.height);
}

function isSameSize(one: PixelSize | undefined, other: PixelSize | undefined): boolean {
  return one?.width === other?.width && one?.height === other?.height;
}

function increase(before = 0, now = 0): number {
  return Math.max(0, now - before);
}

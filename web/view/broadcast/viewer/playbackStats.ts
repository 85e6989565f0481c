/** Playback statistics of a viewer: latency, bitrate, resolution, loss, and a health derived from them. */
import type { TrackStats } from '../../../client/index.ts';

export type Health = 'good' | 'fair' | 'poor';

export interface PlaybackStats {
  /** The latency from the server to playback, in seconds; undefined while nothing is played. */
  readonly latency: number | undefined;
  /** Received, in kbit/s. */
  readonly bitrate: number;
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly framesPerSecond: number | undefined;
  /** The fraction of packets that were lost, 0 to 1. */
  readonly loss: number;
  readonly health: Health;
}

interface Sample {
  /** `performance.now()` */
  readonly at: number;
  readonly tracks: readonly TrackStats[];
}

/** The window that the statistics cover, in milliseconds. */
const WINDOW = 5000;
/** The loss from which, and the frames per second below which, health is fair or poor. */
const FAIR_LIMITS = { loss: 0.01, frames: 12 };
const POOR_LIMITS = { loss: 0.05, frames: 6 };

export class PlaybackStatsMeter {
  readonly #samples: Sample[] = [];

  /** @returns the statistics of the window; undefined until there are two samples */
  add(stats: readonly TrackStats[], at: number): PlaybackStats | undefined {
    this.#samples.push({ at, tracks: stats.filter(({ direction }) => direction === 'receive') });
    while (this.#samples.length > 2 && at - (this.#samples[1]?.at ?? at) >= WINDOW) this.#samples.shift();
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    return first && last && first !== last ? summarizePlayback(first, last) : undefined;
  }
}

function summarizePlayback(first: Sample, last: Sample): PlaybackStats {
  const before = new Map(first.tracks.map((track) => [keyOf(track), track]));
  const increase = (track: TrackStats | undefined, count: Count) => {
    const now = track?.[count] ?? 0;
    const then = (track && before.get(keyOf(track))?.[count]) ?? 0;
    // The counters of a new track start from zero.
    return now >= then ? now - then : now;
  };
  const total = (count: Count) => last.tracks.reduce((sum, track) => sum + increase(track, count), 0);
  const seconds = (last.at - first.at) / 1000;
  const videos = last.tracks.filter(({ source }) => source === 'camera' || source === 'screen');
  const main = videos
    .toSorted((one, other) => pixels(other) - pixels(one))
    .find((video) => increase(video, 'frames') > 0);
  const lost = Math.max(0, total('packetsLost'));
  const loss = lost / Math.max(1, lost + total('packets'));
  const frames = main && increase(main, 'frames') / seconds;
  // The frame rate of a screen depends on its content.
  const expected = main?.source === 'camera' ? frames : undefined;
  return {
    latency: latency(main ?? last.tracks.find((track) => increase(track, 'jitterBufferEmittedCount') > 0), increase),
    bitrate: (total('bytes') * 8) / 1000 / seconds,
    width: main?.frameWidth,
    height: main?.frameHeight,
    framesPerSecond: frames,
    loss,
    health: healthOf(loss, expected, total('freezeCount'), videos.some(({ source }) => source === 'camera') && !main),
  };
}

type Count =
  | 'bytes'
  | 'packets'
  | 'packetsLost'
  | 'frames'
  | 'freezeCount'
  | 'jitterBufferDelay'
  | 'jitterBufferEmittedCount'
  | 'totalDecodeTime';

/** Half a round trip, plus the time in the jitter buffer, plus the decoding time. */
function latency(
  track: TrackStats | undefined,
  increase: (track: TrackStats | undefined, count: Count) => number,
): number | undefined {
  const played = increase(track, 'jitterBufferEmittedCount');
  if (!track || played === 0) return undefined;
  const decoding = increase(track, 'totalDecodeTime') / Math.max(1, increase(track, 'frames'));
  return (
    (track.currentRoundTripTime ?? track.roundTripTime ?? 0) / 2 +
    increase(track, 'jitterBufferDelay') / played +
    decoding
  );
}

function healthOf(loss: number, frames: number | undefined, freezeCount: number, isFrozen: boolean): Health {
  const isBelow = (minimum: number) => frames !== undefined && frames < minimum;
  if (isFrozen || loss >= POOR_LIMITS.loss || isBelow(POOR_LIMITS.frames)) return 'poor';
  return loss >= FAIR_LIMITS.loss || isBelow(FAIR_LIMITS.frames) || freezeCount > 0 ? 'fair' : 'good';
}

function pixels({ frameWidth = 0, frameHeight = 0 }: TrackStats): number {
  return frameWidth * frameHeight;
}

function keyOf({ source, peerId, slot }: TrackStats): string {
  return `${source} ${peerId ?? ''} ${slot ?? ''}`;
}

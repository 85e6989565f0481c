/** Owns what a viewer may know of the connection: how far behind, how much comes, how much of it well. */
import type { TrackStats } from '../../../client/index.ts';

export type Health = 'good' | 'fair' | 'poor';

export interface PlaybackStats {
  /** How long ago what is played reached the server, in seconds; undefined while nothing is played. */
  readonly behind: number | undefined;
  /** Received, in kbit/s. */
  readonly bitrate: number;
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly framesPerSecond: number | undefined;
  /** Share of packets that did not come, 0 to 1. */
  readonly loss: number;
  readonly health: Health;
}

interface Sample {
  /** `performance.now()` */
  readonly at: number;
  readonly tracks: readonly TrackStats[];
}

/** What is said is of the last so many milliseconds. */
const WINDOW = 5000;
/** From which loss, and below which rate of frames, it is no longer good, or poor. */
const FAIR_LIMITS = { loss: 0.01, frames: 12 };
const POOR_LIMITS = { loss: 0.05, frames: 6 };

export class PlaybackStatsMeter {
  readonly #samples: Sample[] = [];

  /** @returns what holds now; undefined until there are two samples */
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
  const grown = (track: TrackStats | undefined, count: Count) => {
    const now = track?.[count] ?? 0;
    const then = (track && before.get(keyOf(track))?.[count]) ?? 0;
    // A track that began anew counts from nothing.
    return now >= then ? now - then : now;
  };
  const total = (count: Count) => last.tracks.reduce((sum, track) => sum + grown(track, count), 0);
  const seconds = (last.at - first.at) / 1000;
  const films = last.tracks.filter(({ source }) => source === 'camera' || source === 'screen');
  const main = films.toSorted((one, other) => pixels(other) - pixels(one)).find((film) => grown(film, 'frames') > 0);
  const lost = Math.max(0, total('packetsLost'));
  const loss = lost / Math.max(1, lost + total('packets'));
  const frames = main && grown(main, 'frames') / seconds;
  // A screen on which nothing moves has few.
  const expected = main?.source === 'camera' ? frames : undefined;
  return {
    behind: behind(main ?? last.tracks.find((track) => grown(track, 'jitterBufferEmittedCount') > 0), grown),
    bitrate: (total('bytes') * 8) / 1000 / seconds,
    width: main?.frameWidth,
    height: main?.frameHeight,
    framesPerSecond: frames,
    loss,
    health: healthOf(loss, expected, total('freezeCount'), films.some(({ source }) => source === 'camera') && !main),
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

/** Half a round trip, the wait for being played, and the decoding. */
function behind(
  track: TrackStats | undefined,
  grown: (track: TrackStats | undefined, count: Count) => number,
): number | undefined {
  const played = grown(track, 'jitterBufferEmittedCount');
  if (!track || played === 0) return undefined;
  const decoding = grown(track, 'totalDecodeTime') / Math.max(1, grown(track, 'frames'));
  return (
    (track.currentRoundTripTime ?? track.roundTripTime ?? 0) / 2 + grown(track, 'jitterBufferDelay') / played + decoding
  );
}

function healthOf(loss: number, frames: number | undefined, freezeCount: number, still: boolean): Health {
  const slow = (least: number) => frames !== undefined && frames < least;
  if (still || loss >= POOR_LIMITS.loss || slow(POOR_LIMITS.frames)) return 'poor';
  return loss >= FAIR_LIMITS.loss || slow(FAIR_LIMITS.frames) || freezeCount > 0 ? 'fair' : 'good';
}

function pixels({ frameWidth = 0, frameHeight = 0 }: TrackStats): number {
  return frameWidth * frameHeight;
}

function keyOf({ source, peerId, slot }: TrackStats): string {
  return `${source} ${peerId ?? ''} ${slot ?? ''}`;
}

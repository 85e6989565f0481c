/** Playback statistics of a viewer: latency, bitrate, resolution, loss, and a health derived from them. */
import { TrackRateMeter, type TrackRates, type TrackStats } from '../../../client/index.ts';

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

/** The loss from which, and the frames per second below which, health is fair or poor. */
const FAIR_LIMITS = { loss: 0.01, frames: 12 };
const POOR_LIMITS = { loss: 0.05, frames: 6 };

export class PlaybackStatsMeter {
  readonly #meter = new TrackRateMeter();

  /** @returns the statistics of the window; undefined until there are two samples */
  add(stats: readonly TrackStats[], at: number): PlaybackStats | undefined {
    const rates = this.#meter.add(
      stats.filter(({ direction }) => direction === 'receive'),
      at,
    );
    return rates && summarizePlayback(rates);
  }
}

function summarizePlayback(rates: TrackRates): PlaybackStats {
  const { tracks } = rates;
  const videos = tracks.filter(({ source }) => source === 'camera' || source === 'screen');
  const main = videos
    .toSorted((one, other) => pixels(other) - pixels(one))
    .find((video) => rates.increase(video, 'frames') > 0);
  const loss = rates.loss(...tracks);
  const frames = main && rates.framesPerSecond(main);
  // The frame rate of a screen depends on its content.
  const expected = main?.source === 'camera' ? frames : undefined;
  const freezeCount = tracks.reduce((sum, track) => sum + rates.increase(track, 'freezeCount'), 0);
  return {
    latency: latency(rates, main ?? tracks.find((track) => rates.increase(track, 'jitterBufferEmittedCount') > 0)),
    bitrate: tracks.reduce((sum, track) => sum + rates.bitrate(track), 0) / 1000,
    width: main?.frameWidth,
    height: main?.frameHeight,
    framesPerSecond: frames,
    loss,
    health: healthOf(loss, expected, freezeCount, videos.some(({ source }) => source === 'camera') && !main),
  };
}

/** Half a round trip, plus the time in the jitter buffer, plus the decoding time. */
function latency(rates: TrackRates, track: TrackStats | undefined): number | undefined {
  const played = rates.increase(track, 'jitterBufferEmittedCount');
  if (!track || played === 0) return undefined;
  const decoding = rates.increase(track, 'totalDecodeTime') / Math.max(1, rates.increase(track, 'frames'));
  return (
    (track.currentRoundTripTime ?? track.roundTripTime ?? 0) / 2 +
    rates.increase(track, 'jitterBufferDelay') / played +
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

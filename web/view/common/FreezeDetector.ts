/** Decides whether a picture that stands still is frozen, or just has nothing new to show: slides, or a person who sits still. */
import type { RoomClient, TrackStats } from '../../client/index.ts';
import type { Tile } from './Tile.ts';

/** One picture of somebody else. */
export interface Picture<T extends Pick<Tile, 'stalledFor' | 'wasMoving'> = Tile> {
  readonly tile: T;
  readonly peerId: string;
  readonly source: 'camera' | 'screen';
}

/** What there is of a room client in all of this. */
type Client = Pick<RoomClient, 'mediaConnectionState' | 'getStats'> & {
  readonly peers: readonly Pick<RoomClient['peers'][number], 'peerId' | 'sources'>[];
};

/**
 * Milliseconds: how long without a frame a picture is suspected; how often statistics are read then; how long a voice, which
 * sends packets also while it is silent, may send none; and how long a picture that moved may.
 */
const TIMES = { stalled: 2000, sample: 1000, voice: 2500, moving: 4000 };

/** What has come of one track, and when more of it came last. */
interface Progress {
  readonly packets: number;
  readonly frames: number;
  readonly packetsAt: number;
  readonly framesAt: number;
}

export class FreezeDetector {
  readonly #client: () => Client;
  #progress: ReadonlyMap<string, Progress> = new Map();
  #sampledAt = Number.NEGATIVE_INFINITY;

  constructor(client: () => Client) {
    this.#client = client;
  }

  /** Whether our own connection to the server is down. */
  get isOffline(): boolean {
    return navigator.onLine === false || this.#client().mediaConnectionState !== 'connected';
  }

  /** Those of the pictures that are frozen. Call it regularly with all that are shown. */
  frozen<T extends Pick<Tile, 'stalledFor' | 'wasMoving'>>(pictures: readonly Picture<T>[]): Set<T> {
    const stalled = pictures.filter(({ tile }) => tile.stalledFor > TIMES.stalled);
    if (stalled.length === 0) this.#progress = new Map();
    else void this.#sample();
    return new Set(stalled.filter((picture) => this.#isFrozen(picture)).map(({ tile }) => tile));
  }

  /** Only what is missing makes a picture frozen: packets that cannot be decoded, or none where there should be some. */
  #isFrozen({ tile, peerId, source }: Picture<Pick<Tile, 'stalledFor' | 'wasMoving'>>): boolean {
    if (this.isOffline) return true;
    const video = this.#progress.get(keyOf(source, peerId));
    if (!video) return false;
    const now = performance.now();
    if (video.packetsAt > video.framesAt && now - video.framesAt > TIMES.stalled) return true;
    const voice = this.#progress.get(keyOf('microphone', peerId));
    const { microphone } = this.#client().peers.find((peer) => peer.peerId === peerId)?.sources ?? {};
    if (microphone === 'live' && voice && now - voice.packetsAt > TIMES.voice) return true;
    return tile.wasMoving && now - video.packetsAt > TIMES.moving;
  }

  async #sample(): Promise<void> {
    const now = performance.now();
    if (now - this.#sampledAt < TIMES.sample) return;
    this.#sampledAt = now;
    const tracks = await this.#client()
      .getStats()
      .catch(() => []);
    this.#progress = new Map(
      tracks
        .filter(({ direction }) => direction === 'receive')
        .map((track) => {
          const key = keyOf(track.source, track.peerId);
          return [key, progressOf(track, this.#progress.get(key), now)];
        }),
    );
  }
}

function progressOf({ packets, frames = 0 }: TrackStats, before: Progress | undefined, now: number): Progress {
  // Before the first look it may have come at any time.
  if (!before) return { packets, frames, packetsAt: now, framesAt: now };
  return {
    packets,
    frames,
    packetsAt: packets === before.packets ? before.packetsAt : now,
    framesAt: frames === before.frames ? before.framesAt : now,
  };
}

function keyOf(source: string, peerId: string | undefined): string {
  return `${source} ${peerId}`;
}

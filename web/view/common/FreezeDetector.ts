/** Distinguishes frozen videos from those without new content, such as slides or somebody who sits still. */
import type { RoomClient, TrackStats } from '../../client/index.ts';
import type { Tile } from './Tile.ts';

/** A remote video and its tile. */
export interface RemoteVideo<T extends Pick<Tile, 'stalledFor' | 'wasMoving'> = Tile> {
  readonly tile: T;
  readonly peerId: string;
  readonly source: 'camera' | 'screen';
}

/** What is needed of a room client. */
type Client = Pick<RoomClient, 'mediaConnectionState' | 'getStats'> & {
  readonly peers: readonly Pick<RoomClient['peers'][number], 'peerId' | 'sources'>[];
};

/**
 * In milliseconds: how long without a frame a video is suspected; how often statistics are read then; how long without a
 * packet a live microphone, which sends packets during silence too, proves a freeze; and how long a video that was moving.
 */
const TIMES = { stalled: 2000, sample: 1000, microphone: 2500, moving: 4000 };

/** What was received of one track, and when it last increased. */
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

  /** Whether the local connection to the server is down. */
  get isOffline(): boolean {
    return navigator.onLine === false || this.#client().mediaConnectionState !== 'connected';
  }

  /** @returns the tiles that are frozen. To be called regularly with all tiles that are shown. */
  frozen<T extends Pick<Tile, 'stalledFor' | 'wasMoving'>>(videos: readonly RemoteVideo<T>[]): Set<T> {
    const stalled = videos.filter(({ tile }) => tile.stalledFor > TIMES.stalled);
    if (stalled.length === 0) this.#progress = new Map();
    else void this.#sample();
    return new Set(stalled.filter((video) => this.#isFrozen(video)).map(({ tile }) => tile));
  }

  /** A stalled video is frozen where packets arrive without frames, or where expected packets do not arrive. */
  #isFrozen({ tile, peerId, source }: RemoteVideo<Pick<Tile, 'stalledFor' | 'wasMoving'>>): boolean {
    if (this.isOffline) return true;
    const video = this.#progress.get(keyOf(source, peerId));
    if (!video) return false;
    const now = performance.now();
    if (video.packetsAt > video.framesAt && now - video.framesAt > TIMES.stalled) return true;
    const microphone = this.#progress.get(keyOf('microphone', peerId));
    const { sources } = this.#client().peers.find((peer) => peer.peerId === peerId) ?? {};
    if (sources?.microphone === 'live' && microphone && now - microphone.packetsAt > TIMES.microphone) return true;
    return tile.wasMoving && now - video.packetsAt > TIMES.moving;
  }

  async #sample(): Promise<void> {
    const now = performance.now();
    if (now - this.#sampledAt < TIMES.sample) return;
    this.#sampledAt = now;
    const before = this.#progress;
    const tracks = await this.#client()
      .getStats()
      .catch(() => []);
    // The stall has ended meanwhile.
    if (this.#progress !== before) return;
    this.#progress = new Map(
      tracks
        .filter(({ direction }) => direction === 'receive')
        .map((track) => {
          const key = keyOf(track.source, track.peerId);
          return [key, progressOf(track, before.get(key), now)];
        }),
    );
  }
}

function progressOf({ packets, frames = 0 }: TrackStats, previous: Progress | undefined, now: number): Progress {
  // When the first sample arrived is unknown: count from now.
  if (!previous) return { packets, frames, packetsAt: now, framesAt: now };
  return {
    packets,
    frames,
    packetsAt: packets === previous.packets ? previous.packetsAt : now,
    framesAt: frames === previous.frames ? previous.framesAt : now,
  };
}

function keyOf(source: string, peerId: string | undefined): string {
  return `${source} ${peerId}`;
}

/**
 * Which way each received track comes: by the SFU or by a direct session. Changes from one to the other are made before the
 * former way is broken, track by track: the application is given the new track once it carries frames.
 */
import type { Source } from '../../../shared/media.ts';
import type { DirectTrack } from '../../../shared/protocol.ts';
import type { ReceivedTrack } from '../MediaLink.ts';
import type { DirectMesh } from './DirectMesh.ts';
import { type DirectSession, MIN_PROGRESS } from './DirectSession.ts';

/**
 * In milliseconds: the polling interval while something is to change, and the one after what should have changed by then,
 * such as a track whose sender has no bandwidth; how long a former track goes on, since an element takes a moment to play
 * another one; and how long a track that has ended is kept for one by the SFU to come.
 */
const TIMES = { poll: 50, usual: 2000, slowPoll: 500, overlap: 500, orphan: 5000 };
/** How much of each track of the SFU has arrived: decoded frames of a video, packets of sound. By `keyOf`. */
export type SfuProgress = ReadonlyMap<string, number>;

export interface TrackRoutesOptions {
  readonly mesh: Pick<DirectMesh, 'peerIds' | 'sessionsWith' | 'isWanted' | 'isVisible' | 'retire'>;
  /** Undefined where there is no SFU beside. */
  sfuProgress?(): Promise<SfuProgress>;
  /** Whether the server says that a peer publishes this source. */
  isPublished(peerId: string, source: Source): boolean;
  /** Whether media of this source should arrive all the time, as far as its peer goes. */
  isExpected(peerId: string, source: Source): boolean;
  /** A peer's track takes the place of the one before, if there is one. */
  onTrack(track: ReceivedTrack): void;
  onTrackRemoved(track: ReceivedTrack): void;
  /** All tracks that are received directly now: the SFU need not send them. */
  onDirectTracks(tracks: DirectTrack[]): void;
}

interface Route {
  readonly peerId: string;
  readonly source: Source;
  sfu: MediaStreamTrack | undefined;
  /** What the application has. */
  shown: MediaStreamTrack | undefined;
  /** The session that carries it; undefined by the SFU. */
  session: DirectSession | undefined;
  /** Since when it comes this way. */
  since: number;
  /** Since when it comes directly, by whichever session. */
  directSince: number;
  /** Its session is of no use any more, and the SFU is to take over. */
  returning: { readonly since: number; before: number | undefined } | undefined;
}

export class TrackRoutes {
  readonly #options: TrackRoutesOptions;
  readonly #routes = new Map<string, Route>();
  #mayReceive = true;
  #polling = false;
  #updatedAt = performance.now();
  #changed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: TrackRoutesOptions) {
    this.#options = options;
  }

  /** A track has come by the SFU. @param isShown whether the application has it already */
  addSfuTrack({ peerId, source, track }: ReceivedTrack, isShown = false): void {
    if (peerId === undefined) return;
    const route = this.#route(peerId, source);
    route.sfu = track;
    if (route.returning) route.returning.before = 0;
    if (isShown) route.shown = track;
    else if (!route.session) this.#show(route, track, undefined);
    this.update();
  }

  removeSfuTrack({ peerId, source, track }: ReceivedTrack): void {
    const route = this.#routes.get(keyOf(peerId, source));
    if (route?.sfu !== track) return;
    route.sfu = undefined;
    if (!route.session) this.#remove(route);
    this.update();
  }

  /** The session by which a peer's track comes; undefined by the SFU, or not at all. */
  sessionOf(peerId: string, source: Source): DirectSession | undefined {
    const route = this.#routes.get(keyOf(peerId, source));
    return route && this.#isPlayable(route) ? route.session : undefined;
  }

  /** Whether every track comes directly, and there is one. */
  get allDirect(): boolean {
    const routes = [...this.#routes.values()].filter(({ shown }) => shown);
    return routes.length > 0 && routes.every((route) => this.#isPlayable(route));
  }

  setMayReceive(mayReceive: boolean): void {
    this.#mayReceive = mayReceive;
    this.update();
  }

  /** A peer has left: its tracks have ended with it. */
  removePeer(peerId: string): void {
    for (const [key, route] of this.#routes) if (route.peerId === peerId) this.#routes.delete(key);
    this.update();
  }

  /** Sessions, tracks, or what peers publish may have changed. */
  update(): void {
    this.#changed = true;
    this.#updatedAt = performance.now();
    if (this.#polling || this.#closed) return;
    // What is of no use any more is told to the server at once.
    this.#sendDirectTracks();
    clearTimeout(this.#timer);
    void this.#poll();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #poll(): Promise<void> {
    this.#polling = true;
    this.#changed = false;
    const { mesh, sfuProgress } = this.#options;
    const targets = mesh.peerIds.flatMap((peerId) => this.#targetOf(peerId) ?? []);
    for (const target of targets) {
      for (const { source } of target.connection.received) this.#route(target.peerId, source);
    }
    const open = targets.filter((target) =>
      target.connection.received.some(({ source }) => this.#route(target.peerId, source).session !== target),
    );
    for (const route of this.#routes.values()) {
      if (!route.session || this.#isPlayable(route)) route.returning = undefined;
      else route.returning ??= { since: performance.now(), before: undefined };
    }
    const isReturning = [...this.#routes.values()].some(({ returning }) => returning);
    const [ready, progress] = await Promise.all([
      Promise.all(open.map(async (session) => [session, await session.readySources()] as const)),
      isReturning ? sfuProgress?.().catch(() => undefined) : undefined,
    ]);
    this.#polling = false;
    if (this.#closed) return;
    const readyBy = new Map(ready);
    let isPending = this.#changed;
    for (const route of [...this.#routes.values()]) {
      if (this.#decide(route, readyBy, progress) === 'pending') isPending = true;
    }
    if (this.#sendDirectTracks()) isPending = true;
    if (this.#retire()) isPending = true;
    if (!isPending) return;
    clearTimeout(this.#timer);
    const isLate = performance.now() - this.#updatedAt > TIMES.usual;
    this.#timer = setTimeout(() => void this.#poll(), isLate ? TIMES.slowPoll : TIMES.poll);
  }

  /** The session by which the tracks of a peer should come. */
  #targetOf(peerId: string): DirectSession | undefined {
    const [newest] = this.#options.mesh.sessionsWith(peerId);
    return newest?.usable && this.#options.mesh.isWanted(newest) && this.#mayReceive ? newest : undefined;
  }

  #decide(
    route: Route,
    ready: ReadonlyMap<DirectSession, ReadonlySet<Source>>,
    progress: SfuProgress | undefined,
  ): 'settled' | 'pending' {
    const { peerId, source, session } = route;
    const target = this.#targetOf(peerId);
    const track = target?.received(source)?.track;
    const isPublished = this.#options.isPublished(peerId, source);
    if (target && track && isPublished && (session !== target || route.shown !== track)) {
      const isFirst = !this.#options.sfuProgress && !route.shown;
      if (!isFirst && !ready.get(target)?.has(source)) return 'pending';
      this.#show(route, track, target);
      return 'pending';
    }
    if (!session || this.#isPlayable(route)) return 'settled';
    return this.#decideReturn(route, progress, isPublished);
  }

  #decideReturn(route: Route, progress: SfuProgress | undefined, isPublished: boolean): 'settled' | 'pending' {
    const { peerId, source, sfu, returning } = route;
    const { mesh, sfuProgress, isExpected } = this.#options;
    if (!this.#mayReceive || !isPublished) {
      this.#remove(route);
      return 'settled';
    }
    if (!sfuProgress) {
      // The next session with this peer brings it again.
      return 'settled';
    }
    const isAwaited = isExpected(peerId, source) && mesh.isVisible(peerId, source);
    if (!sfu) {
      if (!isAwaited || (returning && performance.now() - returning.since > TIMES.orphan)) this.#remove(route);
      return 'pending';
    }
    const now = progress?.get(keyOf(peerId, source));
    if (returning && now !== undefined) {
      returning.before ??= now;
      if (now - returning.before >= MIN_PROGRESS[source]) {
        this.#show(route, sfu, undefined);
        return 'settled';
      }
    }
    if (isAwaited) return 'pending';
    this.#show(route, sfu, undefined);
    return 'settled';
  }

  /** Whether the session of a route still carries it. */
  #isPlayable({ session, source, peerId }: Route): boolean {
    return (
      session?.usable === true &&
      this.#mayReceive &&
      this.#options.mesh.isWanted(session) &&
      session.received(source) !== undefined &&
      this.#options.isPublished(peerId, source)
    );
  }

  /** @returns whether there are some that are to follow soon */
  #sendDirectTracks(): boolean {
    const now = performance.now();
    const direct = [...this.#routes.values()].filter((route) => this.#isPlayable(route));
    const due = direct.filter(({ directSince }) => now - directSince >= TIMES.overlap);
    this.#options.onDirectTracks(due.map(({ peerId, source }) => ({ peerId, source })));
    return due.length < direct.length;
  }

  /**
   * Closes the sessions that no track comes by any more and that have been replaced, or are not asked for.
   * @returns whether there are some that are to follow soon: what came by them is still played for a moment
   */
  #retire(): boolean {
    const { mesh } = this.#options;
    const used = new Set([...this.#routes.values()].map(({ session }) => session));
    const now = performance.now();
    const isOverlapping = [...this.#routes.values()].some(({ since }) => now - since < TIMES.overlap);
    let isPending = false;
    for (const peerId of mesh.peerIds) {
      const [newest, ...former] = mesh.sessionsWith(peerId);
      const replaced = newest?.usable ? former : [];
      for (const session of [newest, ...former]) {
        if (!session || used.has(session)) continue;
        if (!session.lost && mesh.isWanted(session) && !replaced.includes(session)) continue;
        if (isOverlapping && session.usable) isPending = true;
        else mesh.retire(session);
      }
    }
    return isPending;
  }

  #route(peerId: string, source: Source): Route {
    const key = keyOf(peerId, source);
    const known = this.#routes.get(key);
    if (known) return known;
    const route: Route = {
      ...{ peerId, source, sfu: undefined, shown: undefined, session: undefined },
      ...{ since: performance.now(), directSince: 0, returning: undefined },
    };
    this.#routes.set(key, route);
    return route;
  }

  #show(route: Route, track: MediaStreamTrack, session: DirectSession | undefined): void {
    const now = performance.now();
    if (!route.session) route.directSince = now;
    Object.assign(route, { shown: track, session, since: now, returning: undefined });
    this.#options.onTrack({ peerId: route.peerId, source: route.source, track });
  }

  #remove(route: Route): void {
    const { peerId, source, shown } = route;
    route.session = undefined;
    route.returning = undefined;
    route.shown = undefined;
    if (!route.sfu) this.#routes.delete(keyOf(peerId, source));
    if (shown) this.#options.onTrackRemoved({ peerId, source, track: shown });
  }
}

export function keyOf(peerId: string | undefined, source: Source): string {
  return `${source} ${peerId ?? ''}`;
}

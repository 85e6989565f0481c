/**
 * Direct (peer-to-peer) media in one room: tells clients with whom to exchange it, relays their signals, and stops
 * forwarding what arrives directly. It listens to the room's events; tracks stay published as ever.
 */
import type { Logger } from 'pino';
import { WeirError } from '../../shared/errors.ts';
import type { IceServer, Source } from '../../shared/media.ts';
import type { DirectPeers, DirectSignal, DirectTrack, RoomPolicy } from '../../shared/protocol.ts';
import { trackKey } from '../media/Track.ts';
import { type DirectPair, decideDirect } from './directRules.ts';
import type { Notifier } from './Notifier.ts';
import type { Participant } from './Participant.ts';
import type { RoomEventSource } from './RoomEvents.ts';
import { SlidingWindowLimit } from './SlidingWindowLimit.ts';
import type { Subscribers } from './Subscribers.ts';

/** A participant whose client exchanges media directly. */
export interface DirectMember extends Participant {
  /** These tracks of others arrive directly: they are not sent to it. All others are. */
  setDirectTracks(tracks: readonly DirectTrack[]): void;
  /** These sources of its own are received directly by whoever receives them: the server needs no audio of them. */
  setDirectSources(sources: ReadonlySet<Source>): void;
}

export interface DirectMediaOptions {
  readonly policy: RoomPolicy;
  readonly events: RoomEventSource;
  /** Those in the room now, by id. */
  readonly participants: ReadonlyMap<string, Participant>;
  readonly subscribers: Pick<Subscribers, 'others'>;
  readonly notifier: Pick<Notifier, 'notify'>;
  /** STUN and TURN servers for an identity, with fresh credentials. */
  iceServersFor(identity: string): IceServer[];
  /** How long two have to be alone again before they go direct again, in milliseconds; 5 s by default. */
  readonly returnDelay?: number | undefined;
  /** How long two are not asked again whose direct connection has failed, in milliseconds; a minute by default. */
  readonly retryDelay?: number | undefined;
  readonly log: Logger;
}

const RETURN_DELAY = 5000;
const RETRY_DELAY = 60_000;
/**
 * Limits of what one client sends to another: nobody can use up what somebody needs for others. A session description may be
 * large, and goes into the send buffer of the other client.
 */
const SIGNALS = {
  description: { limit: 16, window: 10_000, minInterval: 0 },
  candidate: { limit: 120, window: 10_000, minInterval: 0 },
};
/** Limit of the failures that one client reports. In a mesh each of five connections may fail every ten seconds. */
const REPORTS = { limit: 30, window: 60_000, minInterval: 0 };
/** Limit of the failures of two, whoever reports them: each makes both begin a connection, with a dozen signals. */
const FAILURES = { limit: 8, window: 60_000, minInterval: 1500 };

interface Entry {
  readonly member: DirectMember;
  readonly reports: SlidingWindowLimit;
  /** What it receives directly, all of it from peers that it is linked with. */
  tracks: readonly DirectTrack[];
}

/** Two who are to exchange media directly now. */
interface Link {
  readonly pair: DirectPair;
  negotiation: number;
  /** By the id of the sender. */
  readonly signals: ReadonlyMap<string, Readonly<Record<keyof typeof SIGNALS, SlidingWindowLimit>>>;
  readonly failures: SlidingWindowLimit;
}

export class DirectMedia {
  readonly #options: DirectMediaOptions;
  /** Those whose clients can exchange media directly, by id. */
  readonly #entries = new Map<string, Entry>();
  /** By pair. */
  readonly #links = new Map<string, Link>();
  /** By pair: until when it is not asked again (`performance.now()`). */
  readonly #failures = new Map<string, number>();
  #negotiations = 0;
  #isCrowded = false;
  /** From when on two may go direct again (`performance.now()`). */
  #returnsAt = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #removeListener: () => void;

  constructor(options: DirectMediaOptions) {
    this.#options = options;
    this.#removeListener = options.events.on({
      joined: () => this.#update(),
      left: ({ participant }) => this.#remove(participant),
      grantsChanged: ({ participant, before }) => {
        if (participant.grants.canPublishData !== before.canPublishData) this.#notifyOthers(participant);
        this.#update();
      },
      subscribersChanged: () => this.#update(),
      unpublished: ({ publication }) => this.#trackEnded(publication.track),
    });
  }

  /**
   * A participant whose client can exchange media directly is about to have the reply to its join: from now on it can be
   * sent signals, so that it may be named to others.
   */
  add(member: DirectMember): void {
    this.#entries.set(member.id, { member, reports: new SlidingWindowLimit(REPORTS), tracks: [] });
    this.#update();
  }

  /** With whom a participant is to exchange media directly now. */
  peersOf({ id, identity }: Participant): DirectPeers {
    const peers = this.#linksOf(id).flatMap(({ pair, negotiation }) => {
      const other = this.#entries.get(otherOf(pair, id))?.member;
      return other ? [{ peerId: other.id, negotiation, canPublishData: other.grants.canPublishData }] : [];
    });
    return { peers, iceServers: peers.length > 0 ? this.#options.iceServersFor(identity) : [] };
  }

  /** Whether two participants are to exchange media directly now. */
  connects(id: string, otherId: string): boolean {
    return this.#links.has(keyOf(id, otherId));
  }

  /**
   * A participant resumes its session on another connection: signals to it, and what it did not receive, are lost. The
   * others are notified of a new negotiation; its own client has that in the snapshot, see `peersOf`.
   */
  resumed({ id }: Participant): void {
    for (const link of this.#linksOf(id)) {
      link.negotiation = this.#nextNegotiation();
      this.#notify(otherOf(link.pair, id));
    }
  }

  /**
   * Relays a signal. One of a former negotiation is dropped: it would meet a description that it does not belong to.
   * @throws {WeirError} `rateLimited`; `notFound` for whom it is not to exchange media with directly
   */
  relay(from: Participant, to: string, negotiation: number, signal: DirectSignal): void {
    const link = this.#links.get(keyOf(from.id, to));
    const target = this.#entries.get(to)?.member;
    if (!link || !target) throw new WeirError('notFound', 'You are not to exchange media directly with this peer.');
    assertWithin(link.signals.get(from.id)?.['description' in signal ? 'description' : 'candidate']);
    if (link.negotiation !== negotiation) return;
    this.#options.notifier.notify(target, 'directSignal', { peerId: from.id, negotiation, signal });
  }

  /** What a participant receives directly from now on: all of it. Tracks of peers that it is not linked with are ignored. */
  setTracks({ id }: Participant, tracks: readonly DirectTrack[]): void {
    // Under `p2p` nothing is forwarded that could be stopped.
    const entry = this.#options.policy === 'auto' ? this.#entries.get(id) : undefined;
    if (!entry) return;
    entry.tracks = tracks.filter(({ peerId }) => this.#links.has(keyOf(id, peerId)));
    this.#applyTracks();
  }

  /**
   * The direct connection of two has failed. With a server for media they are not asked again for a while, otherwise they
   * begin anew.
   * @throws {WeirError} `rateLimited`
   */
  reportFailure(from: Participant, peerId: string, negotiation: number): void {
    assertWithin(this.#entries.get(from.id)?.reports);
    const key = keyOf(from.id, peerId);
    const link = this.#links.get(key);
    // The other end has reported the same failure before.
    if (link?.negotiation !== negotiation) return;
    assertWithin(link.failures);
    this.#options.log.debug({ peers: link.pair }, 'direct media failed');
    if (this.#options.policy === 'p2p') {
      link.negotiation = this.#nextNegotiation();
      for (const id of link.pair) this.#notify(id);
      return;
    }
    this.#failures.set(key, performance.now() + (this.#options.retryDelay ?? RETRY_DELAY));
    this.#update();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#removeListener();
    this.#entries.clear();
    this.#links.clear();
  }

  #remove({ id }: Participant): void {
    this.#entries.delete(id);
    for (const key of this.#failures.keys()) if (key.split(' ').includes(id)) this.#failures.delete(key);
    this.#update();
  }

  /** A track that is published anew comes through the server until its receiver says otherwise. */
  #trackEnded(ended: DirectTrack): void {
    let hasChanged = false;
    for (const entry of this.#entries.values()) {
      const tracks = entry.tracks.filter((track) => trackKey(track) !== trackKey(ended));
      hasChanged ||= tracks.length < entry.tracks.length;
      entry.tracks = tracks;
    }
    if (hasChanged) this.#applyTracks();
  }

  /** Makes the links what they should be now, and sets a timer for when that changes by itself. */
  #update(): void {
    clearTimeout(this.#timer);
    const { policy, participants, subscribers, returnDelay = RETURN_DELAY } = this.#options;
    const candidates = [...participants.values()].map(({ id, grants }) => ({
      id,
      grants,
      isDirect: this.#entries.has(id),
    }));
    const { pairs, isCrowded } = decideDirect(policy, candidates, subscribers.others > 0);
    const now = performance.now();
    if (this.#isCrowded && !isCrowded) this.#returnsAt = now + returnDelay;
    this.#isCrowded = isCrowded;
    const startOf = ([a, b]: DirectPair) => Math.max(this.#returnsAt, this.#failures.get(keyOf(a, b)) ?? 0);
    this.#setLinks(pairs.filter((pair) => startOf(pair) <= now));
    const starts = pairs.map(startOf).filter((start) => start > now);
    if (starts.length > 0) this.#timer = setTimeout(() => this.#update(), Math.min(...starts) - now + 1);
  }

  #setLinks(pairs: readonly DirectPair[]): void {
    const wanted = new Map(pairs.map((pair) => [keyOf(...pair), pair]));
    const changed = new Set<string>();
    for (const [key, { pair }] of this.#links) {
      if (wanted.has(key)) continue;
      this.#links.delete(key);
      for (const id of pair) changed.add(id);
    }
    for (const [key, pair] of wanted) {
      if (this.#links.has(key)) continue;
      this.#links.set(key, {
        pair,
        negotiation: this.#nextNegotiation(),
        signals: new Map(pair.map((id) => [id, signalLimits()])),
        failures: new SlidingWindowLimit(FAILURES),
      });
      for (const id of pair) changed.add(id);
    }
    if (changed.size === 0) return;
    for (const [id, entry] of this.#entries) {
      entry.tracks = entry.tracks.filter(({ peerId }) => this.#links.has(keyOf(id, peerId)));
    }
    this.#applyTracks();
    this.#options.log.debug({ peers: [...changed], links: this.#links.size }, 'direct media changed');
    for (const id of changed) this.#notify(id);
  }

  #applyTracks(): void {
    const tracks = [...this.#entries.values()].flatMap((entry) => entry.tracks);
    for (const entry of this.#entries.values()) {
      const { member } = entry;
      member.setDirectTracks(entry.tracks);
      const own = tracks.filter(({ peerId }) => peerId === member.id);
      member.setDirectSources(new Set(own.map(({ source }) => source)));
    }
  }

  /** Notifies those who are linked with a participant: what `directPeers` says of it has changed. */
  #notifyOthers({ id }: Participant): void {
    for (const { pair } of this.#linksOf(id)) this.#notify(otherOf(pair, id));
  }

  #notify(id: string): void {
    const member = this.#entries.get(id)?.member;
    if (member) this.#options.notifier.notify(member, 'directPeers', this.peersOf(member));
  }

  #linksOf(id: string): Link[] {
    return [...this.#links.values()].filter(({ pair }) => pair.includes(id));
  }

  #nextNegotiation(): number {
    this.#negotiations += 1;
    return this.#negotiations;
  }
}

function signalLimits(): Readonly<Record<keyof typeof SIGNALS, SlidingWindowLimit>> {
  return {
    description: new SlidingWindowLimit(SIGNALS.description),
    candidate: new SlidingWindowLimit(SIGNALS.candidate),
  };
}

/** @throws {WeirError} `rateLimited` */
function assertWithin(limit: SlidingWindowLimit | undefined): void {
  const wait = limit?.take() ?? 0;
  if (wait === 0) return;
  const message = 'You have sent too much about direct media in a short time.';
  throw new WeirError('rateLimited', message, { retryAfter: wait / 1000 });
}

/** The same for both orders. Ids have no spaces. */
function keyOf(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}

function otherOf([a, b]: DirectPair, id: string): string {
  return a === id ? b : a;
}

/** Owns a stay in a room, as an application sees it: join, publish, mute, who is there, what they send. */
import type { CloseReason } from '../../shared/closing.ts';
import { closings } from '../../shared/closing.ts';
import { WeirError } from '../../shared/errors.ts';
import { type Source, sources } from '../../shared/media.ts';
import type {
  ConsumerInfo,
  Grants,
  GrantsChange,
  JoinReply,
  Reaction,
  ResumeReply,
  SourceStates,
} from '../../shared/protocol.ts';
import { mayPublish } from '../../shared/roles.ts';
import { Broadcast } from './Broadcast.ts';
import { baseUrl } from './base.ts';
import { connect } from './connect.ts';
import { Emitter } from './Emitter.ts';
import type { Connection, RemotePeer, RoomClientEvents, RoomState } from './events.ts';
import { earlyHandler } from './handler.ts';
import { type JoinOptions, joinRequest, tokenOf } from './joinOptions.ts';
import type { Line, LineOptions } from './Line.ts';
import { localError } from './localError.ts';
import { onNetworkChange, onPageLeft } from './network.ts';
import { Pulse } from './Pulse.ts';
import { Roster } from './Roster.ts';
import { requireSource } from './requireTrack.ts';
import type { PublishOptions } from './Sending.ts';
import { SfuLink, type SfuLinkOptions } from './SfuLink.ts';
import { Slots } from './Slots.ts';
import { summarise, type TrackStats } from './stats.ts';
import { type ViewSize, type ViewSource, Views } from './Views.ts';

/** How much later a smooth broadcast is played than it comes, in milliseconds: some packets may be lost twice. */
const SMOOTH = 1000;

/**
 * One stay in one room. A connection that is cut comes back by itself, and the stay with it; after `closed` make a new
 * RoomClient.
 * @example
 * const room = new RoomClient({ url: 'https://weir.example' });
 * room.on('trackAdded', ({ peer, source, track }) => show(peer, track));
 * await room.join({ room: 'demo', token });
 * await room.publish('camera', await openCamera());
 */
export class RoomClient extends Emitter<RoomClientEvents> {
  /** What there is to a broadcast. */
  readonly broadcast = new Broadcast({
    request: (method, data) => this.#mustSignal().request(method, data),
    tell: (event, data) => {
      if (event === 'broadcastChanged') this.#delay();
      this.emit(event, data);
    },
  });
  readonly #url: string;
  readonly #roster = new Roster((event, data) => this.emit(event, data));
  readonly #slots = new Slots((event, data) => this.emit(event, data));
  readonly #views = new Views({
    send: (views) => this.#mustSignal().request('setViews', { views }),
    held: () => this.#state !== 'joined' || this.cut,
  });
  #state: RoomState = 'idle';
  #line: Line | undefined;
  #link: SfuLink | undefined;
  #reply: JoinReply | undefined;
  #grants: Grants | undefined;
  #reason: CloseReason | undefined;
  #token: string | undefined;
  readonly #over = Promise.withResolvers<never>();
  #unwatchNetwork: (() => void) | undefined;
  #unwatchPage: (() => void) | undefined;
  #pulse: Pulse | undefined;

  /** @param options.url where the Weir server is, with its path where it has one; by default where the SDK was loaded from */
  constructor(options: { url?: string } = {}) {
    super();
    this.#over.promise.catch(() => {});
    this.#url = options.url ?? baseUrl;
    this.on('peerLeft', ({ peer }) => this.#views.forget(peer.peerId));
  }

  get state(): RoomState {
    return this.#state;
  }

  /** Our own id in this stay; undefined before `join`. */
  get peerId(): string | undefined {
    return this.#reply?.peerId;
  }

  get name(): string | undefined {
    return this.#reply?.name;
  }

  /** What we may do now; undefined before `join`. */
  get grants(): Grants | undefined {
    return this.#grants;
  }

  /**
   * The token to come back with after a break: the server sends fresh ones while we are in the room, with the grants that
   * we have then. The one that we joined with may have expired by then. Undefined on a server that runs open.
   */
  get token(): string | undefined {
    return this.#token;
  }

  /** The others, in the order in which they came. */
  get peers(): RemotePeer[] {
    return this.#roster.peers;
  }

  /** What we publish. */
  get sources(): SourceStates {
    const states: SourceStates = {};
    for (const source of sources) {
      const publication = this.#link?.sending.publication(source);
      if (publication) states[source] = publication.mute.muted ? 'paused' : 'live';
    }
    return states;
  }

  /** The track that we publish as `source`. */
  localTrack(source: Source): MediaStreamTrack | undefined {
    return this.#link?.sending.publication(source)?.track;
  }

  /**
   * Enters a room. It resolves when we are in; media of those who are there arrives by `trackAdded`.
   * @throws {WeirError} `unauthorized`, `roomFull`, `busy` (try again after `retryAfter` seconds), `unavailable`,
   *   `incapable`, ...; its `reason` says more. Another attempt needs a new RoomClient
   */
  async join(options: JoinOptions): Promise<void> {
    if (this.#state !== 'idle') throw new WeirError('alreadyJoined', 'Make a new RoomClient for another stay.');
    if (!URL.canParse(this.#url)) {
      throw new WeirError('badRequest', `"${this.#url}" is no address of a server, such as https://weir.example.`);
    }
    this.#setState('joining');
    try {
      const opening = connect(this.#lineOptions(), () => this.#state === 'joining');
      const handler = earlyHandler();
      const asked = tokenOf(options);
      // Whoever cannot connect needs none.
      asked.catch(() => {});
      const { line, welcome } = await opening;
      this.#line = line;
      this.#mustBeJoining();
      const { device, rtpCapabilities } = await SfuLink.device(handler, welcome.rtpCapabilities);
      this.#mustBeJoining();
      const token = await Promise.race([asked, this.#over.promise]);
      this.#mustBeJoining();
      const reply = await line.join(joinRequest(options, token, rtpCapabilities));
      this.#mustBeJoining();
      this.#token ??= token;
      this.#joined(reply, line, { device, video: welcome.video });
    } catch (error) {
      // Why the server closed the connection says more than that it did.
      const reason = this.#reason;
      this.leave();
      const told = reason !== undefined && reason !== 'left' && (reason !== 'disconnected' || isClosed(error));
      throw told ? new WeirError('unavailable', closings[reason].message, { cause: error, reason }) : localError(error);
    }
  }

  /** Leaves; tracks that were published are not stopped, they are yours. */
  leave(): void {
    this.#line?.leave();
    this.#end('left');
  }

  /**
   * Publishes a track. The caller keeps the track and stops it when it is done. A track that is disabled is published
   * muted; afterwards the server is told of `mute` and `unmute` only, not of `track.enabled`.
   * @throws {WeirError} `badRequest` for a track that is of the wrong kind or has ended, `forbidden`, `conflict`,
   *   `incapable`, `closed`; whatever fails, a later attempt can succeed
   */
  async publish(source: Source, track: MediaStreamTrack, options: PublishOptions = {}): Promise<void> {
    const { sending } = this.#mustLink();
    requireSource(source);
    if (this.#grants && !mayPublish(this.#grants, source)) {
      throw new WeirError('forbidden', `You may not publish ${source} here: \`grants\` says what you may.`);
    }
    try {
      await sending.publish(source, track, options);
    } finally {
      this.#localChanged();
    }
  }

  /** Stops publishing a source, also one that is just being published; nothing happens when it is off. */
  async unpublish(source: Source): Promise<void> {
    const done = this.#mustLink().sending.unpublish(source);
    this.#localChanged();
    await done;
  }

  /**
   * Sends another track as `source`, without the others noticing more than another picture or voice. A source that is
   * muted stays muted.
   * @throws {WeirError} `notFound` when the source is off, `badRequest`, `incapable`; the former track is sent on then
   */
  async replaceTrack(source: Source, track: MediaStreamTrack): Promise<void> {
    await this.#mustLink().sending.replaceTrack(source, track);
    this.#localChanged();
  }

  /**
   * Mutes a source, also one that is just being published: here at once, for the others when this resolves. Of several
   * calls of `mute` and `unmute` the last one wins.
   * @throws {WeirError} `notFound` when the source is off
   */
  mute(source: Source): Promise<void> {
    return this.#setMuted(source, true);
  }

  /** Unmutes a source, as `mute` mutes it. @throws {WeirError} as `mute`; what the server refuses to unmute stays muted */
  unmute(source: Source): Promise<void> {
    return this.#setMuted(source, false);
  }

  /** Removes somebody; needs the grant `roomAdmin`. */
  async kick(peerId: string): Promise<void> {
    await this.#mustSignal().request('kick', { peerId });
  }

  /** Changes what somebody may do, at once; needs the grant `roomAdmin`. */
  async setGrants(peerId: string, grants: GrantsChange): Promise<void> {
    await this.#mustSignal().request('setGrants', { peerId, grants });
  }

  /** Raises or lowers our hand. @param name what we want to be called from now on, where our token does not say it */
  async setHand(raised: boolean, name?: string): Promise<void> {
    await this.#mustSignal().request('setHand', { raised, ...(name !== undefined && { name }) });
  }

  /** Shows the others a reaction. */
  async react(reaction: Reaction): Promise<void> {
    await this.#mustSignal().request('react', { reaction });
  }

  /**
   * Says how large a video is shown, in device pixels, so that it comes in a fitting size, and not at all where nobody
   * sees it (`undefined`). Call it as often as you like: the server is told what is different. `watchElement` calls it
   * for you. A video that was never named is received in full, as far as `videos` of `join` goes.
   */
  setView(peerId: string, source: ViewSource, view: ViewSize | undefined): void {
    if (this.#roster.has(peerId)) this.#views.set(peerId, source, view);
  }

  /** Whose voice each audio slot of a large room carries, `null` where it is nobody's; empty in smaller rooms. */
  get slots(): readonly (string | null)[] {
    return this.#slots.carried;
  }

  /** The sound of each slot. Play all of them: who is heard in which is the server's affair. */
  get slotTracks(): ReadonlyMap<number, MediaStreamTrack> {
    return this.#slots.tracks;
  }

  /** How loud a peer's microphone is now, 0 to 1. */
  level(peerId: string): number {
    return this.#link?.receiving.level(peerId, this.#slots.of(peerId)) ?? 0;
  }

  /** Whether media has ever flowed in this stay: if not, something between here and the server keeps it out. */
  get wasConnected(): boolean {
    return this.#link?.wasConnected ?? false;
  }

  /** Whether the connection to the server is cut just now, and being made anew. */
  get cut(): boolean {
    return this.#line?.cut ?? false;
  }

  /** Finds the way of the media anew, for instance when its owner has moved to another network. */
  restartIce(): void {
    this.#mustLink().restartIce();
  }

  /** How the media is connected. */
  get connection(): Connection {
    return this.#link?.connection ?? 'connecting';
  }

  /** Every track that is sent or received, with its statistics. */
  async getStats(): Promise<TrackStats[]> {
    const reports = await this.#link?.stats();
    return (reports ?? []).map(summarise);
  }

  #lineOptions(): LineOptions {
    return {
      url: this.#url,
      listeners: this.#listeners(),
      onCut: () => this.emit('cutChanged', true),
      onResumed: (snapshot) => this.#resumed(snapshot),
      onClose: (reason) => {
        if (this.#line) this.#end(reason);
        else if (this.#state === 'joining') this.#reason = reason;
      },
    };
  }

  #listeners() {
    return {
      ...this.#roster.listeners,
      ...this.broadcast.listeners,
      grantsChanged: ({ grants }: { grants: Grants }) => this.#allowed(grants),
      tokenRefreshed: ({ token }: { token: string }) => {
        this.#token = token;
        this.emit('tokenRefreshed', token);
      },
      draining: ({ seconds }: { seconds: number }) => this.emit('draining', { seconds }),
      newConsumers: ({ consumers }: { consumers: ConsumerInfo[] }) => void this.#link?.receiving.consume(consumers),
      consumersClosed: ({ consumerIds }: { consumerIds: string[] }) =>
        this.#link?.receiving.consumersClosed(consumerIds),
      producerWatched: (watched: ResumeReply['watched'][number]) => this.#link?.sending.watched(watched),
      slots: ({ slots }: { slots: JoinReply['slots'] }) => this.#slots.carry(slots),
    };
  }

  #joined(reply: JoinReply, line: Line, media: Pick<SfuLinkOptions, 'device' | 'video'>): void {
    this.#reply = reply;
    this.#grants = reply.grants;
    this.#link = new SfuLink({
      ...media,
      kind: reply.kind,
      request: line.request,
      transports: reply.transports,
      onTrack: ({ peerId, slot, source }, track) => {
        if (slot !== undefined) this.#slots.addTrack(slot, track);
        else if (peerId !== undefined) this.#roster.addTrack(peerId, source, track);
      },
      onTrackEnded: ({ peerId, slot, source }, track) => {
        if (slot !== undefined) this.#slots.removeTrack(slot, track);
        else if (peerId !== undefined) this.#roster.removeTrack(peerId, source, track);
      },
      onSourceEnded: () => this.#localChanged(),
      onConnection: () => {
        // Media that lost its way may have lost it with everything else.
        if (this.connection === 'lost') line.probe(true);
        this.emit('connectionChanged', this.connection);
      },
      onFailed: () => this.#mediaFailed(),
    });
    // A browser would close with 1001, as proxies do that restart.
    this.#unwatchPage = onPageLeft(() => line.farewell());
    this.#unwatchNetwork = onNetworkChange(() => {
      line.probe();
      this.#link?.restartIce();
    });
    this.#pulse = new Pulse({
      lastHeard: () => this.#link?.lastHeard((info) => this.#isExpected(info)),
      onSilence: () => {
        line.probe(true);
        // Who is cut looks at the media when the stay goes on.
        if (!line.cut) this.#link?.checkPath();
      },
    });
    for (const info of reply.peers) this.#roster.add(info);
    this.#roster.syncUndecodable(reply.undecodable);
    this.#slots.carry(reply.slots);
    this.broadcast.sync(reply.broadcast, reply.hands);
    this.#setState('joined');
    void this.#link.receiving.consume(reply.consumers);
    this.#views.resume();
  }

  /** Whether media of this consumer should come all the time. Slots are silent whenever nobody speaks. */
  #isExpected({ peerId, source }: ConsumerInfo): boolean {
    if (peerId === undefined || !this.#roster.sends(peerId, source)) return false;
    return source === 'camera' || source === 'screen' ? this.#views.isSeen(peerId, source) : true;
  }

  /** Makes everything the same as the server says that it is now, and tells what is different. */
  #resumed({ peers, consumers, undecodable, slots, watched, ...now }: ResumeReply): void {
    const { moved, grants, broadcast, hands } = now;
    this.#allowed(grants, now);
    this.broadcast.sync(broadcast, hands);
    if (moved || this.connection === 'lost') this.#link?.restartIce();
    this.#roster.sync(peers);
    this.#roster.syncUndecodable(undecodable);
    this.#slots.carry(slots);
    this.#link?.receiving.sync(consumers);
    this.#link?.sending.syncWatched(watched);
    this.#views.resume();
    this.emit('cutChanged', false);
  }

  #allowed(grants: Grants, there?: Pick<ResumeReply, 'transports' | 'sources'>): void {
    const before = JSON.stringify(this.#grants);
    this.#grants = grants;
    const ended = this.#link?.allow(grants, there) ?? false;
    this.#delay();
    // A right that was gone while we were cut, and is back, has ended what we published all the same.
    if (JSON.stringify(grants) === before && !ended) return;
    this.broadcast.forgetInvitation();
    this.emit('grantsChanged', grants);
  }

  /** Whoever only watches plays a smooth broadcast later; on the stage people talk to each other. */
  #delay(): void {
    const waits = this.broadcast.info?.profile === 'smooth' && this.#grants?.canPublish === false;
    this.#link?.receiving.setDelay(waits ? SMOOTH : 0);
  }

  async #setMuted(source: Source, muted: boolean): Promise<void> {
    const done = this.#mustLink().sending.setMuted(source, muted);
    this.#localChanged();
    // A refusal leaves it muted.
    await done.finally(() => this.#localChanged());
  }

  #localChanged(): void {
    this.emit('localChanged', this.sources);
  }

  #mustLink(): SfuLink {
    if (!this.#link || this.#state !== 'joined') throw new WeirError('notJoined', 'Join a room first.');
    return this.#link;
  }

  #mustSignal(): Line {
    if (!this.#line || this.#state !== 'joined') throw new WeirError('notJoined', 'Join a room first.');
    return this.#line;
  }

  /** Whoever leaves while we are joining does not end up inside. */
  #mustBeJoining(): void {
    if (this.#state !== 'joining') throw new WeirError('closed', 'You left before you were in.');
  }

  #mediaFailed(): void {
    this.#line?.leave('mediaFailed');
    this.#end('mediaFailed');
  }

  #setState(state: RoomState): void {
    this.#state = state;
    this.emit('stateChanged', state);
  }

  #end(reason: CloseReason): void {
    if (this.#state === 'closed') return;
    const wasIn = this.#state === 'joined';
    this.#reason = reason;
    this.#over.reject(new WeirError('closed'));
    this.#unwatchNetwork?.();
    this.#unwatchPage?.();
    this.#pulse?.close();
    this.#views.close();
    this.#setState('closed');
    this.#link?.close();
    this.#roster.clear();
    this.#slots.clear();
    // Whoever was not in hears of it from `join`.
    if (wasIn) this.emit('closed', { reason, message: closings[reason].message });
  }
}

/** Whether a request has no answer because its connection ended. */
function isClosed(error: unknown): boolean {
  return error instanceof WeirError && error.code === 'closed';
}

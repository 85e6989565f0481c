/** Owns a stay in a room, as an application sees it: join, publish, mute, who is there, what they send. */
import type { CloseReason } from '../../shared/closeReasons.ts';
import { closeReasons } from '../../shared/closeReasons.ts';
import { WeirError } from '../../shared/errors.ts';
import { type Source, sources } from '../../shared/media.ts';
import type {
  ConsumerInfo,
  Grants,
  GrantsPatch,
  JoinReply,
  Reaction,
  ResumeReply,
  SourceStates,
} from '../../shared/protocol.ts';
import { mayPublish } from '../../shared/roles.ts';
import { AudioSlotTracks } from './AudioSlotTracks.ts';
import { Broadcast } from './Broadcast.ts';
import { baseUrl } from './base.ts';
import { connect } from './connect.ts';
import { Emitter } from './Emitter.ts';
import type { MediaConnectionState, RemotePeer, RoomClientEvents, RoomClientState } from './events.ts';
import { type JoinOptions, joinRequest, tokenOf } from './joinOptions.ts';
import { localError } from './localError.ts';
import { MediaSilenceDetector } from './MediaSilenceDetector.ts';
import { onNetworkChange, onPageLeft } from './network.ts';
import type { PublishOptions } from './Publisher.ts';
import { prefetchHandler } from './prefetchHandler.ts';
import { RemotePeers } from './RemotePeers.ts';
import { requireSource } from './requireTrack.ts';
import { SfuLink, type SfuLinkOptions } from './SfuLink.ts';
import type { SignalSession, SignalSessionOptions } from './SignalSession.ts';
import { summarise, type TrackStats } from './stats.ts';
import { TrackSettingsReporter, type VideoSettings, type VideoSource } from './TrackSettingsReporter.ts';

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
    request: (method, data) => this.#requireSession().request(method, data),
    tell: (event, data) => {
      if (event === 'broadcastChanged') this.#delay();
      this.emit(event, data);
    },
  });
  readonly #url: string;
  readonly #peers = new RemotePeers((event, data) => this.emit(event, data));
  readonly #slots = new AudioSlotTracks((event, data) => this.emit(event, data));
  readonly #trackSettings = new TrackSettingsReporter({
    send: (tracks) => this.#requireSession().request('updateTrackSettings', { tracks }),
    held: () => this.#state !== 'joined' || this.reconnecting,
  });
  #state: RoomClientState = 'idle';
  #session: SignalSession | undefined;
  #link: SfuLink | undefined;
  #reply: JoinReply | undefined;
  #grants: Grants | undefined;
  #reason: CloseReason | undefined;
  #token: string | undefined;
  readonly #over = Promise.withResolvers<never>();
  #unwatchNetwork: (() => void) | undefined;
  #unwatchPage: (() => void) | undefined;
  #silenceDetector: MediaSilenceDetector | undefined;

  /** @param options.url where the Weir server is, with its path where it has one; by default where the SDK was loaded from */
  constructor(options: { url?: string } = {}) {
    super();
    this.#over.promise.catch(() => {});
    this.#url = options.url ?? baseUrl;
    this.on('peerLeft', ({ peer }) => this.#trackSettings.removePeer(peer.peerId));
  }

  get state(): RoomClientState {
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
    return this.#peers.peers;
  }

  /** What we publish. */
  get sources(): SourceStates {
    const states: SourceStates = {};
    for (const source of sources) {
      const publication = this.#link?.publisher.publication(source);
      if (publication) states[source] = publication.mute.muted ? 'paused' : 'live';
    }
    return states;
  }

  /** The track that we publish as `source`. */
  localTrack(source: Source): MediaStreamTrack | undefined {
    return this.#link?.publisher.publication(source)?.track;
  }

  /**
   * Enters a room. It resolves when we are in; media of those who are there arrives by `trackAdded`.
   * @throws {WeirError} `unauthorized`, `roomFull`, `busy` (try again after `retryAfter` seconds), `unavailable`,
   *   `unsupported`, ...; its `reason` says more. Another attempt needs a new RoomClient
   */
  async join(options: JoinOptions): Promise<void> {
    if (this.#state !== 'idle') throw new WeirError('alreadyJoined', 'Make a new RoomClient for another stay.');
    if (!URL.canParse(this.#url)) {
      throw new WeirError('badRequest', `"${this.#url}" is no address of a server, such as https://weir.example.`);
    }
    this.#setState('joining');
    try {
      const opening = connect(this.#sessionOptions(), () => this.#state === 'joining');
      const handler = prefetchHandler();
      const asked = tokenOf(options);
      // Whoever cannot connect needs none.
      asked.catch(() => {});
      const { line, welcome } = await opening;
      this.#session = line;
      this.#assertJoining();
      const { device, rtpCapabilities } = await SfuLink.device(handler, welcome.rtpCapabilities);
      this.#assertJoining();
      const token = await Promise.race([asked, this.#over.promise]);
      this.#assertJoining();
      const reply = await line.join(joinRequest(options, token, rtpCapabilities));
      this.#assertJoining();
      this.#token ??= token;
      this.#joined(reply, line, { device, video: welcome.video });
    } catch (error) {
      // Why the server closed the connection says more than that it did.
      const reason = this.#reason;
      this.leave();
      const told = reason !== undefined && reason !== 'left' && (reason !== 'disconnected' || isClosed(error));
      throw told
        ? new WeirError('unavailable', closeReasons[reason].message, { cause: error, reason })
        : localError(error);
    }
  }

  /** Leaves; tracks that were published are not stopped, they are yours. */
  leave(): void {
    this.#session?.leave();
    this.#end('left');
  }

  /**
   * Publishes a track. The caller keeps the track and stops it when it is done. A track that is disabled is published
   * muted; afterwards the server is told of `mute` and `unmute` only, not of `track.enabled`.
   * @throws {WeirError} `badRequest` for a track that is of the wrong kind or has ended, `forbidden`, `conflict`,
   *   `unsupported`, `closed`; whatever fails, a later attempt can succeed
   */
  async publish(source: Source, track: MediaStreamTrack, options: PublishOptions = {}): Promise<void> {
    const { publisher } = this.#requireLink();
    requireSource(source);
    if (this.#grants && !mayPublish(this.#grants, source)) {
      throw new WeirError('forbidden', `You may not publish ${source} here: \`grants\` says what you may.`);
    }
    try {
      await publisher.publish(source, track, options);
    } finally {
      this.#localChanged();
    }
  }

  /** Stops publishing a source, also one that is just being published; nothing happens when it is off. */
  async unpublish(source: Source): Promise<void> {
    const done = this.#requireLink().publisher.unpublish(source);
    this.#localChanged();
    await done;
  }

  /**
   * Sends another track as `source`, without the others noticing more than another picture or voice. A source that is
   * muted stays muted.
   * @throws {WeirError} `notFound` when the source is off, `badRequest`, `unsupported`; the former track is sent on then
   */
  async replaceTrack(source: Source, track: MediaStreamTrack): Promise<void> {
    await this.#requireLink().publisher.replaceTrack(source, track);
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
    await this.#requireSession().request('kick', { peerId });
  }

  /** Changes what somebody may do, at once; needs the grant `roomAdmin`. */
  async setGrants(peerId: string, grants: GrantsPatch): Promise<void> {
    await this.#requireSession().request('setGrants', { peerId, grants });
  }

  /** Raises or lowers our hand. @param name what we want to be called from now on, where our token does not say it */
  async setHand(raised: boolean, name?: string): Promise<void> {
    await this.#requireSession().request('setHand', { raised, ...(name !== undefined && { name }) });
  }

  /** Shows the others a reaction. */
  async react(reaction: Reaction): Promise<void> {
    await this.#requireSession().request('react', { reaction });
  }

  /**
   * Says how large a video is shown, in device pixels, so that it comes in a fitting size, and not at all where nobody
   * sees it (`undefined`). Call it as often as you like: the server is told what is different. `watchElement` calls it
   * for you. A video that was never named is received in full, as far as `videos` of `join` goes.
   */
  updateTrackSettings(peerId: string, source: VideoSource, view: VideoSettings | undefined): void {
    if (this.#peers.has(peerId)) this.#trackSettings.set(peerId, source, view);
  }

  /** Whose voice each audio slot of a large room carries, `null` where it is nobody's; empty in smaller rooms. */
  get slots(): readonly (string | null)[] {
    return this.#slots.holders;
  }

  /** The sound of each slot. Play all of them: who is heard in which is the server's affair. */
  get slotTracks(): ReadonlyMap<number, MediaStreamTrack> {
    return this.#slots.tracks;
  }

  /** How loud a peer's microphone is now, 0 to 1. */
  level(peerId: string): number {
    return this.#link?.subscriber.level(peerId, this.#slots.of(peerId)) ?? 0;
  }

  /** Whether media has ever flowed in this stay: if not, something between here and the server keeps it out. */
  get wasConnected(): boolean {
    return this.#link?.wasConnected ?? false;
  }

  /** Whether the connection to the server is cut just now, and being made anew. */
  get reconnecting(): boolean {
    return this.#session?.reconnecting ?? false;
  }

  /** Finds the way of the media anew, for instance when its owner has moved to another network. */
  restartIce(): void {
    this.#requireLink().restartIce();
  }

  /** How the media is connected. */
  get connection(): MediaConnectionState {
    return this.#link?.connection ?? 'connecting';
  }

  /** Every track that is sent or received, with its statistics. */
  async getStats(): Promise<TrackStats[]> {
    const reports = await this.#link?.stats();
    return (reports ?? []).map(summarise);
  }

  #sessionOptions(): SignalSessionOptions {
    return {
      url: this.#url,
      listeners: this.#listeners(),
      onReconnecting: () => this.emit('reconnectingChanged', true),
      onResumed: (snapshot) => this.#resumed(snapshot),
      onClose: (reason) => {
        if (this.#session) this.#end(reason);
        else if (this.#state === 'joining') this.#reason = reason;
      },
    };
  }

  #listeners() {
    return {
      ...this.#peers.listeners,
      ...this.broadcast.listeners,
      grantsChanged: ({ grants }: { grants: Grants }) => this.#applyGrants(grants),
      tokenRefreshed: ({ token }: { token: string }) => {
        this.#token = token;
        this.emit('tokenRefreshed', token);
      },
      draining: ({ seconds }: { seconds: number }) => this.emit('draining', { seconds }),
      newConsumers: ({ consumers }: { consumers: ConsumerInfo[] }) => void this.#link?.subscriber.consume(consumers),
      consumersClosed: ({ consumerIds }: { consumerIds: string[] }) =>
        this.#link?.subscriber.consumersClosed(consumerIds),
      subscribedLayers: (watched: ResumeReply['subscribedLayers'][number]) =>
        this.#link?.publisher.setSubscribedLayer(watched),
      slots: ({ slots }: { slots: JoinReply['slots'] }) => this.#slots.setHolders(slots),
    };
  }

  #joined(reply: JoinReply, line: SignalSession, media: Pick<SfuLinkOptions, 'device' | 'video'>): void {
    this.#reply = reply;
    this.#grants = reply.grants;
    this.#link = new SfuLink({
      ...media,
      kind: reply.kind,
      request: line.request,
      transports: reply.transports,
      onTrack: ({ peerId, slot, source }, track) => {
        if (slot !== undefined) this.#slots.addTrack(slot, track);
        else if (peerId !== undefined) this.#peers.addTrack(peerId, source, track);
      },
      onTrackEnded: ({ peerId, slot, source }, track) => {
        if (slot !== undefined) this.#slots.removeTrack(slot, track);
        else if (peerId !== undefined) this.#peers.removeTrack(peerId, source, track);
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
    this.#unwatchPage = onPageLeft(() => line.closeOnPageHide());
    this.#unwatchNetwork = onNetworkChange(() => {
      line.probe();
      this.#link?.restartIce();
    });
    this.#silenceDetector = new MediaSilenceDetector({
      lastPacketAt: () => this.#link?.lastPacketAt((info) => this.#isExpected(info)),
      onSilence: () => {
        line.probe(true);
        // Who is cut looks at the media when the stay goes on.
        if (!line.reconnecting) this.#link?.checkPath();
      },
    });
    for (const info of reply.peers) this.#peers.add(info);
    this.#peers.syncUnsupportedCodecs(reply.unsupportedCodecs);
    this.#slots.setHolders(reply.slots);
    this.broadcast.sync(reply.broadcast, reply.hands);
    this.#setState('joined');
    void this.#link.subscriber.consume(reply.consumers);
    this.#trackSettings.resume();
  }

  /** Whether media of this consumer should come all the time. Slots are silent whenever nobody speaks. */
  #isExpected({ peerId, source }: ConsumerInfo): boolean {
    if (peerId === undefined || !this.#peers.sends(peerId, source)) return false;
    return source === 'camera' || source === 'screen' ? this.#trackSettings.isSeen(peerId, source) : true;
  }

  /** Makes everything the same as the server says that it is now, and tells what is different. */
  #resumed({ peers, consumers, unsupportedCodecs, slots, subscribedLayers, ...now }: ResumeReply): void {
    const { addressChanged, grants, broadcast, hands } = now;
    this.#applyGrants(grants, now);
    this.broadcast.sync(broadcast, hands);
    if (addressChanged || this.connection === 'lost') this.#link?.restartIce();
    this.#peers.sync(peers);
    this.#peers.syncUnsupportedCodecs(unsupportedCodecs);
    this.#slots.setHolders(slots);
    this.#link?.subscriber.sync(consumers);
    this.#link?.publisher.syncSubscribedLayers(subscribedLayers);
    this.#trackSettings.resume();
    this.emit('reconnectingChanged', false);
  }

  #applyGrants(grants: Grants, there?: Pick<ResumeReply, 'transports' | 'sources'>): void {
    const before = JSON.stringify(this.#grants);
    this.#grants = grants;
    const ended = this.#link?.applyGrants(grants, there) ?? false;
    this.#delay();
    // A right that was gone while we were cut, and is back, has ended what we published all the same.
    if (JSON.stringify(grants) === before && !ended) return;
    this.broadcast.forgetInvitation();
    this.emit('grantsChanged', grants);
  }

  /** Whoever only watches plays a smooth broadcast later; on the stage people talk to each other. */
  #delay(): void {
    const waits = this.broadcast.info?.profile === 'smooth' && this.#grants?.canPublish === false;
    this.#link?.subscriber.setDelay(waits ? SMOOTH : 0);
  }

  async #setMuted(source: Source, muted: boolean): Promise<void> {
    const done = this.#requireLink().publisher.setMuted(source, muted);
    this.#localChanged();
    // A refusal leaves it muted.
    await done.finally(() => this.#localChanged());
  }

  #localChanged(): void {
    this.emit('localChanged', this.sources);
  }

  #requireLink(): SfuLink {
    if (!this.#link || this.#state !== 'joined') throw new WeirError('notJoined', 'Join a room first.');
    return this.#link;
  }

  #requireSession(): SignalSession {
    if (!this.#session || this.#state !== 'joined') throw new WeirError('notJoined', 'Join a room first.');
    return this.#session;
  }

  /** Whoever leaves while we are joining does not end up inside. */
  #assertJoining(): void {
    if (this.#state !== 'joining') throw new WeirError('closed', 'You left before you were in.');
  }

  #mediaFailed(): void {
    this.#session?.leave('mediaFailed');
    this.#end('mediaFailed');
  }

  #setState(state: RoomClientState): void {
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
    this.#silenceDetector?.close();
    this.#trackSettings.close();
    this.#setState('closed');
    this.#link?.close();
    this.#peers.clear();
    this.#slots.clear();
    // Whoever was not in hears of it from `join`.
    if (wasIn) this.emit('closed', { reason, message: closeReasons[reason].message });
  }
}

/** Whether a request has no answer because its connection ended. */
function isClosed(error: unknown): boolean {
  return error instanceof WeirError && error.code === 'closed';
}

/** One session in a room, from `join` to its end: connects signalling, media link and the state of the room. */
import { type CloseReason, closeReasons } from '../../shared/closeReasons.ts';
import { WeirError } from '../../shared/errors.ts';
import { sources } from '../../shared/media.ts';
import type { DirectPeers, Grants, ResumeReply, SourceStates } from '../../shared/protocol.ts';
import { createLink } from './createLink.ts';
import type { DirectLinks } from './DirectLink.ts';
import type { Notify, RoomClientState } from './events.ts';
import { Files } from './Files.ts';
import type { FileRoom } from './files/transfers.ts';
import { FILE_TOPIC } from './fileTopic.ts';
import { type JoinOptions, joinRequest, tokenOf } from './joinOptions.ts';
import type { LazyDirectLink } from './LazyDirectLink.ts';
import { loadQuality } from './loadQuality.ts';
import { localError } from './localError.ts';
import type { MediaLink, MediaLoader, ServerMediaState, VideoSettings, VideoSource } from './MediaLink.ts';
import { Moderation } from './Moderation.ts';
import { isNetworkDown, isPageHidden, onNetworkChange, onPageLeft } from './network.ts';
import type { QualityMonitor } from './quality/QualityMonitor.ts';
import { RoomStore } from './RoomStore.ts';
import { ShownVideos } from './ShownVideos.ts';
import type { ConnectedSignalling, Signalling, SignallingKind, SignallingOptions } from './Signalling.ts';

/** What a session is made of, to be replaced by tests and by other kinds of media links. */
export interface RoomClientDependencies {
  /**
   * Opens the signalling.
   * @param signal is aborted if the session ends before
   * @throws {WeirError} why there is no connection
   */
  connect(options: SignallingOptions, signal: AbortSignal): Promise<ConnectedSignalling>;
  /** Begins to load what carries the media, while the connection is being opened. */
  loadMedia(): MediaLoader;
  /** Loads direct media, when it is needed first. Without it there is none. */
  loadDirect?(): Promise<DirectLinks>;
}

export interface RoomSessionOptions extends RoomClientDependencies {
  readonly url: string;
  /** Is called after each change. */
  readonly notify: Notify;
}

export class RoomSession {
  readonly store: RoomStore;
  readonly files = new Files();
  readonly moderation: Moderation;
  readonly #options: RoomSessionOptions;
  readonly #ended = new AbortController();
  /** What ends with the session. */
  readonly #cleanups: (() => void)[] = [];
  readonly #shownVideos = new ShownVideos();
  #state: RoomClientState = 'idle';
  #signalling: Signalling | undefined;
  #link: MediaLink | undefined;
  /** The same link once media goes directly, from the first time on. */
  #direct: LazyDirectLink | undefined;
  /** With whom media goes directly. */
  #directPeers: readonly string[] = [];
  #quality: QualityMonitor | undefined;
  #closeReason: CloseReason | undefined;
  /** When the join was wished for (`performance.now()`). */
  #wished = 0;

  constructor(options: RoomSessionOptions) {
    this.#options = options;
    this.store = new RoomStore(
      (event, data) => {
        if (event === 'broadcastChanged') this.#updatePlayoutDelay();
        this.#notify(event, data);
        if (event === 'peerChanged') this.#direct?.link?.peerChanged();
      },
      (method, data) => this.requireSignalling().request(method, data),
    );
    this.moderation = new Moderation({
      request: (method, data) => this.requireSignalling().request(method, data),
      notify: (event, data) => this.#notify(event, data),
      mutedByServer: (source) => {
        const wasUnmuted = this.#link?.mutedByServer(source) ?? false;
        if (wasUnmuted) this.notifyLocalSourcesChanged();
        return wasUnmuted;
      },
      stoppedByServer: (source, producerId) => this.#link?.stoppedByServer(source, producerId) ?? false,
    });
  }

  get state(): RoomClientState {
    return this.#state;
  }

  /** Undefined before the join. */
  get link(): MediaLink | undefined {
    return this.#link;
  }

  /** Undefined before the join, and until it has been loaded. */
  get quality(): QualityMonitor | undefined {
    return this.#quality;
  }

  get reconnecting(): boolean {
    return this.#signalling?.reconnecting ?? false;
  }

  /** Undefined before there is a connection. */
  get signallingKind(): SignallingKind | undefined {
    return this.#signalling?.kind;
  }

  /** What we publish, with its mute state. */
  get localSources(): SourceStates {
    const states: SourceStates = {};
    for (const source of sources) {
      const published = this.#link?.publishedTrack(source);
      if (published) states[source] = published.muted ? 'paused' : 'live';
    }
    return states;
  }

  /** @throws {WeirError} `notJoined` */
  requireLink(): MediaLink {
    if (!this.#link || this.#state !== 'joined') throw notJoined();
    return this.#link;
  }

  /** @throws {WeirError} `notJoined` */
  requireSignalling(): Signalling {
    if (!this.#signalling || this.#state !== 'joined') throw notJoined();
    return this.#signalling;
  }

  /** @throws {WeirError} why we are not in; the session has ended then */
  async join(options: JoinOptions): Promise<void> {
    this.#wished = performance.now();
    this.#setState('joining');
    try {
      await this.#join(options);
    } catch (error) {
      const reason = this.#closeReason;
      this.leave();
      throw reason !== undefined && explainsFailure(reason, error)
        ? new WeirError('unavailable', closeReasons[reason].message, { cause: error, reason })
        : localError(error);
    }
  }

  /** How a video is shown, for this link and those that take its place. */
  updateTrackSettings(peerId: string, source: VideoSource, settings: VideoSettings | undefined): void {
    this.#shownVideos.set(peerId, source, settings);
    this.#link?.updateTrackSettings(peerId, source, settings);
  }

  /** A peer has left. */
  removePeer(peerId: string): void {
    this.#shownVideos.removePeer(peerId);
    this.#link?.removePeer(peerId);
  }

  leave(reason: 'left' | 'mediaFailed' = 'left'): void {
    this.#signalling?.leave(reason);
    this.#end(reason);
  }

  notifyLocalSourcesChanged(): void {
    this.#notify('localSourcesChanged', this.localSources);
  }

  /** Notifies, unless the session has ended: a listener of the event before may have left. */
  readonly #notify: Notify = (event, data) => {
    if (!this.#ended.signal.aborted) this.#options.notify(event, data);
  };

  async #join(options: JoinOptions): Promise<void> {
    const { signal } = this.#ended;
    const connecting = this.#options.connect(this.#signallingOptions(), signal);
    const loader = this.#options.loadMedia();
    const tokenPromise = tokenOf(options);
    // If connecting fails, nobody awaits the token.
    tokenPromise.catch(() => {});
    const { signalling, welcome } = await connecting;
    this.#signalling = signalling;
    signal.throwIfAborted();
    const media = await loader.load(welcome);
    const token = await abortable(tokenPromise, signal);
    const { rtpCapabilities } = media;
    const direct = this.#options.loadDirect !== undefined && welcome.policy !== undefined;
    const reply = await signalling.join(joinRequest(options, token, { rtpCapabilities, direct }));
    signal.throwIfAborted();
    this.store.token ??= token;
    this.store.setSelf(reply);
    this.moderation.sync(reply);
    const created = createLink({
      ...{ media, reply, welcome, signalling, store: this.store },
      iceTransportPolicy: options.iceTransportPolicy,
      loadDirect: () => this.#loadDirect(),
      onReplaced: (link) => this.#setLink(link, signalling),
    });
    this.#direct = created.direct;
    // Events, which continue the reply, may come before what is loaded for `p2p`.
    if (reply.policy === 'p2p') {
      this.store.applyJoin(reply);
      this.#setDirectPeers(reply.directPeers);
    }
    const link = await created.link;
    signal.throwIfAborted();
    this.#setLink(link, signalling);
    this.#cleanups.push(onNetworkChange(() => this.#networkChanged(signalling)));
    // The browser would close with code 1001, which restarting proxies send as well.
    this.#cleanups.push(onPageLeft(() => signalling.closeOnPageHide()));
    if (reply.policy !== 'p2p') this.store.applyJoin(reply);
    if (signal.aborted) this.store.clear();
    signal.throwIfAborted();
    this.files.open(
      `${this.#options.url} ${options.kind ?? 'call'} ${options.room}`,
      this.#fileRoom(reply.peerId, welcome.limits.fileBytes),
    );
    this.#setState('joined');
    void link.consume(reply.consumers);
    if (reply.policy !== 'p2p') this.#setDirectPeers(reply.directPeers);
    void this.#watchQuality(signalling, welcome.joinReports);
  }

  async #loadDirect(): Promise<DirectLinks | undefined> {
    const links = await this.#options.loadDirect?.();
    return this.#ended.signal.aborted ? undefined : links;
  }

  #signallingOptions(): SignallingOptions {
    const { url } = this.#options;
    return {
      url,
      listeners: {
        ...this.store.listeners(),
        ...this.moderation.listeners,
        grantsChanged: ({ grants, by }) => this.#grantsChanged(grants, by),
        draining: ({ seconds }) => this.#notify('draining', { seconds }),
        newConsumers: ({ consumers }) => void this.#link?.consume(consumers),
        consumersClosed: ({ consumerIds }) => this.#link?.closeConsumers(consumerIds),
        dataPending: () => this.#link?.openData(),
        dataRefused: (refusal) => this.#link?.dataRefused(refusal),
        dataClosed: (closure) => this.#link?.dataClosed(closure),
        subscribedLayers: (limit) => this.#link?.setSubscribedLayer(limit),
        directPeers: (direct) => this.#setDirectPeers(direct),
        directSignal: (signal) => this.#direct?.call((link) => link.receiveDirectSignal(signal)),
      },
      onReconnecting: () => {
        this.store.chat.pause();
        this.#notify('reconnectingChanged', true);
      },
      onResumed: (snapshot) => this.#resumed(snapshot),
      onClose: (reason) => {
        if (this.#signalling) this.#end(reason);
        else if (this.#state === 'joining') this.#closeReason = reason;
      },
    };
  }

  /** Listens to this link from now on, which may own the one before. */
  #setLink(link: MediaLink, signalling: Signalling): void {
    this.#link = link;
    const on: MediaLink['on'] = (event, listener) =>
      link.on(event, (data) => {
        if (this.#link === link) listener(data);
      });
    on('trackAdded', (received) => this.store.addTrack(received));
    on('trackRemoved', (received) => this.store.removeTrack(received));
    on('dataReceived', ({ peerId, channel, topic, data }) => {
      if (channel === 'bulk') {
        if (topic === FILE_TOPIC && peerId !== undefined) this.files.onData(peerId, data);
        return;
      }
      const peer = peerId === undefined ? undefined : this.store.peers.get(peerId);
      this.#notify('dataReceived', { peer, topic, data, reliable: channel === 'reliable' });
    });
    on('dataFailed', (error) => this.#notify('dataFailed', error));
    on('localTrackEnded', () => this.notifyLocalSourcesChanged());
    // Whatever stops the media may have stopped the signalling as well.
    on('silence', () => signalling.probe(true));
    on('connectionStateChanged', (state) => {
      if (state === 'lost') signalling.probe(true);
      this.#notify('mediaConnectionStateChanged', state);
    });
    on('failed', () => this.leave('mediaFailed'));
    this.#shownVideos.applyTo(link);
  }

  #setDirectPeers(direct: DirectPeers): void {
    this.#directPeers = direct.peers.map(({ peerId }) => peerId);
    // Whoever leaves while it is being loaded is connected with no more.
    const present = () => direct.peers.filter(({ peerId }) => this.store.peers.get(peerId));
    this.#direct?.call((link) => link.setDirectPeers({ ...direct, peers: present() }), direct.peers.length > 0);
  }

  #networkChanged(signalling: Signalling): void {
    signalling.probe();
    this.#link?.restartIce();
  }

  /** Without it, if it cannot be loaded, nothing is said of connections. */
  async #watchQuality(signalling: Signalling, reportsJoin: boolean): Promise<void> {
    const joinTime = performance.now() - this.#wished;
    const expectsVideo = this.store.peers.peers.some(
      ({ sources: { camera, screen } }) => camera === 'live' || screen === 'live',
    );
    const loaded = await loadQuality().catch(() => undefined);
    if (!loaded || this.#ended.signal.aborted) return;
    const { JoinReporter, QualityMonitor, sampleOf } = loaded;
    const sample = async () => {
      const { reports, trackOf } = await this.requireLink().getQualityReports();
      return sampleOf(performance.now(), reports, trackOf);
    };
    if (reportsJoin) {
      const reporter = new JoinReporter({
        ...{ wished: this.#wished, joinTime, expectsVideo, sample },
        connections: () => this.requireLink().getConnectionStats(),
        report: (report) => void signalling.request('reportJoin', report).catch(() => {}),
      });
      this.#cleanups.push(() => reporter.close());
    }
    const monitor = new QualityMonitor({
      sample,
      ask: (question) => signalling.request('getConnectionQuality', question),
      isActive: () =>
        this.#state === 'joined' &&
        !signalling.reconnecting &&
        this.#link?.connectionState !== 'connecting' &&
        !isNetworkDown() &&
        !isPageHidden(),
      isMediaLost: () => this.#link?.connectionState === 'lost',
      // What has gone directly begins anew on the way to the server.
      sending: () => JSON.stringify([this.localSources, this.#directPeers]),
      onChange: (peerId, quality) => {
        const peer = peerId === undefined ? undefined : this.store.peers.get(peerId);
        if (peerId === undefined || peer) this.#notify('connectionQualityChanged', { peer, quality });
      },
    });
    this.#quality = monitor;
    this.#cleanups.push(() => monitor.close());
  }

  /** What file transfers need of this session. */
  #fileRoom(peerId: string, maxBytes: number): FileRoom {
    const { store } = this;
    return {
      peerId,
      send: (to, data) => this.requireLink().sendData({ channel: 'bulk', topic: FILE_TOPIC, to: [to], data }),
      // Nobody could answer a hidden peer, which the server does not name.
      peers: () => (store.grants?.hidden ? [] : store.peers.peers),
      isReconnecting: () => this.reconnecting,
      maySend: () => store.grants?.canPublishData !== false && !store.grants?.hidden,
      maxBytes,
      hasMedia: () =>
        sources.some((source) => this.#link?.publishedTrack(source)) ||
        store.peers.peers.some(({ tracks }) => tracks.size > 0),
      notify: this.#notify,
    };
  }

  /** Makes everything the same as on the server, and notifies of each difference. */
  #resumed(snapshot: ResumeReply): void {
    const link = this.#link;
    this.#applyGrants(snapshot.grants, snapshot);
    this.store.broadcast.sync(snapshot.broadcast, snapshot.hands);
    if (snapshot.addressChanged || link?.connectionState === 'lost') link?.restartIce();
    this.store.applyResume(snapshot);
    if (this.#state !== 'joined') {
      this.store.clear();
      return;
    }
    link?.sync(snapshot);
    this.moderation.sync(snapshot);
    this.moderation.syncMuted(snapshot.muted);
    this.#setDirectPeers(snapshot.directPeers);
    this.#notify('reconnectingChanged', false);
  }

  #grantsChanged(grants: Grants, by: string | undefined): void {
    const before = this.store.grants;
    this.#applyGrants(grants);
    if (before && by !== undefined) this.#notify('moderated', { action: 'grantsChanged', before, grants, by });
  }

  #applyGrants(grants: Grants, server?: ServerMediaState): void {
    const isChanged = this.store.setGrants(grants);
    const hasEnded = this.#link?.applyGrants(grants, server) ?? false;
    this.#updatePlayoutDelay();
    if (isChanged) this.files.syncPeers();
    // Grants that were revoked and given again during a reconnect have ended what was published nevertheless.
    if (!isChanged && !hasEnded) return;
    this.store.broadcast.clearInvitation();
    this.#notify('grantsChanged', grants);
  }

  #updatePlayoutDelay(): void {
    this.#link?.setPlayoutDelay(this.store.playoutDelay);
  }

  #setState(state: RoomClientState): void {
    this.#state = state;
    this.#options.notify('stateChanged', state);
  }

  #end(reason: CloseReason): void {
    if (this.#state === 'closed') return;
    const wasJoined = this.#state === 'joined';
    this.#closeReason = reason;
    this.#ended.abort(new WeirError('closed', 'You left before the join was complete.'));
    for (const cleanup of this.#cleanups) cleanup();
    this.files.end();
    this.#setState('closed');
    this.#direct?.close();
    this.#link?.close();
    this.store.clear();
    // Before that, `join` throws the reason.
    const { closedBy: by } = this.moderation;
    if (wasJoined) this.#options.notify('closed', { reason, message: closeReasons[reason].message, ...(by && { by }) });
  }
}

/** Whether the reason for which the session ended says more than the error that a join failed with. */
function explainsFailure(reason: CloseReason, error: unknown): boolean {
  if (reason === 'left') return false;
  return reason !== 'disconnected' || (error instanceof WeirError && error.code === 'closed');
}

function notJoined(): WeirError {
  return new WeirError('notJoined', 'Join a room first.');
}

/** @throws the reason of the signal, as soon as it is aborted */
function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  return Promise.race([promise, aborted.promise]).finally(() => signal.removeEventListener('abort', abort));
}

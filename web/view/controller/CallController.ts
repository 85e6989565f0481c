/** A call as the pages see it: its participants, the local sources, and rejoining after a lost connection. */
import {
  type ChatApi,
  type CloseReason,
  DeviceError,
  Emitter,
  type FilesApi,
  type LocalMedia,
  type Moderated,
  type Reaction,
  RoomClient,
  type TriedPath,
  WeirError,
} from '../../client/index.ts';
import { BusyRetry } from './BusyRetry.ts';
import { CallToken } from './CallToken.ts';
import type { CallEvents, CallOptions, EndReason, Phase } from './callEvents.ts';
import { forwardEvents } from './forwardEvents.ts';
import { createGuestSecret } from './guestSecret.ts';
import { LocalHand } from './LocalHand.ts';
import { LocalSources } from './LocalSources.ts';
import type { Participant } from './Participant.ts';
import { ParticipantRetention } from './ParticipantRetention.ts';
import { RejoinPolicy, type RejoinPolicyOptions, rejoinReasons } from './RejoinPolicy.ts';

export type { CallEvents, CallOptions, EndReason, Phase } from './callEvents.ts';

/** Errors of a join that every further attempt would meet as well. */
const permanentErrors: ReadonlySet<WeirError['code']> = new Set([
  'unauthorized',
  'forbidden',
  'badRequest',
  'unsupported',
]);

/** The local level is measured only this long after the join, in milliseconds: decoding the first frames has priority. */
const LEVEL_DELAY = 1500;

export class CallController extends Emitter<CallEvents> {
  readonly media: LocalMedia;
  readonly options: CallOptions;
  /** Microphone, camera and screen. */
  readonly sources: LocalSources;
  readonly hand = new LocalHand({
    client: () => this.#client,
    isJoined: () => this.#phase === 'joined',
    attempt: (action) => this.attempt(action),
    onChanged: () => this.emit('changed', undefined),
  });
  /** Identifies the same guest after a rejoin, where the server needs no token. */
  readonly #guestSecret = createGuestSecret();
  readonly #token: CallToken;
  readonly #participants = new ParticipantRetention({
    // While our own connection is lost, returns would go unnoticed.
    canGiveUp: () => this.#phase === 'joined' && !this.#client.reconnecting,
    onGivenUp: (participant) => {
      this.emit('participantLeft', participant);
      this.emit('changed', undefined);
    },
  });
  readonly #rejoinPolicy = new RejoinPolicy({
    attempt: () => this.#rejoin(),
    onGivenUp: () => this.#end('disconnected'),
  });
  readonly #busyRetry = new BusyRetry((retryAt) => this.emit('serverBusy', retryAt));
  #client: RoomClient;
  #phase: Phase = 'joining';
  #mediaLost = false;
  #hadTrouble = false;
  #rejoinRefusal: unknown;
  #rejoinError: unknown;
  #joinedAt: number | undefined;
  #endedBy: string | undefined;
  #waiting: CallEvents['waiting'];
  #cancelled = false;

  constructor(options: CallOptions, media: LocalMedia) {
    super();
    this.options = options;
    this.media = media;
    this.#token = new CallToken(options);
    this.#client = this.#createClient();
    this.sources = new LocalSources({
      media,
      client: () => (this.#phase === 'joined' ? this.#client : undefined),
      grants: () => this.#client.grants,
      attempt: (action) => this.#attempt(action),
      onChanged: () => this.emit('changed', undefined),
      onPermissionsChanged: (change) => this.emit('permissionsChanged', change),
    });
  }

  get phase(): Phase {
    return this.#phase;
  }

  get client(): RoomClient {
    return this.#client;
  }

  /** Files to and from others; over a rejoin they go on. */
  get files(): FilesApi {
    return this.#client.files;
  }

  /** The chat; over a rejoin its messages stay. */
  get chat(): ChatApi {
    return this.#client.chat;
  }

  /** The token for another join: the newest one that the server has sent. */
  get token(): string | undefined {
    return this.#token.current;
  }

  /** The error that refused a rejoin and ended the call; undefined where the call ended otherwise. */
  get rejoinRefusal(): unknown {
    return this.#rejoinRefusal;
  }

  /** The ways to the server that were tried for media. */
  get triedPaths(): readonly TriedPath[] {
    return this.#client.triedPaths;
  }

  /** The name of the administrator who has ended the call for the local participant, if one has. */
  get endedBy(): string | undefined {
    return this.#endedBy;
  }

  /** Whether the local participant has given up waiting to be let in: the error of `join` says nothing then. */
  get cancelled(): boolean {
    return this.#cancelled;
  }

  /** The error of the last rejoin attempt. */
  get rejoinError(): unknown {
    return this.#rejoinError;
  }

  /**
   * Joins the room; resolves as well when the user leaves meanwhile. After an error this controller cannot be used again,
   * and `ended` is not emitted.
   * @throws {WeirError} when the server refuses the join or cannot be reached
   */
  async join(): Promise<void> {
    try {
      await this.#joinWith(this.#client);
    } catch (error) {
      if (this.#phase === 'ended') return;
      if (this.#token.fallBackToInvitation(error) || (await this.#busyRetry.waitForRetry(error))) {
        this.#client = this.#createClient();
        return this.join();
      }
      // The user has left while we waited.
      if (this.#is('ended')) return;
      this.#close();
      throw error;
    }
    this.#onJoined();
  }

  /** Stops waiting for a busy server: a first join rejects with the server's error, a rejoin ends the call. */
  cancelRetry(): void {
    if (this.#phase === 'reconnecting') this.leave();
    else this.#busyRetry.cancel();
  }

  /** Stops waiting to be let in: a first join rejects, a rejoin ends the call. */
  cancelWaiting(): void {
    if (this.#phase === 'reconnecting') {
      this.leave();
      return;
    }
    this.#cancelled = true;
    this.#client.leave();
  }

  leave(): void {
    this.#client.leave();
    this.#end('left');
  }

  get localParticipant(): Participant {
    const { cameraTrack, screenTrack, muted } = this.sources;
    return {
      id: 'self',
      peerId: '',
      name: this.#client.name ?? this.options.name,
      isLocal: true,
      camera: cameraTrack,
      microphone: undefined,
      screen: screenTrack,
      screenAudio: undefined,
      cameraOn: cameraTrack !== undefined,
      screenOn: screenTrack !== undefined,
      unsupportedCodec: {},
      muted,
      handRaised: this.hand.raised,
      away: false,
      canExchangeData: true,
    };
  }

  /** In the order of their joins. During a rejoin, those who were there when the connection was lost. */
  get remoteParticipants(): readonly Participant[] {
    if (this.#phase !== 'reconnecting') this.#participants.update(this.#client.peers);
    return this.#participants.all;
  }

  /** Whether the media transport is down while signalling works. */
  get mediaLost(): boolean {
    return this.#mediaLost;
  }

  /** Whether the media or the session was lost at some time. */
  get hadTrouble(): boolean {
    return this.#hadTrouble;
  }

  /** Whether the grants permit any source at all; true before the room is joined. */
  get canPublish(): boolean {
    return this.#client.grants?.canPublish ?? true;
  }

  get isAdmin(): boolean {
    return this.#client.grants?.roomAdmin ?? false;
  }

  /** The audio level of a participant, 0 to 1. */
  level(id: string): number {
    if (id !== 'self') return this.#client.audioLevel(this.#participants.participant(id)?.peerId ?? '');
    const isMeasured = this.#joinedAt !== undefined && performance.now() - this.#joinedAt > LEVEL_DELAY;
    return isMeasured && !this.sources.muted ? (this.media.meter.level ?? 0) : 0;
  }

  async react(reaction: Reaction): Promise<void> {
    await this.attempt(async () => {
      await this.#client.react(reaction);
      this.emit('reaction', { participant: this.localParticipant, reaction });
    });
  }

  /** @param id of the participant to remove from the room */
  async kick(id: string): Promise<void> {
    const { name, peerId } = this.#participants.participant(id) ?? { name: '', peerId: '' };
    await this.attempt(async () => {
      await this.#client.kick(peerId);
      this.emit('participantRemoved', name);
    });
  }

  /** What the views show has changed otherwise: what they need has been loaded. */
  emitChanged(): void {
    if (this.#phase !== 'ended') this.emit('changed', undefined);
  }

  /** Runs an action and emits `error` where it fails; what a lost connection fails is restored by the rejoin. */
  async attempt(action: () => Promise<unknown> | unknown): Promise<void> {
    await this.#attempt(action);
  }

  #createClient(): RoomClient {
    const client = new RoomClient();
    forwardEvents(client, {
      isCurrent: () => this.#client === client,
      participants: this.#participants,
      emit: (event, data) => this.emit(event, data),
    });
    client.on('grantsChanged', () => this.#client === client && this.#onGrantsChanged());
    client.on('tokenRefreshed', (token) => {
      if (this.#client === client || client.state === 'joined') this.#token.refresh(token);
    });
    client.on('mediaConnectionStateChanged', () => this.#client === client && this.#updateMediaLost());
    client.on('stateChanged', (state) => {
      if (state !== 'closed' || this.#client !== client || this.#phase !== 'joined') return;
      this.#participants.update(client.peers);
      this.emit('tracksEnding', undefined);
    });
    client.on('moderated', (moderated) => this.#client === client && this.#onModerated(moderated));
    // A client that rejoins is not the current one yet.
    client.on('waiting', (waiting) => this.#setWaiting(waiting));
    client.on('stateChanged', (state) => state !== 'joining' && this.#setWaiting(undefined));
    client.on('closed', ({ reason, by }) => {
      if (this.#client !== client) return;
      this.#endedBy = by;
      this.#onClosed(reason);
    });
    return client;
  }

  /** @throws {WeirError} */
  async #joinWith(client: RoomClient): Promise<void> {
    const { initialVideoLimit, ...options } = this.options;
    const token = this.#token.current;
    await client.join({
      ...options,
      name: this.hand.name ?? options.name,
      ...(token !== undefined && { token }),
      guest: this.#guestSecret,
      initialVideoLimit: initialVideoLimit(),
    });
  }

  #onJoined(): void {
    this.#rejoinPolicy.stop();
    this.#busyRetry.reset();
    this.#joinedAt ??= performance.now();
    // What broke our connection may have broken theirs: they may be rejoining too.
    if (this.#phase === 'reconnecting') {
      for (const { id } of this.#participants.all) this.#participants.awaitReturn(id);
    }
    this.#setPhase('joined');
    this.sources.applyGrants();
    this.hand.restore();
  }

  #onModerated(moderated: Moderated): void {
    if (moderated.action !== 'grantsChanged') this.sources.stopByAdmin(moderated.source, moderated.action);
    this.emit('moderated', moderated);
    this.emit('changed', undefined);
  }

  #setWaiting(waiting: CallEvents['waiting']): void {
    if (this.#waiting === waiting) return;
    this.#waiting = waiting;
    this.emit('waiting', waiting);
  }

  #onGrantsChanged(): void {
    this.sources.applyGrants();
    if (this.#client.grants?.hidden) this.hand.lower();
    this.emit('changed', undefined);
  }

  #updateMediaLost(): void {
    const lost = this.#phase === 'joined' && this.#client.mediaConnectionState === 'lost';
    if (lost === this.#mediaLost) return;
    this.#mediaLost = lost;
    this.#hadTrouble ||= lost;
    this.emit('mediaLost', lost);
  }

  #onClosed(reason: CloseReason): void {
    if (this.#phase === 'ended' || this.#phase === 'joining') return;
    // Media that never connected would not connect the next time either.
    const neverConnected = reason === 'mediaFailed' && !this.#client.mediaWasConnected;
    if (!rejoinReasons.has(reason) || neverConnected) {
      this.#end(reason);
      return;
    }
    this.#hadTrouble = true;
    this.#setPhase('reconnecting');
    this.#rejoinPolicy.start();
  }

  /** Joins with a new client in place of the one that was closed. */
  async #rejoin(): ReturnType<RejoinPolicyOptions['attempt']> {
    const client = this.#createClient();
    client.chat.continueFrom(this.#client.chat);
    try {
      await this.#joinWith(client);
    } catch (error) {
      if (this.#token.fallBackToInvitation(error)) return 'retry';
      this.#rejoinError = error;
      const endReason = permanentEndReason(error);
      if (endReason) {
        this.#rejoinRefusal = error;
        this.#end(endReason);
      }
      const waited = this.#is('reconnecting') && (await this.#busyRetry.waitForRetry(error));
      if (!this.#is('reconnecting')) return 'stop';
      return waited ? 'restart' : 'retry';
    }
    if (!this.#is('reconnecting')) {
      client.leave();
      return 'stop';
    }
    this.#client = client;
    this.#onJoined();
    return 'stop';
  }

  /** @returns whether it failed for good */
  async #attempt(action: () => Promise<unknown> | unknown): Promise<boolean> {
    try {
      await action();
      return false;
    } catch (error) {
      if (error instanceof DeviceError) this.emit('error', { source: 'screen', error });
      else if (error instanceof WeirError && (error.code === 'closed' || error.code === 'notJoined')) return false;
      else this.emit('error', error);
      return true;
    }
  }

  /** Compares the phase after an `await`, which TypeScript's narrowing does not see. */
  #is(phase: Phase): boolean {
    return this.#phase === phase;
  }

  #setPhase(phase: Phase): void {
    if (this.#phase === phase) return;
    this.#phase = phase;
    // The media state of another client is not known yet.
    this.#mediaLost = false;
    this.emit('phase', phase);
    this.emit('changed', undefined);
  }

  #end(reason: EndReason): void {
    if (this.#phase === 'ended') return;
    this.#close();
    this.emit('ended', reason);
  }

  #close(): void {
    this.#rejoinPolicy.stop();
    this.#participants.close();
    this.#setPhase('ended');
    this.#busyRetry.cancel();
    this.sources.close();
  }
}

/** How an error that no further attempt would survive ends the call; undefined where another attempt may succeed. */
function permanentEndReason(error: unknown): EndReason | undefined {
  const { code, reason } = WeirError.from(error);
  if (reason === 'expired') return 'expired';
  if (reason === 'removed') return 'kicked';
  if (reason === 'roomEnded') return 'roomEnded';
  if (reason === 'notAdmitted') return 'refused';
  return permanentErrors.has(code) ? 'refused' : undefined;
}

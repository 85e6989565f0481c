/** Owns a call as the page sees it: who is there, how they look and sound, and coming back when the connection is lost. */
import {
  type CloseReason,
  DeviceError,
  Emitter,
  type LocalMedia,
  type LocalSource,
  mayPublish,
  type Reaction,
  RoomClient,
  type Source,
  WeirError,
} from '../../client/index.ts';
import { firstPage } from '../common/gridLayout.ts';
import { BusyRetry } from './BusyRetry.ts';
import {
  type CallEvents,
  type CallOptions,
  type EndReason,
  type Phase,
  type SourceToggles,
  type ToggleSource,
  toggleSources,
} from './callEvents.ts';
import { forwardEvents } from './forwardEvents.ts';
import { createGuestSecret } from './guestSecret.ts';
import { LocalHand } from './LocalHand.ts';
import { LocalPublisher } from './LocalPublisher.ts';
import type { Participant } from './Participant.ts';
import { ParticipantRetention } from './ParticipantRetention.ts';
import { RejoinPolicy, type RejoinPolicyOptions, rejoinReasons } from './RejoinPolicy.ts';
import { type ScreenHint, ScreenShare } from './ScreenShare.ts';
import { storedToken, storeToken } from './tokenStorage.ts';

export type { CallEvents, CallOptions, EndReason, Phase } from './callEvents.ts';

/** Errors of a join that another attempt would meet as well. */
const permanentErrors: ReadonlySet<WeirError['code']> = new Set([
  'unauthorized',
  'forbidden',
  'badRequest',
  'unsupported',
]);

/** Nobody's own voice is measured so soon after coming in, in milliseconds: the first pictures need the time more. */
const LEVEL_DELAY = 1500;

export class CallController extends Emitter<CallEvents> {
  readonly media: LocalMedia;
  readonly options: CallOptions;
  /** What makes us the same person again where nobody needs a token. */
  readonly #guestSecret = createGuestSecret();
  readonly #participants: ParticipantRetention;
  readonly #publisher: LocalPublisher;
  readonly #screen: ScreenShare;
  readonly #rejoinPolicy = new RejoinPolicy({
    attempt: () => this.#rejoin(),
    onGivenUp: () => this.#end('disconnected'),
  });
  readonly #busyRetry = new BusyRetry((until) => this.emit('serverBusy', until));
  readonly #hand = new LocalHand({
    client: () => this.#client,
    isJoined: () => this.#phase === 'joined',
    attempt: (action) => this.attempt(action),
    onChanged: () => this.emit('changed', undefined),
  });
  #client: RoomClient;
  #phase: Phase = 'joining';
  #mediaLost = false;
  #token: string | undefined;
  #rejoinRefusal: unknown;
  #rejoinError: unknown;
  /** What we were not permitted to publish when we last looked. */
  #forbidden: ReadonlySet<ToggleSource> = new Set();
  #joinedAt: number | undefined;

  constructor(wish: CallOptions, media: LocalMedia) {
    super();
    this.options = wish;
    this.#token = wish.token && (storedToken(wish, wish.token) ?? wish.token);
    this.media = media;
    this.#participants = new ParticipantRetention({
      // While we are cut, we would not know.
      canGiveUp: () => this.#phase === 'joined' && !this.#client.reconnecting,
      onGivenUp: (person) => {
        this.emit('participantLeft', person);
        this.emit('changed', undefined);
      },
    });
    this.#client = this.#newClient();
    const publishing = {
      client: () => (this.#phase === 'joined' ? this.#client : undefined),
      canPublish: (source: Source) => this.canPublishSource(source),
      attempt: (action: () => Promise<unknown>) => this.#attempt(action),
      onChanged: () => this.emit('changed', undefined),
    };
    this.#screen = new ScreenShare(publishing);
    this.#publisher = new LocalPublisher({ ...publishing, media });
  }

  get phase(): Phase {
    return this.#phase;
  }

  get client(): RoomClient {
    return this.#client;
  }

  /** The token to join with again: as fresh as the server has sent it. */
  get token(): string | undefined {
    return this.#token;
  }

  /** Why we were not let in again after a break, where that is how it ended. */
  get rejoinRefusal(): unknown {
    return this.#rejoinRefusal;
  }

  /** What the last attempt to come back failed with. */
  get rejoinError(): unknown {
    return this.#rejoinError;
  }

  /**
   * Enters the room; resolves as well when we leave meanwhile. After a failure this call is of no use; `ended` is not
   * emitted.
   * @throws {WeirError} when the server does not let us in
   */
  async join(): Promise<void> {
    try {
      await this.#enter(this.#client);
    } catch (error) {
      if (this.#phase === 'ended') return;
      if (this.#fallBackToInvitation(error) || (await this.#busyRetry.waitForRetry(error))) {
        this.#client = this.#newClient();
        return this.join();
      }
      // Whoever left while we waited wants to hear no more of it.
      if (this.#is('ended')) return;
      this.#close();
      throw error;
    }
    this.#joined();
  }

  /** Waits no longer for a server that is full: out of the lobby `join` says why, out of a call it is over. */
  cancelRetry(): void {
    if (this.#phase === 'reconnecting') this.leave();
    else this.#busyRetry.cancel();
  }

  leave(): void {
    this.#client.leave();
    this.#end('left');
  }

  get localParticipant(): Participant {
    const camera = this.#captured('camera');
    return {
      id: 'self',
      peerId: '',
      name: this.#client.name ?? this.options.name,
      isLocal: true,
      camera,
      microphone: undefined,
      screen: this.#screen.video,
      screenAudio: undefined,
      cameraOn: camera !== undefined,
      screenOn: this.#screen.video !== undefined,
      unsupportedCodec: {},
      muted: this.#captured('microphone') === undefined || this.#publisher.muted,
      handRaised: this.#hand.raised,
      away: false,
    };
  }

  /** The others, in the order in which they came; while the connection is lost, those who were there last. */
  get remoteParticipants(): readonly Participant[] {
    if (this.#phase !== 'reconnecting') this.#participants.update(this.#client.peers);
    return this.#participants.participants;
  }

  /** Whether media does not get through while the signalling does. */
  get mediaLost(): boolean {
    return this.#mediaLost;
  }

  get canPublish(): boolean {
    return this.#client.grants?.canPublish ?? true;
  }

  /** Whether we may publish a source; before we are in, nobody has said that we may not. */
  canPublishSource(source: Source): boolean {
    const { grants } = this.#client;
    return grants ? mayPublish(grants, source) : true;
  }

  /** What the buttons of our own sources show: what is wanted, and whether it is permitted. */
  get toggles(): SourceToggles {
    const of = (source: ToggleSource, on: boolean) => ({ on, allowed: this.canPublishSource(source) });
    return {
      microphone: of('microphone', this.#publisher.isOn('microphone')),
      camera: of('camera', this.#publisher.isOn('camera')),
      screen: of('screen', this.#screen.video !== undefined),
    };
  }

  get isAdmin(): boolean {
    return this.#client.grants?.roomAdmin ?? false;
  }

  /** How loud somebody is, 0 to 1. */
  level(id: string): number {
    if (id !== 'self') return this.#client.audioLevel(this.#participants.participant(id)?.peerId ?? '');
    const settled = this.#joinedAt !== undefined && performance.now() - this.#joinedAt > LEVEL_DELAY;
    return settled && !this.localParticipant.muted ? (this.media.meter.level ?? 0) : 0;
  }

  /** Mutes or unmutes; a microphone that is not open is opened. Of several presses the last one wins. */
  toggleMicrophone(): Promise<void> {
    return this.setMicrophone(!this.toggles.microphone.on);
  }

  setMicrophone(on: boolean): Promise<void> {
    return this.#publisher.setMicrophone(on);
  }

  /** A camera that is off is closed, so that its light goes out. Of several presses the last one wins. */
  toggleCamera(): Promise<void> {
    return this.setCamera(!this.toggles.camera.on);
  }

  setCamera(on: boolean): Promise<void> {
    return this.#publisher.setCamera(on);
  }

  toggleScreen(): Promise<void> {
    return this.#screen.toggle();
  }

  /** Whether the shared screen is to be sharp or smooth; undefined while nothing is shared. */
  get screenHint(): ScreenHint | undefined {
    return this.#screen.hint;
  }

  setScreenHint(hint: ScreenHint): void {
    this.#screen.setHint(hint);
  }

  /** @param name what we want to be called, where our token does not say it */
  async toggleHand(name?: string): Promise<void> {
    await this.#hand.toggle(name);
  }

  /** Our hand was lowered by what we did with it, such as answering an invitation. */
  forgetHand(): void {
    this.#hand.lower();
  }

  async react(reaction: Reaction): Promise<void> {
    await this.attempt(async () => {
      await this.#client.react(reaction);
      this.emit('reaction', { person: this.localParticipant, reaction });
    });
  }

  async kick(id: string): Promise<void> {
    const { name, peerId } = this.#participants.participant(id) ?? { name: '', peerId: '' };
    await this.attempt(async () => {
      await this.#client.kick(peerId);
      this.emit('participantRemoved', name);
    });
  }

  #newClient(): RoomClient {
    const client = new RoomClient();
    forwardEvents(client, {
      isCurrent: () => this.#client === client,
      participants: this.#participants,
      emit: (event, data) => this.emit(event, data),
    });
    client.on('grantsChanged', () => this.#client === client && this.#grantsChanged());
    client.on('tokenRefreshed', (token) => {
      if (this.#client !== client && client.state !== 'joined') return;
      this.#token = token;
      if (this.options.token !== undefined) storeToken(this.options, this.options.token, token);
    });
    client.on('mediaConnectionStateChanged', () => this.#client === client && this.#mediaChanged());
    client.on('stateChanged', (state) => {
      if (state !== 'closed' || this.#client !== client || this.#phase !== 'joined') return;
      this.#participants.update(client.peers);
      this.emit('tracksEnding', undefined);
    });
    client.on('closed', ({ reason }) => this.#client === client && this.#closed(reason));
    return client;
  }

  /** @throws {WeirError} */
  async #enter(client: RoomClient, token = this.#token): Promise<void> {
    // A page that nobody looks at takes no pictures; it asks for them when somebody does.
    const initialVideoLimit = document.hidden ? 0 : firstPage({ width: innerWidth, height: innerHeight });
    await client.join({
      ...this.options,
      ...(token !== undefined && { token }),
      guest: this.#guestSecret,
      initialVideoLimit,
    });
  }

  #joined(): void {
    this.#rejoinPolicy.stop();
    this.#busyRetry.reset();
    this.#joinedAt ??= performance.now();
    // The others may be on their way back, as we were.
    if (this.#phase === 'reconnecting')
      for (const { id } of this.#participants.participants) this.#participants.awaitReturn(id);
    this.#setPhase('joined');
    this.#applyGrants();
    this.#hand.restore();
  }

  #grantsChanged(): void {
    this.#applyGrants();
    if (this.#client.grants?.hidden) this.#hand.lower();
    this.emit('changed', undefined);
  }

  #mediaChanged(): void {
    const lost = this.#phase === 'joined' && this.#client.mediaConnectionState === 'lost';
    if (lost === this.#mediaLost) return;
    this.#mediaLost = lost;
    this.emit('mediaLost', lost);
  }

  /** What we have is published where we may; what nobody may see or hear is not captured any longer. */
  #applyGrants(): void {
    const may = toggleSources.filter((source) => this.canPublishSource(source));
    const on = toggleSources.filter((source) => this.#isCaptured(source));
    const lost = on.filter((source) => !may.includes(source));
    const gained = may.filter((source) => this.#forbidden.has(source));
    this.#forbidden = new Set(toggleSources.filter((source) => !may.includes(source)));
    this.#publisher.syncAll();
    void this.#screen.sync();
    if (lost.length + gained.length > 0) this.emit('permissionsChanged', { lost, gained });
  }

  #isCaptured(source: ToggleSource): boolean {
    return source === 'screen' ? this.#screen.video !== undefined : this.media.wanted(source);
  }

  /** What is captured of a source that we may publish. */
  #captured(source: LocalSource): MediaStreamTrack | undefined {
    return this.canPublishSource(source) ? this.media.state(source).track : undefined;
  }

  #closed(reason: CloseReason): void {
    if (this.#phase === 'ended' || this.#phase === 'joining') return;
    // Where media never found a way, it would not the next time either.
    const hopeless = reason === 'mediaFailed' && !this.#client.mediaWasConnected;
    if (!rejoinReasons.has(reason) || hopeless) {
      this.#end(reason);
      return;
    }
    this.#setPhase('reconnecting');
    this.#rejoinPolicy.start();
  }

  /** A new stay in place of the one that was lost. */
  async #rejoin(): ReturnType<RejoinPolicyOptions['attempt']> {
    const client = this.#newClient();
    try {
      await this.#enter(client);
    } catch (error) {
      if (this.#fallBackToInvitation(error)) return 'retry';
      this.#rejoinError = error;
      const refused = refusalOf(error);
      if (refused) {
        this.#rejoinRefusal = error;
        this.#end(refused);
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
    this.#joined();
    return 'stop';
  }

  /** Fresh tokens live for minutes; the one of the invitation may live longer. @returns whether there is that one to try */
  #fallBackToInvitation(error: unknown): boolean {
    if (!isExpired(error) || this.#token === this.options.token) return false;
    this.#token = this.options.token;
    return true;
  }

  /** What fails while the connection is lost is made good when it is back; everything else is said. */
  async attempt(action: () => Promise<unknown> | unknown): Promise<void> {
    await this.#attempt(action);
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

  /** The phase as it is now, after whatever was waited for. */
  #is(phase: Phase): boolean {
    return this.#phase === phase;
  }

  #setPhase(phase: Phase): void {
    if (this.#phase === phase) return;
    this.#phase = phase;
    // Of another client: what its media does is not known yet.
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
    this.#publisher.close();
    void this.#screen.stop();
  }
}

function isExpired(error: unknown): boolean {
  return error instanceof WeirError && error.reason === 'expired';
}

/** How a call ends for somebody whom trying again would not bring back; undefined where it may. */
function refusalOf(error: unknown): EndReason | undefined {
  const { code, reason } = WeirError.from(error);
  if (reason === 'expired') return 'expired';
  if (reason === 'removed') return 'kicked';
  return permanentErrors.has(code) ? 'refused' : undefined;
}

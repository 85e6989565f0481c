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
import { firstPage } from '../call/layout.ts';
import { BusyRetry } from './BusyRetry.ts';
import {
  type CallEvents,
  type CallOptions,
  type EndReason,
  type OwnSource,
  type OwnSources,
  ownSources,
  type Phase,
} from './callEvents.ts';
import { forwardEvents } from './forwardEvents.ts';
import { LocalPublisher } from './LocalPublisher.ts';
import { OwnHand } from './OwnHand.ts';
import { ParticipantRetention } from './ParticipantRetention.ts';
import type { Person } from './Person.ts';
import { comesBack, RejoinPolicy, type RejoinPolicyOptions } from './RejoinPolicy.ts';
import { type ScreenHint, ScreenShare } from './ScreenShare.ts';
import { secret } from './secret.ts';
import { keepToken, keptToken } from './tabToken.ts';

export type { CallEvents, CallOptions, EndReason, Phase } from './callEvents.ts';

/** Errors of a join that another attempt would meet as well. */
const hopeless: ReadonlySet<WeirError['code']> = new Set(['unauthorized', 'forbidden', 'badRequest', 'unsupported']);

/** Nobody's own voice is measured so soon after coming in, in milliseconds: the first pictures need the time more. */
const SETTLE = 1500;

export class CallController extends Emitter<CallEvents> {
  readonly media: LocalMedia;
  readonly wish: CallOptions;
  /** What makes us the same person again where nobody needs a token. */
  readonly #guest = secret();
  readonly #company: ParticipantRetention;
  readonly #publishing: LocalPublisher;
  readonly #screen: ScreenShare;
  readonly #comeback = new RejoinPolicy({
    attempt: () => this.#tryAgain(),
    onGivenUp: () => this.#end('disconnected'),
  });
  readonly #queue = new BusyRetry((until) => this.emit('waiting', until));
  readonly #hand = new OwnHand({
    client: () => this.#client,
    isIn: () => this.#phase === 'in',
    attempt: (action) => this.attempt(action),
    onChanged: () => this.emit('changed', undefined),
  });
  #client: RoomClient;
  #phase: Phase = 'joining';
  #mediaLost = false;
  #token: string | undefined;
  #refusal: unknown;
  #failure: unknown;
  /** What we were not permitted to publish when we last looked. */
  #forbidden: ReadonlySet<OwnSource> = new Set();
  #inSince: number | undefined;

  constructor(wish: CallOptions, media: LocalMedia) {
    super();
    this.wish = wish;
    this.#token = wish.token && (keptToken(wish, wish.token) ?? wish.token);
    this.media = media;
    this.#company = new ParticipantRetention({
      // While we are cut, we would not know.
      mayGiveUp: () => this.#phase === 'in' && !this.#client.reconnecting,
      onGivenUp: (person) => {
        this.emit('personLeft', person);
        this.emit('changed', undefined);
      },
    });
    this.#client = this.#newClient();
    const publishing = {
      client: () => (this.#phase === 'in' ? this.#client : undefined),
      mayPublish: (source: Source) => this.may(source),
      attempt: (action: () => Promise<unknown>) => this.#attempt(action),
      onChanged: () => this.emit('changed', undefined),
    };
    this.#screen = new ScreenShare(publishing);
    this.#publishing = new LocalPublisher({ ...publishing, media });
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
  get refusal(): unknown {
    return this.#refusal;
  }

  /** What the last attempt to come back failed with. */
  get failure(): unknown {
    return this.#failure;
  }

  /**
   * Enters the room; resolves as well when we leave meanwhile. After a failure this session is of no use; `ended` is not
   * emitted.
   * @throws {WeirError} when the server does not let us in
   */
  async join(): Promise<void> {
    try {
      await this.#enter(this.#client);
    } catch (error) {
      if (this.#phase === 'ended') return;
      if (this.#fallsBack(error) || (await this.#queue.again(error))) {
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
  cancelWaiting(): void {
    if (this.#phase === 'reconnecting') this.leave();
    else this.#queue.cancel();
  }

  leave(): void {
    this.#client.leave();
    this.#end('left');
  }

  get self(): Person {
    const camera = this.#captured('camera');
    return {
      id: 'self',
      peerId: '',
      name: this.#client.name ?? this.wish.name,
      own: true,
      camera,
      microphone: undefined,
      screen: this.#screen.video,
      screenAudio: undefined,
      cameraOn: camera !== undefined,
      screenOn: this.#screen.video !== undefined,
      unsupportedCodec: {},
      muted: this.#captured('microphone') === undefined || this.#publishing.muted,
      hand: this.#hand.raised,
      away: false,
    };
  }

  /** The others, in the order in which they came; while the connection is lost, those who were there last. */
  get others(): readonly Person[] {
    if (this.#phase !== 'reconnecting') this.#company.update(this.#client.peers);
    return this.#company.people;
  }

  /** Whether media does not get through while the signalling does. */
  get mediaLost(): boolean {
    return this.#mediaLost;
  }

  get mayPublish(): boolean {
    return this.#client.grants?.canPublish ?? true;
  }

  /** Whether we may publish a source; before we are in, nobody has said that we may not. */
  may(source: Source): boolean {
    const { grants } = this.#client;
    return grants ? mayPublish(grants, source) : true;
  }

  /** What the buttons of our own sources show: what is wanted, and whether it is permitted. */
  get own(): OwnSources {
    const of = (source: OwnSource, on: boolean) => ({ on, allowed: this.may(source) });
    return {
      microphone: of('microphone', this.#publishing.isOn('microphone')),
      camera: of('camera', this.#publishing.isOn('camera')),
      screen: of('screen', this.#screen.video !== undefined),
    };
  }

  get isAdmin(): boolean {
    return this.#client.grants?.roomAdmin ?? false;
  }

  /** How loud somebody is, 0 to 1. */
  level(id: string): number {
    if (id !== 'self') return this.#client.level(this.#company.person(id)?.peerId ?? '');
    const settled = this.#inSince !== undefined && performance.now() - this.#inSince > SETTLE;
    return settled && !this.self.muted ? (this.media.meter.level ?? 0) : 0;
  }

  /** Mutes or unmutes; a microphone that is not open is opened. Of several presses the last one wins. */
  toggleMicrophone(): Promise<void> {
    return this.setMicrophone(!this.own.microphone.on);
  }

  setMicrophone(on: boolean): Promise<void> {
    return this.#publishing.setMicrophone(on);
  }

  /** A camera that is off is closed, so that its light goes out. Of several presses the last one wins. */
  toggleCamera(): Promise<void> {
    return this.setCamera(!this.own.camera.on);
  }

  setCamera(on: boolean): Promise<void> {
    return this.#publishing.setCamera(on);
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
      this.emit('reaction', { person: this.self, reaction });
    });
  }

  async kick(id: string): Promise<void> {
    const { name, peerId } = this.#company.person(id) ?? { name: '', peerId: '' };
    await this.attempt(async () => {
      await this.#client.kick(peerId);
      this.emit('removed', name);
    });
  }

  #newClient(): RoomClient {
    const client = new RoomClient();
    forwardEvents(client, {
      isCurrent: () => this.#client === client,
      company: this.#company,
      emit: (event, data) => this.emit(event, data),
    });
    client.on('grantsChanged', () => this.#client === client && this.#grantsChanged());
    client.on('tokenRefreshed', (token) => {
      if (this.#client !== client && client.state !== 'joined') return;
      this.#token = token;
      if (this.wish.token !== undefined) keepToken(this.wish, this.wish.token, token);
    });
    client.on('connectionChanged', () => this.#client === client && this.#mediaChanged());
    client.on('stateChanged', (state) => {
      if (state !== 'closed' || this.#client !== client || this.#phase !== 'in') return;
      this.#company.update(client.peers);
      this.emit('losing', undefined);
    });
    client.on('closed', ({ reason }) => this.#client === client && this.#closed(reason));
    return client;
  }

  /** @throws {WeirError} */
  async #enter(client: RoomClient, token = this.#token): Promise<void> {
    // A page that nobody looks at takes no pictures; it asks for them when somebody does.
    const initialVideoLimit = document.hidden ? 0 : firstPage({ width: innerWidth, height: innerHeight });
    await client.join({ ...this.wish, ...(token !== undefined && { token }), guest: this.#guest, initialVideoLimit });
  }

  #joined(): void {
    this.#comeback.end();
    this.#queue.reset();
    this.#inSince ??= performance.now();
    // The others may be on their way back, as we were.
    if (this.#phase === 'reconnecting') for (const { id } of this.#company.people) this.#company.expect(id);
    this.#setPhase('in');
    this.#followGrants();
    this.#hand.restore();
  }

  #grantsChanged(): void {
    this.#followGrants();
    if (this.#client.grants?.hidden) this.#hand.lower();
    this.emit('changed', undefined);
  }

  #mediaChanged(): void {
    const lost = this.#phase === 'in' && this.#client.connection === 'lost';
    if (lost === this.#mediaLost) return;
    this.#mediaLost = lost;
    this.emit('mediaLost', lost);
  }

  /** What we have is published where we may; what nobody may see or hear is not captured any longer. */
  #followGrants(): void {
    const may = ownSources.filter((source) => this.may(source));
    const on = ownSources.filter((source) => this.#isCaptured(source));
    const lost = on.filter((source) => !may.includes(source));
    const gained = may.filter((source) => this.#forbidden.has(source));
    this.#forbidden = new Set(ownSources.filter((source) => !may.includes(source)));
    this.#publishing.syncAll();
    void this.#screen.sync();
    if (lost.length + gained.length > 0) this.emit('permitted', { lost, gained });
  }

  #isCaptured(source: OwnSource): boolean {
    return source === 'screen' ? this.#screen.video !== undefined : this.media.wanted(source);
  }

  /** What is captured of a source that we may publish. */
  #captured(source: LocalSource): MediaStreamTrack | undefined {
    return this.may(source) ? this.media.state(source).track : undefined;
  }

  #closed(reason: CloseReason): void {
    if (this.#phase === 'ended' || this.#phase === 'joining') return;
    // Where media never found a way, it would not the next time either.
    const hopeless = reason === 'mediaFailed' && !this.#client.wasConnected;
    if (!comesBack.has(reason) || hopeless) {
      this.#end(reason);
      return;
    }
    this.#setPhase('reconnecting');
    this.#comeback.begin();
  }

  /** A new stay in place of the one that was lost. */
  async #tryAgain(): ReturnType<RejoinPolicyOptions['attempt']> {
    const client = this.#newClient();
    try {
      await this.#enter(client);
    } catch (error) {
      if (this.#fallsBack(error)) return 'again';
      this.#failure = error;
      const refused = refusalOf(error);
      if (refused) {
        this.#refusal = error;
        this.#end(refused);
      }
      const waited = this.#is('reconnecting') && (await this.#queue.again(error));
      if (!this.#is('reconnecting')) return 'enough';
      return waited ? 'afresh' : 'again';
    }
    if (!this.#is('reconnecting')) {
      client.leave();
      return 'enough';
    }
    this.#client = client;
    this.#joined();
    return 'enough';
  }

  /** Fresh tokens live for minutes; the one of the invitation may live longer. @returns whether there is that one to try */
  #fallsBack(error: unknown): boolean {
    if (!isExpired(error) || this.#token === this.wish.token) return false;
    this.#token = this.wish.token;
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
      if (error instanceof DeviceError) this.emit('problem', { source: 'screen', error });
      else if (error instanceof WeirError && (error.code === 'closed' || error.code === 'notJoined')) return false;
      else this.emit('problem', error);
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
    this.#comeback.end();
    this.#company.close();
    this.#setPhase('ended');
    this.#queue.cancel();
    this.#publishing.close();
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
  return hopeless.has(code) ? 'refused' : undefined;
}

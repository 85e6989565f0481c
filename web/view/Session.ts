/** Owns a call as the page sees it: who is there, how they look and sound, and coming back when the connection is lost. */
import {
  type CloseReason,
  DeviceError,
  Emitter,
  type LocalMedia,
  type LocalSource,
  openScreen,
  type Reaction,
  RoomClient,
  WeirError,
} from '../client/index.ts';
import { Comeback, comesBack } from './Comeback.ts';
import { Company } from './Company.ts';
import { idOf, type Person, toPerson } from './Person.ts';
import { secret } from './secret.ts';

export interface SessionEvents {
  /** Something about the people or about ourselves is different. */
  changed: undefined;
  phase: Phase;
  /** Signalling is cut while media flows on, or there again. */
  cut: boolean;
  /** The server ends in so many seconds. */
  draining: number;
  /** The connection is about to be lost: tracks that still have a picture will have none. */
  losing: undefined;
  personJoined: Person;
  personLeft: Person;
  handRaised: Person;
  /** We removed somebody of that name. */
  removed: string;
  screenShared: Person;
  reaction: { person: Person; reaction: Reaction };
  /** Something did not work, or needs to be said. */
  problem: unknown;
  /** The call is over and we do not come back by ourselves. */
  ended: CloseReason;
}

export type Phase = 'joining' | 'in' | 'reconnecting' | 'ended';

export interface SessionWish {
  readonly room: string;
  readonly name: string;
  readonly token?: string;
}

/** Nobody's own voice is measured so soon after coming in, in milliseconds: the first pictures need the time more. */
const SETTLE = 1500;

export class Session extends Emitter<SessionEvents> {
  readonly media: LocalMedia;
  readonly wish: SessionWish;
  /** What makes us the same person again where nobody needs a token. */
  readonly #guest = secret();
  readonly #company: Company;
  readonly #comeback = new Comeback({
    attempt: () => this.#tryAgain(),
    onGivenUp: () => this.#end('disconnected'),
  });
  #client: RoomClient;
  #phase: Phase = 'joining';
  #hand = false;
  /** What its owner wants; what is published follows. */
  #muted = false;
  #screen: { video: MediaStreamTrack; audio: MediaStreamTrack | undefined } | undefined;
  #inSince: number | undefined;
  /** Publishing follows the devices one step at a time, per source. */
  readonly #syncing: Partial<Record<LocalSource, Promise<void>>> = {};

  constructor(wish: SessionWish, media: LocalMedia) {
    super();
    this.wish = wish;
    this.media = media;
    this.#company = new Company({
      // While we are cut, we would not know.
      mayGiveUp: () => this.#phase === 'in' && !this.#client.cut,
      onGivenUp: (person) => {
        this.emit('personLeft', person);
        this.emit('changed', undefined);
      },
    });
    this.#client = this.#newClient();
    media.on('changed', (source) => {
      this.#sync(source);
      this.emit('changed', undefined);
    });
  }

  get phase(): Phase {
    return this.#phase;
  }

  get client(): RoomClient {
    return this.#client;
  }

  /** Enters the room; resolves as well when we leave meanwhile. @throws {WeirError} when the server does not let us in */
  async join(): Promise<void> {
    try {
      await this.#client.join({ ...this.wish, guest: this.#guest });
    } catch (error) {
      if (this.#phase === 'ended') return;
      this.#end('left');
      throw error;
    }
    this.#joined();
  }

  leave(): void {
    this.#client.leave();
    this.#end('left');
  }

  get self(): Person {
    const microphone = this.media.state('microphone').track;
    return {
      id: 'self',
      peerId: '',
      name: this.#client.name ?? this.wish.name,
      own: true,
      camera: this.media.state('camera').track,
      microphone: undefined,
      screen: this.#screen?.video,
      screenAudio: undefined,
      cameraOn: this.media.state('camera').status === 'on',
      screenOn: this.#screen !== undefined,
      muted: microphone === undefined || this.#muted,
      hand: this.#hand,
      away: false,
    };
  }

  /** The others, in the order in which they came; while the connection is lost, those who were there last. */
  get others(): readonly Person[] {
    if (this.#phase !== 'reconnecting') this.#company.update(this.#client.peers);
    return this.#company.people;
  }

  get mayPublish(): boolean {
    return this.#client.grants?.canPublish ?? true;
  }

  get isAdmin(): boolean {
    return this.#client.grants?.roomAdmin ?? false;
  }

  /** How loud somebody is, 0 to 1. */
  level(id: string): number {
    if (id !== 'self') return this.#client.level(this.#company.person(id)?.peerId ?? '');
    const settled = this.#inSince !== undefined && performance.now() - this.#inSince > SETTLE;
    return settled && !this.self.muted ? this.media.meter.level : 0;
  }

  /** Mutes or unmutes; a microphone that is not open is opened. */
  async toggleMicrophone(): Promise<void> {
    if (this.media.state('microphone').status !== 'on') {
      await this.media.start('microphone');
      return;
    }
    this.#muted = !this.#muted;
    // Whoever mutes is not heard from now on, whatever is still under way.
    const { track } = this.media.state('microphone');
    if (this.#muted && track) track.enabled = false;
    this.#sync('microphone');
    this.emit('changed', undefined);
  }

  /** A camera that is off is closed, so that its light goes out. */
  async toggleCamera(): Promise<void> {
    if (this.media.state('camera').status === 'on') {
      this.media.stop('camera');
      return;
    }
    await this.media.start('camera');
  }

  async toggleScreen(): Promise<void> {
    if (this.#screen) {
      await this.#stopScreen();
      return;
    }
    await this.#attempt(async () => {
      const screen = await openScreen();
      this.#screen = screen;
      // The browser's own "stop sharing" ends the picture; the sound goes with it.
      screen.video.addEventListener('ended', () => void this.#stopScreen());
      await this.#publishScreen();
    });
    this.emit('changed', undefined);
  }

  /** Whether the shared screen is encoded for text (`detail`) or for motion. */
  get screenHint(): string | undefined {
    return this.#screen?.video.contentHint;
  }

  setScreenHint(hint: 'detail' | 'motion'): void {
    if (this.#screen) this.#screen.video.contentHint = hint;
    this.emit('changed', undefined);
  }

  async toggleHand(): Promise<void> {
    const raised = !this.#hand;
    this.#hand = raised;
    this.emit('changed', undefined);
    await this.#attempt(async () => {
      try {
        await this.#client.setHand(raised);
      } catch (error) {
        // Unless it was moved again meanwhile.
        if (this.#hand === raised && this.#phase === 'in') this.#hand = !raised;
        throw error;
      }
    });
    this.emit('changed', undefined);
  }

  async react(reaction: Reaction): Promise<void> {
    await this.#attempt(async () => {
      await this.#client.react(reaction);
      this.emit('reaction', { person: this.self, reaction });
    });
  }

  async kick(id: string): Promise<void> {
    const { name, peerId } = this.#company.person(id) ?? { name: '', peerId: '' };
    await this.#attempt(async () => {
      await this.#client.kick(peerId);
      this.emit('removed', name);
    });
  }

  #newClient(): RoomClient {
    const client = new RoomClient({ url: location.origin });
    const changed = () => this.#client === client && this.emit('changed', undefined);
    for (const event of [
      'peerChanged',
      'trackAdded',
      'trackRemoved',
      'localChanged',
      'connectionChanged',
      'awayChanged',
    ] as const) {
      client.on(event, changed);
    }
    client.on('peerJoined', (peer) => {
      // Those who are there when we come in are no news, nor are those who are back.
      const news = client.state === 'joined' && !this.#company.awaits(idOf(peer.identity));
      changed();
      if (news) this.emit('personJoined', toPerson(peer));
    });
    client.on('peerLeft', ({ peer, reason }) => {
      // Who found no way for the media, or is in from elsewhere, is about to be here again.
      if (reason === 'mediaFailed' || reason === 'replaced') this.#company.expect(idOf(peer.identity));
      else this.emit('personLeft', toPerson(peer));
      changed();
    });
    client.on('cutChanged', (cut) => this.#client === client && this.emit('cut', cut));
    client.on('draining', ({ seconds }) => this.#client === client && this.emit('draining', seconds));
    client.on('trackAdded', ({ peer, source }) => source === 'screen' && this.emit('screenShared', toPerson(peer)));
    client.on('handChanged', (peer) => {
      changed();
      if (peer.hand) this.emit('handRaised', toPerson(peer));
    });
    client.on('reaction', ({ peer, reaction }) => this.emit('reaction', { person: toPerson(peer), reaction }));
    client.on('stateChanged', (state) => {
      if (state !== 'closed' || this.#client !== client || this.#phase !== 'in') return;
      this.#company.update(client.peers);
      this.emit('losing', undefined);
    });
    client.on('closed', ({ reason }) => this.#client === client && this.#closed(reason));
    return client;
  }

  #joined(): void {
    this.#comeback.end();
    this.#inSince ??= performance.now();
    // The others may be on their way back, as we were.
    if (this.#phase === 'reconnecting') for (const { id } of this.#company.people) this.#company.expect(id);
    this.#setPhase('in');
    this.#sync('camera');
    this.#sync('microphone');
    if (this.#screen) void this.#attempt(() => this.#publishScreen());
    if (this.#hand) void this.#attempt(() => this.#client.setHand(true));
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

  /** A new stay in place of the one that was lost. @returns whether to try once more */
  async #tryAgain(): Promise<boolean> {
    const client = this.#newClient();
    try {
      await client.join({ ...this.wish, guest: this.#guest });
    } catch (error) {
      const { code } = WeirError.from(error);
      if (code === 'unauthorized' || code === 'forbidden') this.#end('disconnected');
      return this.#phase === 'reconnecting';
    }
    if (this.#phase !== 'reconnecting') {
      client.leave();
      return false;
    }
    this.#client = client;
    this.#joined();
    return false;
  }

  /** Makes what is published the same as what the devices give. */
  #sync(source: LocalSource): void {
    const run = async () => {
      if (this.#phase !== 'in' || !this.mayPublish) return;
      const { track } = this.media.state(source);
      const published = this.#client.localTrack(source);
      if (!track) await this.#client.unpublish(source);
      else if (!published) await this.#client.publish(source, track, { muted: source === 'microphone' && this.#muted });
      else if (published !== track) await this.#client.replaceTrack(source, track);
      if (source === 'microphone' && track) await this.#followMute(track);
    };
    const before = this.#syncing[source] ?? Promise.resolve();
    this.#syncing[source] = before.then(() => this.#attempt(run)).then(() => this.emit('changed', undefined));
  }

  /** Makes the published microphone as muted as its owner wants it; a refusal is what then holds. */
  async #followMute(track: MediaStreamTrack): Promise<void> {
    const wanted = this.#muted;
    const holds = () => this.#client.sources.microphone === 'paused';
    try {
      if (wanted !== holds()) await (wanted ? this.#client.mute('microphone') : this.#client.unmute('microphone'));
    } catch (error) {
      // Unless another press came meanwhile: then that is what its owner wants, and its turn comes.
      if (this.#muted === wanted && this.#phase === 'in') this.#muted = holds();
      throw error;
    } finally {
      track.enabled = !this.#muted;
    }
  }

  async #publishScreen(): Promise<void> {
    const screen = this.#screen;
    if (!screen) return;
    await Promise.all([
      this.#client.publish('screen', screen.video),
      screen.audio && this.#client.publish('screenAudio', screen.audio),
    ]);
  }

  async #stopScreen(): Promise<void> {
    const screen = this.#screen;
    this.#screen = undefined;
    screen?.video.stop();
    screen?.audio?.stop();
    if (this.#phase === 'in') {
      await this.#attempt(() => Promise.all([this.#client.unpublish('screen'), this.#client.unpublish('screenAudio')]));
    }
    this.emit('changed', undefined);
  }

  /** What fails while the connection is lost is made good when it is back; everything else is said. */
  async #attempt(action: () => Promise<unknown> | unknown): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (error instanceof WeirError && (error.code === 'closed' || error.code === 'notJoined')) return;
      if (error instanceof DeviceError) this.emit('problem', { source: 'screen', error });
      else this.emit('problem', error);
    }
  }

  #setPhase(phase: Phase): void {
    if (this.#phase === phase) return;
    this.#phase = phase;
    this.emit('phase', phase);
    this.emit('changed', undefined);
  }

  #end(reason: CloseReason): void {
    if (this.#phase === 'ended') return;
    this.#comeback.end();
    this.#company.close();
    void this.#stopScreen();
    this.#setPhase('ended');
    this.emit('ended', reason);
  }
}

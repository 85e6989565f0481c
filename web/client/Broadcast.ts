/** Owns a broadcast as its members see it: whether it is live, how many watch, and the way onto the stage. */
import type { BroadcastInfo, BroadcastProfile, RaisedHands } from '../../shared/protocol.ts';
import type { RoomClientEvents } from './events.ts';
import type { Request } from './SignalSession.ts';

export interface BroadcastOptions {
  /** Asks the server. @throws {WeirError} `notJoined` */
  request: Request;
  tell<E extends keyof RoomClientEvents>(event: E, data: RoomClientEvents[E]): void;
}

const NOBODY: RaisedHands = { total: 0, first: [] };

export class Broadcast {
  readonly #options: BroadcastOptions;
  #info: BroadcastInfo | undefined;
  /** When that was said (`performance.now()`). */
  #infoAt = 0;
  #hands = NOBODY;
  #invitedBy: string | undefined;

  constructor(options: BroadcastOptions) {
    this.#options = options;
  }

  /** What takes the server's news. */
  readonly listeners = {
    broadcastChanged: (info: BroadcastInfo) => this.#changed(info),
    handsChanged: (hands: RaisedHands) => {
      this.#hands = hands;
      this.#options.tell('handsChanged', hands);
    },
    invited: ({ by }: { by: string }) => {
      this.#invitedBy = by;
      this.#options.tell('invited', { by });
    },
    inviteAnswered: (answer: RoomClientEvents['inviteAnswered']) => this.#options.tell('inviteAnswered', answer),
  };

  /** As the server last said it; undefined in a call. */
  get info(): BroadcastInfo | undefined {
    return this.#info;
  }

  /** How long it has been live by now, or was, in seconds. */
  get liveSeconds(): number {
    if (!this.#info) return 0;
    const { state, liveSeconds } = this.#info;
    return state === 'live' ? liveSeconds + (performance.now() - this.#infoAt) / 1000 : liveSeconds;
  }

  /** Viewers who want to speak; empty for those who are no administrators. */
  get hands(): RaisedHands {
    return this.#hands;
  }

  /** Who has asked us onto the stage, and has no answer yet. */
  get invitedBy(): string | undefined {
    return this.#invitedBy;
  }

  /** Lets viewers receive what the stage publishes. @throws {WeirError} `forbidden`, `notFound` in a call */
  async goLive(): Promise<void> {
    await this.#set({ live: true });
  }

  /** Viewers receive nothing any more. While it is `unattended`, anybody on the stage may. @throws {WeirError} as `goLive` */
  async end(): Promise<void> {
    await this.#set({ live: false });
  }

  /** How soon viewers play it. @throws {WeirError} as `goLive` */
  async setProfile(profile: BroadcastProfile): Promise<void> {
    await this.#set({ profile });
  }

  /** Asks a viewer onto the stage who has raised a hand. @throws {WeirError} `forbidden`, `notFound` */
  async invite(peerId: string): Promise<void> {
    await this.#options.request('invite', { peerId });
  }

  /** Answers an invitation; after accepting one we may publish. @throws {WeirError} `notFound` when there is none any more */
  async answer(accept: boolean): Promise<void> {
    this.#invitedBy = undefined;
    await this.#options.request('answerInvite', { accept });
  }

  /** Leaves the stage and watches on. @throws {WeirError} `conflict` when we are not on it */
  async stepDown(): Promise<void> {
    await this.#options.request('stepDown', {});
  }

  /** What we may do has changed: on the stage there is no invitation to it, and off it none any more. */
  forgetInvitation(): void {
    this.#invitedBy = undefined;
  }

  /** This is what there is now. */
  sync(info: BroadcastInfo | undefined, hands: RaisedHands = NOBODY): void {
    this.listeners.handsChanged(hands);
    if (info) this.#changed(info);
  }

  async #set(wish: { live?: boolean; profile?: BroadcastProfile }): Promise<void> {
    const { broadcast } = await this.#options.request('setBroadcast', wish);
    this.#changed(broadcast);
  }

  #changed(info: BroadcastInfo): void {
    this.#info = info;
    this.#infoAt = performance.now();
    this.#options.tell('broadcastChanged', info);
  }
}

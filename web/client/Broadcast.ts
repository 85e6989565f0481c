/** A broadcast as a member sees it: whether it is live, how many viewers it has, and invitations onto the stage. */
import type { BroadcastInfo, BroadcastProfile, RaisedHands } from '../../shared/protocol.ts';
import type { Notify, RoomClientEvents } from './events.ts';
import type { Request } from './Signalling.ts';

export interface BroadcastOptions {
  /** @throws {WeirError} `notJoined` */
  readonly request: Request;
  /** Is called after each change. */
  readonly notify: Notify;
}

/** The members of `Broadcast` that an application uses. */
export type BroadcastApi = Omit<Broadcast, 'listeners' | 'clearInvitation' | 'sync'>;

const NO_HANDS: RaisedHands = { total: 0, first: [] };

export class Broadcast {
  readonly #options: BroadcastOptions;
  #info: BroadcastInfo | undefined;
  /** When `#info` arrived (`performance.now()`). */
  #infoAt = 0;
  #hands = NO_HANDS;
  #invitedBy: string | undefined;

  constructor(options: BroadcastOptions) {
    this.#options = options;
  }

  /** The listeners of the server's events about the broadcast. */
  readonly listeners = {
    broadcastChanged: (info: BroadcastInfo) => this.#setInfo(info),
    handsChanged: (hands: RaisedHands) => {
      this.#hands = hands;
      this.#options.notify('handsChanged', hands);
    },
    invited: ({ by }: { by: string }) => {
      this.#invitedBy = by;
      this.#options.notify('invited', { by });
    },
    inviteAnswered: (answer: RoomClientEvents['inviteAnswered']) => this.#options.notify('inviteAnswered', answer),
  };

  /** As the server last sent it; undefined in a call. */
  get info(): BroadcastInfo | undefined {
    return this.#info;
  }

  /** For how long it has been live, or was, in seconds. */
  get liveSeconds(): number {
    if (!this.#info) return 0;
    const { state, liveSeconds } = this.#info;
    return state === 'live' ? liveSeconds + (performance.now() - this.#infoAt) / 1000 : liveSeconds;
  }

  /** Viewers who have raised a hand; the server sends them to administrators only. */
  get hands(): RaisedHands {
    return this.#hands;
  }

  /** Who has invited us onto the stage, until we answer. */
  get invitedBy(): string | undefined {
    return this.#invitedBy;
  }

  /** Sends viewers what the stage publishes. @throws {WeirError} `forbidden`, `notFound` in a call */
  async goLive(): Promise<void> {
    await this.#set({ live: true });
  }

  /** Stops sending viewers anything. Anybody on the stage may do so while it is `unattended`. @throws {WeirError} as `goLive` */
  async end(): Promise<void> {
    await this.#set({ live: false });
  }

  /** Sets how soon viewers play what they receive. @throws {WeirError} as `goLive` */
  async setProfile(profile: BroadcastProfile): Promise<void> {
    await this.#set({ profile });
  }

  /** Invites a viewer who has raised a hand onto the stage. @throws {WeirError} `forbidden`, `notFound` */
  async invite(peerId: string): Promise<void> {
    await this.#options.request('invite', { peerId });
  }

  /** Answers an invitation; after accepting one we may publish. @throws {WeirError} `notFound` if it is no longer valid */
  async answerInvite(accept: boolean): Promise<void> {
    this.#invitedBy = undefined;
    await this.#options.request('answerInvite', { accept });
  }

  /** Leaves the stage and becomes a viewer. @throws {WeirError} `conflict` if we are not on it */
  async stepDown(): Promise<void> {
    await this.#options.request('stepDown', {});
  }

  /** Our grants have changed, which invalidates an invitation: we are on the stage now, or were removed from it. */
  clearInvitation(): void {
    this.#invitedBy = undefined;
  }

  /** Sets the state as a join or resume reply has it. */
  sync(info: BroadcastInfo | undefined, hands: RaisedHands = NO_HANDS): void {
    this.listeners.handsChanged(hands);
    if (info) this.#setInfo(info);
  }

  async #set(change: { live?: boolean; profile?: BroadcastProfile }): Promise<void> {
    const { broadcast } = await this.#options.request('setBroadcast', change);
    this.#setInfo(broadcast);
  }

  #setInfo(info: BroadcastInfo): void {
    this.#info = info;
    this.#infoAt = performance.now();
    this.#options.notify('broadcastChanged', info);
  }
}

/** Owns what makes a room a broadcast: whether it is live, how many watch, who of them wants onto the stage. */
import { WeirError } from '../../shared/errors.ts';
import {
  type BroadcastInfo,
  type BroadcastProfile,
  type Grants,
  type Hands,
  MAX_HANDS,
  type ServerEvents,
} from '../../shared/protocol.ts';
import type { Member } from './Member.ts';

export interface BroadcastOptions {
  /** What was known of it when everybody had left. */
  readonly bygone?: Bygone | undefined;
  members(): Iterable<Member>;
  /** Viewers are to receive what is published from now on, or no more. */
  onLive(live: boolean): void;
}

/** A broadcast that everybody has left. Moments are those of `performance.now()`. */
export interface Bygone {
  readonly live: boolean;
  readonly profile: BroadcastProfile;
  readonly since: number;
  /** When it ended, or was left. */
  readonly until: number;
}

interface Hand {
  readonly member: Member;
  readonly invitedBy?: Member | undefined;
}

/** Between two times that everyone is told how many watch, in milliseconds. */
const TELLING = 1000;
/** A live broadcast whose stage has been empty for so long has ended, in milliseconds: whoever left for a moment is back by then. */
const EMPTY = 5 * 60_000;
/** A live broadcast that has had no administrator for so long has ended, in milliseconds: it does not go on for ever with nobody to run it. */
const UNATTENDED = 15 * 60_000;

/** Nobody is told of whoever may not publish; their number is. */
export function grantsInBroadcast(grants: Grants): Grants {
  return { ...grants, hidden: !grants.canPublish };
}

export class Broadcast {
  readonly #options: BroadcastOptions;
  /** Of viewers, in the order in which they were raised. */
  readonly #hands = new Map<string, Hand>();
  #state: BroadcastInfo['state'] = 'before';
  #profile: BroadcastProfile = 'lowLatency';
  /** When it went live, and when it ended (`performance.now()`). */
  #since = 0;
  #until = 0;
  #viewers = 0;
  #stage = 0;
  #attended = false;
  #told = Number.NEGATIVE_INFINITY;
  #telling: NodeJS.Timeout | undefined;
  #news = { info: false, hands: false };
  #emptying: NodeJS.Timeout | undefined;
  #abandoning: NodeJS.Timeout | undefined;

  constructor(options: BroadcastOptions) {
    this.#options = options;
    if (options.bygone) this.#goOn(options.bygone);
  }

  get live(): boolean {
    return this.#state === 'live';
  }

  get info(): BroadcastInfo {
    const until = this.live ? performance.now() : this.#until;
    return {
      state: this.#state,
      liveSeconds: Math.max(0, until - this.#since) / 1000,
      viewers: this.#viewers,
      profile: this.#profile,
      ...(this.#unattended && { unattended: true }),
    };
  }

  /** Whether somebody may end it: an administrator, or while there is none, whoever is on the stage. */
  mayEnd({ isAdmin, hidden }: Pick<Member, 'isAdmin' | 'hidden'>): boolean {
    return isAdmin || (this.#unattended && !hidden);
  }

  /** What is to be known of it when somebody comes back; undefined when it never was live. */
  get bygone(): Bygone | undefined {
    if (this.#state === 'before') return undefined;
    const { live } = this;
    return { live, profile: this.#profile, since: this.#since, until: live ? performance.now() : this.#until };
  }

  get hands(): Hands {
    const first = [...this.#hands.values()].slice(0, MAX_HANDS).map(({ member, invitedBy }) => ({
      peerId: member.id,
      identity: member.identity,
      name: member.info.name,
      invited: invitedBy !== undefined,
    }));
    return { total: this.#hands.size, first };
  }

  /** Goes live or ends, or is to be played sooner or later. */
  set({ live, profile }: { live?: boolean | undefined; profile?: BroadcastProfile | undefined }): void {
    if (profile !== undefined) this.#profile = profile;
    if (live !== undefined && live !== this.live) {
      if (live) this.#since = performance.now();
      else this.#until = performance.now();
      // What never was live has not ended.
      this.#state = live ? 'live' : 'ended';
      this.#options.onLive(live);
      this.#watchStage();
    }
    this.#news.info = true;
    this.#tell();
  }

  /** Somebody has come, gone, changed sides between the stage and those who watch, or become an administrator or ceased to be one. */
  changed(member: Member): void {
    let [stage, viewers, watches, attended] = [0, 0, false, false];
    for (const one of this.#options.members()) {
      if (one.hidden) viewers += 1;
      else stage += 1;
      watches ||= one === member && one.hidden;
      attended ||= one.isAdmin;
    }
    this.#stage = stage;
    this.#viewers = viewers;
    this.#attended = attended;
    this.#watchStage();
    this.#news.info = true;
    if (!watches) this.#forgetHand(member.id);
    this.#schedule();
  }

  /** A viewer's hand goes up or down. */
  setHand(member: Member, raised: boolean): void {
    if (!raised) this.#forgetHand(member.id);
    else if (!this.#hands.has(member.id)) this.#hands.set(member.id, { member });
    this.#news.hands = true;
    this.#schedule();
  }

  /** @throws {WeirError} `notFound` when that is no viewer who has raised a hand */
  invite(peerId: string, by: Member): void {
    const hand = this.#hands.get(peerId);
    if (!hand) throw new WeirError('notFound', 'No viewer of that id has raised a hand.');
    this.#hands.set(peerId, { ...hand, invitedBy: by });
    hand.member.notify('invited', { by: by.info.name });
    this.#news.hands = true;
    this.#schedule();
  }

  /** Tells a viewer again of an invitation that is not answered: the first time there may have been nobody to hear it. */
  remind(member: Member): void {
    const { invitedBy } = this.#hands.get(member.id) ?? {};
    if (invitedBy) member.notify('invited', { by: invitedBy.info.name });
  }

  /** A viewer takes an invitation, or does not. @throws {WeirError} `notFound` when there is none */
  answer(member: Member, accepted: boolean): void {
    if (!this.#hands.get(member.id)?.invitedBy) throw new WeirError('notFound', 'Nobody has invited you.');
    this.#forgetHand(member.id);
    this.#tellAdmins('inviteAnswered', { peerId: member.id, name: member.info.name, accepted });
    this.#schedule();
  }

  close(): void {
    clearTimeout(this.#telling);
    clearTimeout(this.#emptying);
    clearTimeout(this.#abandoning);
    this.#hands.clear();
  }

  /** Whoever left a live broadcast for a moment comes back to it; whoever comes later comes too late. */
  #goOn({ live, profile, since, until }: Bygone): void {
    this.#state = live && performance.now() - until < EMPTY ? 'live' : 'ended';
    this.#profile = profile;
    this.#since = since;
    this.#until = until;
    this.#watchStage();
  }

  get #unattended(): boolean {
    return this.live && !this.#attended;
  }

  #forgetHand(id: string): void {
    if (this.#hands.delete(id)) this.#news.hands = true;
  }

  #watchStage(): void {
    if (this.live && this.#stage === 0) this.#emptying ??= setTimeout(() => this.set({ live: false }), EMPTY);
    else {
      clearTimeout(this.#emptying);
      this.#emptying = undefined;
    }
    if (this.#unattended) this.#abandoning ??= setTimeout(() => this.set({ live: false }), UNATTENDED);
    else {
      clearTimeout(this.#abandoning);
      this.#abandoning = undefined;
    }
  }

  /** Within a second of the last time, at its end; otherwise when this turn is over, so that a pour is told once. */
  #schedule(): void {
    const wait = Math.max(0, this.#told + TELLING - performance.now());
    this.#telling ??= setTimeout(() => this.#tell(), wait);
  }

  #tell(): void {
    clearTimeout(this.#telling);
    this.#telling = undefined;
    this.#told = performance.now();
    const news = this.#news;
    this.#news = { info: false, hands: false };
    const { info } = this;
    if (news.info) for (const member of this.#options.members()) member.notify('broadcastChanged', info);
    if (news.hands) this.#tellAdmins('handsChanged', this.hands);
  }

  #tellAdmins<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void {
    for (const member of this.#options.members()) if (member.isAdmin) member.notify(event, data);
  }
}

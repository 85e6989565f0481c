/** Owns who is in the call with us, in the order in which they first came; who loses the connection keeps the place. */
import type { RemotePeer } from '../../client/index.ts';
import { type Participant, participantId, toParticipant } from './Participant.ts';

/** How long somebody is waited for, in milliseconds, after a break that hit all of us. */
const RETURN_TIMEOUT = 10_000;

export interface ParticipantRetentionOptions {
  /** Whether it could be known that somebody is back. */
  canGiveUp(): boolean;
  /** Somebody did not come back in time. */
  onGivenUp(person: Participant): void;
}

export class ParticipantRetention {
  /** As they were last seen; a Map keeps the order in which they came. */
  readonly #participants = new Map<string, Participant>();
  /** Those who are expected back, each with what ends the waiting. */
  readonly #awaited = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #options: ParticipantRetentionOptions;

  constructor(options: ParticipantRetentionOptions) {
    this.#options = options;
  }

  /** Everyone, those who are expected back as they were. */
  get participants(): readonly Participant[] {
    return [...this.#participants.values()];
  }

  participant(id: string): Participant | undefined {
    return this.#participants.get(id);
  }

  isAwaited(id: string): boolean {
    return this.#awaited.has(id);
  }

  /** These are there now; whoever is missing, and not awaited, has left. */
  update(peers: readonly RemotePeer[]): void {
    const there = new Map(peers.map((peer) => [participantId(peer.identity), peer]));
    for (const id of this.#participants.keys()) {
      if (!there.has(id) && !this.#awaited.has(id)) this.#participants.delete(id);
    }
    for (const [id, peer] of there) {
      this.#stopAwaiting(id);
      this.#participants.set(id, toParticipant(peer));
    }
  }

  /** Keeps the place of somebody who is about to come back. */
  awaitReturn(id: string): void {
    const person = this.#participants.get(id);
    if (!person) return;
    this.#stopAwaiting(id);
    this.#participants.set(id, { ...person, away: true });
    const timer = setTimeout(() => {
      if (!this.#options.canGiveUp()) {
        this.awaitReturn(id);
        return;
      }
      this.#awaited.delete(id);
      this.#participants.delete(id);
      this.#options.onGivenUp(person);
    }, RETURN_TIMEOUT);
    this.#awaited.set(id, timer);
  }

  close(): void {
    for (const timer of this.#awaited.values()) clearTimeout(timer);
    this.#awaited.clear();
  }

  #stopAwaiting(id: string): void {
    clearTimeout(this.#awaited.get(id));
    this.#awaited.delete(id);
  }
}

/** The remote participants in the order of their first join; one who loses the connection keeps the place for a while. */
import type { RemotePeer } from '../../client/index.ts';
import { type Participant, participantId, toParticipant } from './Participant.ts';

/** How long a participant's return is awaited, in milliseconds. */
const RETURN_TIMEOUT = 10_000;

export interface ParticipantRetentionOptions {
  /** Whether a return would have been noticed: not while our own connection is lost. */
  canGiveUp(): boolean;
  /** A participant did not return in time. */
  onGivenUp(participant: Participant): void;
}

export class ParticipantRetention {
  /** Their last known state; a Map keeps the order of insertion. */
  readonly #participants = new Map<string, Participant>();
  /** By participant id, the timers of those whose return is awaited. */
  readonly #awaited = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #options: ParticipantRetentionOptions;

  constructor(options: ParticipantRetentionOptions) {
    this.#options = options;
  }

  /** Everyone, those whose return is awaited in their last known state. */
  get all(): readonly Participant[] {
    return [...this.#participants.values()];
  }

  participant(id: string): Participant | undefined {
    return this.#participants.get(id);
  }

  /** Whether the return of a participant is awaited. */
  isAwaited(id: string): boolean {
    return this.#awaited.has(id);
  }

  /** Updates to the peers that are in the room now; removes those who are missing and not awaited. */
  update(peers: readonly RemotePeer[]): void {
    const present = new Map(peers.map((peer) => [participantId(peer.identity), peer]));
    for (const id of this.#participants.keys()) {
      if (!present.has(id) && !this.#awaited.has(id)) this.#participants.delete(id);
    }
    for (const [id, peer] of present) {
      this.#stopAwaiting(id);
      this.#participants.set(id, toParticipant(peer));
    }
  }

  /** Keeps the place of a participant who is about to return. */
  awaitReturn(id: string): void {
    const participant = this.#participants.get(id);
    if (!participant) return;
    this.#stopAwaiting(id);
    this.#participants.set(id, { ...participant, away: true });
    const timer = setTimeout(() => {
      if (!this.#options.canGiveUp()) {
        this.awaitReturn(id);
        return;
      }
      this.#awaited.delete(id);
      this.#participants.delete(id);
      this.#options.onGivenUp(participant);
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

/** Owns who is in the call with us, in the order in which they first came; who loses the connection keeps the place. */
import type { RemotePeer } from '../../client/index.ts';
import { idOf, type Person, toPerson } from './Person.ts';

/** How long somebody is waited for, in milliseconds, after a break that hit all of us. */
const GRACE = 10_000;

export interface ParticipantRetentionOptions {
  /** Whether it could be known that somebody is back. */
  mayGiveUp(): boolean;
  /** Somebody did not come back in time. */
  onGivenUp(person: Person): void;
}

export class ParticipantRetention {
  /** As they were last seen; a Map keeps the order in which they came. */
  readonly #people = new Map<string, Person>();
  /** Those who are expected back, each with what ends the waiting. */
  readonly #awaited = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #options: ParticipantRetentionOptions;

  constructor(options: ParticipantRetentionOptions) {
    this.#options = options;
  }

  /** Everyone, those who are expected back as they were. */
  get people(): readonly Person[] {
    return [...this.#people.values()];
  }

  person(id: string): Person | undefined {
    return this.#people.get(id);
  }

  awaits(id: string): boolean {
    return this.#awaited.has(id);
  }

  /** These are there now; whoever is missing, and not awaited, has left. */
  update(peers: readonly RemotePeer[]): void {
    const there = new Map(peers.map((peer) => [idOf(peer.identity), peer]));
    for (const id of this.#people.keys()) {
      if (!there.has(id) && !this.#awaited.has(id)) this.#people.delete(id);
    }
    for (const [id, peer] of there) {
      this.#cease(id);
      this.#people.set(id, toPerson(peer));
    }
  }

  /** Keeps the place of somebody who is about to come back. */
  expect(id: string): void {
    const person = this.#people.get(id);
    if (!person) return;
    this.#cease(id);
    this.#people.set(id, { ...person, away: true });
    const timer = setTimeout(() => {
      if (!this.#options.mayGiveUp()) {
        this.expect(id);
        return;
      }
      this.#awaited.delete(id);
      this.#people.delete(id);
      this.#options.onGivenUp(person);
    }, GRACE);
    this.#awaited.set(id, timer);
  }

  close(): void {
    for (const timer of this.#awaited.values()) clearTimeout(timer);
    this.#awaited.clear();
  }

  #cease(id: string): void {
    clearTimeout(this.#awaited.get(id));
    this.#awaited.delete(id);
  }
}

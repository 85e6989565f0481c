/** The rooms that administrators have ended a moment ago: only administrators open them again for a while. */
import { WeirError } from '../../../shared/errors.ts';
import { dropOldest } from '../../auth/dropOldest.ts';

/** How long that lasts by default, in milliseconds: clients and encoders that were inside come back by themselves. */
const DURATION = 30_000;
/** How many rooms are remembered. */
const LIMIT = 1000;

export class EndedRooms {
  readonly #duration: number;
  /** By key, oldest first: until when (`performance.now()`). */
  readonly #until = new Map<string, number>();

  constructor(duration = DURATION) {
    this.#duration = duration;
  }

  /** An administrator has ended the room of that key. */
  add(key: string): void {
    this.#until.delete(key);
    this.#until.set(key, performance.now() + this.#duration);
    dropOldest(this.#until, LIMIT);
  }

  /** @throws {WeirError} `unavailable` with the reason `roomEnded`, if somebody else may not open that room again yet */
  assertNotEnded(key: string): void {
    const left = (this.#until.get(key) ?? 0) - performance.now();
    if (left <= 0) return;
    throw new WeirError('unavailable', 'An administrator has just ended this room for everyone.', {
      reason: 'roomEnded',
      retryAfter: Math.ceil(left / 1000),
    });
  }
}

/** Owns who is speaking: whose voice is loud enough now or was a moment ago, and who spoke last. */
import type { CallController } from '../controller/CallController.ts';

/** Level (root mean square) from which somebody counts as speaking, and for how long after, in milliseconds. */
const SPEAKING = { level: 0.02, hold: 1200 };

export class ActiveSpeakers {
  readonly #call: CallController;
  readonly #spokeAt = new Map<string, number>();

  constructor(call: CallController) {
    this.#call = call;
  }

  /** Who speaks now. Call it regularly: it listens when it is called. */
  poll(): ReadonlySet<string> {
    const now = performance.now();
    const everyone = new Set(['self', ...this.#call.remoteParticipants.map(({ id }) => id)]);
    for (const id of everyone) {
      if (this.#call.level(id) >= SPEAKING.level) this.#spokeAt.set(id, now);
    }
    for (const id of this.#spokeAt.keys()) {
      if (!everyone.has(id)) this.#spokeAt.delete(id);
    }
    // A voice that was muted is not heard any more: its ring goes at once.
    if (this.#call.localParticipant.muted) this.#spokeAt.delete('self');
    return new Set([...this.#spokeAt].filter(([, at]) => now - at < SPEAKING.hold).map(([id]) => id));
  }

  /**
   * The one other person whose voice is the stage's: it changes hands only when the one who had it has fallen silent, so
   * that two who talk over one another do not make the stage flicker.
   */
  activeSpeaker(speaking: ReadonlySet<string>, before: string | undefined): string | undefined {
    if (before !== undefined && speaking.has(before)) return before;
    const [latest] = [...this.#spokeAt].filter(([id]) => id !== 'self').sort(([, a], [, b]) => b - a);
    return latest?.[0];
  }
}

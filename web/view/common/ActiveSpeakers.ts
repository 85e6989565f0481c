/** Detects who is speaking, and who is the active speaker, from audio levels. */
import type { CallController } from '../controller/CallController.ts';

/** The level (root mean square) that counts as speaking, and how long a speaker counts afterwards, in milliseconds. */
const SPEAKING = { level: 0.02, hold: 1200 };

export class ActiveSpeakers {
  readonly #call: CallController;
  readonly #lastSpokeAt = new Map<string, number>();

  constructor(call: CallController) {
    this.#call = call;
  }

  /** Reads the levels. To be called regularly. @returns the ids of those who speak now */
  poll(): ReadonlySet<string> {
    const now = performance.now();
    const everyone = new Set(['self', ...this.#call.remoteParticipants.map(({ id }) => id)]);
    for (const id of everyone) {
      if (this.#call.level(id) >= SPEAKING.level) this.#lastSpokeAt.set(id, now);
    }
    for (const id of this.#lastSpokeAt.keys()) {
      if (!everyone.has(id)) this.#lastSpokeAt.delete(id);
    }
    // Muting ends the indicator at once.
    if (this.#call.localParticipant.muted) this.#lastSpokeAt.delete('self');
    return new Set([...this.#lastSpokeAt].filter(([, at]) => now - at < SPEAKING.hold).map(([id]) => id));
  }

  /**
   * The id of the remote participant who is the active speaker. It changes only when the former one has stopped speaking,
   * so that two who talk at the same time do not make the layout flicker.
   * @param previous the active speaker so far
   */
  activeSpeaker(speaking: ReadonlySet<string>, previous: string | undefined): string | undefined {
    if (previous !== undefined && speaking.has(previous)) return previous;
    const [latest] = [...this.#lastSpokeAt].filter(([id]) => id !== 'self').sort(([, a], [, b]) => b - a);
    return latest?.[0];
  }
}

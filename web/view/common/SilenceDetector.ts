/** Decides from its levels whether a microphone is silent: one that is not measured is not. */
import { SILENCE } from './loudness.ts';

export class SilenceDetector {
  #quietSince: number | undefined;

  /**
   * @param level undefined where it is not measured, or where silence would be no news
   * @param now in milliseconds
   * @returns whether it has been measured as silent for so long that it is worth saying
   */
  add(level: number | undefined, now = performance.now()): boolean {
    if (level === undefined || level > SILENCE.level) this.#quietSince = undefined;
    else this.#quietSince ??= now;
    return this.#quietSince !== undefined && now - this.#quietSince > SILENCE.after;
  }
}

/** Detects a silent microphone from its levels. */
import { SILENCE } from './loudness.ts';

export class SilenceDetector {
  #silentSince: number | undefined;

  /**
   * @param level undefined where it is not measured, or where silence is not to be reported
   * @param now in milliseconds
   * @returns whether the microphone has been silent for long enough to report it
   */
  add(level: number | undefined, now = performance.now()): boolean {
    if (level === undefined || level > SILENCE.level) this.#silentSince = undefined;
    else this.#silentSince ??= now;
    return this.#silentSince !== undefined && now - this.#silentSince > SILENCE.after;
  }
}

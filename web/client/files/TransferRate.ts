/** How fast a transfer progresses: the mean of the last seconds. */

/** Milliseconds. */
const WINDOW = 4000;
const SAMPLE_INTERVAL = 200;

export class TransferRate {
  #samples: { at: number; bytes: number }[] = [];

  /** @param bytes transferred so far @param now as `performance.now()` */
  add(bytes: number, now: number): void {
    const last = this.#samples.at(-1);
    if (last && now - last.at < SAMPLE_INTERVAL) return;
    this.#samples.push({ at: now, bytes });
    while (this.#samples.length > 2 && now - (this.#samples[0]?.at ?? now) > WINDOW) this.#samples.shift();
  }

  /** In bytes per second; 0 before there are two samples, and after a pause. */
  at(bytes: number, now: number): number {
    const [first] = this.#samples;
    if (!first || now - first.at < SAMPLE_INTERVAL) return 0;
    return Math.max(0, ((bytes - first.bytes) * 1000) / (now - first.at));
  }

  /** Progress begins anew. */
  reset(): void {
    this.#samples = [];
  }
}

/** Counts down the seconds until one may write again. */

/** How often it looks at the clock, in milliseconds. */
const INTERVAL = 250;

export class WaitTimer {
  readonly #onChange: () => void;
  #until = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param onChange is called with each second, and at the end */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Whole seconds that are left; 0 if there is no wait. */
  get seconds(): number {
    return Math.max(0, Math.ceil((this.#until - performance.now()) / 1000));
  }

  /** Waits this long from now, unless it waits for longer already. @param seconds 0 or less: no wait */
  start(seconds: number): void {
    this.#until = Math.max(this.#until, performance.now() + 1000 * seconds);
    if (this.#timer !== undefined || this.seconds === 0) return;
    let shown = this.seconds;
    this.#timer = setInterval(() => {
      if (this.seconds === 0) this.close();
      if (this.seconds === shown) return;
      shown = this.seconds;
      this.#onChange();
    }, INTERVAL);
    this.#onChange();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** Owns how busy processes are: the share of a core that each takes from one look to the next, and the most of it. */
import { cpuMicroseconds } from '../../support/process/cpu.ts';

export interface BusyMeterOptions {
  /** Microseconds on CPU of a process so far; other than the kernel's in tests only. */
  readonly read?: (pid: number) => number;
  /** Milliseconds. */
  readonly clock?: () => number;
}

export class BusyMeter {
  readonly #pids: readonly number[];
  readonly #read: (pid: number) => number;
  readonly #clock: () => number;
  #at = 0;
  #used: readonly number[] = [];
  #most = 0;

  constructor(pids: readonly number[], options: BusyMeterOptions = {}) {
    const { read = cpuMicroseconds, clock = () => performance.now() } = options;
    this.#pids = pids;
    this.#read = read;
    this.#clock = clock;
    this.begin();
  }

  /** What was before is forgotten but for the most. */
  begin(): void {
    this.#at = this.#clock();
    this.#used = this.#pids.map(this.#read);
  }

  /** The share of a core that each has taken since the last look, in their order. */
  poll(): readonly number[] {
    const [before, at] = [this.#used, this.#at];
    this.begin();
    const time = (this.#at - at) * 1000;
    const shares = this.#used.map((used, index) => (time > 0 ? (used - (before[index] ?? 0)) / time : 0));
    this.#most = Math.max(this.#most, ...shares);
    return shares;
  }

  /** The share of the busiest process at the look at which it was busiest. */
  get most(): number {
    return this.#most;
  }
}

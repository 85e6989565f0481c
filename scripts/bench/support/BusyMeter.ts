/** Samples the CPU use of processes as shares of a core, and keeps the maximum. */
import { cpuMicroseconds } from '../../support/process/cpu.ts';

export interface BusyMeterOptions {
  /** Reads the CPU time of a process in microseconds; replaced in tests only. */
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

  /** Starts the next interval; only the maximum is kept. */
  begin(): void {
    this.#at = this.#clock();
    this.#used = this.#pids.map(this.#read);
  }

  /** The share of a core that each process has used since the last poll, in their order. */
  poll(): readonly number[] {
    const [before, at] = [this.#used, this.#at];
    this.begin();
    const time = (this.#at - at) * 1000;
    const shares = this.#used.map((used, index) => (time > 0 ? (used - (before[index] ?? 0)) / time : 0));
    this.#most = Math.max(this.#most, ...shares);
    return shares;
  }

  /** The highest share of any process in any interval. */
  get most(): number {
    return this.#most;
  }
}

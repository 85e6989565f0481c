/** Decides when ICE is restarted: at once where it helps, not too often, again while media has no way, and not for ever. */
import type { MediaConnectionState } from '../events.ts';

export interface IceRestartPolicyOptions {
  /** Restarts it. Rejects when the server wants us to wait. */
  restart(): Promise<void>;
  /** How media is connected just now. */
  connection(): MediaConnectionState;
  /** Media has had no way for so long that only a new stay can help. */
  onGivenUp(): void;
}

/** How long a way is lost before it is looked for anew; between two restarts; how long all of it may take: milliseconds. */
const TIMES = { lost: 1500, apart: 5200, hopeless: 30_000 };
/** How often a restart that somebody asked for is tried while the server refuses it. */
const TRIES = 5;

export class IceRestartPolicy {
  readonly #options: IceRestartPolicyOptions;
  #last = Number.NEGATIVE_INFINITY;
  #lostSince: number | undefined;
  /** How often a restart that somebody asked for may still be tried. */
  #wanted = 0;
  #running = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: IceRestartPolicyOptions) {
    this.#options = options;
  }

  /** A restart, as soon as there may be one. */
  request(): void {
    this.#wanted = TRIES;
    this.#schedule();
  }

  /** The state of the media has changed: one that stays lost is restarted. */
  onConnectionChanged(): void {
    const connection = this.#options.connection();
    // One that is tried again and fails again has been lost all the while.
    if (connection === 'connected') this.#lostSince = undefined;
    if (connection === 'lost') this.#lostSince ??= performance.now();
    this.#schedule();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** When the next one is due follows from what has happened alone: however often this is called, nothing is put off. */
  #schedule(): void {
    if (this.#closed || this.#running) return;
    clearTimeout(this.#timer);
    const free = this.#last + TIMES.apart;
    const since = this.#wanted > 0 ? Number.NEGATIVE_INFINITY : this.#lostSince;
    if (since === undefined) return;
    const due = Math.max(free, since + TIMES.lost);
    this.#timer = setTimeout(() => void this.#run(), Math.max(0, due - performance.now()));
  }

  async #run(): Promise<void> {
    // It may have found its way by itself.
    if (this.#wanted === 0 && this.#options.connection() !== 'lost') return;
    if (this.#lostSince !== undefined && performance.now() - this.#lostSince > TIMES.hopeless) {
      this.close();
      this.#options.onGivenUp();
      return;
    }
    this.#running = true;
    const left = Math.max(0, this.#wanted - 1);
    this.#wanted = 0;
    try {
      await this.#options.restart();
    } catch {
      // The server's patience, or a cut on the way: whoever asked for it still wants it, unless asked anew meanwhile.
      this.#wanted = Math.max(this.#wanted, left);
    }
    this.#running = false;
    this.#last = performance.now();
    this.onConnectionChanged();
  }
}

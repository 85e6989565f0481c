/** Owns when ICE is restarted: at once where it helps, not too often, again while media has no way, and not for ever. */
import type { Connection } from './events.ts';

export interface IceRestartsOptions {
  /** Restarts it. Rejects when the server wants us to wait. */
  restart(): Promise<void>;
  /** How media is connected just now. */
  connection(): Connection;
  /** Media has had no way for so long that only a new stay can help. */
  onHopeless(): void;
}

/** A way that is lost so long is looked for anew; between two restarts; and how long all of it may take: milliseconds. */
const TIMES = { lost: 1500, apart: 5200, hopeless: 30_000 };

export class IceRestarts {
  readonly #options: IceRestartsOptions;
  #last = Number.NEGATIVE_INFINITY;
  #lostSince: number | undefined;
  #wanted = false;
  #running = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: IceRestartsOptions) {
    this.#options = options;
  }

  /** A restart, as soon as there may be one. */
  want(): void {
    this.#wanted = true;
    this.#in(Math.max(0, this.#last + TIMES.apart - performance.now()));
  }

  /** The state of the media has changed: one that stays lost is restarted. */
  look(): void {
    const connection = this.#options.connection();
    // One that is tried again and fails again has been lost all the while.
    if (connection === 'connected') this.#lostSince = undefined;
    if (connection !== 'lost') return;
    this.#lostSince ??= performance.now();
    this.#in(Math.max(TIMES.lost, this.#last + TIMES.apart - performance.now()));
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #in(pause: number): void {
    if (this.#closed || this.#running) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#run(), pause);
  }

  async #run(): Promise<void> {
    // It may have found its way by itself.
    if (!this.#wanted && this.#options.connection() !== 'lost') return;
    if (this.#lostSince !== undefined && performance.now() - this.#lostSince > TIMES.hopeless) {
      this.close();
      this.#options.onHopeless();
      return;
    }
    this.#running = true;
    this.#wanted = false;
    try {
      await this.#options.restart();
    } catch {
      // The server's patience, or a cut on the way: looked at again below.
    }
    this.#running = false;
    this.#last = performance.now();
    if (this.#wanted) this.want();
    else this.look();
  }
}

/** Checks whether media gets through while signalling does: compares the packets sent at one end with those received at the other. */
import type { TransportCounters } from '../../../shared/media.ts';

/** RTP packets of the client, summed over its transports. */
export interface LocalCounters {
  readonly sent: number;
  readonly received: number;
}

export interface MediaPathOptions {
  local(): Promise<LocalCounters>;
  /** The counters of the server. Rejects if the server cannot be asked. */
  remote(): Promise<TransportCounters>;
  /** `lost` has changed. */
  onChange(): void;
}

const directions = ['up', 'down'] as const;
type Direction = (typeof directions)[number];

/** The counters of both ends at one time. */
interface Sample {
  readonly time: number;
  readonly local: LocalCounters;
  readonly remote: TransportCounters;
}

/**
 * In milliseconds: the interval of samples; how long one check lasts; and after how long without sent packets a lost path
 * counts as working again, since it can no longer be observed. A path is lost if nothing of what was sent between two
 * samples has arrived: packet loss alone does not count.
 */
const TIMES = { interval: 300, check: 1500, idle: 3000 };
/** How much must be sent before its absence at the other end counts: two packets of one microphone. */
const MIN_SENT = { packets: 2, bytes: 100 };

export class MediaPath {
  readonly #options: MediaPathOptions;
  #lost: readonly Direction[] = [];
  #checking = false;
  #closed = false;

  constructor(options: MediaPathOptions) {
    this.#options = options;
  }

  /** Whether a check has found the path lost, and no media has got through since. */
  get lost(): boolean {
    return this.#lost.length > 0;
  }

  /** Checks the path, because it may be lost. If it is, goes on checking until media gets through again. */
  async check(): Promise<void> {
    if (this.#checking || this.#closed) return;
    this.#checking = true;
    try {
      const first = await this.#sample();
      const until = first.time + TIMES.check;
      // What was sent before the first sample may still arrive after it: each direction is compared since its last packet.
      const reference = { up: first, down: first };
      let movedBothWays = 0;
      for (let now = first; now.time < until && !this.#closed; ) {
        await pause();
        now = await this.#sample();
        const silent = directions.filter((direction) => isSilent(reference[direction], now, direction));
        if (silent.length > 0) {
          this.#set(silent);
          await this.#awaitMedia(now);
          return;
        }
        const alive = directions.filter((direction) => moved(reference[direction], now, direction));
        for (const direction of alive) reference[direction] = now;
        if (alive.length === directions.length) movedBothWays += 1;
        if (movedBothWays === 2) return;
      }
    } catch {
      // Signalling is lost, or the session has ended: the state of the path is unknown.
      this.#set([]);
    } finally {
      this.#checking = false;
    }
  }

  close(): void {
    this.#closed = true;
  }

  async #awaitMedia(first: Sample): Promise<void> {
    let reference = first;
    while (this.lost && !this.#closed) {
      await pause();
      const now = await this.#sample();
      const still = this.#lost.filter((direction) => !moved(first, now, direction));
      const idle = still.every((direction) => !sentEnough(reference, now, direction));
      if (!idle) reference = now;
      this.#set(idle && now.time - reference.time > TIMES.idle ? [] : still);
    }
  }

  async #sample(): Promise<Sample> {
    // Packets that the server sent before its reply have arrived by now: count here after it.
    const remote = await this.#options.remote();
    const local = await this.#options.local();
    return { time: performance.now(), local, remote };
  }

  #set(lost: readonly Direction[]): void {
    const changed = lost.length > 0 !== this.lost;
    this.#lost = lost;
    if (changed && !this.#closed) this.#options.onChange();
  }
}

/** Whether packets were sent between two samples and none has arrived. */
function isSilent(before: Sample, now: Sample, direction: Direction): boolean {
  return sentEnough(before, now, direction) && !moved(before, now, direction);
}

/** Whether anything has arrived between two samples. A lower counter, of other streams, counts as well. */
function moved(before: Sample, now: Sample, direction: Direction): boolean {
  return direction === 'up'
    ? now.remote.received !== before.remote.received
    : now.local.received !== before.local.received;
}

function sentEnough(before: Sample, now: Sample, direction: Direction): boolean {
  return direction === 'up'
    ? now.local.sent - before.local.sent >= MIN_SENT.packets
    : now.remote.sent - before.remote.sent >= MIN_SENT.bytes;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, TIMES.interval));
}

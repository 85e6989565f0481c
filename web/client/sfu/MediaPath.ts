/** Finds out whether media still gets through while the signalling does: compares what one end sends with what the other receives. */
import type { TransportCounters } from '../../../shared/media.ts';

/** RTP packets at this end, summed over its transports. */
export interface LocalCounters {
  readonly sent: number;
  readonly received: number;
}

export interface MediaPathOptions {
  local(): Promise<LocalCounters>;
  /** What the server has counted. Rejects when it cannot be asked. */
  remote(): Promise<TransportCounters>;
  /** `lost` has changed. */
  onChange(): void;
}

type Direction = 'up' | 'down';

/** What both ends had counted at one moment. */
interface Sample {
  readonly time: number;
  readonly local: LocalCounters;
  readonly remote: TransportCounters;
}

/**
 * Between two samples; how long a suspicion is followed; and how long nothing may have been sent before a lost path counts as
 * unknown again: milliseconds. A path is lost when nothing of what was sent in the meantime has arrived: a lossy one is not.
 */
const TIMES = { apart: 300, suspicion: 1500, idle: 3000 };
/** What has to be sent before its absence at the other end means anything: two packets of one voice. */
const SENT = { packets: 2, bytes: 100 };

export class MediaPath {
  readonly #options: MediaPathOptions;
  #lost: readonly Direction[] = [];
  #working = false;
  #closed = false;

  constructor(options: MediaPathOptions) {
    this.#options = options;
  }

  /** Whether media was found not to get through, and has not been seen to do so since. */
  get lost(): boolean {
    return this.#lost.length > 0;
  }

  /** There are signs that media does not get through: looks whether that is so, and if so until it does again. */
  async check(): Promise<void> {
    if (this.#working || this.#closed) return;
    this.#working = true;
    try {
      const first = await this.#sample();
      const until = first.time + TIMES.suspicion;
      for (let now = first; now.time < until && !this.#closed; ) {
        await pause();
        now = await this.#sample();
        const silent = silentDirections(first, now);
        if (silent.length === 0 && moved(first, now, 'down') && moved(first, now, 'up')) return;
        if (silent.length === 0) continue;
        this.#set(silent);
        await this.#awaitMedia(now);
        return;
      }
    } catch {
      // The signalling is cut, or the stay over: whoever resumes looks at the media anew.
      this.#set([]);
    } finally {
      this.#working = false;
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
    // The answer takes as long as media would: what was sent before it has arrived by then.
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

/** The directions in which something was sent between two samples and nothing has arrived. */
function silentDirections(before: Sample, now: Sample): Direction[] {
  return (['up', 'down'] as const).filter(
    (direction) => sentEnough(before, now, direction) && !moved(before, now, direction),
  );
}

/** Whether anything has arrived between two samples; a counter that went back belongs to another set of streams. */
function moved(before: Sample, now: Sample, direction: Direction): boolean {
  return direction === 'up'
    ? now.remote.received !== before.remote.received
    : now.local.received !== before.local.received;
}

function sentEnough(before: Sample, now: Sample, direction: Direction): boolean {
  return direction === 'up'
    ? now.local.sent - before.local.sent >= SENT.packets
    : now.remote.sent - before.remote.sent >= SENT.bytes;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, TIMES.apart));
}

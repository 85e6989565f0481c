/** Forwards the messages of one peer at no more than twice its rate: a burst of one does not delay what the others send. */
import type { DataChannelLabel } from '../../../shared/dataChannels.ts';
import type { DataFrame } from '../../../shared/dataFrame.ts';
import { SendRate } from '../../../shared/SendRate.ts';
import { DATA_MESSAGES_PER_SECOND, type DataLimits } from './DataRate.ts';

/** Faster than anybody may send for long, so that what waits becomes less. */
const FACTOR = 2;
/** For how long what waits is still forwarded once its sender has left, in milliseconds: a burst at the default rates takes 5 s. */
const END_TIMEOUT = 15_000;

interface Waiting {
  readonly channel: DataChannelLabel;
  readonly frame: DataFrame;
  readonly bytes: number;
}

interface Queue {
  readonly waiting: Waiting[];
  timer: NodeJS.Timeout | undefined;
}

/** What waits is bounded by `DataRate`, which refuses more. */
export class Pacer {
  readonly #onDue: (channel: DataChannelLabel, frame: DataFrame) => void;
  readonly #rate: SendRate;
  /** Files wait for themselves. */
  readonly #queues: Readonly<Record<'data' | 'bulk', Queue>> = {
    data: { waiting: [], timer: undefined },
    bulk: { waiting: [], timer: undefined },
  };
  #onEnd: (() => void) | undefined;
  #endTimer: NodeJS.Timeout | undefined;

  constructor({ dataBitrate, fileBitrate }: DataLimits, onDue: (channel: DataChannelLabel, frame: DataFrame) => void) {
    this.#onDue = onDue;
    this.#rate = new SendRate({
      dataMessages: FACTOR * DATA_MESSAGES_PER_SECOND,
      dataBitrate: FACTOR * dataBitrate,
      fileBitrate: FACTOR * fileBitrate,
    });
  }

  /** Forwards a frame, now or after those before it. @param bytes of the whole message */
  add(channel: DataChannelLabel, frame: DataFrame, bytes: number): void {
    const queue = this.#queues[channel === 'bulk' ? 'bulk' : 'data'];
    const wait = queue.waiting.length > 0 ? 0 : this.#rate.take(channel, bytes);
    if (queue.waiting.length === 0 && wait === 0) {
      this.#onDue(channel, frame);
      return;
    }
    // A copy, since the bytes are a part of a buffer with other messages.
    queue.waiting.push({ channel, frame: { ...frame, data: new Uint8Array(frame.data) }, bytes });
    queue.timer ??= setTimeout(() => this.#forwardDue(queue), wait);
  }

  /** Its sender adds nothing more. @param onEnd is called when nothing waits any more: it was forwarded, or dropped after a while */
  end(onEnd: () => void): void {
    this.#onEnd = onEnd;
    this.#endTimer = setTimeout(() => this.clear(), END_TIMEOUT);
    this.#endIfEmpty();
  }

  /** Drops what waits. */
  clear(): void {
    for (const queue of Object.values(this.#queues)) {
      clearTimeout(queue.timer);
      queue.timer = undefined;
      queue.waiting.length = 0;
    }
    this.#endIfEmpty();
  }

  #forwardDue(queue: Queue): void {
    queue.timer = undefined;
    for (let [next] = queue.waiting; next; [next] = queue.waiting) {
      const wait = this.#rate.take(next.channel, next.bytes);
      if (wait > 0) {
        queue.timer = setTimeout(() => this.#forwardDue(queue), wait);
        return;
      }
      queue.waiting.shift();
      this.#onDue(next.channel, next.frame);
    }
    this.#endIfEmpty();
  }

  #endIfEmpty(): void {
    const onEnd = this.#onEnd;
    if (!onEnd || Object.values(this.#queues).some(({ waiting }) => waiting.length > 0)) return;
    clearTimeout(this.#endTimer);
    this.#onEnd = undefined;
    onEnd();
  }
}

/** Hands on the messages of one peer at no more than twice its rate: a burst of one does not delay what the others send. */
import { type DataChannelLabel, MIN_BULK_BYTES } from '../../../shared/dataChannels.ts';
import type { DataFrame } from '../../../shared/dataFrame.ts';
import { TokenBucket } from '../../../shared/TokenBucket.ts';
import { DATA_MESSAGES_PER_SECOND, type DataLimits } from './DataRate.ts';

/** Faster than anybody may send for long, so that what waits becomes less. */
const PACE = 2;
/** What is handed on at once, in seconds of the pace, and the least of it: the SDK sends as much at once. */
const AT_ONCE = { seconds: 0.25, messages: 100, bytes: 256 * 1024 };

interface Waiting {
  readonly channel: DataChannelLabel;
  readonly frame: DataFrame;
  readonly bytes: number;
}

/** A queue with buckets of its own. */
interface Lane {
  readonly waiting: Waiting[];
  /** Takes what a message needs. @returns 0 if that was there, otherwise milliseconds until it is */
  take(bytes: number): number;
  timer: NodeJS.Timeout | undefined;
}

/** What waits is bounded by `DataRate`, which refuses more. */
export class Pacer {
  readonly #onDue: (channel: DataChannelLabel, frame: DataFrame) => void;
  readonly #data: Lane;
  readonly #bulk: Lane;

  constructor({ dataBitrate, fileBitrate }: DataLimits, onDue: (channel: DataChannelLabel, frame: DataFrame) => void) {
    this.#onDue = onDue;
    const messages = new TokenBucket(PACE * DATA_MESSAGES_PER_SECOND, AT_ONCE.messages);
    const [data, bulk] = [byteBucket(dataBitrate), byteBucket(fileBitrate)];
    this.#data = {
      waiting: [],
      timer: undefined,
      take: (bytes) => {
        const wait = Math.max(messages.waitFor(1), data.waitFor(bytes));
        if (wait > 0) return wait;
        messages.tryTake();
        data.tryTake(bytes);
        return 0;
      },
    };
    this.#bulk = {
      waiting: [],
      timer: undefined,
      take: (bytes) => {
        const counted = Math.max(bytes, MIN_BULK_BYTES);
        return bulk.tryTake(counted) ? 0 : bulk.waitFor(counted);
      },
    };
  }

  /** Hands on a frame, now or after those before it. @param bytes of the whole message */
  add(channel: DataChannelLabel, frame: DataFrame, bytes: number): void {
    const lane = channel === 'bulk' ? this.#bulk : this.#data;
    const wait = lane.waiting.length > 0 ? 0 : lane.take(bytes);
    if (lane.waiting.length === 0 && wait === 0) {
      this.#onDue(channel, frame);
      return;
    }
    // A copy, since the bytes are a part of a buffer with other messages.
    lane.waiting.push({ channel, frame: { ...frame, data: frame.data.slice() }, bytes });
    lane.timer ??= setTimeout(() => this.#handOn(lane), wait);
  }

  /** Drops what waits. */
  clear(): void {
    for (const lane of [this.#data, this.#bulk]) {
      clearTimeout(lane.timer);
      lane.timer = undefined;
      lane.waiting.length = 0;
    }
  }

  #handOn(lane: Lane): void {
    lane.timer = undefined;
    for (let [next] = lane.waiting; next; [next] = lane.waiting) {
      const wait = lane.take(next.bytes);
      if (wait > 0) {
        lane.timer = setTimeout(() => this.#handOn(lane), wait);
        return;
      }
      lane.waiting.shift();
      this.#onDue(next.channel, next.frame);
    }
  }
}

function byteBucket(bitrate: number): TokenBucket {
  const perSecond = (PACE * bitrate) / 8;
  return new TokenBucket(perSecond, Math.max(AT_ONCE.seconds * perSecond, AT_ONCE.bytes));
}

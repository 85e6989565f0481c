/** Data messages over direct connections: in order and once to each peer, also when its connection is replaced by another one. */
import {
  type DataChannelLabel,
  type DataFrame,
  dataChannelLabels,
  decodeDataFrame,
  encodeDataFrame,
} from '../../../shared/dataFrame.ts';
import { WeirError } from '../../../shared/errors.ts';
import type { OutgoingData, ReceivedData } from '../MediaLink.ts';
import type { DirectSession } from './DirectSession.ts';

/**
 * In bytes, of one peer and channel: above the first `sendData` does not resolve, above the second it is refused. A lossy
 * message is dropped while more than the third waits in the browser.
 */
const LIMITS = { resolve: 1_048_576, refuse: 8_388_608, lossy: 262_144 };
/** Messages are acknowledged after so many, or after so many milliseconds. */
const ACKNOWLEDGE = { messages: 16, delay: 100 };
/** Sequence numbers are unsigned integers of 32 bits. */
const SEQUENCES = 2 ** 32;

export interface DirectDataOptions {
  /** Ids of the peers in the room. */
  peerIds(): readonly string[];
  onData(data: ReceivedData): void;
}

/** What is sent to, and comes from, one peer on one channel. */
interface Flow {
  session: DirectSession | undefined;
  /** The number of the next message. */
  next: number;
  /** Messages that the peer has not acknowledged, oldest first. */
  unacknowledged: { readonly sequence: number; readonly bytes: Uint8Array<ArrayBuffer> }[];
  bytes: number;
  /** The number of the message that is expected next. */
  expected: number;
  /** How many have come since the last acknowledgement. */
  received: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

export class DirectData {
  readonly #options: DirectDataOptions;
  readonly #flows = new Map<string, Flow>();
  readonly #waiting = new Set<{ isDone(): boolean; resolve(): void; reject(error: WeirError): void }>();
  #closed = false;

  constructor(options: DirectDataOptions) {
    this.#options = options;
  }

  /** Sends and receives over this session as soon as it is open, instead of the one before. */
  attach(session: DirectSession): void {
    for (const label of dataChannelLabels) {
      const channel = session.connection.channel(label);
      const flow = this.#flow(session.peerId, label);
      channel.addEventListener('message', ({ data }) => this.#receive(session, label, data));
      channel.addEventListener('open', () => {
        flow.session = session;
        // What was on its way over the former session may be lost; the peer drops what it has.
        for (const { bytes } of flow.unacknowledged) channel.send(bytes);
      });
    }
  }

  /** As `MediaLink.sendData`. */
  async send({ channel, data, topic, to }: OutgoingData): Promise<void> {
    if (this.#closed) throw new WeirError('closed');
    const there = this.#options.peerIds();
    const flows = (to ? there.filter((peerId) => to.includes(peerId)) : there).map((peerId) =>
      this.#flow(peerId, channel),
    );
    if (channel !== 'lossy' && flows.some(({ bytes }) => bytes > LIMITS.refuse)) {
      throw new WeirError('rateLimited', 'Too much data waits to be sent already. Wait until `sendData` has resolved.');
    }
    for (const flow of flows) {
      const bytes = encodeDataFrame({ sequence: flow.next, topic, peerIds: [], data });
      flow.next = (flow.next + 1) % SEQUENCES;
      const open = flow.session?.connection.channel(channel);
      if (channel === 'lossy') {
        if (open?.readyState === 'open' && open.bufferedAmount < LIMITS.lossy) open.send(bytes);
        continue;
      }
      flow.unacknowledged.push({ sequence: (flow.next + SEQUENCES - 1) % SEQUENCES, bytes });
      flow.bytes += bytes.length;
      if (open?.readyState === 'open') open.send(bytes);
    }
    if (channel !== 'lossy') await this.#until(() => flows.every(({ bytes }) => bytes < LIMITS.resolve));
  }

  /** The most that waits for one peer, in bytes. */
  bufferedAmount(label: DataChannelLabel): number {
    const flows = [...this.#flows].filter(([key]) => key.startsWith(`${label} `));
    return Math.max(0, ...flows.map(([, { bytes }]) => bytes));
  }

  bufferedAmountLow(label: DataChannelLabel): Promise<void> {
    return this.#until(() => this.bufferedAmount(label) < LIMITS.resolve / 2);
  }

  /** A peer has all messages up to this one. */
  acknowledge(peerId: string, label: DataChannelLabel, sequence: number): void {
    const flow = this.#flow(peerId, label);
    const index = flow.unacknowledged.findIndex((one) => one.sequence === sequence);
    for (const { bytes } of flow.unacknowledged.splice(0, index + 1)) flow.bytes -= bytes.length;
    this.#resolveWaiting();
  }

  removePeer(peerId: string): void {
    for (const label of dataChannelLabels) {
      const flow = this.#flows.get(keyOf(label, peerId));
      clearTimeout(flow?.timer);
      if (flow) flow.bytes = 0;
      this.#flows.delete(keyOf(label, peerId));
    }
    this.#resolveWaiting();
  }

  close(): void {
    this.#closed = true;
    for (const { timer } of this.#flows.values()) clearTimeout(timer);
    for (const waiting of this.#waiting) waiting.reject(new WeirError('closed'));
    this.#waiting.clear();
  }

  #receive(session: DirectSession, label: DataChannelLabel, message: unknown): void {
    if (this.#closed || !(message instanceof ArrayBuffer)) return;
    const frame = parse(new Uint8Array(message));
    if (!frame) return;
    const { peerId } = session;
    if (label !== 'lossy' && !this.#isNext(session, label, frame.sequence)) return;
    this.#options.onData({ peerId, channel: label, topic: frame.topic, data: frame.data });
  }

  /** Counts a message. @returns false if it has come before */
  #isNext(session: DirectSession, label: 'reliable' | 'bulk', sequence: number): boolean {
    const flow = this.#flow(session.peerId, label);
    flow.received += 1;
    const isNext = sequence === flow.expected;
    if (isNext) flow.expected = (sequence + 1) % SEQUENCES;
    const send = () => {
      clearTimeout(flow.timer);
      flow.timer = undefined;
      flow.received = 0;
      session.acknowledge(label, (flow.expected + SEQUENCES - 1) % SEQUENCES);
    };
    if (flow.received >= ACKNOWLEDGE.messages) send();
    else flow.timer ??= setTimeout(send, ACKNOWLEDGE.delay);
    return isNext;
  }

  #flow(peerId: string, label: DataChannelLabel): Flow {
    const key = keyOf(label, peerId);
    const flow = this.#flows.get(key) ?? {
      ...{ session: undefined, next: 0, unacknowledged: [], bytes: 0, expected: 0, received: 0, timer: undefined },
    };
    this.#flows.set(key, flow);
    return flow;
  }

  #until(isDone: () => boolean): Promise<void> {
    if (isDone()) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiting.add({ isDone, resolve, reject }));
  }

  #resolveWaiting(): void {
    for (const waiting of this.#waiting) {
      if (!waiting.isDone()) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }
}

function keyOf(label: DataChannelLabel, peerId: string): string {
  return `${label} ${peerId}`;
}

/** @returns undefined for what is no frame */
function parse(bytes: Uint8Array): DataFrame | undefined {
  try {
    return decodeDataFrame(bytes);
  } catch {
    return undefined;
  }
}

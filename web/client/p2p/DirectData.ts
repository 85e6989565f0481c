/** Data messages over direct connections: in order and once to each peer, also when its connection is replaced by another one. */
import {
  assertDataLimits,
  type DataChannelLabel,
  type DataFrame,
  dataChannelLabels,
  decodeDataFrame,
} from '../../../shared/dataFrame.ts';
import { WeirError } from '../../../shared/errors.ts';
import type { DirectPeers } from '../../../shared/protocol.ts';
import { receivedDataOf } from '../data/receivedData.ts';
import type { OutgoingData, ReceivedData } from '../MediaLink.ts';
import { DataGrants } from './DataGrants.ts';
import { DirectFlow } from './DirectFlow.ts';
import type { DirectSession } from './DirectSession.ts';

/**
 * In bytes, of one peer and channel: above the first `sendData` does not resolve. Above the second it is refused; where others
 * are reached, what waits for a peer that is not is lost instead.
 */
const LIMITS = { resolve: 1_048_576, refuse: 8_388_608 };
/** In milliseconds. */
const CHECK_INTERVAL = 1000;

export interface DirectDataOptions {
  /** Ids of the peers in the room. */
  peerIds(): readonly string[];
  /** Whether our grants let us send data. */
  maySend(): boolean;
  onData(data: ReceivedData): void;
  /** Messages from or for us are lost, and why. */
  onFailed(error: WeirError): void;
}

export class DirectData {
  readonly #options: DirectDataOptions;
  readonly #flows = new Map<string, DirectFlow>();
  readonly #grants: DataGrants;
  readonly #waiting = new Set<{ isDone(): boolean; resolve(): void; reject(error: WeirError): void }>();
  /** Looks at those who wait: that a peer acknowledges nothing any more is no event. */
  #timer: ReturnType<typeof setInterval> | undefined;
  #closed = false;

  constructor(options: DirectDataOptions) {
    this.#options = options;
    this.#grants = new DataGrants(options.onData);
  }

  /** Applies the grants of these peers: whose messages are let through. */
  setPeers(peers: DirectPeers['peers']): void {
    this.#grants.setPeers(peers);
  }

  /** Sends and receives over this session as soon as it is open, instead of the one before. */
  attach(session: DirectSession): void {
    for (const label of dataChannelLabels) {
      const channel = session.connection.channel(label);
      const flow = this.#flow(session.peerId, label);
      channel.addEventListener('message', ({ data }) => this.#receive(session, label, data));
      channel.addEventListener('open', () => flow.attach(session));
    }
  }

  /** The session that carries messages to a peer; undefined while it cannot be reached. */
  sessionWith(peerId: string, label: DataChannelLabel): DirectSession | undefined {
    return this.#flows.get(keyOf(label, peerId))?.session;
  }

  /** As `MediaLink.sendData`. A peer that cannot be reached holds up nobody who can. */
  async send({ channel, data, topic, to }: OutgoingData): Promise<void> {
    if (this.#closed) throw new WeirError('closed');
    if (!this.#options.maySend()) {
      throw new WeirError('forbidden', 'Your grants do not allow you to send data: see `grants`.');
    }
    assertDataLimits(topic, to ?? [], data.length);
    const there = this.#options.peerIds();
    const flows = (to ? there.filter((peerId) => to.includes(peerId)) : there).map((peerId) =>
      this.#flow(peerId, channel),
    );
    if (channel === 'lossy') {
      for (const flow of flows) flow.sendLossy(topic, data);
      return;
    }
    if (mostBytes(flows) > LIMITS.refuse) {
      throw new WeirError('rateLimited', 'Too much data waits to be sent already. Wait until `sendData` has resolved.');
    }
    for (const flow of flows) {
      if (flow.bytes > LIMITS.refuse) this.#lose(flow, channel);
      flow.send(topic, data);
    }
    await this.#until(() => mostBytes(flows) < LIMITS.resolve);
  }

  /** The most that waits for one peer, in bytes. Those who cannot be reached count only where nobody can. */
  bufferedAmount(label: DataChannelLabel): number {
    return mostBytes([...this.#flows].filter(([key]) => key.startsWith(`${label} `)).map(([, flow]) => flow));
  }

  bufferedAmountLow(label: DataChannelLabel): Promise<void> {
    return this.#until(() => this.bufferedAmount(label) < LIMITS.resolve / 2);
  }

  /** Sessions have begun, ended, or been lost. */
  sessionsChanged(): void {
    this.#resolveWaiting();
  }

  /** A peer has all messages up to this one. */
  acknowledge(peerId: string, label: DataChannelLabel, sequence: number): void {
    this.#flow(peerId, label).acknowledge(sequence);
    this.#resolveWaiting();
  }

  /** Sends nothing again of what a peer has not acknowledged, and waits for it no longer. */
  drop(peerId: string): void {
    for (const label of dataChannelLabels) this.#flows.get(keyOf(label, peerId))?.drop();
    this.#resolveWaiting();
  }

  /** The same for all, if our grants do not let us send data any more. */
  grantsChanged(): void {
    if (this.#options.maySend()) return;
    for (const flow of this.#flows.values()) flow.drop();
    this.#resolveWaiting();
  }

  removePeer(peerId: string): void {
    this.#grants.removePeer(peerId);
    for (const label of dataChannelLabels) {
      this.#flows.get(keyOf(label, peerId))?.close();
      this.#flows.delete(keyOf(label, peerId));
    }
    this.#resolveWaiting();
  }

  close(): void {
    this.#closed = true;
    for (const flow of this.#flows.values()) flow.close();
    for (const waiting of this.#waiting) waiting.reject(new WeirError('closed'));
    this.#waiting.clear();
    this.#stopTimer();
  }

  #receive(session: DirectSession, label: DataChannelLabel, message: unknown): void {
    if (this.#closed || !(message instanceof ArrayBuffer)) return;
    const frame = parse(new Uint8Array(message));
    if (!frame) return;
    const { peerId } = session;
    const order = label === 'lossy' ? 'next' : this.#flow(peerId, label).receive(session, label, frame.sequence);
    if (order === 'repeated') return;
    if (order === 'gap' && label === 'reliable' && this.#grants.has(peerId)) {
      this.#options.onFailed(new WeirError('unavailable', 'Data of a peer is lost on its way to you.'));
    }
    this.#grants.receive(receivedDataOf(peerId, label, frame));
  }

  /** Too much waits for a peer that cannot be reached, while others are. Who sends files repeats what is lost. */
  #lose(flow: DirectFlow, label: DataChannelLabel): void {
    flow.drop();
    if (label !== 'reliable') return;
    const message = 'A peer cannot be reached, and too much data waits for it: what waited is lost.';
    this.#options.onFailed(new WeirError('unavailable', message));
  }

  #flow(peerId: string, label: DataChannelLabel): DirectFlow {
    const key = keyOf(label, peerId);
    const flow = this.#flows.get(key) ?? new DirectFlow(label);
    this.#flows.set(key, flow);
    return flow;
  }

  #until(isDone: () => boolean): Promise<void> {
    if (isDone()) return Promise.resolve();
    this.#timer ??= setInterval(() => this.#resolveWaiting(), CHECK_INTERVAL);
    return new Promise((resolve, reject) => this.#waiting.add({ isDone, resolve, reject }));
  }

  #resolveWaiting(): void {
    for (const waiting of this.#waiting) {
      if (!waiting.isDone()) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
    if (this.#waiting.size === 0) this.#stopTimer();
  }

  #stopTimer(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** @returns the most that waits for one peer, in bytes: of those who are reached, or of all where nobody is */
function mostBytes(flows: readonly DirectFlow[]): number {
  const reached = flows.filter(({ isReached }) => isReached);
  return Math.max(0, ...(reached.length > 0 ? reached : flows).map(({ bytes }) => bytes));
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

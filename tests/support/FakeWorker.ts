/** A media worker that answers when a test says so, in any order; and consumers, slots and their opener that wait for it. */
import { EventEmitter } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import type { SlotSource } from '../../server/media/audio/SlotSource.ts';
import type { ConsumableProducer, MediaConsumer } from '../../server/media/ConsumerFactory.ts';
import type { OpenedConsumer } from '../../server/room/ConsumerOpener.ts';
import type { Publication } from '../../server/room/Publication.ts';
import { WeirError } from '../../shared/errors.ts';
import type { MediaKind } from '../../shared/media.ts';

interface Request {
  readonly name: string;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class FakeWorker {
  #requests: Request[] = [];

  /** Resolves when the test answers the request of that name. */
  request(name: string): Promise<void> {
    return new Promise((resolve, reject) => this.#requests.push({ name, resolve, reject }));
  }

  /** The requests that are not answered yet, oldest first. */
  get pending(): string[] {
    return this.#requests.map(({ name }) => name);
  }

  /** Answers the oldest request of that name. Resolves when all has happened that follows from it. */
  async answer(name: string): Promise<void> {
    this.#take(name).resolve();
    await setImmediate();
  }

  /** As `answer`, with a failure. */
  async fail(name: string, error: unknown = new WeirError('unavailable')): Promise<void> {
    this.#take(name).reject(error);
    await setImmediate();
  }

  /**
   * Answers everything, oldest first, and what is requested because of that.
   * @returns the names of the requests in their order
   */
  async answerAll(): Promise<string[]> {
    const names: string[] = [];
    await setImmediate();
    for (let [name] = this.pending; name !== undefined; [name] = this.pending) {
      names.push(name);
      await this.answer(name);
    }
    return names;
  }

  #take(name: string): Request {
    const request = this.#requests.find((one) => one.name === name);
    if (!request) throw new Error(`No request "${name}" is pending, but: ${this.pending.join(', ') || 'none'}`);
    this.#requests = this.#requests.filter((one) => one !== request);
    return request;
  }
}

/** Its requests are named after it: `pause <id>`, `layer 2 <id>`. */
export class FakeConsumer implements MediaConsumer {
  readonly id: string;
  readonly producerId: string;
  readonly kind: MediaKind;
  readonly rtpParameters = { codecs: [] };
  readonly observer = new EventEmitter<{ close: [] }>();
  paused = true;
  closed = false;
  readonly #worker: FakeWorker;

  constructor(worker: FakeWorker, kind: MediaKind, id: string) {
    this.#worker = worker;
    this.kind = kind;
    this.id = id;
    this.producerId = `producer of ${id}`;
  }

  // As mediasoup does, they count as soon as the worker has answered.
  async pause(): Promise<void> {
    await this.#worker.request(`pause ${this.id}`);
    this.paused = true;
  }

  async resume(): Promise<void> {
    await this.#worker.request(`resume ${this.id}`);
    this.paused = false;
  }

  setPreferredLayers({ spatialLayer }: { spatialLayer: number }): Promise<void> {
    return this.#worker.request(`layer ${spatialLayer} ${this.id}`);
  }

  setPriority(priority: number): Promise<void> {
    return this.#worker.request(`priority ${priority} ${this.id}`);
  }

  requestKeyFrame(): Promise<void> {
    return this.#worker.request(`key frame ${this.id}`);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.observer.emit('close');
  }
}

/** Audio slots of which a test says who holds them. */
export class FakeSlots implements SlotSource {
  readonly name: string;
  readonly #count: number;
  readonly #listeners = new Map<string, Set<() => void>>();
  #holders: readonly (string | undefined)[] = [];

  /** @param count how many slots there are */
  constructor(name: string, count: number) {
    this.name = name;
    this.#count = count;
  }

  async producersOn(): Promise<readonly ConsumableProducer[]> {
    return Array.from({ length: this.#count }, (_, slot) => ({
      id: `${this.name} ${slot}`,
      rtpParameters: { codecs: [] },
      consumableRtpParameters: { codecs: [] },
    }));
  }

  /** From now on these hold the slots. */
  hold(...holders: (string | undefined)[]): void {
    const concerned = new Set([...this.#holders, ...holders]);
    this.#holders = holders;
    for (const id of concerned) if (id !== undefined) for (const listener of this.#listeners.get(id) ?? []) listener();
  }

  isAudible(slot: number, listenerId: string): boolean {
    const own = this.#holders.indexOf(listenerId);
    return slot === this.#count - 1 ? own >= 0 && own !== slot : slot !== own;
  }

  onSlot(talkerId: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(talkerId) ?? new Set();
    this.#listeners.set(talkerId, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  get listeners(): number {
    return [...this.#listeners.values()].reduce((sum, { size }) => sum + size, 0);
  }
}

/** Requests `open <peer>`, `slots of <name>` and `open <name> <slot>`; the nth consumer of a peer or slot is `<peer>#<n>`. */
export class FakeOpener {
  readonly worker = new FakeWorker();
  readonly consumers = new Map<string, FakeConsumer>();
  /** Leases that nobody has disposed of. */
  leases = 0;

  /** As `ConsumerOpener.open`: undefined where the track has ended meanwhile. */
  async open(publication: Publication): Promise<OpenedConsumer | undefined> {
    const { track } = publication;
    await this.worker.request(`open ${track.peerId}`);
    const consumer = this.#consumer(track.kind, track.peerId);
    if (publication.closed) {
      consumer.close();
      return undefined;
    }
    this.leases += 1;
    let disposed = false;
    const lease = {
      [Symbol.dispose]: () => {
        if (!disposed) this.leases -= 1;
        disposed = true;
      },
    };
    return { consumer, lease };
  }

  async slotProducers(slots: SlotSource): Promise<readonly ConsumableProducer[]> {
    await this.worker.request(`slots of ${slots instanceof FakeSlots ? slots.name : 'others'}`);
    // The fake has no routers: it ignores on which one its producers are asked for.
    return slots instanceof FakeSlots ? slots.producersOn() : [];
  }

  async openSlot({ id }: ConsumableProducer): Promise<FakeConsumer> {
    await this.worker.request(`open ${id}`);
    return this.#consumer('audio', id);
  }

  /** The consumers that have not closed. */
  get openConsumers(): FakeConsumer[] {
    return [...this.consumers.values()].filter(({ closed }) => !closed);
  }

  /** Closes the consumers whose ids begin so, as happens when what they are of has ended. */
  closeConsumersOf(name: string): void {
    for (const consumer of this.openConsumers) if (consumer.id.startsWith(name)) consumer.close();
  }

  /** @throws {Error} where no consumer of that id was ever opened */
  consumer(id: string): FakeConsumer {
    const consumer = this.consumers.get(id);
    if (!consumer) throw new Error(`No consumer ${id}, but: ${[...this.consumers.keys()].join(', ')}`);
    return consumer;
  }

  #consumer(kind: MediaKind, name: string): FakeConsumer {
    let count = 1;
    while (this.consumers.has(`${name}#${count}`)) count += 1;
    const consumer = new FakeConsumer(this.worker, kind, `${name}#${count}`);
    this.consumers.set(consumer.id, consumer);
    return consumer;
  }
}

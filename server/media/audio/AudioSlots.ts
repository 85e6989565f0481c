/**
 * The audio slots of a large room: reads every microphone, and sends those that speak through a fixed number of
 * streams. The one place that knows who holds which slot.
 */
import { WeirError } from '../../../shared/errors.ts';
import { Lifetime } from '../../common/Lifetime.ts';
import { EXTENSIONS } from './rtp.ts';
import { SlotAllocator } from './SlotAllocator.ts';
import type { SlotSource } from './SlotSource.ts';
import { SlotStream } from './SlotStream.ts';
import { SlotTransport } from './SlotTransport.ts';
import { SpeechDetector, type TimedPacket } from './SpeechDetector.ts';
import type { Microphone, MicrophoneConsumer, SlotProducer, SlotRouter } from './slotMedia.ts';

export interface AudioSlotsOptions {
  /**
   * How many talkers a subscriber hears at most. There is one slot more, for holders of a slot: they do not hear
   * themselves.
   */
  readonly maxAudibleSpeakers: number;
  /**
   * Called when slots have changed hands, before any packet of a new holder is sent and after the listeners of
   * `onSlot`.
   * @param holders as `holders`
   */
  onChange(holders: readonly (string | undefined)[]): void;
  /** Whether a slot that nobody holds goes to any microphone that sends, speaking or not; false by default. */
  readonly fillsFreeSlots?: boolean;
  /** Milliseconds of a clock that never goes back; `performance.now` by default. */
  readonly now?: () => number;
}

export class AudioSlots implements SlotSource {
  readonly #options: AudioSlotsOptions;
  readonly #now: () => number;
  readonly #lifetime = new Lifetime();
  readonly #slots: readonly SlotStream[];
  readonly #allocator: SlotAllocator<SpeechDetector>;
  /** By talker: the consumer that reads its microphone. */
  readonly #microphones = new Map<string, MicrophoneConsumer>();
  readonly #transports = new Map<SlotRouter, SlotTransport>();
  /** By talker. */
  readonly #slotListeners = new Map<string, Set<() => void>>();

  constructor(options: AudioSlotsOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#allocator = new SlotAllocator(options.maxAudibleSpeakers, options.fillsFreeSlots);
    // Only the slots' own transports see these SSRCs: mediasoup gives each consumer one of its own.
    this.#slots = Array.from({ length: options.maxAudibleSpeakers + 1 }, (_, index) => new SlotStream(index + 1));
    this.#lifetime.defer(() => {
      for (const transport of [...this.#transports.values()]) transport.close();
    });
  }

  /** The talker that holds each of the `maxAudibleSpeakers` + 1 slots. */
  get holders(): readonly (string | undefined)[] {
    return this.#allocator.holders.map((talker) => talker?.id);
  }

  /**
   * Whether somebody is to hear a slot: all but the last one are for everybody, the last one is for holders of another
   * slot, in place of their own.
   */
  isAudible(slot: number, listenerId: string): boolean {
    const own = this.holders.indexOf(listenerId);
    const last = this.#slots.length - 1;
    return slot === last ? own >= 0 && own !== last : slot !== own;
  }

  /**
   * Runs `listener` whenever `talkerId` holds another slot than before, or none any more: before any packet of a new
   * holder is sent.
   * @returns what removes the listener
   */
  onSlot(talkerId: string, listener: () => void): () => void {
    const listeners = this.#slotListeners.get(talkerId) ?? new Set();
    this.#slotListeners.set(talkerId, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#slotListeners.get(talkerId) === listeners) this.#slotListeners.delete(talkerId);
    };
  }

  /**
   * The producers of the slots on that router, by slot; created by the first call, and closed with the router.
   * @throws what mediasoup throws, such as when the router has ended; {WeirError} `closed` when these slots have
   */
  async producersOn(router: SlotRouter): Promise<readonly SlotProducer[]> {
    return this.#transportOn(router).produce(this.#slots.map(({ ssrc }) => ssrc));
  }

  /**
   * Reads a microphone until it ends; while it is muted it holds no slot. A talker has one microphone: a newer one
   * replaces it. A microphone that sends more than 600 packets a second is not read any more. Does nothing where the
   * microphone, its router or these slots have ended, or end meanwhile.
   * @param microphone is disposed of when it is not read any more
   * @throws what mediasoup throws, such as for a producer of another router
   */
  async add(talkerId: string, microphone: Microphone): Promise<void> {
    const { producer, router } = microphone;
    const over = () => producer.closed || router.closed || this.#lifetime.closed;
    try {
      const consumer = over() ? undefined : await this.#transportOn(router).listen(producer);
      if (!consumer || consumer.closed) {
        microphone[Symbol.dispose]();
        return;
      }
      consumer.observer.once('close', () => microphone[Symbol.dispose]());
      if (over()) consumer.close();
      else this.#onMicrophone(talkerId, consumer);
    } catch (error) {
      microphone[Symbol.dispose]();
      if (!over()) throw error;
    }
  }

  close(): void {
    this.#lifetime.end('closed');
  }

  #transportOn(router: SlotRouter): SlotTransport {
    if (this.#lifetime.closed) throw new WeirError('closed', 'These audio slots have closed.');
    const known = this.#transports.get(router);
    if (known) return known;
    const transport = new SlotTransport(router);
    this.#transports.set(router, transport);
    transport.onEnd(() => this.#transports.delete(router));
    return transport;
  }

  #onMicrophone(talkerId: string, consumer: MicrophoneConsumer): void {
    this.#microphones.get(talkerId)?.close();
    const detector = new SpeechDetector({ id: talkerId, ...formatOf(consumer) });
    this.#microphones.set(talkerId, consumer);
    consumer.observer.once('close', () => {
      this.#microphones.delete(talkerId);
      this.#release(detector);
    });
    consumer.on('producerpause', () => this.#release(detector));
    consumer.on('rtp', (packet) => {
      this.#onPacket(detector, packet);
      // Each packet takes Node some 15 µs, nearly all of it in mediasoup's channel: one sender could block everything
      // else.
      if (detector.exceedsRate) consumer.close();
    });
  }

  /** Every packet of every microphone passes here. */
  #onPacket(detector: SpeechDetector, packet: Buffer): void {
    const at = this.#now();
    if (!detector.add(packet, at)) return;
    const changed = this.#allocator.claim(detector, at);
    if (changed) this.#applyHolders();
    // Looked up only now: a listener may have closed the slots or removed the talker.
    const slot = this.#allocator.slotOf(detector);
    if (slot < 0) return;
    const preRoll = changed ? detector.preRoll(at) : [];
    if (preRoll.length === 0) this.#send(slot, { packet, at });
    for (const timedPacket of preRoll) this.#send(slot, timedPacket);
  }

  #release(detector: SpeechDetector): void {
    detector.mute();
    if (this.#allocator.release(detector)) this.#applyHolders();
  }

  /** Makes the streams carry the holders of their slots, and notifies whom that concerns. */
  #applyHolders(): void {
    if (this.#lifetime.closed) return;
    const concerned = new Set<string>();
    for (const [index, stream] of this.#slots.entries()) {
      const holder = this.#allocator.holders[index];
      const before = stream.talker;
      if (before === holder) continue;
      stream.assign(holder);
      if (before) concerned.add(before.id);
      if (holder) concerned.add(holder.id);
    }
    for (const id of concerned) for (const listener of this.#slotListeners.get(id) ?? []) listener();
    this.#options.onChange(this.holders);
  }

  #send(slot: number, timedPacket: TimedPacket): void {
    const packet = this.#slots[slot]?.write(timedPacket);
    if (packet) for (const transport of this.#transports.values()) transport.send(slot, packet);
  }
}

/** Payload type and header extensions of a microphone's packets as they leave the router. */
function formatOf({ rtpParameters: { codecs, headerExtensions = [] } }: MicrophoneConsumer) {
  const opus = codecs.find(({ mimeType }) => mimeType.toLowerCase() === 'audio/opus');
  const [level, captureTime] = EXTENSIONS.map(
    ({ uri }) => headerExtensions.find((extension) => extension.uri === uri)?.id,
  );
  // -1 is no packet's payload type: a microphone without Opus is never heard.
  return { payloadType: opus?.payloadType ?? -1, extensions: { level, captureTime } };
}

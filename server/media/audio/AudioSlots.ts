/** Owns the voices of a large room: hears every microphone, and sends those that speak through a fixed number of slots. */
import type { Consumer, Producer, Router } from 'mediasoup/types';
import { WeirError } from '../../../shared/errors.ts';
import { Lifetime } from '../../Lifetime.ts';
import type { Lease } from '../RoomRouters.ts';
import { EXTENSIONS } from './rtp.ts';
import { SlotAllocator } from './SlotAllocator.ts';
import { SlotStream } from './SlotStream.ts';
import { SlotTransport } from './SlotTransport.ts';
import { SpeechDetector, type TimedPacket } from './SpeechDetector.ts';

export interface AudioSlotsOptions {
  /** How many voices one hears at most. There is one slot more, for those who hold one: they do not hear themselves. */
  readonly maxAudibleSpeakers: number;
  /**
   * Called before any packet of a new talker is sent, with who holds each of the `heard` + 1 slots. Slots below `heard` are
   * for everybody, the last one for holders of the others.
   */
  onChange(holders: readonly (string | undefined)[]): void;
  /** Milliseconds of a clock that never goes back; for tests. */
  readonly now?: () => number;
}

export class AudioSlots {
  readonly #options: AudioSlotsOptions;
  readonly #now: () => number;
  readonly #lifetime = new Lifetime();
  readonly #slots: readonly SlotStream[];
  readonly #allocator: SlotAllocator<SpeechDetector>;
  /** What hears each talker's microphone. */
  readonly #microphones = new Map<string, Consumer>();
  readonly #transports = new Map<Router, SlotTransport>();

  constructor(options: AudioSlotsOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#allocator = new SlotAllocator(options.maxAudibleSpeakers);
    // These SSRCs are seen by the slots' own transports only: mediasoup gives every consumer one of its own.
    this.#slots = Array.from({ length: options.maxAudibleSpeakers + 1 }, (_, index) => new SlotStream(index + 1));
    this.#lifetime.defer(() => {
      for (const end of [...this.#transports.values()]) end.close();
    });
  }

  /** Who holds each slot. */
  get holders(): readonly (string | undefined)[] {
    return this.#allocator.holders.map((voice) => voice?.id);
  }

  /**
   * The `heard` + 1 producers on that router, by slot; made at the first call, and gone with the router.
   * @throws what mediasoup throws, such as when the router has ended; {WeirError} `closed` when these slots have
   */
  async producersOn(router: Router): Promise<readonly Producer[]> {
    return this.#transportOn(router).produce(this.#slots.map(({ ssrc }) => ssrc));
  }

  /**
   * Reads a microphone until it ends; while it is muted it holds no slot. A talker has one microphone: a newer one replaces
   * it. A microphone that sends more than 600 packets a second is not read any more. Does nothing where the microphone, its
   * router or these slots have ended, or end meanwhile.
   * @param microphone is disposed of when it is not read any more
   * @throws what mediasoup throws, such as for a producer of another router
   */
  async add(talkerId: string, microphone: Lease): Promise<void> {
    const { producer, router } = microphone;
    const over = () => producer.closed || router.closed || this.#lifetime.closed;
    try {
      const consumer = over() ? undefined : await this.#transportOn(router).listen(producer);
      consumer?.observer.once('close', () => microphone[Symbol.dispose]());
      if (!consumer) microphone[Symbol.dispose]();
      else if (over()) consumer.close();
      else this.#onMicrophone(talkerId, consumer);
    } catch (error) {
      microphone[Symbol.dispose]();
      if (!over()) throw error;
    }
  }

  close(): void {
    this.#lifetime.end('closed');
  }

  #transportOn(router: Router): SlotTransport {
    if (this.#lifetime.closed) throw new WeirError('closed', 'These audio slots have closed.');
    const known = this.#transports.get(router);
    if (known) return known;
    const end = new SlotTransport(router);
    this.#transports.set(router, end);
    end.onEnd(() => this.#transports.delete(router));
    return end;
  }

  #onMicrophone(talkerId: string, consumer: Consumer): void {
    this.#microphones.get(talkerId)?.close();
    const voice = new SpeechDetector({ id: talkerId, ...formatOf(consumer) });
    this.#microphones.set(talkerId, consumer);
    consumer.observer.once('close', () => {
      this.#microphones.delete(talkerId);
      this.#onSilenced(voice);
    });
    consumer.on('producerpause', () => this.#onSilenced(voice));
    consumer.on('rtp', (packet) => {
      this.#onPacket(voice, packet);
      // Each packet takes Node some 15 µs, nearly all of it mediasoup's channel: one sender could keep it from all else.
      if (voice.exceedsRate) consumer.close();
    });
  }

  /** Every packet of every microphone comes through here. */
  #onPacket(voice: SpeechDetector, packet: Buffer): void {
    const at = this.#now();
    if (!voice.add(packet, at)) return;
    const changed = this.#allocator.claim(voice, at);
    if (changed) this.#applyHolders();
    // Asked for again: whoever was told may have closed the slots or sent the talker away.
    const slot = this.#allocator.slotOf(voice);
    if (slot < 0) return;
    const kept = changed ? voice.preRoll(at) : [];
    if (kept.length === 0) this.#send(slot, { packet, at });
    for (const arrival of kept) this.#send(slot, arrival);
  }

  #onSilenced(voice: SpeechDetector): void {
    voice.mute();
    if (this.#allocator.release(voice)) this.#applyHolders();
  }

  /** Makes the slots carry whom they should, and tells. */
  #applyHolders(): void {
    if (this.#lifetime.closed) return;
    for (const [index, slot] of this.#slots.entries()) {
      const holder = this.#allocator.holders[index];
      if (slot.talker !== holder) slot.assign(holder);
    }
    this.#options.onChange(this.holders);
  }

  #send(slot: number, arrival: TimedPacket): void {
    const packet = this.#slots[slot]?.write(arrival);
    if (packet) for (const end of this.#transports.values()) end.send(slot, packet);
  }
}

/** What the packets of a microphone look like when they come out of the router. */
function formatOf({ rtpParameters: { codecs, headerExtensions = [] } }: Consumer) {
  const opus = codecs.find(({ mimeType }) => mimeType.toLowerCase() === 'audio/opus');
  const [level, captureTime] = EXTENSIONS.map(
    ({ uri }) => headerExtensions.find((extension) => extension.uri === uri)?.id,
  );
  // One without Opus is never heard: -1 is no packet's payload type.
  return { payloadType: opus?.payloadType ?? -1, extensions: { level, captureTime } };
}

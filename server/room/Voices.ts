/** Owns how voices travel in a room: a consumer for each while they are few, by a fixed number of slots when they are many. */
import type { Logger } from 'pino';
import type { Slots } from '../../shared/protocol.ts';
import { isClosed } from '../media/available.ts';
import { VoiceSlots } from '../media/voices/VoiceSlots.ts';
import type { Member } from './Member.ts';
import type { Publication } from './Publication.ts';

export interface VoicesOptions {
  /** How many others are heard at once where there are slots. */
  readonly heard: number;
  readonly log: Logger;
  members(): Iterable<Member>;
  member(id: string): Member | undefined;
  /** Offers a microphone to everyone but its owner. Resolves when they have it, or cannot. */
  offerAll(publication: Publication): Promise<void>;
  /** Tells everyone. */
  tell(slots: Slots): void;
}

/** The least time between two times that everyone is told who speaks, in milliseconds. */
const TELLING = 250;
/** So long there have to be fewer microphones before slots are given up, in milliseconds, and so many fewer. */
const CALM = { time: 10_000, fewer: 1 };

export class Voices {
  readonly #options: VoicesOptions;
  readonly #microphones = new Set<Publication>();
  #slots: VoiceSlots | undefined;
  /** As `VoiceSlots` last said it. */
  #holders: readonly (string | undefined)[] = [];
  #telling: NodeJS.Timeout | undefined;
  #news = false;
  #calming: NodeJS.Timeout | undefined;
  /** Slots that are given up, and still heard by those whose client has not got everybody singly yet. */
  #former: { readonly slots: VoiceSlots; readonly timer: NodeJS.Timeout } | undefined;
  #closed = false;

  constructor(options: VoicesOptions) {
    this.#options = options;
  }

  /** Whose voice each slot carries; empty while there are none. Who is hidden publishes nothing, so all may know. */
  get slots(): Slots {
    return this.#holders.map((id) => id ?? null);
  }

  /** Whether that comes to everyone by slots. */
  carries({ source }: Publication): boolean {
    return source === 'microphone' && this.#slots !== undefined;
  }

  /** Takes notice of what is published: with one microphone too many, slots begin. */
  publish(publication: Publication): void {
    const { source, producer } = publication;
    if (source !== 'microphone') return;
    this.#microphones.add(publication);
    producer.observer.once('close', () => {
      this.#microphones.delete(publication);
      this.#reckon();
    });
    if (this.#slots) this.#listen(this.#slots, publication);
    this.#reckon();
  }

  /** Gives the slots to one who has come, where there are any. */
  async enter(member: Member): Promise<void> {
    const slots = this.#slots;
    if (!slots) return;
    await member.takeSlots(slots);
    const own = this.#holders.indexOf(member.id);
    member.setOwnSlot(own < 0 ? undefined : own);
    // They may have ended while it took them.
    if (this.#slots !== slots) member.leaveSlots();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#telling);
    clearTimeout(this.#calming);
    this.#endFormer();
    this.#slots?.close();
    this.#slots = undefined;
  }

  #reckon(): void {
    if (this.#closed) return;
    const { heard } = this.#options;
    const many = this.#microphones.size > heard + 1;
    const few = this.#microphones.size <= heard + 1 - CALM.fewer;
    if (!this.#slots && many) this.#begin();
    if (this.#slots && few) this.#calming ??= setTimeout(() => this.#end(), CALM.time);
    else {
      clearTimeout(this.#calming);
      this.#calming = undefined;
    }
  }

  #begin(): void {
    // Nobody may hear a voice in old slots and in new ones.
    this.#endFormer();
    const { heard, log } = this.#options;
    const slots = new VoiceSlots({ heard, onChange: (holders) => this.#changed(holders) });
    this.#slots = slots;
    this.#holders = slots.holders;
    log.debug({ microphones: this.#microphones.size }, 'voices by slots');
    for (const publication of this.#microphones) this.#listen(slots, publication);
    for (const member of this.#options.members()) {
      this.enter(member).catch((error: unknown) =>
        log[isClosed(error) ? 'debug' : 'warn']({ err: error, peer: member.id }, 'audio-slot subscribe failed'),
      );
    }
    this.#tell();
  }

  /** Everyone has each voice by itself again; then the slots go. */
  #end(): void {
    const slots = this.#slots;
    if (!slots) return;
    this.#slots = undefined;
    this.#calming = undefined;
    this.#holders = [];
    this.#former = { slots, timer: setTimeout(() => this.#endFormer(), CALM.time) };
    const offered = [...this.#microphones].map((publication) => this.#options.offerAll(publication));
    void Promise.all(offered).then(() => {
      if (!this.#slots) for (const member of this.#options.members()) member.leaveSlots();
    });
    this.#tell();
  }

  #endFormer(): void {
    clearTimeout(this.#former?.timer);
    this.#former?.slots.close();
    this.#former = undefined;
  }

  #listen(slots: VoiceSlots, { peerId, producer, hub }: Publication): void {
    slots.add(peerId, producer, hub.router).catch((error: unknown) => {
      const level = producer.closed || isClosed(error) ? 'debug' : 'warn';
      this.#options.log[level]({ err: error, peer: peerId }, 'speech detection failed');
    });
  }

  /** Nobody is sent their own voice: whoever has another slot than before is seen to at once. */
  #changed(holders: readonly (string | undefined)[]): void {
    const before = this.#holders;
    this.#holders = [...holders];
    for (const id of new Set([...before, ...holders])) {
      const slot = id === undefined ? -1 : holders.indexOf(id);
      if (id === undefined || before.indexOf(id) === slot) continue;
      this.#options.member(id)?.setOwnSlot(slot < 0 ? undefined : slot);
    }
    this.#tell();
  }

  /** At once, and then no more often than anybody can follow. */
  #tell(): void {
    this.#news = true;
    if (this.#telling) return;
    this.#news = false;
    this.#options.tell(this.slots);
    this.#telling = setTimeout(() => {
      this.#telling = undefined;
      if (this.#news) this.#tell();
    }, TELLING);
  }
}

/** Owns talk without words: microphones whose packets tell whose they are, and who speaks when. */
import { now } from '../../support/endpoint/clock.ts';
import type { Member } from '../../support/endpoint/Member.ts';
import type { Stream } from '../../support/media/Stream.ts';

/** 20 ms of Opus at 48 kHz. */
const TICKS = 960;
/** Milliseconds a packet. */
export const PACKET = 20;
/** Bytes of the first microphone's packets; each further one has so many more, which its headers do not make up for. */
const PAYLOAD = { least: 40, step: 8 };
/** A new one begins every so often, and speaks for so long: three or four at a time; milliseconds. */
const TURN = { every: 700, long: 2400 };
/** What counts of a turn: from its beginning, so many milliseconds. */
const COUNTED = 1500;

/** A microphone that sends all the time, as loud as its member says, in packets of its own size. */
export function voiceOf(microphone: number): Stream {
  const payload = Buffer.alloc(PAYLOAD.least + PAYLOAD.step * microphone, 0x78);
  return {
    mimeType: 'audio/opus',
    clockRate: 48_000,
    frames: [{ payloads: [payload], key: true, ticks: TICKS }],
    width: 0,
    height: 0,
  };
}

/** What became of the beginning of a turn, at one listener; milliseconds. */
export interface Beginning {
  /** Of what was said, what never came, or too late to be played in order. */
  readonly lost: number;
  /** From the first sound to the first packet of it at the listener. */
  readonly first: number;
}

interface Turn {
  readonly member: number;
  readonly began: number;
  readonly sentBefore: number;
  due: number;
  arrived: number;
  firstAt: number;
}

/** One after another of those members speaks; a listener hands in what it hears. */
export class Talk implements Disposable {
  readonly #members: readonly Member[];
  readonly #turns: Turn[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  #next = 0;
  /** Bytes of a packet's headers, as the first one to speak shows when it is alone. */
  #headers: number | undefined;

  constructor(members: readonly Member[]) {
    this.#members = members;
    for (const member of members) member.setSpeaking(false);
  }

  /** A packet that a listener got. @param latency from its sender's clock; undefined for one that came out of order */
  hear(bytes: number, latency: number | undefined): void {
    const at = now();
    this.#headers ??= bytes - PAYLOAD.least;
    const from = Math.round((bytes - this.#headers - PAYLOAD.least) / PAYLOAD.step);
    if (latency === undefined) return;
    const captured = at - latency;
    const turn = this.#turns.findLast(({ member, began }) => member === from && captured >= began);
    if (!turn || captured >= turn.began + COUNTED) return;
    turn.arrived += 1;
    if (turn.firstAt === 0) turn.firstAt = at;
  }

  /** They speak in turns from now on, the first member first. */
  begin(): void {
    const timer = setInterval(() => this.#begin(), TURN.every);
    this.#timers.add(timer);
    this.#begin();
  }

  /** Of all turns that are over. The first few are those of a room in which nobody has spoken yet. */
  beginnings(): Beginning[] {
    return this.#turns.slice(this.#members.length > 6 ? 6 : 0).flatMap(({ due, arrived, firstAt, began }) => {
      if (due === 0) return [];
      const lost = Math.max(0, due - arrived) * PACKET;
      return [{ lost, first: firstAt === 0 ? COUNTED : firstAt - began }];
    });
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #begin(): void {
    const index = this.#next;
    this.#next = (this.#next + 1) % this.#members.length;
    const member = this.#members[index];
    if (!member) return;
    const sent = () => member.media.tracks.get('microphone')?.[0]?.packets ?? 0;
    member.setSpeaking(true);
    const turn: Turn = { member: index, began: now(), sentBefore: sent(), due: 0, arrived: 0, firstAt: 0 };
    this.#turns.push(turn);
    this.#later(COUNTED, () => {
      const due = sent() - turn.sentBefore;
      // What was sent last may be on its way.
      this.#later(TURN.every, () => {
        turn.due = due;
      });
    });
    this.#later(TURN.long, () => member.setSpeaking(false));
  }

  #later(time: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, time);
    this.#timers.add(timer);
  }
}

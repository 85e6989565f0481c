/** Synthetic turns of speech: microphones identified by packet size, and a schedule of who speaks when. */
import { now } from '../../support/endpoint/clock.ts';
import type { Member } from '../../support/endpoint/Member.ts';
import type { Stream } from '../../support/media/Stream.ts';

/** 20 ms of Opus at 48 kHz. */
const TICKS = 960;
/** Milliseconds a packet. */
export const PACKET = 20;
/** Payload bytes of the first microphone; each further one adds a step larger than the variation of the headers. */
const PAYLOAD = { least: 40, step: 8 };
/** Milliseconds between the starts of turns, and the length of a turn: three or four speak at a time. */
const TURN = { every: 700, long: 2400 };
/** The part of a turn that is evaluated, in milliseconds from its beginning. */
const COUNTED = 1500;

/** A microphone that sends all the time in packets of a size of its own; its member sets the audio level. */
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

/** How the beginning of a turn arrived at one listener; milliseconds. */
export interface Onset {
  /** Speech that was lost, or came too late to be played in order. */
  readonly lost: number;
  /** From the start of speech to its first packet at the listener. */
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

/** Lets members speak in turn; each listener reports the packets it receives. */
export class SpeechTurns implements Disposable {
  readonly #members: readonly Member[];
  readonly #turns: Turn[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  #next = 0;
  /** Header bytes of a packet, measured while the first speaker is alone. */
  #headers: number | undefined;

  constructor(members: readonly Member[]) {
    this.#members = members;
    for (const member of members) member.setSpeaking(false);
  }

  /** Records a packet at a listener. @param latency by its sender's clock; undefined for a packet out of order */
  record(bytes: number, latency: number | undefined): void {
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

  /** Starts the turns, the first member first. */
  begin(): void {
    const timer = setInterval(() => this.#begin(), TURN.every);
    this.#timers.add(timer);
    this.#begin();
  }

  /** The results of all finished turns. The first few are those of a room in which nobody has spoken before. */
  onsets(): Onset[] {
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
      // The last packets may still be in flight.
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

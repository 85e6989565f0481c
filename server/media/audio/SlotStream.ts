/** Owns one slot's RTP stream: one talker after another, and to whoever receives it a single sender. */
import { randomInt } from 'node:crypto';
import { markerOf, rewrite, sequenceDistance, sequenceOf, timestampDistance, timestampOf } from './rtp.ts';
import type { SpeechDetector, TimedPacket } from './SpeechDetector.ts';

/** Ticks of the Opus RTP clock a millisecond. */
const TICKS = 48;
/** The least step between two talkers: a frame of 20 ms, in ticks. */
const FRAME = 20 * TICKS;
/** What a talker may jump at most and still count as the same stream: in packets, and in ticks beyond the time that passed. */
const JUMP = { packets: 500, ticks: 10_000 * TICKS } as const;
/** The payload type of every slot. mediasoup maps it to that of each router. */
export const PAYLOAD_TYPE = 100;

export interface SlotStart {
  readonly sequence: number;
  readonly timestamp: number;
}

export class SlotStream {
  readonly ssrc: number;
  #talker: SpeechDetector | undefined;
  /** What is added to the talker's numbers; undefined before its first packet. */
  #offset: SlotStart | undefined;
  /** The first number of this talker: what came late from before it would take numbers of another. */
  #first = 0;
  /** The newest that was sent, and when that had come in. */
  #sequence: number;
  #timestamp: number;
  #at: number | undefined;

  /**
   * @param ssrc to be told apart on its transport
   * @param start what the stream begins after; random by default, as RFC 3550 wants it
   */
  constructor(ssrc: number, start: SlotStart = { sequence: randomInt(0x10000), timestamp: randomInt(0x1_0000_0000) }) {
    this.ssrc = ssrc;
    this.#sequence = start.sequence;
    this.#timestamp = start.timestamp;
  }

  get talker(): SpeechDetector | undefined {
    return this.#talker;
  }

  /** From now on it carries `talker`, or nobody. */
  assign(talker: SpeechDetector | undefined): void {
    this.#talker = talker;
    this.#offset = undefined;
  }

  /**
   * The talker's packet as this stream has it, or undefined for one that comes too late for it. Within one talker, gaps and
   * order stay as they came: the receiver knows what is missing. From talker to talker numbers go on by one, and time by
   * as much as passed between the arrivals, a frame at least. (What is sent of a talker's past came in before the last of
   * the talker before it; the stream is ahead of the clock by that much then, which a jitter buffer makes good.)
   */
  write({ packet, at }: TimedPacket): Buffer | undefined {
    if (!this.#talker) return undefined;
    const known = this.#offset;
    const follows = known !== undefined && this.#follows(packet, at, known);
    const offset = follows ? known : this.#join(packet, at);
    const sequence = (sequenceOf(packet) + offset.sequence) & 0xffff;
    const timestamp = (timestampOf(packet) + offset.timestamp) >>> 0;
    if (sequenceDistance(this.#first, sequence) < 0) return undefined;
    if (!follows || sequenceDistance(this.#sequence, sequence) > 0) {
      this.#sequence = sequence;
      this.#timestamp = timestamp;
      this.#at = at;
    }
    return rewrite(packet, this.#talker.extensions, {
      ssrc: this.ssrc,
      payloadType: PAYLOAD_TYPE,
      sequence,
      timestamp,
      marker: !follows || markerOf(packet),
    });
  }

  /** Makes `packet` the next of the stream. */
  #join(packet: Buffer, at: number): SlotStart {
    const passed = this.#at === undefined ? 0 : Math.round((at - this.#at) * TICKS);
    const sequence = (this.#sequence + 1) & 0xffff;
    const timestamp = this.#timestamp + Math.max(FRAME, passed);
    this.#offset = { sequence: sequence - sequenceOf(packet), timestamp: timestamp - timestampOf(packet) };
    this.#first = sequence;
    return this.#offset;
  }

  /** Whether the talker's numbers go on as those of one stream do. One that begins anew is joined like another talker. */
  #follows(packet: Buffer, at: number, { sequence, timestamp }: SlotStart): boolean {
    const steps = sequenceDistance(this.#sequence, (sequenceOf(packet) + sequence) & 0xffff);
    const ticks = timestampDistance(this.#timestamp, (timestampOf(packet) + timestamp) >>> 0);
    if (Math.abs(steps) > JUMP.packets) return false;
    if (steps <= 0) return ticks <= 0 && ticks > -JUMP.ticks;
    return ticks >= 0 && ticks <= (at - (this.#at ?? at)) * TICKS + JUMP.ticks;
  }
}

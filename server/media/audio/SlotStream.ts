/**
 * The RTP stream of one audio slot: carries one talker after another, and appears to its receivers as a single sender.
 */
import { randomInt } from 'node:crypto';
import { markerOf, rewrite, sequenceDistance, sequenceOf, timestampDistance, timestampOf } from './rtp.ts';
import type { SpeechDetector, TimedPacket } from './SpeechDetector.ts';

/** Ticks of the Opus RTP clock per millisecond. */
const TICKS = 48;
/** The least step in time between two talkers: a frame of 20 ms, in ticks. */
const FRAME = 20 * TICKS;
/** The largest jump within the stream of one talker: in packets, and in ticks beyond the time that has passed. */
const JUMP = { packets: 500, ticks: 10_000 * TICKS } as const;
/** The payload type of all slots; mediasoup maps it to that of each router. */
export const PAYLOAD_TYPE = 100;

export interface SlotStart {
  readonly sequence: number;
  readonly timestamp: number;
}

export class SlotStream {
  readonly ssrc: number;
  #talker: SpeechDetector | undefined;
  /** What is added to the talker's sequence numbers and timestamps; undefined before its first packet. */
  #offset: SlotStart | undefined;
  /** The first sequence number of this talker: older packets of it would get the numbers of another talker. */
  #first = 0;
  /** Of the newest packet that was sent; `at` is when it arrived. */
  #sequence: number;
  #timestamp: number;
  #at: number | undefined;

  /**
   * @param ssrc unique on its transport
   * @param start what the stream begins after; random by default, as RFC 3550 requires
   */
  constructor(ssrc: number, start: SlotStart = { sequence: randomInt(0x10000), timestamp: randomInt(0x1_0000_0000) }) {
    this.ssrc = ssrc;
    this.#sequence = start.sequence;
    this.#timestamp = start.timestamp;
  }

  get talker(): SpeechDetector | undefined {
    return this.#talker;
  }

  /** Carries `talker` from now on, or nobody. */
  assign(talker: SpeechDetector | undefined): void {
    this.#talker = talker;
    this.#offset = undefined;
  }

  /**
   * The talker's packet with the header of this stream, or undefined for one that is too late for it. Within one
   * talker, gaps and order are preserved: the receiver sees what is missing. From one talker to the next, the sequence
   * number goes on by one, and the timestamp by the time between the arrivals, a frame at least. (Pre-roll arrived
   * before the last packet of the previous talker; the stream is ahead of the clock by that much then, which a jitter
   * buffer compensates.)
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

  /** Makes `packet` the next one of the stream. */
  #join(packet: Buffer, at: number): SlotStart {
    const passed = this.#at === undefined ? 0 : Math.round((at - this.#at) * TICKS);
    const sequence = (this.#sequence + 1) & 0xffff;
    const timestamp = this.#timestamp + Math.max(FRAME, passed);
    this.#offset = { sequence: sequence - sequenceOf(packet), timestamp: timestamp - timestampOf(packet) };
    this.#first = sequence;
    return this.#offset;
  }

  /**
   * Whether the talker's numbers continue as those of one stream. A talker that restarts its stream is joined like
   * another one.
   */
  #follows(packet: Buffer, at: number, { sequence, timestamp }: SlotStart): boolean {
    const steps = sequenceDistance(this.#sequence, (sequenceOf(packet) + sequence) & 0xffff);
    const ticks = timestampDistance(this.#timestamp, (timestampOf(packet) + timestamp) >>> 0);
    if (Math.abs(steps) > JUMP.packets) return false;
    if (steps <= 0) return ticks <= 0 && ticks > -JUMP.ticks;
    return ticks >= 0 && ticks <= (at - (this.#at ?? at)) * TICKS + JUMP.ticks;
  }
}

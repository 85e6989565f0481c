/** Counts one RTP stream at a receiver, from packet headers alone. */
import type { ConsumerInfo } from '../../../shared/protocol.ts';
import { Histogram } from '../statistics/Histogram.ts';
import { readNtp } from './clock.ts';
import { CAPTURE_TIME } from './parameters.ts';

/** Pause between video packets that counts as a gap, in milliseconds. */
const GAP = 200;
/** Attempts to have a missing packet retransmitted, and milliseconds between them. */
const NACK = { tries: 10, pause: 100 };
/** A larger jump of sequence numbers is a new stream, not a gap to repair. */
const JUMP = 1000;

/** Counts each packet once; its fields are the statistics. */
export class Receiver {
  readonly info: ConsumerInfo;
  readonly ssrc: number;
  readonly latency = new Histogram();
  readonly clockRate: number;
  /** Milliseconds since 1970; 0 for never. */
  firstAt = 0;
  /** When the first frame was complete: the SFU starts with a key frame, so a decoder can show it. */
  firstFrameAt = 0;
  distinct = 0;
  lost = 0;
  repaired = 0;
  duplicate = 0;
  bytes = 0;
  gaps = 0;
  longestGap = 0;
  /** In ticks of the clock (RFC 3550, section 6.4.1). */
  jitter = 0;
  /** Middle 32 bits of the last sender report's NTP time, and when it arrived. */
  lastReport = { ntp: 0, at: 0 };
  readonly #captureTime: number;
  readonly #isVideo: boolean;
  readonly #missing = new Map<number, { tries: number; at: number }>();
  /** Sequence numbers, unwrapped. */
  #first = -1;
  #highest = -1;
  #lastAt = 0;
  #transit = Number.NaN;
  #reported = { expected: 0, distinct: 0 };

  constructor(info: ConsumerInfo) {
    this.info = info;
    const { rtpParameters, kind } = info;
    this.ssrc = rtpParameters.encodings[0]?.ssrc ?? 0;
    this.clockRate = rtpParameters.codecs[0]?.clockRate ?? 90_000;
    this.#captureTime = rtpParameters.headerExtensions?.find(({ uri }) => uri === CAPTURE_TIME)?.id ?? 0;
    this.#isVideo = kind === 'video';
  }

  /** Sequence numbers from the first to the last one received. */
  get expected(): number {
    return this.#first < 0 ? 0 : this.#highest - this.#first + 1;
  }

  get highest(): number {
    return Math.max(0, this.#highest);
  }

  /**
   * @param size bytes of RTP without the SRTP tag @returns the one-way latency in milliseconds if the packet carries
   * its time
   */
  take(packet: Buffer, size: number, time: number): number | undefined {
    this.bytes += size;
    if (!this.#count(packet.readUInt16BE(2), time)) return undefined;
    const captured = this.#captureTime && (packet[0] ?? 0) & 0x10 ? this.#readCaptureTime(packet) : 0;
    if (this.#isVideo) this.#watchFrames(packet, time);
    if (captured === 0) return undefined;
    this.#watchJitter(packet.readUInt32BE(4), time);
    const latency = Math.max(0, time - captured);
    this.latency.add(latency);
    return latency;
  }

  /** Missing sequence numbers whose (next) retransmission request is due. */
  wanted(time: number): number[] {
    const wanted: number[] = [];
    for (const [sequence, state] of this.#missing) {
      if (time - state.at < NACK.pause) continue;
      if (state.tries >= NACK.tries) this.#missing.delete(sequence);
      else {
        state.tries += 1;
        state.at = time;
        wanted.push(sequence & 0xffff);
      }
    }
    return wanted;
  }

  /** Loss since the last receiver report: fraction in 1/256, and the total. */
  report(): { fraction: number; lost: number } {
    const { expected, distinct } = this;
    const due = expected - this.#reported.expected;
    const missing = Math.max(0, due - (distinct - this.#reported.distinct));
    this.#reported = { expected, distinct };
    return {
      fraction: due > 0 ? Math.min(255, Math.floor((missing * 256) / due)) : 0,
      lost: Math.max(0, expected - distinct),
    };
  }

  /** @returns whether the packet is the newest so far */
  #count(wire: number, time: number): boolean {
    if (this.#first < 0) {
      // Start one cycle above, so that a reordered packet does not get a negative number.
      this.#first = this.#highest = wire + 0x10000;
      this.firstAt = time;
      this.distinct = 1;
      this.#lastAt = time;
      return true;
    }
    const ahead = ((wire - this.#highest + 0x8000) & 0xffff) - 0x8000;
    if (ahead <= 0) {
      this.#late(this.#highest + ahead);
      return false;
    }
    if (ahead > 1) this.#miss(this.#highest + 1, this.#highest + ahead);
    this.#highest += ahead;
    this.distinct += 1;
    return true;
  }

  #miss(from: number, to: number): void {
    this.lost += to - from;
    if (to - from > JUMP) return;
    for (let sequence = from; sequence < to; sequence += 1) this.#missing.set(sequence, { tries: 0, at: 0 });
  }

  #late(sequence: number): void {
    if (this.#missing.delete(sequence)) {
      this.repaired += 1;
      this.distinct += 1;
    } else this.duplicate += 1;
  }

  #watchFrames(packet: Buffer, time: number): void {
    const pause = time - this.#lastAt;
    this.#lastAt = time;
    if (pause > this.longestGap) this.longestGap = pause;
    if (pause > GAP) this.gaps += 1;
    const isEnd = ((packet[1] ?? 0) & 0x80) !== 0;
    if (this.firstFrameAt === 0 && isEnd && this.distinct === this.expected) this.firstFrameAt = time;
  }

  #watchJitter(timestamp: number, time: number): void {
    const transit = (time * this.clockRate) / 1000 - timestamp;
    if (!Number.isNaN(this.#transit)) {
      const change = Math.abs(transit - this.#transit);
      // A timestamp that wrapped, or a source that jumped, is not jitter.
      if (change < this.clockRate) this.jitter += (change - this.jitter) / 16;
    }
    this.#transit = transit;
  }

  /** Parses one-byte header extensions (RFC 8285, section 4.2). @returns milliseconds since 1970, or 0 */
  #readCaptureTime(packet: Buffer): number {
    let offset = 12 + ((packet[0] ?? 0) & 0x0f) * 4;
    if (packet.readUInt16BE(offset) !== 0xbede) return 0;
    const end = offset + 4 + packet.readUInt16BE(offset + 2) * 4;
    offset += 4;
    while (offset < end) {
      const byte = packet[offset] ?? 0;
      offset += 1;
      if (byte === 0) continue;
      const length = (byte & 0x0f) + 1;
      if (byte >> 4 === this.#captureTime && length >= 8) return readNtp(packet, offset);
      offset += length;
    }
    return 0;
  }
}

/**
 * Detects speech in the packets of one microphone: its level, whether somebody speaks, and the packets of the last 300
 * ms.
 */
import {
  type ExtensionIds,
  levelByteOf,
  payloadEnd,
  payloadStart,
  payloadTypeOf,
  sequenceDistance,
  sequenceOf,
} from './rtp.ts';

/** Times in milliseconds. */
const TIMES = {
  /** Speech begins with three loud packets within this time, or with */
  burst: 80,
  /** two packets of long frames: at least this far apart, */
  longFrames: 35,
  /** at most this far, and no quiet one between them. */
  longest: 130,
  /** Speech ends when no packet was loud for so long. */
  hang: 400,
  /** How far back packets are kept. */
  preRoll: 300,
  /** Speech begins before the first loud packet: consonants are soft. */
  lead: 40,
  /** Time constant of the level. */
  smooth: 300,
} as const;

/** Levels in dBov: 0 is the loudest possible. */
const LEVELS = {
  silence: -127,
  /** Assumed for senders without the audio-level extension: loud, and yields to whoever is known to be louder. */
  unknown: -50,
  /** Bounds of the estimated background noise, and how fast the estimate grows, in dB per second. */
  quietest: -70,
  noisiest: -48,
  growth: 3,
  /** A packet this far above the noise is loud. */
  aboveNoise: 8,
} as const;

/** How many packets are kept at most: 300 ms of 10 ms frames. */
const CAPACITY = 32;
/** Packets per second that no Opus sender has: the shortest frames are 400. */
const MAX_PACKET_RATE = 600;
/** Opus packets without sound (DTX) are no longer than this, in bytes. */
const SILENT_PAYLOAD = 3;

/** A packet, and when it arrived. */
export interface TimedPacket {
  readonly packet: Buffer;
  /** In milliseconds of the clock of `add`. */
  readonly at: number;
}

export interface SpeechDetectorOptions {
  readonly id: string;
  /** Packets of other payload types are not Opus; they are ignored. */
  readonly payloadType: number;
  readonly extensions: ExtensionIds;
}

/** All times are milliseconds of one clock that never goes back; callers pass it. */
export class SpeechDetector {
  readonly id: string;
  readonly extensions: ExtensionIds;
  readonly #payloadType: number;
  /** A ring buffer: the next packet replaces the oldest. */
  readonly #packets: (Buffer | undefined)[] = new Array<Buffer | undefined>(CAPACITY).fill(undefined);
  readonly #arrivals = new Float64Array(CAPACITY);
  #next = 0;
  #lastAt = Number.NEGATIVE_INFINITY;
  /** When the current second began, and how many packets arrived in it. */
  #secondAt = Number.NEGATIVE_INFINITY;
  #packetsInSecond = 0;

  #level: number = LEVELS.silence;
  #noise: number = LEVELS.quietest;
  #setsVoiceFlag = false;

  #speaking = false;
  /** When speech began, and when a packet of it was last loud. */
  #onsetAt = Number.NEGATIVE_INFINITY;
  #heardAt = Number.NEGATIVE_INFINITY;
  /** When the last two loud packets arrived, and whether a quiet one has followed. */
  #loudAt = Number.NEGATIVE_INFINITY;
  #loudBefore = Number.NEGATIVE_INFINITY;
  #quietSince = true;

  constructor({ id, payloadType, extensions }: SpeechDetectorOptions) {
    this.id = id;
    this.extensions = extensions;
    this.#payloadType = payloadType;
  }

  /** The level of the current or last speech, in dBov (0 is the loudest); pauses do not count. */
  get level(): number {
    return this.#level;
  }

  /** Whether somebody speaks: from about 60 ms after the first loud packet until 400 ms after the last. */
  isSpeaking(at: number): boolean {
    return this.#speaking && at - this.#heardAt < TIMES.hang;
  }

  /** For how long nobody has spoken, in milliseconds; Infinity if nobody ever has. */
  silence(at: number): number {
    return at - this.#heardAt;
  }

  /** Whether more packets arrive than an Opus sender can have. */
  get exceedsRate(): boolean {
    return this.#packetsInSecond > MAX_PACKET_RATE;
  }

  /**
   * Adds a packet that arrived at `at`. It is kept, not copied.
   * @returns false for what is not an Opus packet of this microphone
   */
  add(packet: Buffer, at: number): boolean {
    if (at - this.#secondAt >= 1000) {
      this.#secondAt = at;
      this.#packetsInSecond = 0;
    }
    this.#packetsInSecond += 1;
    const start = payloadStart(packet);
    if (start < 0 || payloadTypeOf(packet) !== this.#payloadType) return false;
    this.#packets[this.#next] = packet;
    this.#arrivals[this.#next] = at;
    this.#next = (this.#next + 1) % CAPACITY;

    const byte = levelByteOf(packet, this.extensions.level);
    if (byte < 0) {
      if (payloadEnd(packet, start) - start > SILENT_PAYLOAD) this.#onLoud(LEVELS.unknown, at);
      else this.#quietSince = true;
    } else {
      const level = -(byte & 0x7f);
      if (this.#isLoud(level, byte > 0x7f, at)) this.#onLoud(level, at);
      else this.#quietSince = true;
    }
    this.#lastAt = at;
    return true;
  }

  /**
   * The packets since the onset of speech, in order, if that was within the last 300 ms: what is to be sent before the
   * next.
   */
  preRoll(at: number): TimedPacket[] {
    const packets: TimedPacket[] = [];
    if (!this.isSpeaking(at) || at - this.#onsetAt > TIMES.preRoll) return packets;
    const since = Math.max(at - TIMES.preRoll, this.#onsetAt - TIMES.lead);
    for (let back = CAPACITY; back > 0; back -= 1) {
      const index = (this.#next + CAPACITY - back) % CAPACITY;
      const packet = this.#packets[index];
      const arrival = this.#arrivals[index] ?? 0;
      if (packet && arrival >= since) packets.push({ packet, at: arrival });
    }
    return packets.sort((a, b) => sequenceDistance(sequenceOf(b.packet), sequenceOf(a.packet)));
  }

  /** The microphone was muted: nobody speaks, and no packets are kept. */
  mute(): void {
    this.#packets.fill(undefined);
    this.#speaking = false;
    this.#heardAt = Number.NEGATIVE_INFINITY;
    this.#loudAt = Number.NEGATIVE_INFINITY;
    this.#loudBefore = Number.NEGATIVE_INFINITY;
  }

  /**
   * A packet is loud if it stands out from the background noise. The estimate of the noise is the minimum of the
   * levels, and grows slowly: a fan counts as speech for seconds at most, and speech has pauses.
   */
  #isLoud(level: number, voice: boolean, at: number): boolean {
    // Time without packets says nothing about the noise.
    const elapsed = Math.min(at - this.#lastAt, TIMES.longest);
    const grown = Math.min(this.#noise + (elapsed * LEVELS.growth) / 1000, LEVELS.noisiest);
    this.#noise = Math.max(LEVELS.quietest, Math.min(grown, level));
    this.#setsVoiceFlag ||= voice;
    // A missing voice flag counts only for a sender that has set it before: many never set it.
    return level >= this.#noise + LEVELS.aboveNoise && (voice || !this.#setsVoiceFlag);
  }

  #onLoud(level: number, at: number): void {
    if (this.#speaking && at - this.#heardAt >= TIMES.hang) this.#speaking = false;
    if (this.#speaking) {
      this.#level += (level - this.#level) * Math.min(1, (at - this.#lastAt) / TIMES.smooth);
      this.#heardAt = at;
    } else {
      const sinceLast = at - this.#loudAt;
      const burst = at - this.#loudBefore <= TIMES.burst;
      if (burst || (!this.#quietSince && sinceLast >= TIMES.longFrames && sinceLast <= TIMES.longest)) {
        this.#speaking = true;
        this.#onsetAt = burst ? this.#loudBefore : this.#loudAt;
        this.#heardAt = at;
        this.#level = level;
      }
    }
    this.#loudBefore = this.#loudAt;
    this.#loudAt = at;
    this.#quietSince = false;
  }
}

/** Owns one microphone as it is heard: how loud it is, whether somebody speaks, and the packets of the last moment. */
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
  /** So near one another are three loud packets with which speech begins, or ... */
  burst: 80,
  /** ... two, if they are of long frames: no nearer than this, and no quiet one between them. */
  longFrames: 35,
  longest: 130,
  /** Speech is over when nothing was loud for so long. */
  hang: 400,
  /** What is kept of the past. */
  kept: 300,
  /** Speech begins before it is loud: consonants are soft. */
  lead: 40,
  /** How fast the level follows. */
  smooth: 300,
} as const;

/** Levels in dBov: 0 is the loudest that can be. */
const LEVELS = {
  silence: -127,
  /** Taken for somebody who does not say how loud: audible, and yields to whoever is known to be louder. */
  unknown: -50,
  /** Bounds of the noise that is taken for a room's, and how fast it may seem to grow, in dB a second. */
  quietest: -70,
  noisiest: -48,
  growth: 3,
  /** So far above the noise is loud. */
  aboveNoise: 8,
} as const;

/** Packets that are kept at most: 300 ms of 10 ms frames. */
const CAPACITY = 32;
/** Packets a second that no Opus sender has: its shortest frames are 400. */
const FLOOD = 600;
/** Opus without sound (DTX) is no longer than this, in bytes. */
const SILENT_PAYLOAD = 3;

/** A packet as it came in. */
export interface TimedPacket {
  readonly packet: Buffer;
  /** When, in milliseconds of the clock that `take` was told. */
  readonly at: number;
}

export interface SpeechDetectorOptions {
  readonly id: string;
  /** Packets of other payload types are not Opus, and ignored. */
  readonly payloadType: number;
  readonly extensions: ExtensionIds;
}

/** All times are milliseconds of one clock that never goes back; it is handed in. */
export class SpeechDetector {
  readonly id: string;
  readonly extensions: ExtensionIds;
  readonly #payloadType: number;
  /** A ring: the next packet takes the place of the oldest. */
  readonly #packets: (Buffer | undefined)[] = new Array<Buffer | undefined>(CAPACITY).fill(undefined);
  readonly #arrivals = new Float64Array(CAPACITY);
  #next = 0;
  #lastAt = Number.NEGATIVE_INFINITY;
  /** A second that began then, and the packets in it. */
  #secondAt = Number.NEGATIVE_INFINITY;
  #inSecond = 0;

  #level: number = LEVELS.silence;
  #noise: number = LEVELS.quietest;
  #flagsVoice = false;

  #speaking = false;
  /** When speech began, and when of it something was loud at last. */
  #onsetAt = Number.NEGATIVE_INFINITY;
  #heardAt = Number.NEGATIVE_INFINITY;
  /** The last two loud packets, and whether a quiet one came after them. */
  #loudAt = Number.NEGATIVE_INFINITY;
  #loudBefore = Number.NEGATIVE_INFINITY;
  #quietSince = true;

  constructor({ id, payloadType, extensions }: SpeechDetectorOptions) {
    this.id = id;
    this.extensions = extensions;
    this.#payloadType = payloadType;
  }

  /** How loud it speaks, or spoke last, in dBov (0 is the loudest); pauses do not count. */
  get level(): number {
    return this.#level;
  }

  /** Whether somebody speaks: from about 60 ms after it gets loud until 400 ms after it was. */
  isSpeaking(at: number): boolean {
    return this.#speaking && at - this.#heardAt < TIMES.hang;
  }

  /** How long nobody has spoken, in milliseconds; Infinity if nobody ever has. */
  silence(at: number): number {
    return at - this.#heardAt;
  }

  /** Whether more packets come than sound can be made of. */
  get exceedsRate(): boolean {
    return this.#inSecond > FLOOD;
  }

  /**
   * Hears a packet that came at `at`. It is kept, not copied.
   * @returns false for what is no Opus packet of this microphone
   */
  add(packet: Buffer, at: number): boolean {
    if (at - this.#secondAt >= 1000) {
      this.#secondAt = at;
      this.#inSecond = 0;
    }
    this.#inSecond += 1;
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

  /** What is worth hearing of the past: from where speech began, if that was within the last 300 ms; in order. */
  preRoll(at: number): TimedPacket[] {
    const kept: TimedPacket[] = [];
    if (!this.isSpeaking(at) || at - this.#onsetAt > TIMES.kept) return kept;
    const since = Math.max(at - TIMES.kept, this.#onsetAt - TIMES.lead);
    for (let back = CAPACITY; back > 0; back -= 1) {
      const index = (this.#next + CAPACITY - back) % CAPACITY;
      const packet = this.#packets[index];
      const arrival = this.#arrivals[index] ?? 0;
      if (packet && arrival >= since) kept.push({ packet, at: arrival });
    }
    return kept.sort((a, b) => sequenceDistance(sequenceOf(b.packet), sequenceOf(a.packet)));
  }

  /** It was muted: nobody speaks, and nothing that was said is kept. */
  mute(): void {
    this.#packets.fill(undefined);
    this.#speaking = false;
    this.#heardAt = Number.NEGATIVE_INFINITY;
    this.#loudAt = Number.NEGATIVE_INFINITY;
    this.#loudBefore = Number.NEGATIVE_INFINITY;
  }

  /**
   * Loud is what stands out from the noise of the room. The noise is the quietest that there was, and seems to grow while
   * nothing quieter comes: a fan is no voice for more than seconds, and speech has pauses.
   */
  #isLoud(level: number, voice: boolean, at: number): boolean {
    // Where no packets came, nothing is known of the noise.
    const passed = Math.min(at - this.#lastAt, TIMES.longest);
    const grown = Math.min(this.#noise + (passed * LEVELS.growth) / 1000, LEVELS.noisiest);
    this.#noise = Math.max(LEVELS.quietest, Math.min(grown, level));
    this.#flagsVoice ||= voice;
    // That it is no voice means something only from a sender that says so of others: many never set the flag.
    return level >= this.#noise + LEVELS.aboveNoise && (voice || !this.#flagsVoice);
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

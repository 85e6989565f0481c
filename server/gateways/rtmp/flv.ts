/** FLV: the header and tags that ffmpeg reads, and what audio and video messages say about their streams. */
import { WeirError } from '../../../shared/errors.ts';
import { messageType, type RtmpMessage } from './chunks.ts';

/** What a stream turns out to be from its first messages. */
export interface StreamContent {
  readonly hasAudio: boolean;
  readonly hasVideo: boolean;
  /** Why browsers cannot show the video as it is; undefined where they can: H264 of a usual profile, without B-frames. */
  readonly whyNotCopied: string | undefined;
}

const AVC = 7;
const AVC_SEQUENCE_HEADER = 0;
const AVC_NALU = 1;
/** `profile_idc` of H264 that browsers decode: Baseline, Main, High. */
const PROFILES: ReadonlySet<number> = new Set([66, 77, 100]);
/** A video that is not in the original FLV (Enhanced RTMP). */
const EXTENDED_VIDEO = 0x80;
/** An audio that is not. */
const EXTENDED_AUDIO = 9;

/** B-frames show in the first frames: so many are looked at, or so much time. */
const FRAMES = 12;
const TIME = 1500;

/** The header of a file with these streams. */
export function flvHeader({ hasAudio, hasVideo }: Pick<StreamContent, 'hasAudio' | 'hasVideo'>): Buffer {
  const flags = (hasAudio ? 4 : 0) | (hasVideo ? 1 : 0);
  return Buffer.from([0x46, 0x4c, 0x56, 1, flags, 0, 0, 0, 9, 0, 0, 0, 0]);
}

/** A tag of a file, with its length after it. */
export function flvTag({ type, timestamp, payload }: RtmpMessage): Buffer {
  const head = Buffer.alloc(11);
  head.writeUInt8(type);
  head.writeUIntBE(payload.length, 1, 3);
  head.writeUIntBE(timestamp & 0xff_ffff, 4, 3);
  head.writeUInt8(timestamp >>> 24, 7);
  const tail = Buffer.alloc(4);
  tail.writeUInt32BE(head.length + payload.length);
  return Buffer.concat([head, payload, tail]);
}

/** Looks at the first messages of a stream. */
export class StreamInspector {
  #hasAudio = false;
  #hasVideo = false;
  #profile: number | undefined;
  #frames = 0;
  #reorders = false;
  #startedAt: number | undefined;
  #latest = 0;

  /**
   * Looks at a message.
   * @returns whether enough is known
   * @throws {WeirError} `unsupported`
   */
  look({ type, timestamp, payload }: RtmpMessage): boolean {
    if (payload.length === 0) return this.#isKnown;
    if (type === messageType.audio) this.#lookAtAudio(payload);
    else if (type === messageType.video) this.#lookAtVideo(payload);
    else return this.#isKnown;
    this.#startedAt ??= timestamp;
    this.#latest = timestamp;
    return this.#isKnown;
  }

  get content(): StreamContent {
    return { hasAudio: this.#hasAudio, hasVideo: this.#hasVideo, whyNotCopied: this.#whyNotCopied };
  }

  get #isKnown(): boolean {
    if (this.#startedAt === undefined) return false;
    if (this.#latest - this.#startedAt >= TIME) return true;
    return this.#hasAudio && this.#frames >= FRAMES;
  }

  get #whyNotCopied(): string | undefined {
    if (!this.#hasVideo) return undefined;
    if (this.#reorders) return 'it has B-frames';
    if (this.#profile === undefined || PROFILES.has(this.#profile)) return undefined;
    return `its H264 profile (${this.#profile}) is none that browsers decode`;
  }

  #lookAtAudio(payload: Buffer): void {
    if (payload.readUInt8() >> 4 === EXTENDED_AUDIO) {
      throw new WeirError('unsupported', 'The audio is none of RTMP: send AAC.');
    }
    this.#hasAudio = true;
  }

  #lookAtVideo(payload: Buffer): void {
    const first = payload.readUInt8();
    if ((first & EXTENDED_VIDEO) !== 0 || (first & 0x0f) !== AVC) {
      const fourCc =
        (first & EXTENDED_VIDEO) !== 0 ? payload.subarray(1, 5).toString('latin1') : `codec ${first & 0x0f}`;
      throw new WeirError('unsupported', `The video is ${fourCc.replace(/[^\w ]/g, '?')}: send H264.`);
    }
    if (payload.length < 5) return;
    const packetType = payload.readUInt8(1);
    this.#hasVideo = true;
    // AVCDecoderConfigurationRecord: version, profile.
    if (packetType === AVC_SEQUENCE_HEADER && payload.length > 6) this.#profile = payload.readUInt8(6);
    if (packetType !== AVC_NALU) return;
    this.#frames += 1;
    // Frames that are shown at another time than they are decoded are reordered.
    if (payload.readIntBE(2, 3) !== 0) this.#reorders = true;
  }
}

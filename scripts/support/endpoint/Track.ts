/** One sent layer of a member: prepared frames as RTP in real time, with key frames and retransmissions on request. */
import { randomInt } from 'node:crypto';
import { RtcpSenderInfo, RtcpSrPacket, RtpHeader } from 'werift';
import type { ClientTransport } from '../../../server/ice/probe/ClientTransport.ts';
import { setPictureId } from '../media/packetise.ts';
import type { Stream } from '../media/Stream.ts';
import { now, toNtp } from './clock.ts';
import { payloadTypeOf, sent } from './parameters.ts';

/** Packets kept for retransmission. */
const KEPT = 512;
/** Maximum delay of a sender before it skips frames instead of catching up, in milliseconds. */
const LATE = 500;
/** Audio levels up to this count as speech, in -dBov. */
const SPEECH = 60;
const ONE_BYTE = 0xbede;

/** What carries the packets of a track: a connected transport, or something that sends them unprotected. */
export type TrackTransport = Pick<ClientTransport, 'protect' | 'send'>;

/** One SSRC: a whole track, or one layer of it. */
export class Track {
  readonly ssrc: number;
  readonly stream: Stream;
  /** Packets sent, retransmissions not counted. */
  packets = 0;
  bytes = 0;
  repeats = 0;
  keyFrameRequests = 0;
  paused = false;
  /** Whether the server has demand for this layer. */
  watched = true;
  /** The audio level in its packets, in -dBov (RFC 6464): 127 is silence. */
  level = 25;
  readonly #transport: TrackTransport;
  readonly #payloadType: number;
  readonly #mid: Buffer;
  readonly #kept = new Map<number, Buffer>();
  #sequence = randomInt(0x10000);
  #timestamp = randomInt(0x1_0000_0000);
  #pictureId = randomInt(0x8000);
  #index = 0;
  #wantsKeyFrame = false;
  /** When the next frame is due, in milliseconds since 1970. */
  #dueAt = 0;

  constructor(transport: TrackTransport, stream: Stream, ssrc: number, mid: string) {
    this.#transport = transport;
    this.stream = stream;
    this.ssrc = ssrc;
    this.#payloadType = payloadTypeOf(stream);
    this.#mid = Buffer.from(mid);
  }

  /** Sends every frame that is due. */
  run(time: number): void {
    if (this.#dueAt === 0 || time - this.#dueAt > LATE) this.#dueAt = time;
    while (this.#dueAt <= time) {
      const ticks = this.#nextFrame();
      this.#dueAt += (ticks / this.stream.clockRate) * 1000;
    }
  }

  /** Makes the next frame a key frame. */
  requestKeyFrame(): void {
    this.keyFrameRequests += 1;
    this.#wantsKeyFrame = true;
  }

  /** Pauses or resumes this layer by demand; it resumes with a key frame. */
  setWatched(watched: boolean): void {
    if (watched && !this.watched) this.#wantsKeyFrame = true;
    this.watched = watched;
  }

  /** Retransmits the requested packets that are still kept. */
  repeat(sequences: readonly number[]): void {
    for (const sequence of sequences) {
      const packet = this.#kept.get(sequence);
      if (!packet) continue;
      this.repeats += 1;
      this.#transport.send(packet);
    }
  }

  /** Lets receivers synchronise streams (RFC 3550, section 6.4.1). */
  senderReport(): RtcpSrPacket {
    const elapsed = this.#dueAt === 0 ? 0 : now() - this.#dueAt;
    const rtpTimestamp = (this.#timestamp + Math.round((elapsed * this.stream.clockRate) / 1000)) >>> 0;
    return new RtcpSrPacket({
      ssrc: this.ssrc,
      senderInfo: new RtcpSenderInfo({
        ntpTimestamp: toNtp(now()),
        rtpTimestamp,
        packetCount: this.packets,
        octetCount: this.bytes >>> 0,
      }),
    });
  }

  /** @returns the duration of the frame, in ticks */
  #nextFrame(): number {
    const { frames } = this.stream;
    if (this.#wantsKeyFrame) {
      this.#wantsKeyFrame = false;
      while (!frames[this.#index]?.key) this.#index = (this.#index + 1) % frames.length;
    }
    const frame = frames[this.#index];
    if (!frame) throw new Error('a stream needs a frame');
    this.#index = (this.#index + 1) % frames.length;
    if (!this.paused && this.watched) {
      frame.payloads.forEach((payload, place) => {
        this.#send(payload, place === 0, place === frame.payloads.length - 1);
      });
    }
    this.#timestamp = (this.#timestamp + frame.ticks) >>> 0;
    this.#pictureId = (this.#pictureId + 1) & 0x7fff;
    return frame.ticks;
  }

  #send(payload: Buffer, isFirst: boolean, isLast: boolean): void {
    const time = now();
    const isVp8 = this.stream.mimeType === 'video/VP8';
    if (isVp8) setPictureId(payload, this.#pictureId);
    const extensions: { id: number; payload: Buffer }[] = [
      { id: sent.mid, payload: this.#mid },
      { id: sent.absSendTime, payload: absSendTime(time) },
    ];
    if (isFirst) extensions.push({ id: sent.captureTime, payload: ntpBytes(time) });
    if (this.stream.mimeType === 'audio/opus') {
      extensions.push({ id: sent.audioLevel, payload: Buffer.of((this.level < SPEECH ? 0x80 : 0) | this.level) });
    }
    const header = new RtpHeader({
      payloadType: this.#payloadType,
      sequenceNumber: this.#sequence,
      timestamp: this.#timestamp,
      ssrc: this.ssrc,
      // For audio the marker means the first packet after silence only (RFC 3551, section 4.1).
      marker: isLast && this.stream.clockRate === 90_000,
      extension: true,
      extensionProfile: ONE_BYTE,
      extensions,
    });
    const packet = this.#transport.protect(header, payload);
    this.#transport.send(packet);
    this.#kept.set(this.#sequence, packet);
    this.#kept.delete((this.#sequence - KEPT) & 0xffff);
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.packets += 1;
    this.bytes += payload.length;
  }
}

/** 6 bits of seconds, 18 bits of their fraction. */
function absSendTime(time: number): Buffer {
  const value = Math.floor((time / 1000) * 2 ** 18) % 2 ** 24;
  const bytes = Buffer.alloc(3);
  bytes.writeUIntBE(value, 0, 3);
  return bytes;
}

function ntpBytes(time: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(toNtp(time));
  return bytes;
}

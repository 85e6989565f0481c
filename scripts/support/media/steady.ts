/** Synthetic streams of an exact packet rate that pass for VP8 and Opus and are never decoded. */
import { packetiseVp8, vp8DescriptorBytes } from './packetise.ts';
import type { Frame, Stream } from './Stream.ts';

export interface SteadyOptions {
  readonly packetsPerFrame: number;
  /** Bytes of every payload, with its descriptor of 6 bytes. */
  readonly payloadBytes: number;
  readonly framesPerSecond: number;
  /** Frames from a key frame to the next one, which is also the length of the loop. */
  readonly keyEvery: number;
  /** Size in pixels, as written into key frames. */
  readonly width?: number;
  readonly height?: number;
}

/** Bytes of a key frame's header: frame tag, start code, width and height. */
const keyHeaderBytes = 10;
/** Maximum payload of a stream, in bytes. */
const mostBytes = 1150;
const clockRate = 90_000;

/** Packets of 20 ms, 50 a second, of `payloadBytes` each: 80 are 32 kbit/s. */
export function steadyVoice(payloadBytes = 80): Stream {
  within('payloadBytes', payloadBytes, 1, mostBytes);
  // The first byte says 20 ms of CELT (RFC 6716, section 3.1); the rest is never decoded.
  const payload = Buffer.alloc(payloadBytes, 0x57);
  payload[0] = 0xfc;
  return {
    mimeType: 'audio/opus',
    clockRate: 48_000,
    frames: [{ payloads: [payload], key: true, ticks: 960 }],
    width: 0,
    height: 0,
  };
}

/** Packets of 20 ms that decode to silence: an Opus frame of full band without energy. */
export function silence(): Stream {
  const payload = Buffer.of(0xf8, 0xff, 0xfe);
  return { ...steadyVoice(), frames: [{ payloads: [payload], key: true, ticks: 960 }] };
}

/** @throws {RangeError} where such a stream is impossible */
export function steadyVideo(options: SteadyOptions): Stream {
  const { packetsPerFrame, payloadBytes, framesPerSecond, keyEvery, width = 1280, height = 720 } = options;
  within('packetsPerFrame', packetsPerFrame, 1, 1000);
  within('payloadBytes', payloadBytes, vp8DescriptorBytes + keyHeaderBytes, mostBytes);
  within('keyEvery', keyEvery, 1, 100_000);
  within('width', width, 1, 0x3fff);
  within('height', height, 1, 0x3fff);
  const ticks = clockRate / framesPerSecond;
  within(`90000 / framesPerSecond (${framesPerSecond})`, ticks, 1, clockRate);

  const bytes = packetsPerFrame * (payloadBytes - vp8DescriptorBytes);
  const frames = Array.from({ length: keyEvery }, (_, index): Frame => {
    const key = index === 0;
    return { payloads: packetiseVp8(vp8Frame(key, bytes, width, height), index, payloadBytes), key, ticks };
  });
  return { mimeType: 'video/VP8', clockRate, frames, width, height };
}

/** A frame header as in RFC 6386, section 9.1, and filler. */
function vp8Frame(key: boolean, bytes: number, width: number, height: number): Buffer {
  // Non-zero filler, which resembles the output of an entropy coder.
  const frame = Buffer.alloc(bytes, Buffer.from([0x57, 0xe1, 0x2c, 0x9a, 0x3d]));
  // From the lowest bit: 0 in key frames, version (3 bits) 0, show_frame 1, size of the first partition (19 bits).
  const partition = Math.min(bytes - keyHeaderBytes, 0x7ffff);
  frame.writeUIntLE((key ? 0 : 1) | (1 << 4) | (partition << 5), 0, 3);
  if (key) {
    frame.set([0x9d, 0x01, 0x2a], 3);
    frame.writeUInt16LE(width, 6);
    frame.writeUInt16LE(height, 8);
  }
  return frame;
}

function within(what: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${what} is ${value}; it has to be a whole number from ${least} to ${most}`);
  }
}

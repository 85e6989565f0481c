/** Tests of parsing and rewriting RTP packets, including malformed ones. */
import { expect, test } from 'vitest';
import { randomFrom } from '../../scripts/support/random.ts';
import {
  EXTENSIONS,
  extensionOf,
  levelByteOf,
  markerOf,
  payloadEnd,
  payloadStart,
  payloadTypeOf,
  rewrite,
  sequenceDistance,
  sequenceOf,
  ssrcOf,
  timestampDistance,
  timestampOf,
} from '../../server/media/audio/rtp.ts';
import { SlotStream } from '../../server/media/audio/SlotStream.ts';
import { SpeechDetector } from '../../server/media/audio/SpeechDetector.ts';
import { voiceExtensions, voicePacket } from '../support/talkers.ts';

const { level: LEVEL, captureTime: CAPTURE } = voiceExtensions;
const [outLevel, outCapture] = EXTENSIONS;
const header = { ssrc: 7, payloadType: 100, sequence: 1, timestamp: 2, marker: false };

/** A packet with a header extension of these bytes, padded with zeros to whole words. */
function withExtension(profile: number, bytes: readonly number[], contributors = 0): Buffer {
  const words = Math.ceil(bytes.length / 4);
  const start = 12 + 4 * contributors;
  const packet = Buffer.alloc(start + 4 + 4 * words + 3, 0);
  packet[0] = 0x90 | contributors;
  packet[1] = 0x80 | 100;
  packet.writeUInt16BE(profile, start);
  packet.writeUInt16BE(words, start + 2);
  packet.set(bytes, start + 4);
  packet.set([1, 2, 3], packet.length - 3);
  return packet;
}

test('parses an RTP header with contributing sources, extension and padding', () => {
  const packet = withExtension(0xbede, [0x10, 0x85], 2);
  packet.writeUInt16BE(65_535, 2);
  packet.writeUInt32BE(0xffff_ff00, 4);
  packet.writeUInt32BE(0x8000_0001, 8);
  expect(payloadStart(packet)).toBe(12 + 8 + 8);
  expect(payloadEnd(packet, payloadStart(packet))).toBe(packet.length);
  expect([payloadTypeOf(packet), markerOf(packet)]).toEqual([100, true]);
  expect([sequenceOf(packet), timestampOf(packet), ssrcOf(packet)]).toEqual([65_535, 0xffff_ff00, 0x8000_0001]);
  expect(levelByteOf(packet, 1)).toBe(0x85);

  const padded = Buffer.concat([packet, Buffer.from([0, 0, 3])]);
  padded[0] = (padded[0] ?? 0) | 0x20;
  expect(payloadEnd(padded, payloadStart(padded))).toBe(packet.length);
  // Padding longer than the payload leaves none.
  padded[padded.length - 1] = 200;
  expect(payloadEnd(padded, payloadStart(padded))).toBe(payloadStart(padded));
});

test('finds one-byte and two-byte header extensions by id', () => {
  // Padding, an element of three bytes, the level, and data after the end mark of one-byte elements.
  const short = withExtension(0xbede, [0, 0x42, 9, 9, 9, 0x10, 0x23, 0xf0, 0, 0x50, 1]);
  expect(extensionOf(short, 4)).toEqual(Buffer.from([9, 9, 9]));
  expect(levelByteOf(short, 1)).toBe(0x23);
  expect(levelByteOf(short, 5)).toBe(-1);
  const long = withExtension(0x1003, [4, 0, 0, 20, 1, 0x8a, 200, 2, 7, 8]);
  expect(levelByteOf(long, 20)).toBe(0x8a);
  expect(extensionOf(long, 200)).toEqual(Buffer.from([7, 8]));
  expect(extensionOf(long, 4)).toEqual(Buffer.alloc(0));
  // An element of length 0 has no first byte.
  expect(levelByteOf(long, 4)).toBe(-1);
  expect(levelByteOf(withExtension(0x1234, [0x10, 0x23]), 1)).toBe(-1);
  expect(levelByteOf(long, undefined)).toBe(-1);
  // An element that extends beyond the extension is ignored: the bytes there are payload.
  expect(extensionOf(withExtension(0xbede, [0x10, 0x23, 0, 0x41]), 4)).toBeUndefined();
  expect(extensionOf(withExtension(0x1000, [0, 0, 4, 1]), 4)).toBeUndefined();
});

test('rejects what is not RTP, or is truncated anywhere', () => {
  for (const bytes of [[], [0x80], [0x40, ...new Array<number>(20).fill(0)], new Array<number>(12).fill(0xff)]) {
    expect(payloadStart(Buffer.from(bytes))).toBe(-1);
  }
  const packet = withExtension(0xbede, [0x10, 0x85, 0x20, 1], 3);
  const start = payloadStart(packet);
  for (let length = 0; length < packet.length; length += 1) {
    expect(payloadStart(packet.subarray(0, length))).toBe(length < start ? -1 : start);
  }
});

test('no packet makes it throw or read beyond its end', () => {
  const random = randomFrom(1);
  const voice = new SpeechDetector({ id: 'x', payloadType: 100, extensions: { level: LEVEL, captureTime: CAPTURE } });
  const slot = new SlotStream(1);
  slot.assign(voice);
  let taken = 0;
  for (let round = 0; round < 5000; round += 1) {
    const sound = voicePacket({ ssrc: 1, sequence: round, level: -20, captureTime: 0xabn });
    for (let flips = random.int(6); flips > 0; flips -= 1) sound[random.int(24)] = random.int(256);
    // The memory behind the packet belongs to another buffer.
    const packet = sound.subarray(0, random.int(sound.length + 1));
    for (const id of [LEVEL, CAPTURE, random.int(256)]) {
      const value = extensionOf(packet, id);
      if (value) expect(value.byteOffset + value.length).toBeLessThanOrEqual(packet.byteOffset + packet.length);
      expect(levelByteOf(packet, id)).toBeLessThan(256);
    }
    if (!voice.add(packet, round * 20)) continue;
    taken += 1;
    const copy = slot.write({ packet, at: round * 20 });
    if (copy) expect(payloadStart(copy)).toBeGreaterThan(0);
  }
  // Some packets must have been accepted.
  expect(taken).toBeGreaterThan(500);
});

test('a copy has another header, the same payload, and only the level and capture time extensions, under its own ids', () => {
  const ids = { level: LEVEL, captureTime: CAPTURE };
  const original = voicePacket({ ssrc: 5, sequence: 9, level: -30, voice: true, captureTime: 0x1122_3344_5566_7788n });
  const copy = rewrite(original, ids, {
    ssrc: 7,
    payloadType: 96,
    sequence: 65_535,
    timestamp: 0xffff_ffff,
    marker: true,
  });
  expect([ssrcOf(copy), payloadTypeOf(copy), sequenceOf(copy), timestampOf(copy), markerOf(copy)]).toEqual([
    7,
    96,
    65_535,
    0xffff_ffff,
    true,
  ]);
  expect(copy.subarray(payloadStart(copy))).toEqual(original.subarray(payloadStart(original)));
  expect(levelByteOf(copy, outLevel.id)).toBe(0x80 | 30);
  expect(extensionOf(copy, outCapture.id)).toEqual(Buffer.from('1122334455667788', 'hex'));
  // The original is unchanged.
  expect([ssrcOf(original), sequenceOf(original)]).toEqual([5, 9]);

  const bare = rewrite(voicePacket({ ssrc: 5, sequence: 9 }), ids, header);
  expect(payloadStart(bare)).toBe(12);
  const foreign = rewrite(
    withExtension(0x1000, [1, 1, 50, 2, 20, ...new Array<number>(20).fill(0)], 2),
    { level: 1, captureTime: 2 },
    header,
  );
  expect(levelByteOf(foreign, outLevel.id)).toBe(50);
  expect(extensionOf(foreign, outCapture.id)).toBeUndefined();
  expect(foreign.subarray(payloadStart(foreign))).toEqual(Buffer.from([1, 2, 3]));
});

test('differences of sequence numbers and timestamps cross the wrap-around', () => {
  expect(sequenceDistance(65_535, 1)).toBe(2);
  expect(sequenceDistance(1, 65_535)).toBe(-2);
  expect(timestampDistance(0xffff_fff0, 16)).toBe(32);
  expect(timestampDistance(16, 0xffff_fff0)).toBe(-32);
});

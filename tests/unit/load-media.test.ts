/**
 * Tests of the load tester's media: container parsing, packetisation, synthetic streams; an independent depacketiser
 * checks them.
 */

import { describe, expect, test } from 'vitest';
import { H264RtpPayload, Vp8RtpPayload } from 'werift';
import { opusTicks, parseAnnexB, parseIvf, parseOggOpus } from '../../scripts/support/media/containers.ts';
import {
  packetiseH264,
  packetiseOpus,
  packetiseVp8,
  payloadLimit,
  setPictureId,
} from '../../scripts/support/media/packetise.ts';
import { prepareStreams, prepareVoice } from '../../scripts/support/media/prepare.ts';
import { bitrateOf } from '../../scripts/support/media/Stream.ts';
import { steadyVideo } from '../../scripts/support/media/steady.ts';

/** Bytes that differ from one another, the first of which is `first`. */
const counted = (length: number, first = 1) =>
  Buffer.from(Array.from({ length }, (_, i) => (i === 0 ? first : i % 251)));

describe('VP8 payloads', () => {
  test('a frame in one payload: descriptor with a PictureID of 15 bits, TL0PICIDX and TID, then the frame', () => {
    expect(packetiseVp8(Buffer.from('aabbcc', 'hex'), 0x1234)).toEqual([
      Buffer.from('90e0923434' + '00' + 'aabbcc', 'hex'),
    ]);
  });

  test('a frame in several: only the first has the S bit, all are of similar size, all belong to one picture', () => {
    const payloads = packetiseVp8(Buffer.from('0102030405060708090a', 'hex'), 5, 10);
    expect(payloads.map((payload) => payload.toString('hex'))).toEqual([
      '90e080050500010203',
      '80e080050500040506',
      '80e0800505000708090a',
    ]);
  });

  test.each([1, 1093, 1094, 1095, 2188, 2189, 50_000])('a frame of %i bytes is reassembled', (length) => {
    const frame = counted(length);
    const payloads = packetiseVp8(frame, 7);
    expect(payloads.every((payload) => payload.length <= payloadLimit)).toBe(true);
    const read = payloads.map((payload) => Vp8RtpPayload.deSerialize(payload));
    expect(Buffer.concat(read.map(({ payload }) => payload))).toEqual(frame);
    expect(read.every(({ pictureId }) => pictureId === 7)).toBe(true);
    expect(read.map(({ sBit }) => sBit)).toEqual(read.map((_, index) => (index === 0 ? 1 : 0)));
  });

  test('a picture is renumbered in place, and numbers wrap after 15 bits', () => {
    const packet = Buffer.concat([Buffer.alloc(12, 0xff), ...packetiseVp8(Buffer.from([1, 2]), 3)]);
    setPictureId(packet, 0x7fff, 12);
    expect(packet.toString('hex', 12)).toBe('90e0ffffff000102');
    setPictureId(packet, 0x8000, 12);
    expect(packet.toString('hex', 12)).toBe('90e0800000000102');
    expect(packet.subarray(0, 12)).toEqual(Buffer.alloc(12, 0xff));
  });

  test('an empty frame, and a limit without room for payload, are rejected', () => {
    expect(() => packetiseVp8(Buffer.alloc(0), 0)).toThrow('empty');
    expect(() => packetiseVp8(Buffer.from([1]), 0, 6)).toThrow('no room');
  });
});

describe('H264 payloads', () => {
  const sps = Buffer.from('6742e01f', 'hex');
  const pps = Buffer.from('48ce3c80', 'hex');

  test('a small unit is a payload unchanged', () => {
    expect(packetiseH264([Buffer.from('419a01', 'hex')])).toEqual([Buffer.from('419a01', 'hex')]);
  });

  test('small units share a STAP-A with the highest nal_ref_idc of them', () => {
    expect(packetiseH264([sps, pps])).toEqual([Buffer.from('78' + '0004' + '6742e01f' + '0004' + '48ce3c80', 'hex')]);
  });

  test('a large unit is split into FU-A, with start, middle and end, after earlier small units', () => {
    const payloads = packetiseH264([sps, pps, Buffer.from('65010203040506070809', 'hex')], 6);
    expect(payloads.map((payload) => payload.toString('hex'))).toEqual([
      '6742e01f',
      '48ce3c80',
      '7c85010203',
      '7c05040506',
      '7c45070809',
    ]);
  });

  test.each([[[2]], [[4, 4, 30]], [[4, 4, 1099]], [[1100]], [[1101, 20, 20]], [[4, 4, 40_000, 2, 1090, 8, 3000]]])(
    'units of %j bytes are reassembled in order',
    (lengths) => {
      const units = lengths.map((length, index) => counted(length, 0x61 + index));
      const payloads = packetiseH264(units);
      expect(payloads.every((payload) => payload.length <= payloadLimit)).toBe(true);
      expect(annexB(payloads)).toEqual(Buffer.concat(units.flatMap((unit) => [Buffer.from([0, 0, 0, 1]), unit])));
    },
  );

  test('an empty unit is rejected', () => {
    expect(() => packetiseH264([sps, Buffer.alloc(0)])).toThrow('empty');
  });
});

describe('Opus', () => {
  test('a packet is one payload, unless it is too large', () => {
    expect(packetiseOpus(Buffer.from([0x78, 1]))).toEqual([Buffer.from([0x78, 1])]);
    expect(() => packetiseOpus(Buffer.alloc(0))).toThrow('0 bytes');
    expect(() => packetiseOpus(Buffer.alloc(1101))).toThrow('1101 bytes');
  });

  test.each([
    ['08', 960, 'SILK, 20 ms'],
    ['19', 5760, 'SILK, 2 x 60 ms'],
    ['78', 960, 'hybrid, 20 ms'],
    ['f8', 960, 'CELT, 20 ms'],
    ['e1', 240, 'CELT, 2 x 2.5 ms'],
    ['fb03', 2880, 'CELT, 3 x 20 ms'],
  ])('%s lasts %i ticks: %s', (packet, ticks) => {
    expect(opusTicks(Buffer.from(packet, 'hex'))).toBe(ticks);
  });

  test.each(['', 'fb', 'fb00', 'fb07'])('"%s" has no duration', (packet) => {
    expect(() => opusTicks(Buffer.from(packet, 'hex'))).toThrow('Opus');
  });
});

describe('IVF', () => {
  const file = ivf([Buffer.from([1, 2, 3]), Buffer.from([4])]);

  test('is parsed into frames', () => {
    expect(parseIvf(file)).toEqual({
      codec: 'VP80',
      width: 320,
      height: 180,
      frames: [Buffer.from([1, 2, 3]), Buffer.from([4])],
    });
  });

  test('reports what is wrong with it', () => {
    expect(() => parseIvf(Buffer.alloc(0))).toThrow('no header');
    expect(() => parseIvf(Buffer.alloc(40))).toThrow('no header');
    expect(() => parseIvf(file.subarray(0, -1))).toThrow('ends within frame 1');
    expect(() => parseIvf(file.subarray(0, 32 + 12 + 3 + 5))).toThrow('ends within frame 1');
    expect(() => parseIvf(ivf([Buffer.alloc(0)]))).toThrow('frame 0 is empty');
  });
});

describe('Annex B', () => {
  const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');

  test('is parsed into access units, whatever the start codes, without delimiters', () => {
    const file = bytes('00000001 09f0 00000001 6742 000001 68ce 000001 6588 000000 000001 0930 000001 419a 00');
    expect(parseAnnexB(file)).toEqual([[bytes('6742'), bytes('68ce'), bytes('6588')], [bytes('419a')]]);
  });

  test.each([
    ['', 'start code'],
    ['0102', 'start code'],
    ['ff 000001 09f0', 'start code'],
    ['000001 6588', 'delimiter'],
    ['000001 09f0 000001 000001 6588', 'byte 8 is empty'],
    ['000001 09f0 000001 e588', 'byte 8 is damaged'],
    ['000001 09f0 000001 6742', 'access unit 0 has no picture'],
    ['000001 09f0 000001 6588 000001 09f0', 'access unit 1 has no picture'],
  ])('"%s": %s', (file, message) => {
    expect(() => parseAnnexB(bytes(file))).toThrow(message);
  });
});

describe('Ogg Opus', () => {
  const head = 'OpusHead\x01\x01\x38\x01\x80\xbb\0\0\0\0\0';
  const tags = `OpusTags${'\0'.repeat(8)}`;
  const long = Buffer.concat([Buffer.from([0x78]), counted(600)]);
  const short = Buffer.from([0x78, 1, 2]);
  const begin = [page(0, 2, [head]), page(1, 0, [tags])];
  const file = Buffer.concat([...begin, page(2, 0, [short, long]), page(3, 4, [short])]);

  test('is parsed into packets, including those of more than 255 bytes', () => {
    expect(parseOggOpus(file)).toEqual({ channels: 1, preSkip: 312, packets: [short, long, short] });
  });

  test('reassembles a packet that continues in the next page', () => {
    const split = [page(2, 0, [short, long.subarray(0, 510)], false), page(3, 5, [long.subarray(510), short])];
    expect(parseOggOpus(Buffer.concat([...begin, ...split])).packets).toEqual([short, long, short]);
  });

  test('verifies a checksum computed by another program', () => {
    // The first page of a file by ffmpeg 5.1.
    const header = '4f67675300020000000000000000e28b6bcb0000000065c4f2c00113';
    const first = Buffer.from(`${header}4f707573486561640101380180bb0000000000`, 'hex');
    expect(() => parseOggOpus(first)).toThrow('end of the file');
    first.writeUInt8(3, 28 + 9);
    expect(() => parseOggOpus(first)).toThrow('page 0 is damaged');
  });

  test('reports what is wrong with it', () => {
    const pages = [...begin, page(2, 0, [short])];
    const damaged = Buffer.from(file);
    damaged.writeUInt8(0x55, damaged.length - 1);
    expect(() => parseOggOpus(Buffer.alloc(0))).toThrow('end of the file');
    expect(() => parseOggOpus(Buffer.from('no such file at all'))).toThrow('at byte 0');
    expect(() => parseOggOpus(file.subarray(0, -1))).toThrow('ends within page 3');
    expect(() => parseOggOpus(file.subarray(0, 20))).toThrow('ends within page 0');
    expect(() => parseOggOpus(Buffer.concat(pages))).toThrow('end of the file');
    expect(() => parseOggOpus(damaged)).toThrow('page 3 is damaged');
    expect(() => parseOggOpus(Buffer.concat([...begin, page(3, 4, [short])]))).toThrow('page 2 is missing');
    expect(() => parseOggOpus(page(0, 6, ['\x7fFLAC']))).toThrow('no Opus');
    expect(() => parseOggOpus(page(0, 6, [head]))).toThrow('tags');
  });
});

describe('steady video', () => {
  const stream = steadyVideo({ packetsPerFrame: 6, payloadBytes: 1097, framesPerSecond: 30, keyEvery: 60 });

  test('has exactly the requested packets and bytes', () => {
    expect(stream.frames).toHaveLength(60);
    expect(stream.frames.every(({ ticks, payloads }) => ticks === 3000 && payloads.length === 6)).toBe(true);
    expect(stream.frames.every(({ payloads }) => payloads.every(({ length }) => length === 1097))).toBe(true);
    expect(bitrateOf(stream)).toBeCloseTo(6 * 30 * 1097 * 8);
  });

  test('has frames with VP8 headers', () => {
    for (const [index, { key, payloads }] of stream.frames.entries()) {
      expect(key).toBe(index === 0);
      const [first, ...others] = payloads.map((payload) => Vp8RtpPayload.deSerialize(payload));
      expect([first?.sBit, first?.isKeyframe, first?.pictureId]).toEqual([1, key, index]);
      expect(others.every(({ sBit, pictureId }) => sBit === 0 && pictureId === index)).toBe(true);
      if (key) expect(first?.payload.toString('hex', 3, 10)).toBe('9d012a' + '0005' + 'd002');
    }
    // 6 x 1091 bytes, 10 of them header: 6536 = 0x1988, shifted by five bits, with show_frame.
    expect(stream.frames[0]?.payloads[0]?.toString('hex', 6, 9)).toBe('103103');
    expect(stream.frames[1]?.payloads[0]?.toString('hex', 6, 9)).toBe('113103');
  });

  test.each([
    { packetsPerFrame: 0 },
    { packetsPerFrame: 1.5 },
    { payloadBytes: 15 },
    { payloadBytes: 1151 },
    { framesPerSecond: 7 },
    { framesPerSecond: 0 },
    { keyEvery: 0 },
    { width: 16_384 },
  ])('is rejected with %j', (wrong) => {
    const right = { packetsPerFrame: 1, payloadBytes: 500, framesPerSecond: 30, keyEvery: 30 };
    expect(() => steadyVideo({ ...right, ...wrong })).toThrow(RangeError);
  });
});

test('without ffmpeg, preparing media says what to do', async () => {
  await expect(prepareVoice({ ffmpeg: '/nowhere/ffmpeg' })).rejects.toThrow(/install it.*steady video/);
  await expect(prepareStreams('vp8', undefined, { ffmpeg: '/nowhere/ffmpeg' })).rejects.toThrow('install it');
});

test('a key-frame interval that is not a multiple of the frame duration is rejected', async () => {
  await expect(prepareStreams('vp8', undefined, { keySeconds: 0.99 })).rejects.toThrow(RangeError);
});

/** Depacketises H264 into Annex B form, independently of the code under test. */
function annexB(payloads: readonly Buffer[]): Buffer {
  const units: Buffer[] = [];
  let fragment: Buffer | undefined;
  for (const payload of payloads) {
    const read = H264RtpPayload.deSerialize(payload, fragment);
    fragment = read.fragment;
    if (read.payload) units.push(read.payload);
  }
  return Buffer.concat(units);
}

function ivf(frames: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(32);
  header.write('DKIF\0\0\x20\0VP80', 'latin1');
  header.writeUInt16LE(320, 12);
  header.writeUInt16LE(180, 14);
  const parts = frames.flatMap((frame, index) => {
    const before = Buffer.alloc(12);
    before.writeUInt32LE(frame.length);
    before.writeUInt32LE(index, 4);
    return [before, frame];
  });
  return Buffer.concat([header, ...parts]);
}

/** An Ogg page (RFC 3533); `flags`: 1 continues a packet, 2 first page, 4 last page. */
function page(index: number, flags: number, packets: readonly (Buffer | string)[], whole = true): Buffer {
  const body = packets.map((packet) => (typeof packet === 'string' ? Buffer.from(packet, 'latin1') : packet));
  const lacing = body.flatMap(({ length }, at) => {
    const full = Array.from({ length: Math.floor(length / 255) }, () => 255);
    return at === body.length - 1 && !whole ? full : [...full, length % 255];
  });
  const header = Buffer.alloc(27);
  header.write('OggS');
  header.writeUInt8(flags, 5);
  header.writeUInt32LE(index, 18);
  header.writeUInt8(lacing.length, 26);
  const bytes = Buffer.concat([header, Buffer.from(lacing), ...body]);
  bytes.writeUInt32LE(checksum(bytes), 22);
  return bytes;
}

/** The checksum as polynomial division over GF(2) in integers: slow, and independent of the code under test. */
function checksum(bytes: Buffer): number {
  const polynomial = 0x104c11db7n;
  let rest = 0n;
  for (const byte of [...bytes, 0, 0, 0, 0]) {
    for (let bit = 7; bit >= 0; bit -= 1) {
      rest = (rest << 1n) | BigInt((byte >> bit) & 1);
      if (rest >> 32n) rest ^= polynomial;
    }
  }
  return Number(rest);
}

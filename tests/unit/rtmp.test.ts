/** Tests of the parts of RTMP without a network: AMF 0, chunks, FLV, and what a stream turns out to be. */
import { describe, expect, test } from 'vitest';
import { randomFrom } from '../../scripts/support/random.ts';
import { AmfError, readAmf, writeAmf } from '../../server/gateways/rtmp/amf0.ts';
import {
  ChunkError,
  ChunkReader,
  messageType,
  type RtmpMessage,
  writeMessage,
} from '../../server/gateways/rtmp/chunks.ts';
import { relayArguments } from '../../server/gateways/rtmp/FfmpegRelay.ts';
import { flvHeader, flvTag, StreamInspector } from '../../server/gateways/rtmp/flv.ts';
import { WeirError } from '../../shared/errors.ts';

describe('AMF 0', () => {
  test('values are read as they were written', () => {
    const values = [
      'connect',
      1,
      { app: 'lobby', live: true, nothing: null, nested: { x: -0.5 } },
      undefined,
      [1, 'ä'],
    ];
    expect(readAmf(writeAmf(values))).toEqual(values);
  });

  test('an ECMA array and a long string are read', () => {
    const array = Buffer.from([8, 0, 0, 0, 9, 0, 1, 0x61, 5, 0, 0, 9]);
    expect(readAmf(array)).toEqual([{ a: null }]);
    expect(readAmf(Buffer.from([12, 0, 0, 0, 2, 0x68, 0x69]))).toEqual(['hi']);
  });

  test('a field of that name changes no prototype', () => {
    const [object] = readAmf(Buffer.from(`\x03\0\x09__proto__\x03\0\x01a\x01\x01\0\0\x09\0\0\x09`, 'latin1'));
    expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
    expect({}).not.toHaveProperty('a');
  });

  test.each([
    ['cut off', Buffer.from([2, 0, 9, 0x61])],
    ['of an unknown type', Buffer.from([99])],
    ['nested too deeply', Buffer.from('\x03\0\x01a'.repeat(50), 'latin1')],
    ['too long', writeAmf(Array.from({ length: 600 }, () => 1))],
    ['a list that says it is endless', Buffer.from([10, 255, 255, 255, 255, 5])],
  ])('what is %s is refused', (_name, bytes) => {
    expect(() => readAmf(bytes)).toThrow(/^It /);
  });
});

/** A chunk with a header of 11 bytes. */
const chunk = (id: number, time: number, length: number, type: number, data: Buffer) => {
  const header = Buffer.alloc(12);
  header.writeUInt8(id);
  header.writeUIntBE(Math.min(time, 0xff_ffff), 1, 3);
  header.writeUIntBE(length, 4, 3);
  header.writeUInt8(type, 7);
  header.writeUInt32LE(1, 8);
  const extended = Buffer.alloc(time >= 0xff_ffff ? 4 : 0);
  if (extended.length > 0) extended.writeUInt32BE(time);
  return Buffer.concat([header, extended, data]);
};

describe('the chunk stream', () => {
  const first = Buffer.alloc(200, 1);
  const second = Buffer.alloc(100, 2);
  // A video of 200 bytes in two chunks, with an audio between them; and the next of each by shorter headers.
  const bytes = Buffer.concat([
    chunk(6, 1000, 200, messageType.video, first.subarray(0, 128)),
    chunk(4, 1010, 100, messageType.audio, second),
    Buffer.from([0xc6]),
    first.subarray(128),
    Buffer.from([0x46, 0, 0, 40, 0, 0, 3, messageType.video, 7, 8, 9]),
    Buffer.from([0x84, 0, 0, 20]),
    second,
    Buffer.from([0xc4]),
    second,
  ]);
  const expected = [
    { type: messageType.audio, timestamp: 1010, payload: second },
    { type: messageType.video, timestamp: 1000, payload: first },
    { type: messageType.video, timestamp: 1040, payload: Buffer.from([7, 8, 9]) },
    { type: messageType.audio, timestamp: 1030, payload: second },
    { type: messageType.audio, timestamp: 1050, payload: second },
  ];

  test.each([1, 7, 64, 1000])('is read in pieces of %s bytes', (size) => {
    const reader = new ChunkReader();
    const messages: RtmpMessage[] = [];
    for (let at = 0; at < bytes.length; at += size) messages.push(...reader.read(bytes.subarray(at, at + size)));
    expect(messages).toMatchObject(expected);
  });

  test('has chunks as long as the sender says, and times of 32 bits', () => {
    const reader = new ChunkReader();
    const size = Buffer.from([0, 0, 4, 0]);
    expect(reader.read(chunk(2, 0, 4, messageType.setChunkSize, size))).toEqual([]);
    const late = chunk(6, 0x1234_5678, 200, messageType.video, first);
    expect(reader.read(late)).toMatchObject([{ timestamp: 0x1234_5678, payload: first }]);
    // Format 3 repeats the long time.
    const again = Buffer.concat([Buffer.from([0xc6, 0x12, 0x34, 0x56, 0x78]), first]);
    expect(reader.read(again)).toMatchObject([{ timestamp: 0x1234_5678, payload: first }]);
  });

  test('takes long messages only when it is told to', () => {
    const long = chunk(6, 0, 100_000, messageType.video, Buffer.alloc(128));
    expect(() => new ChunkReader().read(long)).toThrow('100000 bytes');
    const reader = new ChunkReader();
    reader.takeFrames();
    expect(reader.read(long)).toEqual([]);
  });

  test.each([
    ['a continuation of nothing', Buffer.from([0xc6, 0, 0]), 'there is not'],
    ['chunks of no bytes', chunk(2, 0, 4, messageType.setChunkSize, Buffer.alloc(4)), 'are not taken'],
    ['chunks of one byte', chunk(2, 0, 4, messageType.setChunkSize, Buffer.from([0, 0, 0, 1])), 'are not taken'],
    [
      'a header within a message',
      Buffer.concat([chunk(6, 0, 200, 9, first.subarray(0, 128)), chunk(6, 0, 4, 9, second)]),
      'before the one before',
    ],
    [
      'a shorter length within a message',
      Buffer.concat([chunk(6, 0, 200, 9, first.subarray(0, 128)), Buffer.from([0x46, 0, 0, 0, 0, 0, 4, 9])]),
      'before the one before',
    ],
    [
      'several long messages at once',
      Buffer.concat([3, 4, 5].map((id) => chunk(id, 0, 65_536, 9, Buffer.alloc(128)))),
      'Too many long',
    ],
    ['a short control message', chunk(2, 0, 2, messageType.setChunkSize, Buffer.alloc(2)), 'too short'],
    [
      'too many chunk streams',
      Buffer.concat(Array.from({ length: 20 }, (_, index) => chunk(3 + index, 0, 1, 8, Buffer.alloc(1)))),
      'too many',
    ],
  ])('with %s is refused', (_name, wrong, why) => {
    expect(() => new ChunkReader().read(wrong)).toThrow(why);
  });

  test('has no messages without bytes', () => {
    const empty = Buffer.concat([chunk(4, 0, 0, messageType.audio, Buffer.alloc(0)), Buffer.alloc(1000, 0xc4)]);
    expect(new ChunkReader().read(Buffer.concat([empty, chunk(6, 0, 1, 8, Buffer.from([1]))]))).toHaveLength(1);
  });

  test('forgets a message that is aborted, and takes a new one', () => {
    const reader = new ChunkReader();
    const abort = chunk(2, 0, 4, messageType.abort, Buffer.from([0, 0, 0, 6]));
    reader.read(Buffer.concat([chunk(6, 0, 200, 9, first.subarray(0, 128)), abort]));
    expect(reader.read(chunk(6, 7, 100, 9, second))).toMatchObject([{ timestamp: 7, payload: second }]);
  });

  test('of the server is read by clients', () => {
    const reader = new ChunkReader();
    const message = { type: messageType.command, streamId: 1, timestamp: 5, payload: Buffer.from('hi') };
    expect(reader.read(writeMessage(message))).toEqual([message]);
  });
});

describe('a stream', () => {
  const audio = (timestamp: number) => ({ type: 8, streamId: 1, timestamp, payload: Buffer.from([0xaf, 1, 0, 0]) });
  const video = (timestamp: number, ...payload: number[]) => ({
    type: 9,
    streamId: 1,
    timestamp,
    payload: Buffer.from(payload),
  });
  const header = (profile: number) => video(0, 0x17, 0, 0, 0, 0, 1, profile, 0, 31);
  const frame = (timestamp: number, offset = 0) => video(timestamp, 0x27, 1, 0, 0, offset, 1, 2, 3);
  const contentOf = (messages: readonly RtmpMessage[]) => {
    const inspector = new StreamInspector();
    const known = messages.map((message) => inspector.look(message));
    return { ...inspector.content, known: known.indexOf(true) };
  };
  const frames = Array.from({ length: 20 }, (_, index) => frame(index * 33));

  test('of H264 and AAC is known after some frames, and is copied', () => {
    const content = contentOf([header(100), audio(0), ...frames]);
    expect(content).toEqual({ hasAudio: true, hasVideo: true, whyNotCopied: undefined, known: 13 });
  });

  test('of one kind alone is known after a while', () => {
    const sounds = Array.from({ length: 100 }, (_, index) => audio(index * 20));
    expect(contentOf(sounds)).toMatchObject({ hasAudio: true, hasVideo: false, known: 75 });
    const silent = Array.from({ length: 100 }, (_, index) => frame(index * 33));
    expect(contentOf([header(66), ...silent])).toMatchObject({ hasAudio: false, hasVideo: true, known: 47 });
  });

  test('with B-frames, or of a profile that browsers do not decode, is encoded anew', () => {
    expect(contentOf([header(100), audio(0), frame(0, 66), ...frames]).whyNotCopied).toBe('it has B-frames');
    expect(contentOf([header(110), audio(0), ...frames]).whyNotCopied).toMatch(/profile \(110\)/);
    const target = {
      address: '127.0.0.1',
      video: { codec: 'H264', payloadType: 96, ssrc: 1, port: 5, rtcpPort: 6 },
    } as const;
    const line = (whyNotCopied?: string) =>
      relayArguments({ hasAudio: false, hasVideo: true, whyNotCopied }, target).join(' ');
    expect(line()).toContain('-map 0:v:0 -c:v copy -bsf:v h264_mp4toannexb -payload_type 96');
    expect(line('B-frames')).toContain('-c:v libx264');
    expect(line('B-frames')).toMatch(/^-threads 2 .* -max_pixels 9437184 .* -i pipe:0 .* -vf scale=.* -threads 2 /);
  });

  test.each([
    ['H263', video(0, 0x22, 0), 'codec 2: send H264'],
    ['HEVC by Enhanced RTMP', video(0, 0x90, ...Buffer.from('hvc1'), 0), 'hvc1: send H264'],
    ['Opus by Enhanced RTMP', { ...audio(0), payload: Buffer.from([0x90, 0x4f]) }, 'send AAC'],
  ])('of %s is refused', (_name, message, why) => {
    expect(() => new StreamInspector().look(message)).toThrow(why);
  });
});

test('damaged bytes are refused by errors of the parsers alone', () => {
  const seed = 1935;
  const random = randomFrom(seed);
  const sound = Buffer.concat([
    writeMessage({
      type: 20,
      streamId: 0,
      timestamp: 0,
      payload: writeAmf(['connect', 1, { app: 'lobby', list: [1] }]),
    }),
    chunk(6, 0xff_ffff, 20, messageType.video, Buffer.from([0x17, 0, 0, 0, 0, 1, 100, 0, 31, ...Array(11).fill(1)])),
    chunk(4, 20, 4, messageType.audio, Buffer.from([0xaf, 1, 0, 0])),
  ]);
  let refused = 0;
  for (let round = 0; round < 5000; round += 1) {
    const bytes = Buffer.from(sound);
    for (let left = 1 + random.int(6); left > 0; left -= 1) bytes[random.int(bytes.length)] = random.int(256);
    try {
      const inspector = new StreamInspector();
      for (const message of new ChunkReader().read(bytes)) {
        if (message.type === messageType.command) readAmf(message.payload);
        else inspector.look(message);
      }
    } catch (error) {
      refused += 1;
      const isExpected = [ChunkError, AmfError, WeirError].some((known) => error instanceof known);
      expect(isExpected, `seed ${seed}, round ${round}: ${error}`).toBe(true);
    }
  }
  expect(refused).toBeGreaterThan(1000);
});

test('FLV has its streams in the header, and times of 32 bits in tags', () => {
  expect(flvHeader({ hasAudio: true, hasVideo: true }).toString('hex')).toBe('464c5601050000000900000000');
  expect(flvHeader({ hasAudio: true, hasVideo: false })[4]).toBe(4);
  const tag = flvTag({ type: 9, streamId: 1, timestamp: 0x1234_5678, payload: Buffer.from([1, 2]) });
  expect(tag.toString('hex')).toBe('090000023456781200000001020000000d');
});

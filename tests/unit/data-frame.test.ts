/** Data frames: what is encoded comes back, limits hold at both ends, and no malformed frame is accepted. */
import { expect, test } from 'vitest';
import {
  type DataFrame,
  decodeDataFrame,
  encodeDataFrame,
  MAX_DATA_BYTES,
  MAX_DESTINATIONS,
  MAX_FRAME_BYTES,
  MAX_TOPIC,
} from '../../shared/dataFrame.ts';

const frame: DataFrame = { sequence: 7, topic: 'cursor', peerIds: ['ann', 'béa'], data: new Uint8Array([1, 2, 3]) };

test.each<[string, Partial<DataFrame>]>([
  ['a message to two', {}],
  ['to everyone, without topic and payload', { topic: '', peerIds: [], data: new Uint8Array() }],
  ['the last sequence number', { sequence: 2 ** 32 - 1 }],
  ['a topic of other scripts', { topic: '안녕하세요 👋' }],
  ['the largest of everything', { data: new Uint8Array(MAX_DATA_BYTES).fill(9), topic: '한'.repeat(MAX_TOPIC) }],
  ['a byte-order mark in the topic', { topic: '\uFEFFtopic' }],
])('%s comes back', (_, changes) => {
  const sent = { ...frame, ...changes };
  expect(decodeDataFrame(encodeDataFrame(sent))).toEqual(sent);
});

test('a frame is decoded from the middle of a buffer', () => {
  const bytes = encodeDataFrame(frame);
  const buffer = new Uint8Array(bytes.length + 20).fill(255);
  buffer.set(bytes, 10);
  expect(decodeDataFrame(buffer.subarray(10, 10 + bytes.length))).toEqual(frame);
});

test('the largest frame has the size that transports are opened for', () => {
  const peerIds = Array.from({ length: MAX_DESTINATIONS }, () => 'x'.repeat(64));
  const largest = { sequence: 0, topic: '한'.repeat(MAX_TOPIC), peerIds, data: new Uint8Array(MAX_DATA_BYTES) };
  expect(encodeDataFrame(largest)).toHaveLength(MAX_FRAME_BYTES);
});

test.each<[string, Partial<DataFrame>, string]>([
  ['payload', { data: new Uint8Array(MAX_DATA_BYTES + 1) }, 'has 65537 bytes; at most 65536'],
  ['topic', { topic: 'x'.repeat(MAX_TOPIC + 1) }, 'topic of 65 characters; at most 64'],
  ['topic with a lone surrogate', { topic: '\uD800' }, 'lone surrogate'],
  ['number of peers', { peerIds: Array.from({ length: MAX_DESTINATIONS + 1 }, () => 'x') }, '101 peers; at most 100'],
  ['peer id', { peerIds: ['x'.repeat(65)] }, 'a peer that cannot exist'],
  ['empty peer id', { peerIds: [''] }, 'a peer that cannot exist'],
])('%s beyond its limit is not sent', (_, changes, message) => {
  expect(() => encodeDataFrame({ ...frame, ...changes })).toThrow(
    expect.objectContaining({ code: 'badRequest', message: expect.stringContaining(message) }),
  );
});

test('every frame that ends early, in its header or its text, is refused', () => {
  const bytes = encodeDataFrame({ ...frame, data: new Uint8Array() });
  for (let length = 0; length < bytes.length; length++) {
    expect(() => decodeDataFrame(bytes.subarray(0, length)), `${length} bytes`).toThrow(
      expect.objectContaining({ code: 'badMessage' }),
    );
  }
});

test.each<[string, (bytes: Uint8Array) => void, string]>([
  ['another version', (bytes) => bytes.set([2], 0), 'known version'],
  ['text that is not UTF-8', (bytes) => bytes.set([0xff], 8), 'not UTF-8'],
  ['a longer topic than allowed', (bytes) => bytes.set([200], 5), 'topic of'],
])('%s is refused', (_, damage, message) => {
  const bytes = encodeDataFrame({ ...frame, data: new Uint8Array(300).fill(0x61) });
  damage(bytes);
  expect(() => decodeDataFrame(bytes)).toThrow(
    expect.objectContaining({ code: 'badMessage', message: expect.stringContaining(message) }),
  );
});

test('a frame of more than the largest payload is refused', () => {
  const bytes = new Uint8Array(7 + MAX_DATA_BYTES + 1);
  bytes[0] = 1;
  expect(() => decodeDataFrame(bytes)).toThrow(expect.objectContaining({ code: 'badMessage' }));
});

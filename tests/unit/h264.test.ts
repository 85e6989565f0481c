/** Tests of which H.264 payloads have B slices: the first bytes are those that x264 and OBS send. */
import { describe, expect, test } from 'vitest';
import { hasBSlice } from '../../server/media/h264.ts';

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');

describe('a payload', () => {
  test.each([
    ['a P picture', '41 9a 24 6c', false],
    ['a P picture of an encoder that writes 0 for it', '61 e0 20 00', false],
    ['a B picture', '01 9e 41 79', true],
    ['a B picture of an encoder that writes 1 for it', '01 a8 80 00', true],
    ['the second slice of a B picture, at macroblock 402', '01 00c9 9c 00', true],
    ['an I picture that is no key frame', '61 88 84 00', false],
    ['the beginning of a P picture in parts', '7c 81 9a 24', false],
    ['the beginning of a B picture in parts', '1c 81 9e 41', true],
    ['a B picture together with something else', '18 0002 06 05 0003 01 9e 41', true],
    ['a P picture together with something else', '18 0002 06 05 0003 41 9a 24', false],
  ])('of %s', (_what, hex, expected) => {
    expect(hasBSlice(bytes(hex))).toBe(expected);
  });

  test.each([
    ['nothing', ''],
    ['a key frame', '65 88 84 00'],
    ['parameter sets', '18 0003 67 42e0 0002 68 ce'],
    ['the middle of a picture', '7c 01 9e 41'],
    ['the end of a picture', '7c 41 9e 41'],
    ['an aggregation whose length is wrong', '18 ffff'],
    ['a slice of no length', '18 0000'],
  ])('of %s says nothing', (_what, hex) => {
    expect(hasBSlice(bytes(hex))).toBeUndefined();
  });

  test('that ends within the header of its slice is no B picture', () => {
    expect(hasBSlice(bytes('01'))).toBe(false);
  });
});

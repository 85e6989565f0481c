/** Tests of the evaluation of samples of a camera's RTP statistics. */
import { expect, test } from 'vitest';
import {
  bytesBetween,
  type Camera,
  extraBetween,
  lastExtra,
  publishedAt,
} from '../../scripts/bench/support/layerSamples.ts';

/** A sample a second: frames encoded so far, by layer; a frame has 100 bytes in the lowest layer, 200 in the next. */
function cameraOf(shown: number, ...frames: readonly (readonly number[])[]): Camera {
  const samples = frames.map((layers, second) => ({
    at: second * 1000,
    layers: layers.map((framesEncoded, layer) => ({
      rid: `r${layer}`,
      framesEncoded,
      bytes: framesEncoded * 100 * (layer + 1),
    })),
  }));
  return { samples, shown };
}

const camera = cameraOf(0, [], [0, 0], [10, 5], [20, 9], [30, 9], [40, 9]);

test('a layer is extra while it is encoded above the displayed one', () => {
  expect(publishedAt(camera)).toBe(2000);
  expect(extraBetween(camera, { from: 1000, to: 2000 })).toBe(1);
  expect(extraBetween(camera, { from: 2900, to: 3100 })).toBe(1);
  expect(extraBetween(camera, { from: 3000, to: 5000 })).toBe(0);
  expect(lastExtra(camera)).toBe(3000);
  expect(extraBetween({ ...camera, shown: -1 }, { from: 3000, to: 5000 })).toBe(1);
});

test('bytes are summed over the layers up to the given one', () => {
  expect(bytesBetween(camera, { from: 1000, to: 3000 }, 0)).toBe(2000);
  expect(bytesBetween(camera, { from: 1000, to: 3000 }, 1)).toBe(2000 + 9 * 200);
});

test('a camera without frames has no publication time and no extra layers', () => {
  const none = cameraOf(0, [], []);
  expect(publishedAt(none)).toBe(Number.POSITIVE_INFINITY);
  expect(lastExtra(none)).toBe(0);
  expect(extraBetween(none, { from: publishedAt(none), to: publishedAt(none) })).toBe(0);
});

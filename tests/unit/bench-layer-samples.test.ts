/** Tests of what a benchmark reads from samples of a camera's RTP statistics. */
import { expect, test } from 'vitest';
import {
  bytesBetween,
  type Camera,
  extraBetween,
  lastExtra,
  publishedAt,
} from '../../scripts/bench/support/layerSamples.ts';

/** A sample a second: frames that were encoded until then, by layer; a frame has 100 bytes in the lowest, 200 in the next. */
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

test('a layer is extra while it is encoded above the one that is shown', () => {
  expect(publishedAt(camera)).toBe(2000);
  expect(extraBetween(camera, { from: 1000, to: 2000 })).toBe(1);
  expect(extraBetween(camera, { from: 2900, to: 3100 })).toBe(1);
  expect(extraBetween(camera, { from: 3000, to: 5000 })).toBe(0);
  expect(lastExtra(camera)).toBe(3000);
  expect(extraBetween({ ...camera, shown: -1 }, { from: 3000, to: 5000 })).toBe(1);
});

test('bytes are of the layers up to one', () => {
  expect(bytesBetween(camera, { from: 1000, to: 3000 }, 0)).toBe(2000);
  expect(bytesBetween(camera, { from: 1000, to: 3000 }, 1)).toBe(2000 + 9 * 200);
});

test('what was never published has no moment, and nothing extra', () => {
  const none = cameraOf(0, [], []);
  expect(publishedAt(none)).toBe(Number.POSITIVE_INFINITY);
  expect(lastExtra(none)).toBe(0);
  expect(extraBetween(none, { from: publishedAt(none), to: publishedAt(none) })).toBe(0);
});

/** Tests of the choice of a layer for the size at which a video is displayed. */
import { describe, expect, test } from 'vitest';
import { layerForQuality, layerForSize, priorityOf, spatialLayers } from '../../server/media/layers.ts';

const hd = { width: 1280, height: 720 };

describe('the layer for a size', () => {
  test.each([
    [{ width: 1, height: 1 }, 0],
    [{ width: 320, height: 180 }, 0],
    // Slight upscaling is acceptable.
    [{ width: 426, height: 240 }, 0],
    [{ width: 430, height: 242 }, 1],
    [{ width: 853, height: 480 }, 1],
    [{ width: 860, height: 484 }, 2],
    [{ width: 4000, height: 2000 }, 2],
    // The video covers its tile: the longer side decides.
    [{ width: 100, height: 700 }, 2],
  ])('%j of a 1280x720 video in three layers is %i', (place, layer) => {
    expect(layerForSize(place, hd, 3)).toBe(layer);
  });

  test('of a video with one layer is that one', () => {
    expect(layerForSize({ width: 1, height: 1 }, hd, 1)).toBe(0);
  });

  test('is the highest where the video has no size', () => {
    expect(layerForSize({ width: 320, height: 180 }, { width: 0, height: 0 }, 3)).toBe(2);
  });
});

test.each([
  [1, { high: 0, medium: 0, low: 0 }],
  [2, { high: 1, medium: 1, low: 0 }],
  [3, { high: 2, medium: 1, low: 0 }],
  [4, { high: 3, medium: 2, low: 0 }],
])('of %i layers can be selected by quality', (layers, wanted) => {
  const chosen = (['high', 'medium', 'low'] as const).map((quality) => [quality, layerForQuality(quality, layers)]);
  expect(Object.fromEntries(chosen)).toEqual(wanted);
});

test('layers are counted by encodings in simulcast, and by the scalability mode in SVC', () => {
  expect(spatialLayers({ codecs: [], encodings: [{ rid: 'a' }, { rid: 'b' }] })).toBe(2);
  expect(spatialLayers({ codecs: [], encodings: [{ scalabilityMode: 'L3T3_KEY' }] })).toBe(3);
  expect(spatialLayers({ codecs: [], encodings: [{}] })).toBe(1);
  expect(spatialLayers({ codecs: [] })).toBe(1);
});

test('a screen has priority over a camera, and a large video over a small one', () => {
  const order = [
    priorityOf('camera', 'normal'),
    priorityOf('camera', 'high'),
    priorityOf('screen', 'normal'),
    priorityOf('screen', 'high'),
  ];
  expect(order).toEqual([...order].sort((one, other) => one - other));
  expect(new Set(order).size).toBe(4);
});

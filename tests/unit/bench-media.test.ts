/** Tests of the synthetic media of benchmarks: layers identified by packet size, microphones by their speaker. */
import { describe, expect, test } from 'vitest';
import { cameraLayers, layerOf, steadySimulcast } from '../../scripts/bench/support/layers.ts';
import { voiceOf } from '../../scripts/bench/support/speechTurns.ts';
import { bitrateOf } from '../../scripts/support/media/Stream.ts';

describe('steady simulcast', () => {
  const streams = steadySimulcast();

  test('has the bitrates it declares', () => {
    for (const [layer, stream] of streams.entries()) {
      const wanted = cameraLayers[layer]?.bitrate ?? 0;
      expect(Math.abs(bitrateOf(stream) / wanted - 1)).toBeLessThan(0.01);
    }
  });

  test('is identified by packet size, whatever the size of the headers', () => {
    for (const [layer, { frames }] of streams.entries()) {
      const { length } = frames[1]?.payloads[0] ?? '';
      for (const header of [12, 28, 44]) expect(layerOf(length + header)).toBe(layer);
    }
  });

  test('has the number of packets per frame it declares', () => {
    const found = streams.map(({ frames }) => frames[0]?.payloads.length);
    expect(found).toEqual(cameraLayers.map(({ packetsPerFrame }) => packetsPerFrame));
  });
});

test('microphones send 50 packets a second, each in a size of its own', () => {
  const voices = Array.from({ length: 100 }, (_, microphone) => voiceOf(microphone));
  for (const { frames, clockRate } of voices) expect(clockRate / (frames[0]?.ticks ?? 1)).toBe(50);
  const sizes = voices.map(({ frames }) => frames[0]?.payloads[0]?.length ?? 0);
  expect(new Set(sizes).size).toBe(100);
  expect(Math.max(...sizes)).toBeLessThan(1150);
});

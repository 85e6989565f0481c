/** Owns simulcast that nothing decodes: layers of an exact rate, told apart by the size of their packets. */

import type { Stream } from '../../support/media/Stream.ts';
import { steadyVideo } from '../../support/media/steady.ts';

export interface SteadyLayer {
  readonly width: number;
  readonly height: number;
  /** Bit/s of payload. */
  readonly bitrate: number;
  readonly packetsPerFrame: number;
}

/**
 * Less than a camera's: 60, 150 and 400 kbit/s. The server takes a newcomer to have 1 Mbit/s until it knows better, which
 * takes it long with members that report as little as headless ones do (REMB). No two layers have packets of one size.
 */
export const cameraLayers: readonly SteadyLayer[] = [
  { width: 320, height: 180, bitrate: 60_000, packetsPerFrame: 1 },
  { width: 640, height: 360, bitrate: 150_000, packetsPerFrame: 1 },
  { width: 1280, height: 720, bitrate: 400_000, packetsPerFrame: 2 },
];
const FRAMES_PER_SECOND = 30;
const KEY_EVERY = 300;
/** Bytes of the RTP header and its extensions in a packet as it arrives, more or less. */
const HEADER = 28;

/** Lowest first. Key frames are rare: what waits for one has to ask. */
export function steadySimulcast(layers: readonly SteadyLayer[] = cameraLayers): Stream[] {
  return layers.map(({ width, height, ...layer }) =>
    steadyVideo({
      packetsPerFrame: layer.packetsPerFrame,
      payloadBytes: payloadBytes(layer),
      framesPerSecond: FRAMES_PER_SECOND,
      keyEvery: KEY_EVERY,
      width,
      height,
    }),
  );
}

/** The layer that a packet of so many bytes is of, lowest 0. */
export function layerOf(bytes: number, layers: readonly SteadyLayer[] = cameraLayers): number {
  const distances = layers.map((layer) => Math.abs(bytes - HEADER - payloadBytes(layer)));
  return distances.indexOf(Math.min(...distances));
}

function payloadBytes({ bitrate, packetsPerFrame }: Pick<SteadyLayer, 'bitrate' | 'packetsPerFrame'>): number {
  return Math.round(bitrate / 8 / FRAMES_PER_SECOND / packetsPerFrame);
}

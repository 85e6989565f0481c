/** Synthetic simulcast that is never decoded: layers of an exact bitrate, identified by packet size. */

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
 * 60, 150 and 400 kbit/s, less than a real camera. The server assumes 1 Mbit/s for a new receiver until its estimate
 * converges, which takes long with the sparse feedback (REMB) of headless members. Packet sizes differ by layer.
 */
export const cameraLayers: readonly SteadyLayer[] = [
  { width: 320, height: 180, bitrate: 60_000, packetsPerFrame: 1 },
  { width: 640, height: 360, bitrate: 150_000, packetsPerFrame: 1 },
  { width: 1280, height: 720, bitrate: 400_000, packetsPerFrame: 2 },
];
const FRAMES_PER_SECOND = 30;
const KEY_EVERY = 300;
/** Approximate size of the RTP header with its extensions, in bytes. */
const HEADER = 28;

/** Layers from lowest to highest. Key frames are rare, so a receiver that needs one has to request it. */
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

/** The layer that a packet of `bytes` belongs to, lowest 0. */
export function layerOf(bytes: number, layers: readonly SteadyLayer[] = cameraLayers): number {
  const distances = layers.map((layer) => Math.abs(bytes - HEADER - payloadBytes(layer)));
  return distances.indexOf(Math.min(...distances));
}

function payloadBytes({ bitrate, packetsPerFrame }: Pick<SteadyLayer, 'bitrate' | 'packetsPerFrame'>): number {
  return Math.round(bitrate / 8 / FRAMES_PER_SECOND / packetsPerFrame);
}

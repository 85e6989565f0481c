/** Owns which spatial layer of a video is enough for how it is shown, and what of it comes first where not all can. */
import { parseScalabilityMode } from 'mediasoup';
import type { RtpParameters } from 'mediasoup/types';
import type { Source } from '../../shared/media.ts';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** What a camera is taken to be that does not say how large it is. */
export const DEFAULT_SIZE: Size = { width: 1280, height: 720 };

/** How much smaller than its place a picture may be before it looks soft. */
const SUFFICIENT_SCALE = 0.75;

/** How many spatial layers there are: those of simulcast are an encoding each, those of SVC are in one. */
export function spatialLayers({ encodings = [] }: RtpParameters): number {
  const [first, ...others] = encodings;
  if (others.length > 0) return encodings.length;
  return parseScalabilityMode(first?.scalabilityMode).spatialLayers;
}

/**
 * The lowest layer that is enough for a place of that size, which the picture fills.
 * @param place in device pixels
 * @param size of the highest layer, in pixels; each layer has twice the width of that below
 * @returns from 0
 */
export function layerForSize(place: Size, size: Size, layers: number): number {
  const needed =
    Math.max(place.width / Math.max(1, size.width), place.height / Math.max(1, size.height)) * SUFFICIENT_SCALE;
  for (let layer = 0; layer < layers - 1; layer += 1) {
    if (2 ** (layer - layers + 1) >= needed) return layer;
  }
  return layers - 1;
}

/** The layer that somebody has chosen by name. @returns from 0 */
export function layerForQuality(quality: 'high' | 'medium' | 'low', layers: number): number {
  const top = layers - 1;
  return { high: top, medium: Math.ceil(top / 2), low: 0 }[quality];
}

/**
 * A consumer's priority (`consumer.setPriority`). mediasoup gives everyone the lowest layer, then each so many steps up at a
 * time, the highest priority first: nine steps are all layers that there are.
 */
export function priorityOf(source: Source, priority: 'normal' | 'high'): number {
  const high = priority === 'high' ? 10 : 1;
  return source === 'screen' ? high + 10 : high;
}

/**
 * Which spatial layer of a video is enough for how it is shown, and its priority where the bitrate is not enough for
 * all.
 */
import { parseScalabilityMode } from 'mediasoup';
import type { RtpParameters } from 'mediasoup/types';
import type { Source } from '../../shared/media.ts';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The size that is assumed for a video of which the client reports none. */
export const DEFAULT_SIZE: Size = { width: 1280, height: 720 };

/** A layer is enough from this ratio of the shown size on: below it, a video looks soft. */
const SUFFICIENT_SCALE = 0.75;

/** How many spatial layers there are: simulcast has an encoding for each, SVC has all in one. */
export function spatialLayers({ encodings = [] }: RtpParameters): number {
  const [first, ...others] = encodings;
  if (others.length > 0) return encodings.length;
  return parseScalabilityMode(first?.scalabilityMode).spatialLayers;
}

/**
 * The lowest layer that is enough for a video that is shown in that size.
 * @param shown in device pixels
 * @param size of the highest layer, in pixels; each layer has twice the width of the one below
 * @returns from 0
 */
export function layerForSize(shown: Size, size: Size, layers: number): number {
  const needed =
    Math.max(shown.width / Math.max(1, size.width), shown.height / Math.max(1, size.height)) * SUFFICIENT_SCALE;
  for (let layer = 0; layer < layers - 1; layer += 1) {
    if (2 ** (layer - layers + 1) >= needed) return layer;
  }
  return layers - 1;
}

/** The layer that a viewer has chosen by name. @returns from 0 */
export function layerForQuality(quality: 'high' | 'medium' | 'low', layers: number): number {
  const top = layers - 1;
  return { high: top, medium: Math.ceil(top / 2), low: 0 }[quality];
}

/**
 * The priority of a consumer (`consumer.setPriority`). mediasoup gives all consumers the lowest layer, then each as
 * many steps up at a time as its priority, the highest priority first; nine steps are all layers that there can be.
 */
export function priorityOf(source: Source, priority: 'normal' | 'high'): number {
  const high = priority === 'high' ? 10 : 1;
  return source === 'screen' ? high + 10 : high;
}

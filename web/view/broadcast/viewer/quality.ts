/** The playback quality that a viewer chooses; stored for the tab. */
import type { VideoSettings } from '../../../client/index.ts';
import { storedValue } from '../../storage/storedValue.ts';

export const qualities = ['auto', 'high', 'medium', 'low'] as const;
export type Quality = (typeof qualities)[number];

const stored = storedValue(() => sessionStorage, 'weir.quality');

/** The quality that was chosen in this tab; `auto` follows the visible size of the video. */
export function storedQuality(): Quality {
  const value = stored.get();
  return qualities.find((quality) => quality === value) ?? 'auto';
}

export function storeQuality(quality: Quality): void {
  stored.set(quality);
}

/** The quality to request from the server; undefined for `auto`. */
export function requestedQuality(quality: Quality): VideoSettings['quality'] {
  return quality === 'auto' ? undefined : quality;
}

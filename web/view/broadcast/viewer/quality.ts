/** Owns the quality that a viewer has chosen, for as long as the tab is open. */
import type { VideoSettings } from '../../../client/index.ts';

export const qualities = ['auto', 'high', 'medium', 'low'] as const;
export type Quality = (typeof qualities)[number];

const KEY = 'weir.quality';

/** What was chosen in this tab; `auto` is the size in which the picture is shown. */
export function storedQuality(): Quality {
  try {
    const stored = sessionStorage.getItem(KEY);
    return qualities.find((quality) => quality === stored) ?? 'auto';
  } catch {
    // Storage can be switched off.
    return 'auto';
  }
}

export function storeQuality(quality: Quality): void {
  try {
    sessionStorage.setItem(KEY, quality);
  } catch {
    // As above.
  }
}

/** What the server is told of it. */
export function requestedQuality(quality: Quality): VideoSettings['quality'] {
  return quality === 'auto' ? undefined : quality;
}

/** Keys of tiles: a participant has one for the camera, and another for a shared screen. */

/** The key of a camera tile is the participant's id; that of a screen tile has this prefix. */
const SCREEN_PREFIX = 'screen:';

export function tileKey(participantId: string, source: 'camera' | 'screen'): string {
  return source === 'screen' ? `${SCREEN_PREFIX}${participantId}` : participantId;
}

export function isScreenKey(key: string): boolean {
  return key.startsWith(SCREEN_PREFIX);
}

/** The id of the participant whose tile it is. */
export function participantOf(key: string): string {
  return isScreenKey(key) ? key.slice(SCREEN_PREFIX.length) : key;
}

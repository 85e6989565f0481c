/** The key that identifies a room on this server: its kind and its name. */
import type { RoomKind } from '../../shared/protocol.ts';

/**
 * Calls and broadcasts have separate namespaces: a call and a broadcast of the same name are two rooms. A name has no
 * slash, so the keys of the two kinds never collide.
 */
export function roomKey(kind: RoomKind, name: string): string {
  return kind === 'call' ? name : `${kind}/${name}`;
}

/** The names by which LiveKit's API and tokens name rooms: a call by its name, a broadcast as `broadcast/<name>`. */
import { RoomName } from '../../shared/protocol.ts';
import { roomKey } from '../common/roomKey.ts';
import type { ApiRoomKind, RoomRef } from './schemas.ts';

const BROADCAST_PREFIX = roomKey('broadcast', '');

/** @returns undefined if no room can have that name */
export function parseRoomKey(key: string): RoomRef | undefined {
  const kind: ApiRoomKind = key.startsWith(BROADCAST_PREFIX) ? 'broadcast' : 'call';
  const name = RoomName.safeParse(kind === 'call' ? key : key.slice(BROADCAST_PREFIX.length));
  return name.success ? { kind, room: name.data } : undefined;
}

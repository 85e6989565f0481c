/** Addresses of Weir's pages and of its API: under which path this Weir is, and where there each room is found. */
import { baseUrl, type RoomKind } from '../../client/index.ts';

/** The first segment of a room's path. */
const pathLetters: Readonly<Record<RoomKind, string>> = { call: 'r', broadcast: 'b' };
const apiNames: Readonly<Record<RoomKind, string>> = { call: 'rooms', broadcast: 'broadcasts' };

/** The path of the start page: `/`, or such as `/meet/` where Weir is not alone on its host. */
export const basePath: string = new URL(baseUrl).pathname;

/** The path of a room's page. */
export function roomPath(kind: RoomKind, room: string): string {
  return `${basePath}${pathLetters[kind]}/${encodeURIComponent(room)}`;
}

/** The address of a room's page, as others open it. */
export function roomUrl(kind: RoomKind, room: string): string {
  return new URL(roomPath(kind, room), baseUrl).href;
}

/** The path at which the server says who is in a room. */
export function roomApiPath(kind: RoomKind, room: string): string {
  return `${basePath}api/${apiNames[kind]}/${encodeURIComponent(room)}`;
}

/**
 * Which room the path of an address names, as it is written there.
 * @param base the path that Weir is under; what is not under it is read as it is, since a proxy may take it away
 */
export function roomInPath(pathname: string, base = basePath): { kind: RoomKind; written: string } | undefined {
  const path = pathname.startsWith(base) ? pathname.slice(base.length - 1) : pathname;
  const [, letter = '', encoded = ''] = /^\/+([rb])\/+([^/]+)\/*$/i.exec(path) ?? [];
  const kind = letter.toLowerCase() === pathLetters.call ? 'call' : 'broadcast';
  const written = decodeName(encoded);
  return letter && written ? { kind, written } : undefined;
}

/** Room names travel in the path, percent-encoded; what cannot be decoded names no room. */
function decodeName(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}

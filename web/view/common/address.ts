/** Addresses of the pages and of the API, relative to the path that this Weir is served under. */
import { baseUrl, type RoomKind } from '../../client/index.ts';

/** The kinds of room that have pages of their own. */
export type PageKind = Exclude<RoomKind, 'diagnosis'>;

/** The first segment of the path of a room. */
const pathLetters: Readonly<Record<PageKind, string>> = { call: 'r', broadcast: 'b' };
const apiNames: Readonly<Record<PageKind, string>> = { call: 'rooms', broadcast: 'broadcasts' };

/** The path of the start page: `/`, or for example `/meet/` behind a proxy. */
export const basePath: string = new URL(baseUrl).pathname;

/** The path of a room's page. */
export function roomPath(kind: PageKind, room: string): string {
  return `${basePath}${pathLetters[kind]}/${encodeURIComponent(room)}`;
}

/** The absolute address of a room's page. */
export function roomUrl(kind: PageKind, room: string): string {
  return new URL(roomPath(kind, room), baseUrl).href;
}

/** The path of the API that lists who is in a room. */
export function roomApiPath(kind: PageKind, room: string): string {
  return `${basePath}api/${apiNames[kind]}/${encodeURIComponent(room)}`;
}

/** The path of the page that tests the connection. */
export const diagnosePath = `${basePath}diagnose`;

/** Whether a path is that of the page which tests the connection, as inexactly as people type it. */
export function isDiagnosePath(pathname: string, base = basePath): boolean {
  return /^\/+diagnose\/*$/i.test(withoutBase(pathname, base));
}

/**
 * The room that a path names, in the spelling of the path; undefined where it names none.
 * @param base the path that Weir is served under; a path outside of it is read as it is, since a proxy may strip the base
 */
export function roomInPath(pathname: string, base = basePath): { kind: PageKind; written: string } | undefined {
  const [, letter = '', encoded = ''] = /^\/+([rb])\/+([^/]+)\/*$/i.exec(withoutBase(pathname, base)) ?? [];
  const kind = letter.toLowerCase() === pathLetters.call ? 'call' : 'broadcast';
  const written = decodeName(encoded);
  return letter && written ? { kind, written } : undefined;
}

function withoutBase(pathname: string, base: string): string {
  return pathname.startsWith(base) ? pathname.slice(base.length - 1) : pathname;
}

/** Decodes a percent-encoded room name; undefined where that fails. */
function decodeName(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}

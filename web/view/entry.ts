/** Owns what the address of a page says: which room, of which kind, and how we want to come in. */
import type { Role, RoomKind } from '../client/index.ts';
import type { Session } from './Session.ts';

export interface Entry {
  readonly kind: RoomKind;
  readonly room: string;
  /** What we want to be where nobody needs a token. */
  readonly role: Role | undefined;
  readonly name: string | undefined;
  /** From the fragment of the address, which no server sees. */
  readonly token: string | undefined;
  /** Enter at once: no lobby, and in a studio on air. */
  readonly join: boolean;
}

/** Shows a room's page; `onSession` hears of each stay that begins. */
export type EntryPage = (app: Element, entry: Entry, onSession: (session: Session) => void) => void;

const kinds: Readonly<Record<string, RoomKind>> = { r: 'call', b: 'broadcast' };

/** What an address such as `/b/<room>?role=host&join=1#token=...` asks for; undefined where it names no room. */
export function entryOf({ pathname, search, hash }: Pick<Location, 'pathname' | 'search' | 'hash'>): Entry | undefined {
  const [, letter = '', encoded = ''] = /^\/([rb])\/([^/]+)\/?$/.exec(pathname) ?? [];
  const kind = kinds[letter];
  const room = decoded(encoded);
  if (!kind || !room) return undefined;
  const query = new URLSearchParams(search);
  const role = query.get('role');
  return {
    kind,
    room,
    role: role === 'host' || role === 'speaker' || role === 'viewer' ? role : undefined,
    name: query.get('name')?.trim() || undefined,
    token: new URLSearchParams(hash.slice(1)).get('token')?.trim() || undefined,
    join: query.get('join') === '1',
  };
}

/** Room names travel in the path, percent-encoded; what cannot be decoded names no room. */
function decoded(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded).trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Owns what the address of a page says: which room, of which kind, and how we want to come in. */
import { z } from 'zod';
import { canonicalRoomName, type RoomKind, shortDisplayName } from '../../client/index.ts';
import type { CallController } from '../controller/CallController.ts';
import { roomInPath } from './address.ts';

export interface Route {
  readonly kind: RoomKind;
  /** Its name in the one form that it has, however the address writes it. */
  readonly room: string;
  /** What we want to be where nobody needs a token, or are by ours: the page is chosen by it, rights are not. */
  readonly role: z.infer<typeof Role> | undefined;
  readonly name: string | undefined;
  /** From the fragment of the address, which no server sees. */
  readonly token: string | undefined;
  /** Enter at once: no lobby, and in a studio on air. */
  readonly join: boolean;
}

/** Shows a room's page; `onSession` hears of each stay that begins. */
export type RoutePage = (app: Element, entry: Route, onSession: (call: CallController) => void) => void;

const Role = z.enum(['host', 'speaker', 'viewer']);
const Claims = z.object({
  video: z.object({
    canPublish: z.boolean().nullish(),
    hidden: z.boolean().nullish(),
    roomAdmin: z.boolean().nullish(),
  }),
});

/** What an address such as `/b/<room>?role=host&join=1#token=...` asks for; undefined where it names no room. */
export function routeOf({ pathname, search, hash }: Pick<Location, 'pathname' | 'search' | 'hash'>): Route | undefined {
  const { kind, written = '' } = roomInPath(pathname) ?? {};
  const room = canonicalRoomName(written);
  if (!kind || room === undefined) return undefined;
  const query = new URLSearchParams(search);
  const role = Role.safeParse(query.get('role')).data;
  const token = new URLSearchParams(hash.slice(1)).get('token')?.trim() || undefined;
  return {
    kind,
    room,
    role: role ?? (token === undefined ? undefined : roleIn(token)),
    name: shortDisplayName(query.get('name') ?? '') || undefined,
    token,
    join: query.get('join') === '1',
  };
}

/** What its owner is by a token, which only the server can check; undefined where it cannot be read. */
function roleIn(token: string): Route['role'] {
  try {
    const [, payload = ''] = token.split('.');
    const { video } = Claims.parse(JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/'))));
    if (video.canPublish === false || video.hidden) return 'viewer';
    return video.roomAdmin ? 'host' : 'speaker';
  } catch {
    return undefined;
  }
}

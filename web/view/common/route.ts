/** Parses the address of a page: the room, its kind, and how to join it. */
import { z } from 'zod';
import { canonicalRoomName, type RoomPolicy, shortDisplayName } from '../../client/index.ts';
import type { CallController } from '../controller/CallController.ts';
import { type PageKind, roomInPath } from './address.ts';

export interface Route {
  readonly kind: PageKind;
  /** The canonical room name, however the address spells it. */
  readonly room: string;
  /** From the query or the token. It chooses the page; the grants come from the server. */
  readonly role: z.infer<typeof Role> | undefined;
  readonly name: string | undefined;
  /** From the fragment, which browsers do not send to servers. */
  readonly token: string | undefined;
  /** Join without a lobby; a studio goes live at once. */
  readonly join: boolean;
  /** `relay`: media over TURN servers only, to find out whether they work. */
  readonly iceTransportPolicy: 'relay' | undefined;
  /** How media is to travel; `sfu` keeps it from going directly. */
  readonly policy: RoomPolicy | undefined;
}

/** Shows the page of a room; `onCall` receives each call that it starts. */
export type RoutePage = (app: Element, route: Route, onCall: (call: CallController) => void) => void;

const Role = z.enum(['host', 'speaker', 'viewer']);
const Policy = z.enum(['sfu', 'auto', 'p2p'] satisfies RoomPolicy[]);
const Claims = z.object({
  video: z.object({
    canPublish: z.boolean().nullish(),
    hidden: z.boolean().nullish(),
    roomAdmin: z.boolean().nullish(),
  }),
});

/** Parses an address such as `/b/<room>?role=host&join=1#token=...`; undefined where it names no room. */
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
    iceTransportPolicy: query.get('iceTransportPolicy') === 'relay' ? 'relay' : undefined,
    policy: Policy.safeParse(query.get('policy')).data,
  };
}

/** The role that a token's claims amount to, without verification; undefined where they cannot be parsed. */
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

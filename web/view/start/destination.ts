/** Parses the name of a room, or a pasted link to it. */
import { canonicalRoomName } from '../../client/index.ts';
import { type PageKind, roomPath } from '../common/address.ts';
import { routeOf } from '../common/route.ts';
import type { MessageKey } from '../locales/index.ts';

/** The path to navigate to, or the message of what is wrong with the input. */
export type Destination =
  | { readonly path: string }
  | { readonly problem: MessageKey; readonly values?: Readonly<Record<string, string>> };

/**
 * @param kind the kind of the room, where a name is typed
 * @param host the host of this page: links to other servers are rejected
 */
export function destinationOf(typed: string, kind: PageKind, host: string): Destination {
  const text = typed.trim();
  if (text === '') return { problem: 'roomMissing' };
  const link = linkIn(text);
  if (link) {
    if (link.host !== host) return { problem: 'linkElsewhere', values: { host: link.host } };
    const route = routeOf(link);
    if (!route) return { problem: 'linkInvalid' };
    return { path: `${roomPath(route.kind, route.room)}${link.search}${link.hash}` };
  }
  const room = canonicalRoomName(text);
  return room === undefined ? { problem: 'roomInvalid' } : { path: roomPath(kind, room) };
}

/** The link in a text, with or without its scheme; a room name has no slash. */
function linkIn(text: string): URL | undefined {
  if (/^https?:\/\//i.test(text)) return URL.canParse(text) ? new URL(text) : undefined;
  const url = `https://${text}`;
  return /^[^\s/]+\/(.*\/)?[rb]\/./i.test(text) && URL.canParse(url) ? new URL(url) : undefined;
}

/** Which room somebody means who types its name, or pastes a link to it. */
import { canonicalRoomName, type RoomKind } from '../../client/index.ts';
import { roomPath } from '../common/address.ts';
import { routeOf } from '../common/route.ts';
import type { MessageKey } from '../locales/index.ts';

/** Where to go, or what is wrong with what was typed. */
export type Destination =
  | { readonly path: string }
  | { readonly problem: MessageKey; readonly blanks?: Readonly<Record<string, string>> };

/**
 * @param kind of the room, where a name does not say it
 * @param host of this page: links of other servers are not followed
 */
export function destinationOf(typed: string, kind: RoomKind, host: string): Destination {
  const text = typed.trim();
  if (text === '') return { problem: 'roomMissing' };
  const link = linkIn(text);
  if (link) {
    if (link.host !== host) return { problem: 'linkElsewhere', blanks: { host: link.host } };
    const entry = routeOf(link);
    if (!entry) return { problem: 'linkInvalid' };
    return { path: `${roomPath(entry.kind, entry.room)}${link.search}${link.hash}` };
  }
  const room = canonicalRoomName(text);
  return room === undefined ? { problem: 'roomInvalid' } : { path: roomPath(kind, room) };
}

/** A link, with or without its scheme; no name of a room has a slash. */
function linkIn(text: string): URL | undefined {
  if (/^https?:\/\//i.test(text)) return URL.canParse(text) ? new URL(text) : undefined;
  const url = `https://${text}`;
  return /^[^\s/]+\/(.*\/)?[rb]\/./i.test(text) && URL.canParse(url) ? new URL(url) : undefined;
}

/**
 * Keeps the fresh token of a stay in this tab's call storage, by invitation: a reload after the invitation has expired lets
 * back in whoever was in the room a moment ago. It lives for minutes, and no other tab reads it.
 */
import { z } from 'zod';
import type { RoomKind } from '../../client/index.ts';

const StoredToken = z.object({ invitation: z.string(), token: z.string() });

interface TokenScope {
  readonly room: string;
  readonly kind?: RoomKind | undefined;
}

const keyOf = ({ room, kind = 'call' }: TokenScope) => `weir.token.${kind}.${room}`;

export function storeToken(where: TokenScope, invitation: string, token: string): void {
  try {
    sessionStorage.setItem(keyOf(where), JSON.stringify({ invitation, token }));
  } catch {
    // Storage can be switched off: then the invitation has to do.
  }
}

/** The last token that was kept for somebody with this invitation. */
export function storedToken(where: TokenScope, invitation: string): string | undefined {
  try {
    const kept = StoredToken.parse(JSON.parse(sessionStorage.getItem(keyOf(where)) ?? ''));
    return kept.invitation === invitation ? kept.token : undefined;
  } catch {
    return undefined;
  }
}

/** The rules of grants: those of a role, how a room's kind restricts them, and how an administrator's patch is applied. */
import { sources } from '../../shared/media.ts';
import type { Grants, GrantsPatch, Role, RoomKind } from '../../shared/protocol.ts';

/** The grants of a role. The grants that a token leaves unspecified are those of a speaker. */
export function grantsOf(role: Role): Grants {
  return {
    canPublish: role !== 'viewer',
    canPublishSources: [...sources],
    canSubscribe: true,
    canPublishData: true,
    hidden: false,
    roomAdmin: role === 'host',
  };
}

/**
 * Makes grants consistent for a kind of room. In a broadcast, exactly those who may not publish are hidden: viewers are
 * counted, not announced. In a call a hidden peer may not publish, since nobody knows of a peer whose tracks to subscribe to.
 */
export function normalizeGrants(kind: RoomKind, grants: Grants): Grants {
  if (kind === 'broadcast') return { ...grants, hidden: !grants.canPublish };
  return { ...grants, canPublish: grants.canPublish && !grants.hidden };
}

/** `grants` with the fields that `patch` has. A field of value undefined counts as missing. */
export function patchGrants(grants: Grants, patch: GrantsPatch): Grants {
  const { canPublish, canPublishSources, canSubscribe, canPublishData, roomAdmin } = patch;
  return {
    ...grants,
    ...(canPublish !== undefined && { canPublish }),
    ...(canPublishSources !== undefined && { canPublishSources }),
    ...(canSubscribe !== undefined && { canSubscribe }),
    ...(canPublishData !== undefined && { canPublishData }),
    ...(roomAdmin !== undefined && { roomAdmin }),
  };
}

/** Owns what a role may do, and which role somebody has who may do this or that. */
import { type Source, sources } from './media.ts';
import type { Grants, Role } from './protocol.ts';

/** What somebody of that role may do. */
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

/** The role that somebody has with these grants. */
export function roleOf({ canPublish, roomAdmin }: Grants): Role {
  if (!canPublish) return 'viewer';
  return roomAdmin ? 'host' : 'speaker';
}

/** Whether these grants let somebody publish that source. */
export function mayPublish({ canPublish, canPublishSources }: Grants, source: Source): boolean {
  return canPublish && canPublishSources.includes(source);
}

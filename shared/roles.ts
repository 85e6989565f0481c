/** What grants amount to: the role that they make, and whether they permit a source, or data in both directions. */
import type { Source } from './media.ts';
import type { Grants, Role } from './protocol.ts';

/** The role of somebody with these grants. */
export function roleOf({ canPublish, roomAdmin }: Grants): Role {
  if (!canPublish) return 'viewer';
  return roomAdmin ? 'host' : 'speaker';
}

/** Whether these grants permit publishing that source. */
export function mayPublish({ canPublish, canPublishSources }: Grants, source: Source): boolean {
  return canPublish && canPublishSources.includes(source);
}

/** Whether these grants permit both sending and receiving data messages. */
export function mayExchangeData({ canPublishData, canSubscribe }: Grants): boolean {
  return canPublishData && canSubscribe;
}

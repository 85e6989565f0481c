/** The authenticator of a server without tokens: anyone may enter any room, in the role that they ask for. */
import { createHash, randomUUID } from 'node:crypto';
import type { Authenticator } from './Authenticator.ts';
import { grantsOf } from './grants.ts';

/**
 * Viewers of a broadcast, who may be many and are unknown, send no data until they come onto the stage.
 * The same `guest` secret always has the same identity; without one the identity is new each time.
 */
export function anonymousAuthenticator(): Authenticator {
  return {
    kind: 'open',
    async authenticate({
      kind = 'call',
      guest = randomUUID(),
      role = kind === 'broadcast' ? 'viewer' : 'speaker',
      policy,
    }) {
      return {
        kind,
        identity: `guest-${createHash('sha256').update(guest).digest('base64url').slice(0, 22)}`,
        name: undefined,
        metadata: undefined,
        grants: { ...grantsOf(role), ...(kind === 'broadcast' && role === 'viewer' && { canPublishData: false }) },
        policy,
        token: undefined,
      };
    },
    async refresh() {
      return undefined;
    },
  };
}

/** Admits a client that tests its connection: nobody has to authenticate to be in a room of the kind `diagnosis`. */
import { randomUUID } from 'node:crypto';
import type { Grants } from '../../shared/protocol.ts';
import type { Admission } from './AccessControl.ts';

/** What it may do: send video and audio to its other end, and nothing that is meant for people. */
const grants: Grants = {
  canPublish: true,
  canPublishSources: ['camera', 'microphone'],
  canSubscribe: true,
  canPublishData: false,
  hidden: false,
  roomAdmin: false,
};

/** An admission with an identity of its own. The name cannot be chosen, and no token is signed that opens anything later. */
export function diagnosisAdmission(): Admission {
  return {
    credentials: {
      kind: 'diagnosis',
      identity: `diagnosis-${randomUUID()}`,
      name: 'Diagnosis',
      metadata: undefined,
      grants,
      policy: 'sfu',
      token: undefined,
    },
    grants,
    assertNotRevoked() {},
    async refreshToken() {
      return undefined;
    },
  };
}

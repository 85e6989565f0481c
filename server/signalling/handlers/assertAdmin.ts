/** The check of requests that need the grant `roomAdmin`. */
import { WeirError } from '../../../shared/errors.ts';
import type { Grants } from '../../../shared/protocol.ts';

/** @throws {WeirError} `forbidden` */
export function assertAdmin({ grants }: { readonly grants: Grants }): void {
  if (!grants.roomAdmin) throw new WeirError('forbidden', 'You are not an administrator of this room.');
}

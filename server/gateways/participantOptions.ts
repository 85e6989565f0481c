/** What every participant of a gateway is made of: who it is, what it may do, and the router of its transports. */
import { WeirError } from '../../shared/errors.ts';
import { shortDisplayName } from '../../shared/names.ts';
import type { Grants } from '../../shared/protocol.ts';
import type { Admission } from '../auth/AccessControl.ts';
import type { Placement } from '../media/RoomRouters.ts';
import type { Room } from '../room/Room.ts';

export interface ParticipantOptions {
  readonly identity: string;
  readonly name: string;
  readonly metadata: string | undefined;
  readonly grants: Grants;
  /** The router of its transports; given back when the participant ends. */
  readonly placement: Placement;
}

export interface ParticipantRequest {
  /** What the client wants to be called, where no token says it. */
  readonly name: string | undefined;
  /** Aborted when the client does not wait for the answer any more. */
  readonly signal: AbortSignal;
}

/**
 * @param defaultName of whoever has neither a name nor an identity that can be shown
 * @throws {WeirError} `unavailable`, `closed`
 */
export async function participantOptions(
  room: Room,
  { credentials, grants }: Admission,
  { name, signal }: ParticipantRequest,
  defaultName: string,
): Promise<ParticipantOptions> {
  const placement = await room.place(grants);
  if (signal.aborted) {
    placement[Symbol.dispose]();
    throw new WeirError('closed');
  }
  const { identity, metadata } = credentials;
  return {
    identity,
    name: credentials.name ?? name ?? (shortDisplayName(identity) || defaultName),
    metadata,
    grants,
    placement,
  };
}

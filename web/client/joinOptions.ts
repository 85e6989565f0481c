/** Owns what an application says when it joins a room. */

import { WeirError } from '../../shared/errors.ts';
import type { RtpCapabilities } from '../../shared/media.ts';
import type { ClientMessages, Role, RoomKind } from '../../shared/protocol.ts';
import type { RequestData } from '../../shared/RpcChannel.ts';

export interface JoinOptions {
  readonly room: string;
  /**
   * Required unless the server runs open. A function is called at each join, also when you pass the same options again to
   * come back after a break: it gets a fresh token from your own server.
   */
  readonly token?: string | (() => string | Promise<string>);
  /** Shown to the others where the token gives no name. */
  readonly name?: string;
  /** On a server that runs open: a secret (22 to 86 characters of base64url) by which we are the same identity again. */
  readonly guest?: string;
  /** A call unless told. Broadcasts have names of their own. */
  readonly kind?: RoomKind;
  /** On a server that runs open: what we want to be. Elsewhere the token says it. */
  readonly role?: Role;
  /** How many initialVideoLimit to receive until `updateTrackSettings` says which: those of the first who came. All where it is not given. */
  readonly initialVideoLimit?: number;
}

/** The token of these options. @throws {WeirError} `unauthorized` when the application's function fails */
export async function tokenOf({ token }: Pick<JoinOptions, 'token'>): Promise<string | undefined> {
  if (typeof token !== 'function') return token;
  try {
    return await token();
  } catch (cause) {
    if (cause instanceof WeirError) throw cause;
    throw new WeirError('unauthorized', "The application's `token` function failed.", { cause });
  }
}

/** The request that says it, for a device that can receive so much. */
export function joinRequest(
  { room, name, guest, kind, role, initialVideoLimit }: JoinOptions,
  token: string | undefined,
  rtpCapabilities: RtpCapabilities,
): RequestData<ClientMessages, 'join'> {
  return {
    room,
    ...(token !== undefined && { token }),
    ...(name !== undefined && { name }),
    ...(guest !== undefined && { guest }),
    ...(kind !== undefined && { kind }),
    ...(role !== undefined && { role }),
    ...(initialVideoLimit !== undefined && { initialVideoLimit }),
    rtpCapabilities,
    transports: { send: true, recv: true },
  };
}

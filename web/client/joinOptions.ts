/** The options of `join`, and the request that is made from them. */
import { WeirError } from '../../shared/errors.ts';
import type { RtpCapabilities } from '../../shared/media.ts';
import type { ClientMessages, Role, RoomKind, RoomPolicy } from '../../shared/protocol.ts';
import type { RequestData } from '../../shared/RpcChannel.ts';

export interface JoinOptions {
  readonly room: string;
  /**
   * Required unless the server allows anonymous access. A function is called for each join, so that it can fetch a fresh
   * token from your own server when you pass the same options again for a rejoin.
   */
  readonly token?: string | (() => string | Promise<string>);
  /** Our display name, if the token has none. */
  readonly name?: string;
  /** With anonymous access: a secret (22 to 86 characters of base64url) that gives us the same identity in each session. */
  readonly guest?: string;
  /** `call` by default. A call and a broadcast of the same name are two rooms. */
  readonly kind?: RoomKind;
  /** With anonymous access: the role that we request. Otherwise the token has it. */
  readonly role?: Role;
  /**
   * How many videos to receive before `updateTrackSettings` requests particular ones: those of the peers that joined first.
   * All by default.
   */
  readonly initialVideoLimit?: number;
  /** `relay` sends and receives media over TURN servers only, which needs a server that has some. `all` by default. */
  readonly iceTransportPolicy?: RTCIceTransportPolicy | undefined;
  /**
   * How media travels: with anonymous access that of the room, if this join opens it. Direct media (`auto`, `p2p`) shows the
   * others one's IP address; `sfu` keeps this client out of it, whatever the room's policy is, except in a room with `p2p`.
   */
  readonly policy?: RoomPolicy | undefined;
}

/** The token of these options. @throws {WeirError} `unauthorized` if the function of the application fails */
export async function tokenOf({ token }: Pick<JoinOptions, 'token'>): Promise<string | undefined> {
  if (typeof token !== 'function') return token;
  try {
    return await token();
  } catch (cause) {
    if (cause instanceof WeirError) throw cause;
    throw new WeirError('unauthorized', "The application's `token` function failed.", { cause });
  }
}

/**
 * The data of the `join` request.
 * @param rtpCapabilities what the browser can receive
 * @param direct whether client and server both know direct media
 */
export function joinRequest(
  { room, name, guest, kind, role, initialVideoLimit, policy }: JoinOptions,
  token: string | undefined,
  { rtpCapabilities, direct = false }: { readonly rtpCapabilities: RtpCapabilities; readonly direct?: boolean },
): RequestData<ClientMessages, 'join'> {
  return {
    room,
    ...(token !== undefined && { token }),
    ...(name !== undefined && { name }),
    ...(guest !== undefined && { guest }),
    ...(kind !== undefined && { kind }),
    ...(role !== undefined && { role }),
    ...(initialVideoLimit !== undefined && { initialVideoLimit }),
    ...(direct && { direct, ...(policy !== undefined && { policy }) }),
    rtpCapabilities,
    transports: { send: true, recv: true },
  };
}

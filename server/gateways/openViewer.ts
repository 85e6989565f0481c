/** Puts the viewer of a gateway into a room in which something is live: checks what it may do, before and after it has opened. */
import { WeirError } from '../../shared/errors.ts';
import type { Admission } from '../auth/AccessControl.ts';
import type { Room } from '../room/Room.ts';
import type { RoomManager, Seat } from '../room/RoomManager.ts';
import { assertServerMedia } from './assertServerMedia.ts';
import type { GatewayViewer, ViewerOptions } from './GatewayViewer.ts';
import { type ParticipantRequest, participantOptions } from './participantOptions.ts';
import { endWhenIdle, type IdleOptions } from './playback/endWhenIdle.ts';
import type { RoomAudios } from './playback/RoomAudio.ts';

export interface ViewerContext {
  readonly rooms: RoomManager;
  readonly audios: RoomAudios;
}

export interface ViewerRequest extends ParticipantRequest {
  readonly room: string;
}

/** When to ask again where nothing is live, in seconds. */
const RETRY_AFTER = 5;

/**
 * A seat for a viewer, which opens no room.
 * @param admission of the viewer to the room
 * @throws {WeirError} `forbidden`, `conflict` while nothing is live, `roomFull`, `busy`, `unavailable`, `closed`
 */
export async function reserveViewer(
  { rooms }: ViewerContext,
  admission: Admission,
  { room: name, signal }: ViewerRequest,
): Promise<Seat> {
  const { kind, identity } = admission.credentials;
  assertMayReceive(admission);
  assertLive(await rooms.find(name, kind));
  const isAdmin = admission.grants.roomAdmin;
  const isViewer = kind === 'broadcast' && admission.grants.hidden;
  const seat = await rooms.reserve(name, identity, kind, { signal, opens: false, isAdmin, isViewer });
  try {
    // It may have waited in the queue, and everybody may have left meanwhile.
    assertLive(seat.room);
    return seat;
  } catch (error) {
    seat[Symbol.dispose]();
    throw error;
  }
}

/** @throws {WeirError} `unavailable`, `closed` */
export async function viewerOptions(
  { audios }: ViewerContext,
  room: Room,
  admission: Admission,
  request: ViewerRequest,
  defaultName: string,
): Promise<ViewerOptions> {
  const options = await participantOptions(room, admission, request, defaultName);
  return { ...options, routers: room.routers, audio: audios.acquire(room) };
}

/**
 * The viewer has opened its transports: it is in the room from now on, until nothing has been published for a while.
 * @throws {WeirError} as `assertStillAdmitted`, and `closed`
 */
export async function joinViewer(
  room: Room,
  admission: Admission,
  viewer: GatewayViewer,
  idle?: IdleOptions,
): Promise<void> {
  assertStillAdmitted(admission, viewer);
  await room.join(viewer, { subscriber: viewer });
  if (viewer.closed) throw new WeirError('closed');
  endWhenIdle(room, viewer, idle);
}

/** An administrator may have decided otherwise while the media worker worked. @throws {WeirError} `unauthorized`, `forbidden` */
export function assertStillAdmitted(admission: Admission, viewer: GatewayViewer): void {
  admission.assertNotRevoked();
  assertMayReceive(admission);
  viewer.setGrants(admission.grants);
}

/** @throws {WeirError} `forbidden` */
function assertMayReceive({ grants }: Admission): void {
  if (!grants.canSubscribe) throw new WeirError('forbidden', 'You may not receive anything here.');
}

/** @throws {WeirError} `forbidden`, `conflict` */
function assertLive(room: Room | undefined): void {
  if (room) assertServerMedia(room);
  const isLive = room !== undefined && (room.broadcast?.live ?? true) && room.publications.length > 0;
  if (!isLive) throw new WeirError('conflict', 'Nothing is live here at the moment.', { retryAfter: RETRY_AFTER });
}

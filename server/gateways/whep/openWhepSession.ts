/** Opens a WHEP session: admits the player, and answers its offer with one of the server, which the player has to answer. */
import { randomInt } from 'node:crypto';
import { WeirError } from '../../../shared/errors.ts';
import { shortDisplayName } from '../../../shared/names.ts';
import type { Admission } from '../../auth/AccessControl.ts';
import { serverRtpCapabilities } from '../../media/options.ts';
import type { Room } from '../../room/Room.ts';
import type { RoomManager } from '../../room/RoomManager.ts';
import { assertServerMedia } from '../assertServerMedia.ts';
import { GatewaySession } from '../http/GatewaySession.ts';
import { counterMedia, readPlayAnswer, readPlayOffer } from '../sdp/playOffer.ts';
import { writeIceFragment, writeSdp } from '../sdp/writeSdp.ts';
import type { RoomAudios } from './RoomAudio.ts';
import { WhepViewer } from './WhepViewer.ts';

export interface WhepContext {
  readonly rooms: RoomManager;
  readonly audios: RoomAudios;
  readonly maxIncomingBitrate: number;
}

export interface WhepRequest {
  readonly room: string;
  /** What the player wants to be called, where no token says it. */
  readonly name: string | undefined;
  readonly sdp: string;
  /** Aborted when the player does not wait for the answer any more. */
  readonly signal: AbortSignal;
}

export interface OpenedWhepSession {
  readonly session: GatewaySession;
  /** SDP of the server, which the player has to answer. */
  readonly counterOffer: string;
}

const DEFAULT_NAME = 'Viewer';
/** When a player is to ask again where nothing is live, in seconds. */
const RETRY_AFTER = 5;

/**
 * @param admission of the player to the room
 * @throws {WeirError} `badRequest`, `unsupported`, `unauthorized`, `forbidden`, `conflict` while nothing is live, `roomFull`,
 *   `busy`, `unavailable`, `closed`. Nothing is left open then
 */
export async function openWhepSession(
  context: WhepContext,
  admission: Admission,
  request: WhepRequest,
): Promise<OpenedWhepSession> {
  const offer = readPlayOffer(request.sdp, serverRtpCapabilities);
  const { credentials } = admission;
  assertMayReceive(admission);
  const live = await context.rooms.find(request.room, credentials.kind);
  assertLive(live);
  // Neither the room nor its policy can be another one, since it is open.
  using seat = await context.rooms.reserve(request.room, credentials.identity, credentials.kind, {
    signal: request.signal,
  });
  const { room } = seat;
  const viewer = await createViewer(context, room, admission, request);
  try {
    const transport = await viewer.open();
    if (request.signal.aborted) throw new WeirError('closed');
    const media = counterMedia(offer, serverRtpCapabilities, viewer.id);
    const counterOffer = writeSdp({
      sessionId: String(randomInt(1, 2 ** 47)),
      extmapAllowMixed: true,
      media,
      transport,
      setup: 'actpass',
    });
    const answer = async (sdp: string) => {
      const { transport: client, ...playback } = readPlayAnswer(sdp, media, serverRtpCapabilities);
      // An administrator may have decided otherwise meanwhile.
      admission.assertNotRevoked();
      assertMayReceive(admission);
      viewer.setGrants(admission.grants);
      try {
        await viewer.start({ dtlsParameters: client.dtlsParameters, ...playback });
        await room.join(viewer, { subscriber: viewer });
      } catch (error) {
        // Its transport may know the client already: the offer cannot be answered again.
        viewer.close('left');
        throw error;
      }
      return client.iceParameters;
    };
    const session = new GatewaySession({
      restartIce: async () => writeIceFragment(media, await viewer.restartIce(), transport.iceCandidates),
      answer,
      close: (reason) => viewer.close(reason),
      onEnd: (listener) => viewer.onEnd(listener),
    });
    return { session, counterOffer };
  } catch (error) {
    viewer.close('left');
    throw error;
  }
}

/** @throws {WeirError} `forbidden` */
function assertMayReceive({ grants }: Admission): void {
  if (!grants.canSubscribe) throw new WeirError('forbidden', 'You may not receive anything here.');
}

/** A player does not open a room. @throws {WeirError} `forbidden`, `conflict` */
function assertLive(room: Room | undefined): void {
  if (room) assertServerMedia(room);
  const isLive = room !== undefined && (room.broadcast?.live ?? true) && room.publications.length > 0;
  if (!isLive) throw new WeirError('conflict', 'Nothing is live here at the moment.', { retryAfter: RETRY_AFTER });
}

/** @throws {WeirError} `unavailable`, `closed` */
async function createViewer(
  { audios, maxIncomingBitrate }: WhepContext,
  room: Room,
  { credentials, grants }: Admission,
  { name, signal }: WhepRequest,
): Promise<WhepViewer> {
  const placement = await room.place(grants);
  if (signal.aborted) {
    placement[Symbol.dispose]();
    throw new WeirError('closed');
  }
  const { identity, metadata } = credentials;
  return new WhepViewer({
    identity,
    name: credentials.name ?? name ?? (shortDisplayName(identity) || DEFAULT_NAME),
    metadata,
    grants,
    placement,
    routers: room.routers,
    audio: audios.acquire(room),
    maxIncomingBitrate,
  });
}

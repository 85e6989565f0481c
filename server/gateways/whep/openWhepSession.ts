/** Opens a WHEP session: admits the player, and answers its offer, or makes a counter-offer. */
import { randomInt } from 'node:crypto';
import { WeirError } from '../../../shared/errors.ts';
import type { TransportInfo } from '../../../shared/media.ts';
import { shortDisplayName } from '../../../shared/names.ts';
import type { Admission } from '../../auth/AccessControl.ts';
import { serverRtpCapabilities } from '../../media/options.ts';
import { withSendRtpMapping } from '../../media/sendRtpMapping.ts';
import type { Room } from '../../room/Room.ts';
import type { RoomManager } from '../../room/RoomManager.ts';
import { assertServerMedia } from '../assertServerMedia.ts';
import { GatewaySession, type SessionMedia } from '../http/GatewaySession.ts';
import { answerPlayOffer } from '../sdp/playAnswer.ts';
import { counterMedia, type PlayAnswer, type PlayOffer, readPlayAnswer, readPlayOffer } from '../sdp/playOffer.ts';
import { answeredSetup } from '../sdp/transport.ts';
import { type ServerDescription, type ServerMedia, writeIceFragment, writeSdp } from '../sdp/writeSdp.ts';
import { endWhenIdle } from './endWhenIdle.ts';
import type { RoomAudios } from './RoomAudio.ts';
import { WhepViewer } from './WhepViewer.ts';

export interface WhepContext {
  readonly rooms: RoomManager;
  readonly audios: RoomAudios;
  readonly maxIncomingBitrate: number;
  /** Whether the media worker can send with the numbers of an offer, so that it can be answered. */
  readonly answersOffers: boolean;
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
  /** SDP of the server. */
  readonly sdp: string;
  /** Whether it is a counter-offer, which the player has to answer. */
  readonly isCounterOffer: boolean;
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
  assertLive(await context.rooms.find(request.room, credentials.kind));
  using resources = new DisposableStack();
  // The room may have closed while this one waited in the queue; a player does not open another one.
  const seat = resources.use(
    await context.rooms.reserve(request.room, credentials.identity, credentials.kind, {
      signal: request.signal,
      opens: false,
      isAdmin: admission.grants.roomAdmin,
    }),
  );
  const { room } = seat;
  const viewer = await createViewer(context, room, admission, request);
  try {
    const transport = await viewer.open();
    if (request.signal.aborted) throw new WeirError('closed');
    const opening = { room, viewer, admission, offer, transport };
    if (context.answersOffers && offer.fits) return await answerOffer(opening);
    // Its place is kept until it is in the room, or has gone.
    seat.leaveQueue();
    const kept = resources.move();
    viewer.onEnd(() => kept.dispose());
    return counterOffer(opening, kept);
  } catch (error) {
    viewer.close('left');
    throw error;
  }
}

interface Opening {
  readonly room: Room;
  readonly viewer: WhepViewer;
  readonly admission: Admission;
  readonly offer: PlayOffer;
  readonly transport: TransportInfo;
}

/** The player receives from now on, with the numbers of its offer. @throws as `join` */
async function answerOffer(opening: Opening): Promise<OpenedWhepSession> {
  const { viewer, offer, transport } = opening;
  const { media, playback, ...mapping } = answerPlayOffer(offer, serverRtpCapabilities, viewer.id);
  await join(opening, { ...playback, capabilities: withSendRtpMapping(playback.capabilities, mapping) });
  const session = new GatewaySession(sessionMedia(opening, media), offer.transport.iceParameters);
  const setup = answeredSetup(offer.transport);
  return { session, sdp: describe(media, transport, setup, offer.extmapAllowMixed), isCounterOffer: false };
}

/** The player receives once it has answered, with the numbers of the server. */
function counterOffer(opening: Opening, place: Disposable): OpenedWhepSession {
  const { viewer, offer, transport } = opening;
  const media = counterMedia(offer, serverRtpCapabilities, viewer.id);
  const answer = async (sdp: string) => {
    const playback = readPlayAnswer(sdp, media, serverRtpCapabilities);
    // Refused before its transport knows the client, so that it may be answered again.
    assertStillAdmitted(opening);
    try {
      await join(opening, playback);
      place[Symbol.dispose]();
    } catch (error) {
      // Its transport may know the client already: the offer cannot be answered again.
      viewer.close('left');
      throw error;
    }
    return playback.transport.iceParameters;
  };
  const session = new GatewaySession({ ...sessionMedia(opening, media), answer });
  return { session, sdp: describe(media, transport, 'actpass', true), isCounterOffer: true };
}

/** @throws {WeirError} `closed`, `conflict`, `badRequest`; `unauthorized`, `forbidden` */
async function join(opening: Opening, { transport, ...playback }: PlayAnswer): Promise<void> {
  const { room, viewer } = opening;
  await viewer.start({ dtlsParameters: transport.dtlsParameters, ...playback });
  assertStillAdmitted(opening);
  await room.join(viewer, { subscriber: viewer });
  endWhenIdle(room, viewer);
}

/** An administrator may have decided otherwise while the media worker worked. @throws {WeirError} `unauthorized`, `forbidden` */
function assertStillAdmitted({ admission, viewer }: Opening): void {
  admission.assertNotRevoked();
  assertMayReceive(admission);
  viewer.setGrants(admission.grants);
}

function sessionMedia({ viewer, transport }: Opening, media: readonly ServerMedia[]): SessionMedia {
  return {
    restartIce: async () => writeIceFragment(media, await viewer.restartIce(), transport.iceCandidates),
    close: (reason) => viewer.close(reason),
    onEnd: (listener) => viewer.onEnd(listener),
  };
}

function describe(
  media: readonly ServerMedia[],
  transport: TransportInfo,
  setup: ServerDescription['setup'],
  extmapAllowMixed: boolean,
): string {
  return writeSdp({ sessionId: String(randomInt(1, 2 ** 47)), extmapAllowMixed, media, transport, setup });
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

/** Opens a WHEP session: admits the player, and answers its offer, or makes a counter-offer. */
import { randomInt } from 'node:crypto';
import { WeirError } from '../../../shared/errors.ts';
import type { TransportInfo } from '../../../shared/media.ts';
import type { Admission } from '../../auth/AccessControl.ts';
import { serverRtpCapabilities } from '../../media/options.ts';
import { withSendRtpMapping } from '../../media/sendRtpMapping.ts';
import type { Room } from '../../room/Room.ts';
import { GatewaySession, type SessionMedia } from '../http/GatewaySession.ts';
import type { OpenedSdpSession } from '../http/sdpEndpoint.ts';
import {
  assertStillAdmitted,
  joinViewer,
  reserveViewer,
  type ViewerContext,
  type ViewerRequest,
  viewerOptions,
} from '../openViewer.ts';
import { answerPlayOffer } from '../sdp/playAnswer.ts';
import { counterMedia, type PlayAnswer, type PlayOffer, readPlayAnswer, readPlayOffer } from '../sdp/playOffer.ts';
import { answeredSetup } from '../sdp/transport.ts';
import { type ServerDescription, type ServerMedia, writeIceFragment, writeSdp } from '../sdp/writeSdp.ts';
import { WhepViewer } from './WhepViewer.ts';

export interface WhepContext extends ViewerContext {
  readonly maxIncomingBitrate: number;
  /** Whether the media worker can send with the numbers of an offer, so that it can be answered. */
  readonly answersOffers: boolean;
}

export interface WhepRequest extends ViewerRequest {
  readonly sdp: string;
}

const DEFAULT_NAME = 'Viewer';

/**
 * @param admission of the player to the room
 * @throws {WeirError} `badRequest`, `unsupported`, `unauthorized`, `forbidden`, `conflict` while nothing is live, `roomFull`,
 *   `busy`, `unavailable`, `closed`. Nothing is left open then
 */
export async function openWhepSession(
  context: WhepContext,
  admission: Admission,
  request: WhepRequest,
): Promise<OpenedSdpSession> {
  const offer = readPlayOffer(request.sdp, serverRtpCapabilities);
  using resources = new DisposableStack();
  const seat = resources.use(await reserveViewer(context, admission, request));
  const { room } = seat;
  const options = await viewerOptions(context, room, admission, request, DEFAULT_NAME);
  const viewer = new WhepViewer({ ...options, maxIncomingBitrate: context.maxIncomingBitrate });
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
async function answerOffer(opening: Opening): Promise<OpenedSdpSession> {
  const { viewer, offer, transport } = opening;
  const { media, playback, ...mapping } = answerPlayOffer(offer, serverRtpCapabilities, viewer.id);
  await join(opening, { ...playback, capabilities: withSendRtpMapping(playback.capabilities, mapping) });
  const session = new GatewaySession(sessionMedia(opening, media), offer.transport.iceParameters);
  const setup = answeredSetup(offer.transport);
  return { session, sdp: describe(media, transport, setup, offer.extmapAllowMixed) };
}

/** The player receives once it has answered, with the numbers of the server. */
function counterOffer(opening: Opening, place: Disposable): OpenedSdpSession {
  const { viewer, admission, offer, transport } = opening;
  const media = counterMedia(offer, serverRtpCapabilities, viewer.id);
  const answer = async (sdp: string) => {
    const playback = readPlayAnswer(sdp, media, serverRtpCapabilities);
    // Refused before its transport knows the client, so that it may be answered again.
    assertStillAdmitted(admission, viewer);
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
  const { room, viewer, admission } = opening;
  await viewer.start({ dtlsParameters: transport.dtlsParameters, ...playback });
  await joinViewer(room, admission, viewer);
}

function sessionMedia({ room, viewer, transport }: Opening, media: readonly ServerMedia[]): SessionMedia {
  return {
    ids: { room: room.key, identity: viewer.identity, peer: viewer.id },
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

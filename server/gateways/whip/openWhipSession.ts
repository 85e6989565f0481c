/** Opens a WHIP session: admits the client, answers its offer, and puts its publisher into the room. */
import { randomInt } from 'node:crypto';
import { WeirError } from '../../../shared/errors.ts';
import type { IceCandidate, MediaKind, Source } from '../../../shared/media.ts';
import { shortDisplayName } from '../../../shared/names.ts';
import type { RoomPolicy } from '../../../shared/protocol.ts';
import type { AccessControl, Admission } from '../../auth/AccessControl.ts';
import { KEY_FRAME_REQUEST_DELAY, serverRtpCapabilities } from '../../media/options.ts';
import type { Room } from '../../room/Room.ts';
import type { RoomManager } from '../../room/RoomManager.ts';
import { assertServerMedia } from '../assertServerMedia.ts';
import { GatewaySession } from '../http/GatewaySession.ts';
import { type PublishOffer, readPublishOffer } from '../sdp/publishOffer.ts';
import { answeredSetup } from '../sdp/transport.ts';
import { writeIceFragment, writeSdp } from '../sdp/writeSdp.ts';
import { type PublishedMedia, WhipPublisher } from './WhipPublisher.ts';

export interface WhipContext {
  readonly rooms: RoomManager;
  readonly access: AccessControl;
  /** Of calls for which nobody chooses a policy. */
  readonly roomPolicy: RoomPolicy;
  /** What a publisher may send, in bit/s. */
  readonly maxIncomingBitrate: number;
}

export interface WhipRequest {
  readonly room: string;
  /** What the client wants to be called, where no token says it. */
  readonly name: string | undefined;
  /** What its video shows. */
  readonly source: 'camera' | 'screen';
  readonly sdp: string;
  /** Aborted when the client does not wait for the answer any more. */
  readonly signal: AbortSignal;
}

export interface OpenedWhipSession {
  readonly session: GatewaySession;
  /** SDP. */
  readonly answer: string;
}

const DEFAULT_NAME = 'Stream';

const sourceOf: Readonly<Record<WhipRequest['source'], Readonly<Record<MediaKind, Source>>>> = {
  camera: { audio: 'microphone', video: 'camera' },
  screen: { audio: 'screenAudio', video: 'screen' },
};

/**
 * @param admission of the client to the room
 * @throws {WeirError} `badRequest`, `unsupported`, `unauthorized`, `forbidden`, `conflict`, `roomFull`, `busy`, `unavailable`,
 *   `closed`. Nothing is left in the room then
 */
export async function openWhipSession(
  context: WhipContext,
  admission: Admission,
  request: WhipRequest,
): Promise<OpenedWhipSession> {
  const offer = readPublishOffer(request.sdp, serverRtpCapabilities);
  const tracks = offer.tracks.map(({ kind, rtpParameters }) => ({
    source: sourceOf[request.source][kind],
    rtpParameters,
  }));
  const { kind, identity } = admission.credentials;
  assertMayPublish(admission, tracks);
  const policy = admission.credentials.policy ?? context.roomPolicy;
  using seat = await context.rooms.reserve(request.room, identity, kind, { signal: request.signal, policy });
  const { room } = seat;
  assertServerMedia(room);
  const publisher = await createPublisher(context, room, admission, request);
  try {
    const transport = await publisher.connect(offer.transport.dtlsParameters);
    const publications = await publisher.publish(tracks);
    // An administrator may have decided otherwise meanwhile, and the client may be gone.
    admission.assertNotRevoked();
    publisher.setGrants(admission.grants);
    if (request.signal.aborted) throw new WeirError('closed');
    await room.join(publisher);
    for (const publication of publications) {
      room.publish(publication);
      publisher.watch(publication, (problem) => room.videoProblemFound(publisher, problem));
    }
    if (publisher.closed) throw new WeirError('closed');
    const media = offer.tracks.map(({ answer }) => answer);
    const answer = writeSdp({
      sessionId: String(randomInt(1, 2 ** 47)),
      extmapAllowMixed: offer.extmapAllowMixed,
      media,
      transport,
      setup: answeredSetup(offer.transport),
    });
    return { session: sessionOf(publisher, offer, transport.iceCandidates), answer };
  } catch (error) {
    publisher.close('left');
    throw error;
  }
}

/** Nothing is published partly. @throws {WeirError} `forbidden` */
function assertMayPublish({ grants }: Admission, tracks: readonly PublishedMedia[]): void {
  if (!grants.canPublish) throw new WeirError('forbidden', 'You may not publish here.');
  const refused = tracks.find(({ source }) => !grants.canPublishSources.includes(source));
  if (refused) throw new WeirError('forbidden', `You may not publish ${refused.source} here.`);
}

/** @throws {WeirError} `unavailable`, `closed` */
async function createPublisher(
  { maxIncomingBitrate }: WhipContext,
  room: Room,
  { credentials, grants }: Admission,
  { name, signal }: WhipRequest,
): Promise<WhipPublisher> {
  const placement = await room.place(grants);
  if (signal.aborted) {
    placement[Symbol.dispose]();
    throw new WeirError('closed');
  }
  const { identity, metadata } = credentials;
  return new WhipPublisher({
    identity,
    name: credentials.name ?? name ?? (shortDisplayName(identity) || DEFAULT_NAME),
    metadata,
    grants,
    placement,
    keyFrameRequestDelay: KEY_FRAME_REQUEST_DELAY[room.kind],
    maxIncomingBitrate,
  });
}

function sessionOf(
  publisher: WhipPublisher,
  { tracks, transport }: PublishOffer,
  candidates: readonly IceCandidate[],
): GatewaySession {
  const media = tracks.map(({ answer }) => answer);
  return new GatewaySession(
    {
      restartIce: async () => writeIceFragment(media, await publisher.restartIce(), candidates),
      close: (reason) => publisher.close(reason),
      onEnd: (listener) => publisher.onEnd(listener),
    },
    transport.iceParameters,
  );
}

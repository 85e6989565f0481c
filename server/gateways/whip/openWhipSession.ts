/** Opens a WHIP session: admits the client, answers its offer, and puts its publisher into the room. */
import { randomInt } from 'node:crypto';
import type { IceCandidate } from '../../../shared/media.ts';
import type { Admission } from '../../auth/AccessControl.ts';
import { roomKey } from '../../common/roomKey.ts';
import { serverRtpCapabilities } from '../../media/options.ts';
import { GatewaySession } from '../http/GatewaySession.ts';
import type { OpenedSdpSession } from '../http/sdpEndpoint.ts';
import {
  openPublisher,
  type PublishContext,
  type PublishRequest,
  sourceOf,
  type VideoSource,
} from '../openPublisher.ts';
import { type PublishOffer, readPublishOffer } from '../sdp/publishOffer.ts';
import { answeredSetup } from '../sdp/transport.ts';
import { writeIceFragment, writeSdp } from '../sdp/writeSdp.ts';
import { WhipPublisher } from './WhipPublisher.ts';

export interface WhipContext extends PublishContext {
  /** What a publisher may send, in bit/s. */
  readonly maxIncomingBitrate: number;
}

export interface WhipRequest extends Omit<PublishRequest, 'sources'> {
  /** What its video shows. */
  readonly source: VideoSource;
  readonly sdp: string;
}

/**
 * @param admission of the client to the room
 * @throws {WeirError} `badRequest`, `unsupported`, and what `openPublisher` throws. Nothing is left in the room then
 */
export async function openWhipSession(
  context: WhipContext,
  admission: Admission,
  request: WhipRequest,
): Promise<OpenedSdpSession> {
  const offer = readPublishOffer(request.sdp, serverRtpCapabilities);
  const tracks = offer.tracks.map(({ kind, rtpParameters }) => ({
    source: sourceOf[request.source][kind],
    rtpParameters,
  }));
  const { maxIncomingBitrate } = context;
  const { publisher, opened: transport } = await openPublisher(
    context,
    admission,
    { ...request, sources: tracks.map(({ source }) => source) },
    {
      create: (options) => new WhipPublisher({ ...options, maxIncomingBitrate }),
      open: async (created) => {
        const info = await created.connect(offer.transport.dtlsParameters);
        await created.publish(tracks);
        return info;
      },
    },
  );
  const sdp = writeSdp({
    sessionId: String(randomInt(1, 2 ** 47)),
    extmapAllowMixed: offer.extmapAllowMixed,
    media: offer.tracks.map((track) => track.answer),
    transport,
    setup: answeredSetup(offer.transport),
  });
  const room = roomKey(admission.credentials.kind, request.room);
  return { session: sessionOf(publisher, room, offer, transport.iceCandidates), sdp };
}

function sessionOf(
  publisher: WhipPublisher,
  room: string,
  { tracks, transport }: PublishOffer,
  candidates: readonly IceCandidate[],
): GatewaySession {
  const media = tracks.map(({ answer }) => answer);
  return new GatewaySession(
    {
      ids: { room, identity: publisher.identity, peer: publisher.id },
      restartIce: async () => writeIceFragment(media, await publisher.restartIce(), candidates),
      close: (reason) => publisher.close(reason),
      onEnd: (listener) => publisher.onEnd(listener),
    },
    transport.iceParameters,
  );
}

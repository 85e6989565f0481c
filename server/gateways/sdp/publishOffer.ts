/** The offer of somebody who publishes by WHIP (RFC 9725, section 4.4), as parameters of mediasoup and of the answer. */
import { isKnownExtension, type MediaKind, type RtpCapabilities, RtpParameters } from '../../../shared/media.ts';
import { validationSentence } from '../../../shared/validation.ts';
import { chooseCodec, takesExtension } from './chooseCodec.ts';
import { encodingsOf } from './encodings.ts';
import { MID, TRANSPORT_CC } from './headerExtensions.ts';
import { malformed, unsupported } from './limits.ts';
import { parseSdp, type SdpMedia } from './parseSdp.ts';
import { type OfferedTransport, readTransport } from './transport.ts';
import type { ServerMedia } from './writeSdp.ts';

export interface OfferedTrack {
  readonly kind: MediaKind;
  /** Of a producer. */
  readonly rtpParameters: RtpParameters;
  readonly answer: ServerMedia;
}

export interface PublishOffer {
  readonly transport: OfferedTransport;
  /** In the order of the m-lines; at most one audio and one video. */
  readonly tracks: readonly OfferedTrack[];
  readonly extmapAllowMixed: boolean;
}

/**
 * @param capabilities of the server
 * @throws {WeirError} `badRequest` for malformed SDP, `unsupported` for what the server does not take. Nothing is taken
 *   partly
 */
export function readPublishOffer(sdp: string, capabilities: RtpCapabilities): PublishOffer {
  const offer = parseSdp(sdp);
  const transport = readTransport(offer);
  for (const kind of ['audio', 'video']) {
    const count = offer.media.filter((media) => media.kind === kind).length;
    if (count > 1) throw unsupported(`At most one ${kind} track can be published; the offer has ${count}.`);
  }
  if (new Set(offer.media.flatMap(({ streamIds }) => streamIds)).size > 1) {
    throw unsupported('All tracks must be of one MediaStream; the offer has several ("msid").');
  }
  const tracks = offer.media.map((media) => readTrack(media, capabilities));
  assertDistinctSources(tracks);
  return { transport, tracks, extmapAllowMixed: offer.extmapAllowMixed };
}

function readTrack(media: SdpMedia, capabilities: RtpCapabilities): OfferedTrack {
  const { mid = '', protocol, direction, rtcpRsize, sources, sentRids } = media;
  const kind = media.kind === 'audio' ? 'audio' : 'video';
  if (direction !== 'sendonly' && direction !== 'sendrecv') {
    throw unsupported(`Each track that is published must be "sendonly"; the offer has "${direction}".`);
  }
  const { codec, rtx, parameters } = chooseCodec(media, capabilities);
  const headerExtensions = media.headerExtensions.flatMap(({ id, uri, direction: sent }) => {
    const isSent = sent === 'sendrecv' || sent === 'sendonly';
    // Numbers above 255 ask the answerer to choose one, which browsers do not.
    if (!isSent || id > 255 || !isKnownExtension(uri) || !takesExtension(uri, kind, capabilities)) return [];
    return [{ uri, id }];
  });
  if (sources.length === 0 && sentRids.length === 0 && !headerExtensions.some(({ uri }) => uri === MID)) {
    throw unsupported(
      'The packets of a track must be recognizable: by "ssrc" lines, or by the header extension for "mid".',
    );
  }
  // One kind of bandwidth estimation: the better one, where the client has its header extension.
  const unused = headerExtensions.some(({ uri }) => uri === TRANSPORT_CC) ? 'goog-remb' : 'transport-cc';
  const codecs = parameters.map(({ rtcpFeedback, ...rest }) => ({
    ...rest,
    ...(rtcpFeedback && { rtcpFeedback: rtcpFeedback.filter(({ type }) => type !== unused) }),
  }));
  const cname = sources[0]?.cname;
  const parsed = RtpParameters.safeParse({
    mid,
    codecs,
    headerExtensions,
    encodings: encodingsOf(media),
    rtcp: { ...(cname !== undefined && { cname }), reducedSize: rtcpRsize },
  });
  if (!parsed.success) throw malformed(`has parameters that are malformed: ${validationSentence(parsed.error)}`);
  const answer: ServerMedia = {
    kind,
    mid,
    protocol,
    direction: 'recvonly',
    codecs: [{ ...codec, rtcpFeedback: codecs[0]?.rtcpFeedback ?? [] }, ...(rtx ? [{ ...rtx, rtcpFeedback: [] }] : [])],
    headerExtensions,
    receivedRids: sentRids.map(({ id }) => id),
    rtcpRsize,
  };
  return { kind, rtpParameters: parsed.data, answer };
}

/** mediasoup tells streams of one transport apart by SSRC. */
function assertDistinctSources(tracks: readonly OfferedTrack[]): void {
  const ssrcs = tracks.flatMap(({ rtpParameters: { encodings } }) =>
    encodings.flatMap(({ ssrc, rtx }) => [ssrc, rtx?.ssrc].filter((one) => one !== undefined)),
  );
  if (new Set(ssrcs).size < ssrcs.length) throw malformed('has one SSRC twice');
}

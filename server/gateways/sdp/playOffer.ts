/** What a WHEP player offers to receive, the counter-offer of the server, and the player's answer to that. */
import type { MediaKind, RtpCapabilities } from '../../../shared/media.ts';
import { chooseCodec } from './chooseCodec.ts';
import { malformed, unsupported } from './limits.ts';
import { parseSdp, type SdpCodec, type SdpMedia, type SessionDescription } from './parseSdp.ts';
import { type OfferedTransport, readTransport } from './transport.ts';
import type { ServerMedia } from './writeSdp.ts';

export interface PlayOffer {
  readonly transport: OfferedTransport;
  /** In the order of the m-lines; at most one audio and one video. */
  readonly media: readonly SdpMedia[];
}

/** What a player takes of a counter-offer. */
export interface PlayAnswer {
  readonly transport: OfferedTransport;
  /** The m-lines that it receives, by their mid. */
  readonly received: readonly { readonly kind: MediaKind; readonly mid: string }[];
  /** The codecs and header extensions of the server that it takes. */
  readonly capabilities: RtpCapabilities;
}

const PROTOCOL = 'UDP/TLS/RTP/SAVPF';
const MID = 'urn:ietf:params:rtp-hdrext:sdes:mid';
const TRANSPORT_CC = 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01';
const ABS_SEND_TIME = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time';
/** Those that receivers need: to tell streams apart, and to report what arrives. */
const extensions: ReadonlySet<string> = new Set([MID, TRANSPORT_CC, ABS_SEND_TIME]);

/** @throws {WeirError} `badRequest`, `unsupported` */
export function readPlayOffer(sdp: string, capabilities: RtpCapabilities): PlayOffer {
  const offer = parseSdp(sdp);
  const transport = readTransport(offer);
  for (const kind of ['audio', 'video']) {
    const count = offer.media.filter((media) => media.kind === kind).length;
    if (count > 1) throw unsupported(`At most one ${kind} track can be received; the offer has ${count}.`);
  }
  for (const media of offer.media) {
    if (media.direction !== 'recvonly' && media.direction !== 'sendrecv') {
      throw unsupported(`Each track that is received must be "recvonly"; the offer has "${media.direction}".`);
    }
    // Throws where there is none in common.
    chooseCodec(media, capabilities);
  }
  return { transport, media: offer.media };
}

/**
 * The m-lines of a counter-offer: the kinds that the player wants, and of the server's codecs those that it has, with the
 * server's numbers. Retransmissions use the SSRC of what they repeat.
 * @param streamId of the one stream
 */
export function counterMedia({ media }: PlayOffer, capabilities: RtpCapabilities, streamId: string): ServerMedia[] {
  return media.map((wanted, index) => {
    const kind = wanted.kind === 'audio' ? 'audio' : 'video';
    const names = new Set(wanted.codecs.map(({ name }) => name.toLowerCase()));
    return {
      kind,
      mid: String(index),
      protocol: PROTOCOL,
      direction: 'sendonly',
      codecs: serverCodecs(capabilities, kind).filter(({ name }) => names.has(name.toLowerCase())),
      headerExtensions: (capabilities.headerExtensions ?? [])
        .filter((known) => known.kind === kind && extensions.has(known.uri))
        .map(({ uri, preferredId }) => ({ uri, id: preferredId })),
      receivedRids: [],
      rtcpRsize: true,
      msid: `${streamId} ${kind}`,
    };
  });
}

/**
 * @param offered the m-lines that are answered
 * @throws {WeirError} `badRequest` for what is no answer to them, `unsupported` for one that receives nothing
 */
export function readPlayAnswer(
  sdp: string,
  offered: readonly ServerMedia[],
  capabilities: RtpCapabilities,
): PlayAnswer {
  const answer = parseSdp(sdp);
  assertAnswers(answer, offered);
  const accepted = answer.media.filter(({ port, direction }) => port !== 0 && direction !== 'inactive');
  const [first] = accepted;
  if (!first) throw unsupported('The answer receives nothing.');
  if (first.setup !== 'active' && first.setup !== 'passive') {
    throw malformed(`answers with "setup:${first.setup ?? ''}" instead of "active" or "passive"`);
  }
  const transport = readTransport({ ...answer, media: accepted });
  const received = accepted.map(({ kind, mid = '' }) => ({ kind: kind === 'audio' ? 'audio' : 'video', mid }) as const);
  const payloadTypes = new Set(accepted.flatMap(({ codecs }) => codecs.map(({ payloadType }) => payloadType)));
  const has = (kind: string, uri: string, id: number) =>
    accepted.some(
      (media) => media.kind === kind && media.headerExtensions.some((one) => one.uri === uri && one.id === id),
    );
  return {
    transport,
    received,
    capabilities: {
      codecs: capabilities.codecs.filter(
        ({ mimeType, preferredPayloadType }) => !/\/rtx$/i.test(mimeType) && payloadTypes.has(preferredPayloadType),
      ),
      headerExtensions: capabilities.headerExtensions?.filter(({ kind, uri, preferredId }) =>
        has(kind, uri, preferredId),
      ),
    },
  };
}

/** The same m-lines, each received or declined. */
function assertAnswers({ media }: SessionDescription, offered: readonly ServerMedia[]): void {
  const same =
    media.length === offered.length &&
    media.every(({ mid, kind }, index) => mid === offered[index]?.mid && kind === offered[index]?.kind);
  if (!same) throw malformed('does not answer the m-lines of the offer, in their order');
  for (const { direction, port } of media) {
    if (port !== 0 && direction !== 'recvonly' && direction !== 'inactive') {
      throw malformed(`must answer with "recvonly", not "${direction}"`);
    }
  }
}

/** The server's codecs as SDP has them, without retransmissions. */
function serverCodecs({ codecs }: RtpCapabilities, kind: MediaKind): SdpCodec[] {
  return codecs
    .filter((codec) => codec.kind === kind && !/\/rtx$/i.test(codec.mimeType))
    .map(({ mimeType, preferredPayloadType, clockRate, channels = 1, parameters = {}, rtcpFeedback = [] }) => ({
      payloadType: preferredPayloadType,
      name: mimeType.replace(/^.*\//, ''),
      clockRate,
      channels,
      parameters: Object.fromEntries(
        Object.entries(parameters).map(([name, value]) => [name, typeof value === 'boolean' ? Number(value) : value]),
      ),
      rtcpFeedback: rtcpFeedback.map(({ type, parameter }) => ({ type, ...(parameter && { parameter }) })),
    }));
}

/** What a WHEP player offers to receive, the counter-offer of the server, and the player's answer to that. */
import type { MediaKind, RtpCapabilities } from '../../../shared/media.ts';
import { commonCodecs } from './chooseCodec.ts';
import { ABS_SEND_TIME, MID, TRANSPORT_CC, VIDEO_ORIENTATION } from './headerExtensions.ts';
import { malformed, unsupported } from './limits.ts';
import { parseSdp, type SdpCodec, type SdpMedia, type SessionDescription } from './parseSdp.ts';
import { type OfferedTransport, readTransport } from './transport.ts';
import type { ServerMedia } from './writeSdp.ts';

export interface PlayOffer {
  readonly transport: OfferedTransport;
  /** The first m-line of each kind, in their order. */
  readonly media: readonly SdpMedia[];
  /** Whether it can be answered: at most one m-line of each kind, each with a codec of the server. Otherwise there is a counter-offer. */
  readonly fits: boolean;
  readonly extmapAllowMixed: boolean;
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
/** Those that receivers need: to tell streams apart, to report what arrives, and to show a video of a turned phone upright. */
export const playedExtensions: ReadonlySet<string> = new Set([MID, TRANSPORT_CC, ABS_SEND_TIME, VIDEO_ORIENTATION]);

/** @throws {WeirError} `badRequest`, `unsupported` */
export function readPlayOffer(sdp: string, capabilities: RtpCapabilities): PlayOffer {
  const offer = parseSdp(sdp);
  const transport = readTransport(offer);
  for (const { direction } of offer.media) {
    if (direction !== 'recvonly' && direction !== 'sendrecv') {
      throw unsupported(`Each track that is received must be "recvonly"; the offer has "${direction}".`);
    }
  }
  const media = offer.media.filter(({ kind }, index) => index === offer.media.findIndex((one) => one.kind === kind));
  const fits = media.length === offer.media.length && media.every((one) => commonCodecs(one, capabilities).length > 0);
  return { transport, media, fits, extmapAllowMixed: offer.extmapAllowMixed };
}

/**
 * The m-lines of a counter-offer: the kinds that the player wants, and of the server's codecs those that it has (all where it has none), with
 * the server's numbers. Retransmissions use the SSRC of what they repeat.
 * @param streamId of the one stream
 */
export function counterMedia({ media }: PlayOffer, capabilities: RtpCapabilities, streamId: string): ServerMedia[] {
  return media.map((wanted, index) => {
    const kind = wanted.kind === 'audio' ? 'audio' : 'video';
    const names = new Set(wanted.codecs.map(({ name }) => name.toLowerCase()));
    const own = serverCodecs(capabilities, kind);
    const common = own.filter(({ name }) => names.has(name.toLowerCase()));
    return {
      kind,
      mid: String(index),
      protocol: PROTOCOL,
      direction: 'sendonly',
      codecs: common.length > 0 ? common : own,
      headerExtensions: (capabilities.headerExtensions ?? [])
        .filter((known) => known.kind === kind && playedExtensions.has(known.uri))
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

/**
 * The answer to the offer of a WHEP player: its m-lines with all codecs that both sides have, and how the numbers of the server
 * become those of the player.
 */
import type { MediaKind, RtpCapabilities } from '../../../shared/media.ts';
import { type CommonCodec, commonCodecs, takesExtension } from './chooseCodec.ts';
import { MID, TRANSPORT_CC } from './headerExtensions.ts';
import type { SdpMedia } from './parseSdp.ts';
import { type PlayAnswer, type PlayOffer, playedExtensions } from './playOffer.ts';
import type { ServerMedia } from './writeSdp.ts';

export interface AnsweredPlay {
  /** The m-lines of the answer. */
  readonly media: readonly ServerMedia[];
  /** What the player receives. */
  readonly playback: PlayAnswer;
  /** The payload types and header extension ids of the player by those of the server. */
  readonly payloadTypes: ReadonlyMap<number, number>;
  readonly extensionIds: ReadonlyMap<number, number>;
}

interface AnsweredMedia {
  readonly wanted: SdpMedia;
  readonly kind: MediaKind;
  readonly codecs: readonly CommonCodec[];
  readonly headerExtensions: readonly { readonly uri: string; readonly id: number }[];
}

/** What fits into the header extension of mediasoup, in bytes. */
const MAX_MID = 8;
/** The payload type of the packets with which mediasoup probes for bandwidth: no m-line is to take them for its own. */
const PROBATION = 127;
/** Of the form with one byte (RFC 8285, section 4.2). */
const MAX_ID = 14;

/**
 * @param offer that fits
 * @param capabilities of the server
 * @param streamId of the one stream
 */
export function answerPlayOffer(
  { transport, media }: Pick<PlayOffer, 'transport' | 'media'>,
  capabilities: RtpCapabilities,
  streamId: string,
): AnsweredPlay {
  const lines = answeredMedia(media, capabilities);
  return {
    media: lines.map(({ wanted, kind, codecs, headerExtensions }) => ({
      ...{ kind, mid: wanted.mid ?? '', protocol: wanted.protocol, direction: 'sendonly', headerExtensions },
      codecs: codecs.map((codec) => ({ ...codec.offered, rtcpFeedback: commonFeedback(codec, headerExtensions) })),
      receivedRids: [],
      rtcpRsize: wanted.rtcpRsize,
      msid: `${streamId} ${kind}`,
    })),
    playback: {
      transport,
      received: lines.map(({ kind, wanted: { mid = '' } }) => ({ kind, mid })),
      capabilities: {
        codecs: lines.flatMap(({ codecs, headerExtensions }) =>
          codecs.map((codec) => ({ ...codec.known, rtcpFeedback: commonFeedback(codec, headerExtensions) })),
        ),
        headerExtensions: (capabilities.headerExtensions ?? []).filter(({ uri, kind }) =>
          lines.some((line) => line.kind === kind && line.headerExtensions.some((extension) => extension.uri === uri)),
        ),
      },
    },
    payloadTypes: new Map([
      [PROBATION, unusedPayloadType(media)],
      ...lines.flatMap(({ codecs }) =>
        codecs.map(({ known, offered }) => [known.preferredPayloadType, offered.payloadType] as const),
      ),
    ]),
    extensionIds: new Map(
      lines.flatMap(({ kind, headerExtensions }) =>
        (capabilities.headerExtensions ?? []).flatMap(({ uri, kind: of, preferredId }) => {
          const accepted = of === kind && headerExtensions.find((extension) => extension.uri === uri);
          return accepted ? [[preferredId, accepted.id] as const] : [];
        }),
      ),
    ),
  };
}

/** A dynamic payload type (RFC 3551, section 3) that no m-line of the offer has. */
function unusedPayloadType(media: readonly SdpMedia[]): number {
  const used = new Set(media.flatMap(({ codecs }) => codecs.map(({ payloadType }) => payloadType)));
  for (let payloadType = 127; payloadType >= 96; payloadType -= 1) if (!used.has(payloadType)) return payloadType;
  return PROBATION;
}

function answeredMedia(media: readonly SdpMedia[], capabilities: RtpCapabilities): AnsweredMedia[] {
  const ids = new Map<string, number>();
  const hasLongMid = media.some(({ mid = '' }) => mid.length > MAX_MID);
  return media.map((wanted) => {
    const kind = wanted.kind === 'audio' ? 'audio' : 'video';
    const codecs = commonCodecs(wanted, capabilities);
    const headerExtensions = wanted.headerExtensions.flatMap(({ id, uri, direction }) => {
      if (direction !== 'sendrecv' && direction !== 'recvonly') return [];
      if (id > MAX_ID || !playedExtensions.has(uri) || !takesExtension(uri, kind, capabilities)) return [];
      // Without it the player tells the m-lines apart by their payload types (RFC 9143, section 9.2).
      if (uri === MID && hasLongMid) return [];
      // All m-lines share one transport, so that one number for each is all there can be.
      if ((ids.get(uri) ?? id) !== id) return [];
      ids.set(uri, id);
      return [{ uri, id }];
    });
    return { wanted, kind, codecs, headerExtensions };
  });
}

/** The feedback of both sides, with one kind of bandwidth estimation: the better one, where the player has its header extension. */
function commonFeedback(
  { offered, known }: CommonCodec,
  headerExtensions: AnsweredMedia['headerExtensions'],
): { type: string; parameter?: string }[] {
  const unused = headerExtensions.some(({ uri }) => uri === TRANSPORT_CC) ? 'goog-remb' : 'transport-cc';
  return (known.rtcpFeedback ?? []).flatMap(({ type, parameter }) => {
    const isOffered = offered.rtcpFeedback.some(
      (feedback) => feedback.type === type && (feedback.parameter ?? '') === (parameter ?? ''),
    );
    return isOffered && type !== unused ? { type, ...(parameter && { parameter }) } : [];
  });
}

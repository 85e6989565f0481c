/** The codecs of plain RTP: their names in requests and SDP, usual payload types, and parameters for mediasoup. */
import type { MediaKind, RtpParameters } from '../../../shared/media.ts';
import { mediaCodecs } from '../../media/options.ts';

export const VideoCodec = ['VP8', 'H264', 'VP9', 'AV1'] as const;
export type VideoCodec = (typeof VideoCodec)[number];
export type RtpCodec = VideoCodec | 'Opus';

/** Payload types where a request names none: those that browsers and OBS use. */
export const PAYLOAD_TYPES: Readonly<Record<MediaKind, number>> = { audio: 111, video: 96 };

/** One stream of plain RTP. */
export interface RtpStream {
  readonly codec: RtpCodec;
  readonly payloadType: number;
  readonly ssrc: number;
}

export const kindOfCodec = (codec: RtpCodec): MediaKind => (codec === 'Opus' ? 'audio' : 'video');

/** As in RTP parameters. */
export const mimeTypeOf = (codec: RtpCodec): string => `${kindOfCodec(codec)}/${codec === 'Opus' ? 'opus' : codec}`;

/** The lines of SDP that describe a codec, without `a=`. */
export function sdpFormat({ codec, payloadType }: Omit<RtpStream, 'ssrc'>): string[] {
  const { clockRate, channels, parameters = {} } = capabilityOf(codec);
  const format = Object.entries({ ...parameters, ...(codec === 'Opus' && { 'sprop-stereo': 1, stereo: 1 }) });
  const name = codec === 'Opus' ? 'opus' : codec;
  return [
    `rtpmap:${payloadType} ${name}/${clockRate}${channels === undefined ? '' : `/${channels}`}`,
    ...(format.length > 0 ? [`fmtp:${payloadType} ${format.map((pair) => pair.join('=')).join(';')}`] : []),
  ];
}

/**
 * The parameters of a stream that arrives. Of feedback it has key frame requests only: what sends plain RTP repeats no packet
 * and estimates no bandwidth.
 * @param cname the same for all streams of one sender, which receivers keep in step
 */
export function rtpParametersOf({ codec, payloadType, ssrc }: RtpStream, cname: string): RtpParameters {
  const { clockRate, channels, parameters = {} } = capabilityOf(codec);
  const rtcpFeedback = codec === 'Opus' ? [] : [{ type: 'nack', parameter: 'pli' }];
  const simple: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(parameters)) {
    if (typeof value === 'string' || typeof value === 'number') simple[name] = value;
  }
  return {
    codecs: [
      {
        mimeType: mimeTypeOf(codec),
        payloadType,
        clockRate,
        ...(channels !== undefined && { channels }),
        parameters: simple,
        rtcpFeedback,
      },
    ],
    encodings: [{ ssrc }],
    rtcp: { cname },
  };
}

function capabilityOf(codec: RtpCodec) {
  const mimeType = mimeTypeOf(codec);
  const found = mediaCodecs.find((known) => known.mimeType === mimeType);
  if (!found) throw new Error(`The routers have no ${mimeType}.`);
  return found;
}

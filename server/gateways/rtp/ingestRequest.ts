/** What may be asked of the endpoint for plain RTP: `POST /rtp/<room>`. */
import { randomBytes, randomInt } from 'node:crypto';
import { z } from 'zod';
import type { MediaKind } from '../../../shared/media.ts';
import { DisplayName } from '../../../shared/participants.ts';
import { PAYLOAD_TYPES, type RtpStream, VideoCodec } from './rtpCodecs.ts';

/** Bytes of master key and salt, by SRTP suite (RFC 3711 section 8.2, RFC 7714 section 12). */
const keyLengths = {
  AES_CM_128_HMAC_SHA1_80: 30,
  AES_CM_128_HMAC_SHA1_32: 30,
  AEAD_AES_128_GCM: 28,
  AEAD_AES_256_GCM: 44,
} as const;

export type SrtpSuite = keyof typeof keyLengths;

/** What one end encrypts with, as mediasoup has it. */
export interface SrtpKey {
  readonly cryptoSuite: SrtpSuite;
  /** Master key and salt. */
  readonly keyBase64: string;
}

const Srtp = z
  .strictObject({
    cryptoSuite: z
      .enum(['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32', 'AEAD_AES_128_GCM', 'AEAD_AES_256_GCM'])
      .default('AES_CM_128_HMAC_SHA1_80'),
    keyBase64: z.base64({ error: 'is not Base64' }).max(64).optional(),
  })
  .superRefine(({ cryptoSuite, keyBase64 }, context) => {
    const wanted = keyLengths[cryptoSuite];
    if (keyBase64 === undefined || Buffer.from(keyBase64, 'base64').length === wanted) return;
    const message = `is not ${wanted} bytes long, as key and salt of ${cryptoSuite} are`;
    context.addIssue({ code: 'custom', path: ['keyBase64'], message });
  })
  .transform(({ cryptoSuite, keyBase64 }): SrtpKey => {
    const key = keyBase64 ?? randomBytes(keyLengths[cryptoSuite]).toString('base64');
    return { cryptoSuite, keyBase64: key };
  });

/** What is the same for audio and video. */
const stream = (kind: MediaKind) => ({
  // Dynamic ones (RFC 3551, section 6), and none that RTCP could be taken for.
  payloadType: z.int().min(96).max(127).default(PAYLOAD_TYPES[kind]),
  ssrc: z.int().min(1).max(0xffff_ffff).optional(),
  srtp: Srtp.optional(),
});

const Audio = z.strictObject({ codec: z.enum(['Opus']).default('Opus'), ...stream('audio') });
const Video = z.strictObject({ codec: z.enum(VideoCodec).default('VP8'), ...stream('video') });

export const IngestRequest = z
  .strictObject({
    /** What the sender is called, on a server without tokens. */
    name: DisplayName.optional(),
    /** What its video shows. */
    source: z.enum(['camera', 'screen']).default('camera'),
    /** RTCP on the port of RTP. */
    rtcpMux: z.boolean().default(false),
    audio: Audio.optional(),
    video: Video.optional(),
  })
  .refine(({ audio, video }) => audio !== undefined || video !== undefined, {
    error: 'Say what is sent: "audio", "video" or both.',
  });
export type IngestRequest = z.infer<typeof IngestRequest>;

/** A stream that is to come. */
export interface RequestedStream extends RtpStream {
  readonly kind: MediaKind;
  readonly srtp: SrtpKey | undefined;
}

/** The streams of a request, each with an SSRC: the one that it names, or one that ffmpeg takes, up to 31 bits. */
export function requestedStreams({ audio, video }: Pick<IngestRequest, 'audio' | 'video'>): RequestedStream[] {
  const first = randomInt(1, 0x7fff_ffff);
  return [
    ...(video ? [{ ...video, kind: 'video' as const, ssrc: video.ssrc ?? first, srtp: video.srtp }] : []),
    ...(audio ? [{ ...audio, kind: 'audio' as const, ssrc: audio.ssrc ?? first + 1, srtp: audio.srtp }] : []),
  ];
}

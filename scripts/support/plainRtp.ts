/** The answer of a server to a request for plain RTP, as clients read it. */
import { z } from 'zod';

const Srtp = z.object({
  cryptoSuite: z.enum(['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32', 'AEAD_AES_128_GCM', 'AEAD_AES_256_GCM']),
  keyBase64: z.string(),
});

const Stream = z.object({
  codec: z.enum(['VP8', 'H264', 'VP9', 'AV1', 'Opus']),
  payloadType: z.int(),
  ssrc: z.int(),
  port: z.int(),
  rtcpPort: z.int(),
  srtp: Srtp.optional(),
  serverSrtp: Srtp.optional(),
});

/** Of `POST /rtp/<room>`. */
export const RtpAnswer = z.object({
  /** Path of the session. */
  session: z.string(),
  peerId: z.string(),
  /** IP address of the server. */
  address: z.string(),
  video: Stream.optional(),
  audio: Stream.optional(),
  sdp: z.string(),
  commands: z.object({
    ffmpeg: z.string().optional(),
    ffmpegFile: z.string().optional(),
    gstreamer: z.string().optional(),
  }),
});
export type RtpAnswer = z.infer<typeof RtpAnswer>;

/** What may be asked of the endpoint for plain RTP that the server sends: `POST /rtp/egress/<room>`. */
import { z } from 'zod';
import { DisplayName, Id } from '../../../shared/participants.ts';
import { VideoCodec } from './rtpCodecs.ts';

/** Ports below are those of services. */
const Port = z.int().min(1024).max(65_535);
const ports = { port: Port, rtcpPort: Port.optional() };

export const EgressRequest = z
  .strictObject({
    /** What the receiver is called, on a server without tokens. */
    name: DisplayName.optional(),
    /** The identity or peer id of the member that is sent; by default whoever speaks. */
    member: Id.optional(),
    /** Of that member. */
    source: z.enum(['camera', 'screen']).default('camera'),
    /** IP address that receives. */
    address: z.union([z.ipv4(), z.ipv6()], { error: 'is not an IP address' }),
    rtcpMux: z.boolean().default(false),
    audio: z.strictObject(ports).optional(),
    /** By default the codec is that of the video that is published now. */
    video: z.strictObject({ ...ports, codec: z.enum(VideoCodec).optional() }).optional(),
  })
  .refine(({ audio, video }) => audio !== undefined || video !== undefined, {
    error: 'Say what is to be sent: "audio", "video" or both.',
  })
  .superRefine(({ audio, video, rtcpMux }, context) => {
    const used = [video, audio].flatMap((stream) => {
      if (!stream) return [];
      return rtcpMux ? [stream.port] : [stream.port, stream.rtcpPort ?? stream.port + 1];
    });
    const wrong = used.includes(65_536) || new Set(used).size < used.length;
    if (wrong)
      context.addIssue({
        code: 'custom',
        message: 'Each stream needs two ports of its own: an even one and the next.',
      });
  });
export type EgressRequest = z.infer<typeof EgressRequest>;

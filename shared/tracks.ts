/** Tracks in the protocol: how a client receives them, how it shows them, and in which codecs and layers they are sent. */
import { z } from 'zod';
import { MediaKind, RtpParameters, Source } from './media.ts';
import { Id } from './participants.ts';

/** What a client needs to create a consumer: of another peer's producer, or of one of the room's audio slots. */
export const ConsumerInfo = z
  .object({
    consumerId: Id,
    producerId: Id,
    peerId: Id.optional().describe('missing for an audio slot, whose speaker changes: see the event `slots`'),
    slot: z.int().optional().describe('index of the audio slot, from 0'),
    source: Source,
    kind: MediaKind,
    rtpParameters: RtpParameters,
  })
  .meta({ id: 'ConsumerInfo' });
export type ConsumerInfo = z.infer<typeof ConsumerInfo>;

/** A track that this client has no decoder for. */
export const UnsupportedCodec = z
  .object({ peerId: Id, source: Source, mimeType: z.string().describe('such as `video/H264`') })
  .meta({ id: 'UnsupportedCodec' });
export type UnsupportedCodec = z.infer<typeof UnsupportedCodec>;

/** The peer whose microphone each audio slot carries; `null` for a free one. Empty while every microphone has a consumer. */
export const AudioSlotHolders = z.array(Id.nullable()).meta({ id: 'AudioSlotHolders' });
export type AudioSlotHolders = z.infer<typeof AudioSlotHolders>;

/** Device pixels, not CSS pixels. */
const Pixels = z.int().min(0).max(16_384);

/** How this client shows one video of another peer. */
export const TrackSettings = z
  .strictObject({
    peerId: Id,
    source: z.enum(['camera', 'screen']),
    width: Pixels.describe('of the element that shows it, in device pixels; 0 when it is not visible'),
    height: Pixels,
    priority: z.enum(['normal', 'high']).optional().describe('`high` for the active speaker and large videos'),
    quality: z
      .enum(['high', 'medium', 'low'])
      .optional()
      .describe('the highest, a middle or the lowest layer, whatever the size'),
  })
  .meta({ id: 'TrackSettings' });
export type TrackSettings = z.infer<typeof TrackSettings>;

/** The layers of a video that the server forwards to one client at present, from 0 (as mediasoup's `consumer.currentLayers`). */
export const ConsumerLayers = z
  .object({
    peerId: Id,
    source: z.enum(['camera', 'screen']),
    spatialLayer: z.int(),
    temporalLayer: z.int().optional(),
  })
  .meta({ id: 'ConsumerLayers' });
export type ConsumerLayers = z.infer<typeof ConsumerLayers>;

/** A video codec to publish with. */
export const CodecChoice = z.enum(['VP8', 'H264', 'VP9', 'AV1']).meta({ id: 'CodecChoice' });
export type CodecChoice = z.infer<typeof CodecChoice>;

export const MaxSpatialLayer = z
  .int()
  .min(-1)
  .max(3)
  .describe('the highest spatial layer that somebody subscribes to, from 0; -1 when nobody does');

export const VideoSize = z.strictObject({ width: Pixels, height: Pixels });
export const LayerCount = z.int().min(1).max(4);

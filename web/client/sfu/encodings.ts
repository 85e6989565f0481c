/** Chooses codec and encodings of each source, by the size of its track and the capabilities of the browser. */
import type { types } from 'mediasoup-client';
import type { Source } from '../../../shared/media.ts';
import type { RoomKind } from '../../../shared/protocol.ts';
import type { VideoCodec } from '../MediaLink.ts';
import type { Content } from './ScreenContent.ts';

/** Pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface EncodingChoice {
  readonly source: Source;
  /** Of video; undefined for audio, and for a codec that is not in `VideoCodec`. */
  readonly codec: VideoCodec | undefined;
  readonly size: Size | undefined;
  readonly kind: RoomKind;
  /** Whether the browser supports `scalabilityMode`. */
  readonly scalable: boolean;
  /** Whether the browser is Firefox, which derives the minimum bitrate of a layer from its size. */
  readonly firefox: boolean;
  /** Whether the track gives only a few frames a second, too few for temporal layers. */
  readonly slow?: boolean;
  /** What a screen shows; without it, `detail`. */
  readonly content?: Content;
}

/**
 * The bitrates of simulcast in bit/s, lowest layer first; each layer has twice the width of the one before. A broadcast has
 * few publishers and shows them large; camera and screen together are below the server's limit of one peer's bitrate.
 */
const CAMERA_LAYERS = {
  call: [150_000, 500_000, 1_500_000],
  broadcast: [200_000, 700_000, 2_000_000],
} as const;
/** How many layers a camera has, by its longer side in pixels; a smaller one has one. */
const LAYERS_FROM = [
  { side: 960, layers: 3 },
  { side: 480, layers: 2 },
] as const;
/** The bitrates of a camera with one layer, and of a screen, in bit/s. */
const SMALL_CAMERA = 300_000;
const SCREEN = 2_500_000;
/** The bitrate up to which a diagnosis measures throughput, in bit/s: with overhead, less than the server's limit of one peer. */
const DIAGNOSIS = 4_000_000;
/**
 * The frame rates of a screen. libwebrtc limits the size of a frame by the expected frame rate: with the few frames that
 * slides need, a key frame may be large enough to be legible. 60 is its default.
 */
export const SCREEN_FRAMERATE: Record<Content, number> = { detail: 5, motion: 60 };

/**
 * Firefox gives a layer of this many macroblocks (1280x720) or more a minimum bitrate of 1.2 Mbit/s, a smaller one 200 kbit/s. It
 * sends the highest layer of simulcast only while it estimates 1.2 times that minimum beyond the lower layers, and fills
 * the uplink up to that estimate with retransmissions when the picture itself needs less. Its pictures are therefore scaled
 * down below that size, which is also what the bitrate of the highest layer is enough for.
 */
const FIREFOX_HD_MACROBLOCKS = 3600;

/** The encodings of a track, lowest layer first. Several are simulcast; one with a scalability mode is SVC. */
export function encodingsOf(choice: EncodingChoice): types.RtpEncodingParameters[] {
  const { source, codec, size, kind, scalable, firefox, slow = false, content = 'detail' } = choice;
  if (source === 'microphone') return [{ maxBitrate: 64_000 }];
  if (source === 'screenAudio') return [{ maxBitrate: 128_000 }];
  // With three temporal layers a slow receiver can have a quarter of the frames. The H264 encoders of browsers have none.
  const modes = scalable && codec !== undefined && codec !== 'H264';
  const single = modes ? { scalabilityMode: 'L1T1' } : {};
  // A screen often gives one frame a second, and mediasoup takes a temporal layer without packets for one that has ended.
  if (source === 'screen') return [{ maxBitrate: SCREEN, maxFramerate: SCREEN_FRAMERATE[content], ...single }];
  if (kind === 'diagnosis') return [{ maxBitrate: DIAGNOSIS, ...single }];
  const layers = layersOf(size);
  if (codec === 'VP9' || codec === 'AV1') {
    // mediasoup supports layers of these codecs by SVC only.
    if (!scalable) return [{ maxBitrate: bitrateOf(layers, kind) }];
    return [{ maxBitrate: bitrateOf(layers, kind), scalabilityMode: scalabilityMode(layers, slow) }];
  }
  // An unknown codec is sent without layers.
  if (codec === undefined) return [{ maxBitrate: bitrateOf(layers, kind), ...single }];
  const scale = firefox && layers > 1 ? scaleBelowHd(size) : 1;
  return CAMERA_LAYERS[kind].map((maxBitrate, layer) => ({
    // Layers that this size does not need are created inactive, since the track may become larger later.
    active: layer < layers,
    maxBitrate: layers === 1 ? SMALL_CAMERA : maxBitrate,
    scaleResolutionDownBy: scale * 2 ** Math.max(0, layers - 1 - layer),
    // Without a mode, mediasoup-client assumes L1T3 for simulcast.
    scalabilityMode: modes && !slow ? 'L1T3' : 'L1T1',
  }));
}

/** The encodings to create a producer with, so that all later results of `encodingsOf` can be applied to it. */
export function producedEncodings(choice: EncodingChoice): types.RtpEncodingParameters[] {
  const isSvc = choice.source === 'camera' && choice.scalable && (choice.codec === 'VP9' || choice.codec === 'AV1');
  // The scalability mode of SVC is sent to the server once: it must have all layers.
  return encodingsOf(isSvc ? { ...choice, size: undefined } : choice);
}

/** The number of spatial layers of these encodings. */
export function layersIn(encodings: readonly types.RtpEncodingParameters[]): number {
  if (encodings.length > 1) return encodings.filter(({ active }) => active !== false).length;
  return Number(/^L(\d)/.exec(encodings[0]?.scalabilityMode ?? '')?.[1] ?? 1);
}

/** The size of the highest layer of a track of this size. */
export function encodedSize({ width, height }: Size, encodings: readonly types.RtpEncodingParameters[]): Size {
  const used = encodings.filter(({ active }) => active !== false);
  const scale = Math.min(...used.map(({ scaleResolutionDownBy = 1 }) => scaleResolutionDownBy));
  return { width: Math.floor(width / scale), height: Math.floor(height / scale) };
}

/** The number of spatial layers of a camera of this size; the usual number if the size is unknown. */
function layersOf(size: Size | undefined): number {
  if (!size) return CAMERA_LAYERS.call.length;
  const side = Math.max(size.width, size.height);
  return LAYERS_FROM.find((step) => side >= step.side)?.layers ?? 1;
}

/** The smallest factor that scales a picture down to fewer macroblocks than `FIREFOX_HD_MACROBLOCKS`. */
function scaleBelowHd(size: Size | undefined): number {
  if (!size) return 1;
  const fits = (scale: number) =>
    macroblocks(size.width / scale) * macroblocks(size.height / scale) < FIREFOX_HD_MACROBLOCKS;
  if (fits(1)) return 1;
  // The number of macroblocks changes only where one side is a whole number of them.
  const scales = [size.width, size.height].flatMap((side) =>
    Array.from({ length: macroblocks(side) - 1 }, (_, index) => side / (16 * (index + 1))),
  );
  return Math.min(...scales.filter(fits));
}

/** How many macroblocks, which are 16 pixels wide and high, cover one side of a picture. */
function macroblocks(side: number): number {
  return Math.ceil(Math.floor(side) / 16);
}

/** The bitrate of a camera with this many layers in one stream, in bit/s. */
export function bitrateOf(layers: number, kind: RoomKind = 'call'): number {
  if (kind === 'diagnosis') return DIAGNOSIS;
  return layers === 1 ? SMALL_CAMERA : (CAMERA_LAYERS[kind][layers - 1] ?? SCREEN);
}

/** The SVC mode with this many spatial layers. `_KEY`: a receiver can switch to each layer at the key frames of that layer. */
export function scalabilityMode(layers: number, slow = false): string {
  const temporal = slow ? 'T1' : 'T3';
  return layers > 1 ? `L${layers}${temporal}_KEY` : `L1${temporal}`;
}

/** The size of a track in pixels; undefined if the browser does not know it. */
export function sizeOf(track: MediaStreamTrack): Size | undefined {
  const { width = 0, height = 0 } = track.getSettings();
  return width > 0 && height > 0 ? { width: Math.round(width), height: Math.round(height) } : undefined;
}

/** The codec to publish a video with: the requested one if the browser can send it, or else VP8, or else any. */
export function chooseCodec(
  codecs: readonly types.RtpCodecCapability[],
  wanted: VideoCodec,
): types.RtpCodecCapability | undefined {
  const named = (name: string) =>
    codecs.find(({ mimeType }) => mimeType.toLowerCase() === `video/${name}`.toLowerCase());
  const any = codecs.find(({ kind, mimeType }) => kind === 'video' && !/\/rtx$/i.test(mimeType));
  return named(wanted) ?? named('VP8') ?? any;
}

/** The name of a codec; undefined if it is not in `VideoCodec`. */
export function codecName({ mimeType }: types.RtpCodecCapability): VideoCodec | undefined {
  const codecs = ['VP8', 'H264', 'VP9', 'AV1'] as const;
  return codecs.find((name) => mimeType.toLowerCase() === `video/${name}`.toLowerCase());
}

/** The codec options of a source: DTX and FEC for speech, stereo and FEC for the sound of a screen. */
export function producerOptionsOf(
  source: Source,
  kind: RoomKind = 'call',
): { codecOptions?: types.ProducerCodecOptions } {
  if (source === 'microphone') return { codecOptions: { opusDtx: true, opusFec: true } };
  if (source === 'screenAudio') return { codecOptions: { opusStereo: true, opusFec: true } };
  // From below, the estimate of the path grows by less than a tenth each second; from above, it falls within one.
  if (kind === 'diagnosis') return { codecOptions: { videoGoogleStartBitrate: DIAGNOSIS / 1000 } };
  if (source === 'camera') return { codecOptions: { videoGoogleStartBitrate: 800 } };
  // High enough that the first picture of a screen is legible.
  if (source === 'screen') return { codecOptions: { videoGoogleStartBitrate: 1500 } };
  return {};
}

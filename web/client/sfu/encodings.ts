/** Owns how each source is encoded: by its codec, the size of its track, and what the browser can do. */
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
  /** Of video; missing where it is none that we know, or sound. */
  readonly codec: VideoCodec | undefined;
  readonly size: Size | undefined;
  readonly kind: RoomKind;
  /** Whether the browser encodes the layers that a scalability mode asks for. */
  readonly scalable: boolean;
  /** Whether the browser is Firefox, which derives the minimum bitrate of a layer from its size. */
  readonly firefox: boolean;
  /** The track gives a few frames a second at most: temporal layers would have none for seconds. */
  readonly slow?: boolean;
  /** What a screen shows; without it, `detail`. */
  readonly content?: Content;
}

/**
 * What simulcast sends, lowest first: bit/s, each layer of twice the width of the one before. A broadcast has few who send
 * and a large picture for everybody; with a screen it still fits into what a server lets one peer send.
 */
const CAMERA_LAYERS = {
  call: [150_000, 500_000, 1_500_000],
  broadcast: [200_000, 700_000, 2_000_000],
} as const;
/** A camera with a longer side of so many pixels has so many layers; what is smaller has one. */
const LAYERS_FROM = [
  { side: 960, layers: 3 },
  { side: 480, layers: 2 },
] as const;
/** One layer of a small camera, and a screen, which is to be read: bit/s. */
const SMALL_CAMERA = 300_000;
const SCREEN = 2_500_000;
/**
 * Frames a second of a screen. libwebrtc limits the size of a frame by the frame rate that it expects: with the few frames
 * that are enough for slides, a key frame may be large enough to be read. 60 is its own default.
 */
export const SCREEN_FRAMERATE: Record<Content, number> = { detail: 5, motion: 60 };

/**
 * Firefox gives a layer of this many macroblocks (1280x720) or more a minimum bitrate of 1.2 Mbit/s, a smaller one 200 kbit/s. It
 * sends the highest layer of simulcast only while it estimates 1.2 times that minimum beyond the lower layers, and fills
 * the uplink up to that estimate with retransmissions when the picture itself needs less. Its pictures are therefore scaled
 * down below that size, which is also what the bitrate of the highest layer is enough for.
 */
const FIREFOX_HD_MACROBLOCKS = 3600;

/** How a track is encoded, lowest layer first. Several encodings are simulcast; one with a scalability mode is SVC. */
export function encodingsOf(choice: EncodingChoice): types.RtpEncodingParameters[] {
  const { source, codec, size, kind, scalable, firefox, slow = false, content = 'detail' } = choice;
  if (source === 'microphone') return [{ maxBitrate: 64_000 }];
  if (source === 'screenAudio') return [{ maxBitrate: 128_000 }];
  // Three temporal layers let a slow viewer have a quarter of the frames. H264 encoders of browsers have none to offer.
  const modes = scalable && codec !== undefined && codec !== 'H264';
  const single = modes ? { scalabilityMode: 'L1T1' } : {};
  // A screen often gives a frame a second, and a media worker takes a temporal layer without frames for one that has stopped.
  if (source === 'screen') return [{ maxBitrate: SCREEN, maxFramerate: SCREEN_FRAMERATE[content], ...single }];
  const layers = layersOf(size);
  if (codec === 'VP9' || codec === 'AV1') {
    // mediasoup knows these codecs' layers by SVC only.
    if (!scalable) return [{ maxBitrate: bitrateOf(layers, kind) }];
    return [{ maxBitrate: bitrateOf(layers, kind), scalabilityMode: scalabilityMode(layers, slow) }];
  }
  // What is neither VP8 nor H264 is forwarded as it is.
  if (codec === undefined) return [{ maxBitrate: bitrateOf(layers, kind), ...single }];
  const scale = firefox && layers > 1 ? scaleBelowHd(size) : 1;
  return CAMERA_LAYERS[kind].map((maxBitrate, layer) => ({
    // Those that are not used for this size are there for a larger one, which the track may have later.
    active: layer < layers,
    maxBitrate: layers === 1 ? SMALL_CAMERA : maxBitrate,
    scaleResolutionDownBy: scale * 2 ** Math.max(0, layers - 1 - layer),
    // mediasoup-client takes all simulcast for L1T3 where it is not told otherwise.
    scalabilityMode: modes && !slow ? 'L1T3' : 'L1T1',
  }));
}

/** What a track is published with, so that it can be sent in every way that `encodingsOf` gives for it later. */
export function producedEncodings(choice: EncodingChoice): types.RtpEncodingParameters[] {
  const isSvc = choice.source === 'camera' && choice.scalable && (choice.codec === 'VP9' || choice.codec === 'AV1');
  // All layers of SVC are in one mode, which the server hears of once.
  return encodingsOf(isSvc ? { ...choice, size: undefined } : choice);
}

/** How many spatial layers these encodings use. */
export function layersIn(encodings: readonly types.RtpEncodingParameters[]): number {
  if (encodings.length > 1) return encodings.filter(({ active }) => active !== false).length;
  return Number(/^L(\d)/.exec(encodings[0]?.scalabilityMode ?? '')?.[1] ?? 1);
}

/** The size of the highest layer that these encodings send of a track of that size. */
export function encodedSize({ width, height }: Size, encodings: readonly types.RtpEncodingParameters[]): Size {
  const used = encodings.filter(({ active }) => active !== false);
  const scale = Math.min(...used.map(({ scaleResolutionDownBy = 1 }) => scaleResolutionDownBy));
  return { width: Math.floor(width / scale), height: Math.floor(height / scale) };
}

/** How many spatial layers a camera of this size has; one whose size is not known is taken for a usual one. */
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

/** What a camera of so many layers may take, in bit/s, as one stream. */
export function bitrateOf(layers: number, kind: RoomKind = 'call'): number {
  return layers === 1 ? SMALL_CAMERA : (CAMERA_LAYERS[kind][layers - 1] ?? SCREEN);
}

/** SVC of so many spatial layers, each of which a viewer can be switched to at its own key frames. */
export function scalabilityMode(layers: number, slow = false): string {
  const temporal = slow ? 'T1' : 'T3';
  return layers > 1 ? `L${layers}${temporal}_KEY` : `L1${temporal}`;
}

/** The size of a track in pixels, where the browser tells it. */
export function sizeOf(track: MediaStreamTrack): Size | undefined {
  const { width = 0, height = 0 } = track.getSettings();
  return width > 0 && height > 0 ? { width: Math.round(width), height: Math.round(height) } : undefined;
}

/** The codec to publish a video with: the wanted one where the device can send it, else VP8, else whatever it can. */
export function chooseCodec(
  codecs: readonly types.RtpCodecCapability[],
  wanted: VideoCodec,
): types.RtpCodecCapability | undefined {
  const named = (name: string) =>
    codecs.find(({ mimeType }) => mimeType.toLowerCase() === `video/${name}`.toLowerCase());
  const any = codecs.find(({ kind, mimeType }) => kind === 'video' && !/\/rtx$/i.test(mimeType));
  return named(wanted) ?? named('VP8') ?? any;
}

/** The name of a codec that we know. */
export function codecName({ mimeType }: types.RtpCodecCapability): VideoCodec | undefined {
  const codecs = ['VP8', 'H264', 'VP9', 'AV1'] as const;
  return codecs.find((name) => mimeType.toLowerCase() === `video/${name}`.toLowerCase());
}

/** What else the browser is told: speech may fall silent (DTX) and repairs itself (FEC), music is stereo. */
export function producerOptionsOf(source: Source): { codecOptions?: types.ProducerCodecOptions } {
  if (source === 'microphone') return { codecOptions: { opusDtx: true, opusFec: true } };
  if (source === 'screenAudio') return { codecOptions: { opusStereo: true, opusFec: true } };
  if (source === 'camera') return { codecOptions: { videoGoogleStartBitrate: 800 } };
  // The first picture of a screen is to be read at once.
  if (source === 'screen') return { codecOptions: { videoGoogleStartBitrate: 1500 } };
  return {};
}

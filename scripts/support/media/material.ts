/** Selects and prepares the streams of a publisher. */
import type { Source } from '../../../shared/media.ts';
import { type Layer, prepareStreams, prepareVoice, simulcast } from './prepare.ts';
import type { Stream } from './Stream.ts';
import { steadyVideo } from './steady.ts';

/** Streams by source, lowest layer first. */
export type Material = Partial<Record<Source, readonly Stream[]>>;

/** The camera of a publisher: three layers, a single layer of that height, synthetic packets, or nothing. */
export type Video = 'simulcast' | '180p' | '360p' | '720p' | 'steady' | 'off';

export interface MaterialOptions {
  readonly video: Video;
  readonly audio: boolean;
  readonly codec: 'vp8' | 'h264';
}

/** The layers of a camera setting. */
function layersOf(video: Exclude<Video, 'off' | 'steady'>): readonly Layer[] {
  return video === 'simulcast' ? simulcast : simulcast.filter(({ height }) => `${height}p` === video);
}

/** 30 frames a second in 6 packets each: 180 packets of 1097 bytes, RTP header included, are 1.58 Mbit/s. */
export const steady = { packetsPerFrame: 6, payloadBytes: 1065, framesPerSecond: 30, keyEvery: 60 };

/** @param progress called when streams are encoded, which takes seconds; later runs use the cache */
export async function prepareMaterial(
  { video, audio, codec }: MaterialOptions,
  progress?: (what: string) => void,
): Promise<Material> {
  const camera = await cameraOf(video, codec, progress);
  return { ...(camera && { camera }), ...(audio && { microphone: [await prepareVoice({ report: progress })] }) };
}

async function cameraOf(video: Video, codec: 'vp8' | 'h264', progress?: (what: string) => void) {
  if (video === 'off') return undefined;
  if (video === 'steady') return [steadyVideo(steady)];
  return prepareStreams(codec, layersOf(video), { report: progress });
}

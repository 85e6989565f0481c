/** Owns which prepared streams a publisher sends for which wish. */
import type { Source } from '../../shared/media.ts';
import { type Layer, prepareStreams, prepareVoice, simulcast } from './media/prepare.ts';
import type { Stream } from './media/Stream.ts';
import { steadyVideo } from './media/steady.ts';
import type { LoadOptions, Video } from './options.ts';

/** Streams by source, lowest layer first. */
export type Material = Partial<Record<Source, readonly Stream[]>>;

/** Which layers a picture is made of. */
function layersOf(video: Exclude<Video, 'off' | 'steady'>): readonly Layer[] {
  return video === 'simulcast' ? simulcast : simulcast.filter(({ height }) => `${height}p` === video);
}

/** 30 frames a second in 6 packets each: 180 packets of 1097 bytes, RTP header included, are 1.58 Mbit/s. */
export const steady = { packetsPerFrame: 6, payloadBytes: 1065, framesPerSecond: 30, keyEvery: 60 };

/** @param progress is told what takes its time: streams are encoded once, and kept */
export async function prepareMaterial(
  { video, audio, codec }: Pick<LoadOptions, 'video' | 'audio' | 'codec'>,
  progress?: (what: string) => void,
): Promise<Material> {
  const camera = await cameraOf(video, codec, progress);
  return { ...(camera && { camera }), ...(audio && { microphone: [await prepareVoice({ say: progress })] }) };
}

async function cameraOf(video: Video, codec: 'vp8' | 'h264', progress?: (what: string) => void) {
  if (video === 'off') return undefined;
  if (video === 'steady') return [steadyVideo(steady)];
  return prepareStreams(codec, layersOf(video), { say: progress });
}

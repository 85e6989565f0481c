/**
 * Prepares the media of load tests: ffmpeg encodes it once into files in the user's cache, which are read into streams.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hash, userCache } from '../../setup/paths.mjs';
import { opusTicks, parseAnnexB, parseIvf, parseOggOpus } from './containers.ts';
import { packetiseH264, packetiseOpus, packetiseVp8 } from './packetise.ts';
import type { Frame, Stream } from './Stream.ts';

export type VideoCodec = 'vp8' | 'h264';

export interface Layer {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** Bit/s. */
  readonly bitrate: number;
}

export interface PrepareOptions {
  /** Default 30; 90000 must be a multiple of it. */
  readonly framesPerSecond?: number;
  /** Length of the loop in seconds; default 10. */
  readonly seconds?: number;
  /** Key-frame interval in seconds; default 2. */
  readonly keySeconds?: number;
  /** Folder of the files; default the user's cache. */
  readonly cache?: string;
  /** Path of ffmpeg. */
  readonly ffmpeg?: string;
  /** Called when something is encoded, which takes seconds; not for cached files. */
  readonly report?: (text: string) => void;
}

interface Job {
  readonly name: string;
  readonly extension: string;
  /** All ffmpeg arguments except the output's name. */
  readonly settings: readonly string[];
}

/** The layers of a camera, lowest first. */
export const simulcast: readonly Layer[] = [
  { width: 320, height: 180, bitrate: 150_000 },
  { width: 640, height: 360, bitrate: 400_000 },
  { width: 1280, height: 720, bitrate: 1_500_000 },
];

const run = promisify(execFile);
const clockRate = 90_000;

/**
 * One stream per layer. Frames of all layers show the same picture at the same index, with key frames at the same ones.
 * @throws {Error} where ffmpeg is missing or fails
 */
export async function prepareStreams(
  codec: VideoCodec,
  layers: readonly Layer[] = simulcast,
  options: PrepareOptions = {},
): Promise<Stream[]> {
  const { framesPerSecond = 30, seconds = 10, keySeconds = 2 } = options;
  const count = framesPerSecond * seconds;
  const keyEvery = framesPerSecond * keySeconds;
  if (![clockRate / framesPerSecond, count, keyEvery].every((value) => Number.isInteger(value) && value > 0)) {
    throw new RangeError('media cannot be prepared: 90000, seconds and key frames have to come out in whole frames');
  }
  return Promise.all(
    layers.map(async (layer) => {
      const job = videoJob(codec, layer, framesPerSecond, seconds, keyEvery);
      const frames = await made(job, options, (file) => {
        const found = codec === 'vp8' ? vp8Frames(file) : h264Frames(file);
        // Detects truncated files and frames that the encoder dropped.
        const aligned = found.length === count && found.every(({ key }, index) => key === (index % keyEvery === 0));
        if (!aligned) throw new Error('frames or key frames are missing, or too many');
        return found;
      });
      return {
        mimeType: codec === 'vp8' ? 'video/VP8' : 'video/H264',
        clockRate,
        frames: frames.map((frame) => ({ ...frame, ticks: clockRate / framesPerSecond })),
        width: layer.width,
        height: layer.height,
      };
    }),
  );
}

/**
 * A voice in packets of 20 ms.
 * @throws {Error} where ffmpeg is missing or fails
 */
export async function prepareVoice(options: PrepareOptions = {}): Promise<Stream> {
  const frames = await made(voiceJob(options.seconds ?? 10), options, opusFrames);
  return { mimeType: 'audio/opus', clockRate: 48_000, frames, width: 0, height: 0 };
}

function vp8Frames(file: Buffer): Omit<Frame, 'ticks'>[] {
  return parseIvf(file).frames.map((frame, index) => ({
    payloads: packetiseVp8(frame, index),
    key: (frame.readUInt8(0) & 1) === 0,
  }));
}

function h264Frames(file: Buffer): Omit<Frame, 'ticks'>[] {
  return parseAnnexB(file).map((units) => {
    const types = units.map((unit) => unit.readUInt8(0) & 0x1f);
    // A decoder starts at an IDR slice (5) with its parameter sets (7 and 8).
    return { payloads: packetiseH264(units), key: [5, 7, 8].every((type) => types.includes(type)) };
  });
}

function opusFrames(file: Buffer): Frame[] {
  const { packets } = parseOggOpus(file);
  return packets.map((packet) => ({ payloads: packetiseOpus(packet), key: true, ticks: opusTicks(packet) }));
}

/**
 * Every layer is scaled down from the same picture. Noise is added afterwards, or small layers would have less of it.
 */
function videoJob(codec: VideoCodec, layer: Layer, rate: number, seconds: number, keyEvery: number): Job {
  const { width, height, bitrate } = layer;
  const source = [
    `testsrc2=size=1280x720:rate=${rate}:duration=${seconds},format=yuv420p[drawn]`,
    // Rendered at a low resolution for speed; its edges have enough detail for these bitrates.
    `mandelbrot=size=640x360:rate=${rate}:maxiter=600,scale=1280:720:flags=bicubic,format=yuv420p[detail]`,
    '[drawn][detail]blend=all_mode=average:shortest=1,' +
      `scale=${width}:${height}:flags=bicubic,noise=alls=6:allf=t:all_seed=1,format=yuv420p`,
  ].join(';');
  // Constant bitrate over a buffer of one second, as conferencing encoders use it; key frames at fixed positions only.
  const rates = `-b:v ${bitrate} -maxrate ${bitrate} -bufsize ${bitrate} -g ${keyEvery} -keyint_min ${keyEvery}`;
  const encoder =
    codec === 'vp8'
      ? `-c:v libvpx ${rates} -minrate ${bitrate} -deadline realtime -cpu-used 6 -error-resilient 1 ` +
        '-auto-alt-ref 0 -lag-in-frames 0 -f ivf'
      : `-c:v libx264 ${rates} -profile:v baseline -level 3.1 -preset veryfast -tune zerolatency -bf 0 ` +
        '-sc_threshold 0 -x264-params repeat-headers=1:open-gop=0 ' +
        // Access unit delimiters make the file easy to parse; the encoder's SEI (6) is removed.
        '-bsf:v filter_units=remove_types=6,h264_metadata=aud=insert -f h264';
  return {
    name: `${codec}-${width}x${height}-${bitrate / 1000}k`,
    extension: codec === 'vp8' ? 'ivf' : 'h264',
    settings: ['-f', 'lavfi', '-i', source, '-threads', '1', ...encoder.split(' ')],
  };
}

/**
 * A buzz with harmonics and varying pitch, in syllables of a third of a second with fricative noise between, and
 * phrases.
 */
function voiceJob(seconds: number): Job {
  const overtone = (n: number, volume: number) => `${volume}*sin(${n}*(2*PI*130*t+4*sin(2*PI*2.1*t)))`;
  const buzz = [overtone(1, 1), overtone(2, 0.6), overtone(4, 0.4), overtone(9, 0.2)].join('+');
  const phrase = '0.4*(0.55+0.45*sin(2*PI*0.7*t))';
  const syllable = 'max(0,sin(2*PI*3.3*t+2*sin(2*PI*0.31*t)))';
  const hiss = '0.04*(random(0)-0.5)*max(0,sin(2*PI*3.3*t+2.2))';
  const source = `aevalsrc='${phrase}*${syllable}*(${buzz})+${hiss}':s=48000:d=${seconds}`;
  const encoder = '-c:a libopus -application voip -b:a 32k -vbr on -frame_duration 20 -f ogg';
  return { name: 'voice', extension: 'ogg', settings: ['-f', 'lavfi', '-i', source, ...encoder.split(' ')] };
}

/** Reads the job's file with `read`. A missing file is encoded first, and kept once `read` has accepted it. */
async function made<T>(job: Job, options: PrepareOptions, read: (file: Buffer) => T): Promise<T> {
  const { cache = join(userCache(process.env), 'media'), ffmpeg = 'ffmpeg', report } = options;
  const version = await callFfmpeg(ffmpeg, ['-version']);
  const path = join(cache, `${job.name}-${hash(version, ...job.settings).slice(0, 12)}.${job.extension}`);
  const kept = await readFile(path).catch(() => undefined);
  if (kept) return understood(kept, read, `${path} is damaged; delete it, and it is made again`);

  await mkdir(cache, { recursive: true });
  report?.(`Encoding ${job.name} with ffmpeg ...`);
  // Written atomically: others may read it at the same time.
  const draft = `${path}.${randomUUID()}.tmp`;
  try {
    await callFfmpeg(ffmpeg, ['-nostdin', '-hide_banner', '-loglevel', 'error', ...job.settings, draft]);
    const result = understood(await readFile(draft), read, `ffmpeg made something else than ${job.name}`);
    await rename(draft, path);
    return result;
  } finally {
    await rm(draft, { force: true });
  }
}

function understood<T>(file: Buffer, read: (file: Buffer) => T, complaint: string): T {
  try {
    return read(file);
  } catch (cause) {
    throw new Error(`${complaint}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

async function callFfmpeg(ffmpeg: string, settings: string[]): Promise<string> {
  try {
    const { stdout } = await run(ffmpeg, settings);
    return stdout;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') {
      throw new Error(
        `Prepared media needs ffmpeg, and there is no "${ffmpeg}": install it (apt-get install ffmpeg, ` +
          'brew install ffmpeg), or send steady video, which does without.',
        { cause },
      );
    }
    const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : '';
    throw new Error(`ffmpeg failed: ${said || String(cause)}`, { cause });
  }
}

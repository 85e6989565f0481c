/** The ffmpeg process of one RTMP stream: reads FLV, and sends RTP to ports of this machine. */
import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Logger } from 'pino';
import { Lifetime } from '../../common/Lifetime.ts';
import { encoderArguments, outputArguments, type Target } from '../rtp/ffmpegArguments.ts';
import type { StreamContent } from './flv.ts';

export interface FfmpegRelayOptions {
  /** Its path, or its name. */
  readonly program: string;
  readonly content: StreamContent;
  readonly target: Target;
  /** What it says is logged. */
  readonly log: Logger;
  /** It takes input again, after `write` has returned false. */
  onDrain(): void;
  /** It has ended by itself. */
  onExit(why: string): void;
}

/** How long it may take to end when its input has ended, in milliseconds. */
const END_TIMEOUT = 1000;
/** Lines of what it says that are logged of one stream. */
const MAX_LINES = 50;

/** Encoding gives way to all else on the machine: to the media of everybody, above all. From -20 to 19. */
const ENCODING_PRIORITY = 10;
/** Threads that decode, and that encode: a stream gets two cores. */
const THREADS = ['-threads', '2'];
/** Larger pictures than 1920x1080, or 1080x1920, are made smaller, and keep their shape; x264 takes even numbers only. */
const LONG_AND_SHORT_SIDE = "w='min(iw,if(gt(iw,ih),1920,1080))':h='min(ih,if(gt(iw,ih),1080,1920))'";
const SCALING = `scale=${LONG_AND_SHORT_SIDE}:force_original_aspect_ratio=decrease:force_divisible_by=2`;

/** Of pictures that are decoded, if only to find out what they are: those of H264's level 5.2, in pixels. */
const MAX_PIXELS = 4096 * 2304;
/** What it may allocate, in KiB: 4K needs a quarter of it. Streams say how large their pictures are, and how many are kept. */
const MAX_MEMORY = 1024 * 1024;
/** Sets that limit, which Node.js cannot, and becomes the program that follows; a lower limit of the system stays. */
const LIMITED = `ulimit -d ${MAX_MEMORY} 2>/dev/null; exec "$0" "$@"`;
/** What a shell ends with when it cannot run a program (POSIX, section 2.8.2). */
const CANNOT_RUN: ReadonlySet<number | null> = new Set([126, 127]);

/** What ffmpeg knows of the environment: where programs and libraries are, and none of Weir's secrets. */
function environment(): NodeJS.ProcessEnv {
  const { PATH, LD_LIBRARY_PATH } = process.env;
  return { ...(PATH !== undefined && { PATH }), ...(LD_LIBRARY_PATH !== undefined && { LD_LIBRARY_PATH }) };
}

/** Whether ffmpeg can be run. @param program its path, or its name */
export function hasFfmpeg(program: string): Promise<boolean> {
  return new Promise((resolve) =>
    execFile(program, ['-version'], { env: environment() }, (error) => resolve(error === null)),
  );
}

/** The arguments: H264 as it is where browsers can show it, AAC as Opus. */
export function relayArguments({ whyNotCopied }: StreamContent, { address, video, audio }: Target): string[] {
  // The streams are known from their headers: looking for more would only delay the beginning. What has been looked at is sent too
  // (no `-fflags nobuffer`): the first key frame is in it, and the next one may be ten seconds later.
  const input = `-hide_banner -loglevel warning -analyzeduration 300000 -fpsprobesize 0 -max_pixels ${MAX_PIXELS} -f flv -i pipe:0`;
  const isCopied = whyNotCopied === undefined;
  const codec = isCopied
    ? ['-c:v', 'copy', '-bsf:v', 'h264_mp4toannexb']
    : ['-vf', SCALING, ...encoderArguments('H264'), ...THREADS];
  return [
    ...(isCopied ? [] : THREADS),
    ...input.split(' '),
    ...(video ? ['-map', '0:v:0', ...codec, ...outputArguments(address, video)] : []),
    ...(audio ? ['-map', '0:a:0', ...encoderArguments('Opus'), ...outputArguments(address, audio)] : []),
  ];
}

export class FfmpegRelay {
  readonly #child: ChildProcessByStdio<Writable, null, Readable>;
  readonly #lifetime = new Lifetime<'closed' | 'exited'>();

  constructor({ program, content, target, log, onDrain, onExit }: FfmpegRelayOptions) {
    const child = spawn('/bin/sh', ['-c', LIMITED, program, ...relayArguments(content, target)], {
      env: environment(),
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    this.#child = child;
    if (content.whyNotCopied !== undefined && child.pid !== undefined) lowerPriority(child.pid);
    let lines = 0;
    createInterface({ input: child.stderr }).on('line', (line) => {
      lines += 1;
      if (lines <= MAX_LINES) log.info({ ffmpeg: line.slice(0, 500) }, 'ffmpeg of an RTMP stream');
    });
    const onEnd = (why: string) => {
      if (this.#lifetime.end('exited')) onExit(why);
    };
    child.stdin.on('drain', onDrain);
    // It has ended: its exit says why.
    child.stdin.on('error', () => {});
    child.once('error', (error) => onEnd(`ffmpeg cannot be run: ${error.message}`));
    child.once('exit', (code, signal) =>
      onEnd(CANNOT_RUN.has(code) ? 'ffmpeg cannot be run' : `ffmpeg has ended (${code ?? signal})`),
    );
  }

  /** @returns whether it takes more now */
  write(bytes: Buffer): boolean {
    return this.#lifetime.closed || this.#child.stdin.write(bytes);
  }

  /** Disposes of what it needs as long as the process runs. */
  disposeAtExit(place: Disposable): void {
    const dispose = () => place[Symbol.dispose]();
    this.#child.once('error', dispose);
    this.#child.once('exit', dispose);
  }

  /** Ends it: it sends what it has, or is killed. */
  close(): void {
    if (!this.#lifetime.end('closed')) return;
    this.#child.stdin.end();
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), END_TIMEOUT);
    this.#child.once('exit', () => clearTimeout(killer));
  }
}

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, ENCODING_PRIORITY);
  } catch {
    // It has ended already.
  }
}

/** ffmpeg for `npm run publish`: what a file contains, and the process that sends. */
import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { PublishError } from './PublishError.ts';

/** How far the sender is. */
export interface Progress {
  /** Hours, minutes, seconds since the start. */
  readonly time: string;
  readonly framesPerSecond: string;
  /** Below 1 the machine cannot encode in real time. */
  readonly speed: string;
}

export interface SenderEvents {
  progress(progress: Progress): void;
  /** It has ended: the exit code or the signal, and what it said last. */
  ended(how: string, said: string): void;
}

const Probe = z.object({ streams: z.array(z.object({ codec_type: z.string().optional() })) });
const MISSING =
  'ffmpeg is not installed here: on Debian and Ubuntu `sudo apt-get install ffmpeg`, on macOS `brew install ffmpeg`.';
/** How many lines of what ffmpeg says are kept. */
const LINES = 5;
/** What runs ffmpeg, and ends it when this process has ended in whatever way. */
const keeper = fileURLToPath(new URL('endWithStdin.ts', import.meta.url));
/** The exit code where there is no ffmpeg. */
const NOT_FOUND = 127;

/**
 * Which kinds of stream a file has.
 * @throws {PublishError} when ffmpeg is missing, or cannot read the file
 */
export async function probe(file: string): Promise<{ audio: boolean; video: boolean }> {
  const options = ['-v', 'error', '-show_entries', 'stream=codec_type', '-of', 'json', file];
  const { stdout } = await promisify(execFile)('ffprobe', options).catch((error: unknown) => {
    throw isMissing(error) ? new PublishError(MISSING) : new PublishError(`${file} cannot be read: ${saidBy(error)}`);
  });
  const kinds = Probe.parse(JSON.parse(stdout)).streams.map((stream) => stream.codec_type);
  const found = { audio: kinds.includes('audio'), video: kinds.includes('video') };
  if (!found.audio && !found.video) throw new PublishError(`${file} has neither audio nor video.`);
  return found;
}

/** @throws {PublishError} when ffmpeg is missing */
export async function assertInstalled(): Promise<void> {
  await promisify(execFile)('ffmpeg', ['-version']).catch((error: unknown) => {
    throw isMissing(error) ? new PublishError(MISSING) : error;
  });
}

/** A running ffmpeg. */
export class Sender {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #said: string[] = [];

  /** @param options its arguments, which send something */
  constructor(options: readonly string[], events: SenderEvents) {
    // In a process group of its own: Ctrl-C is for this program, which ends the session before ffmpeg.
    const command = ['ffmpeg', '-progress', 'pipe:1', ...options];
    const child = spawn(process.execPath, [keeper, ...command], { detached: true });
    this.#child = child;
    createInterface({ input: child.stderr }).on('line', (line) => {
      this.#said.push(line);
      if (this.#said.length > LINES) this.#said.shift();
    });
    const values = new Map<string, string>();
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [name = '', value = ''] = line.split('=', 2);
      values.set(name, value.trim());
      if (name !== 'progress') return;
      const time = (values.get('out_time') ?? '').replace(/\..*/, '');
      events.progress({ time, framesPerSecond: values.get('fps') ?? '', speed: values.get('speed') ?? '' });
    });
    // It has ended: its exit says why.
    child.stdin.on('error', () => {});
    child.once('error', (error) => events.ended(error.message, ''));
    child.once('close', (code, signal) => {
      if (code === NOT_FOUND) events.ended(MISSING, '');
      else if (child.pid !== undefined) events.ended(`ffmpeg has ended (${code ?? signal}).`, this.#said.join('\n'));
    });
  }

  /** Ends it, and waits until it has ended. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.stdin.end();
    await exited;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function saidBy(error: unknown): string {
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
  return said || String(error);
}

/** ffmpeg as a recorder of plain RTP: it reads an SDP file, and every frame that it gets is counted. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { MediaKind } from '../../shared/media.ts';
import { isWeirsPort } from './rtp.ts';

export class Recorder implements Disposable {
  /** Presentation times in seconds, by kind. */
  readonly #times: Record<MediaKind, number[]> = { video: [], audio: [] };
  readonly #process: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#process = child;
  }

  /** @param sdp URL of the SDP file */
  static start(sdp: string): Recorder {
    const input = '-loglevel error -protocol_whitelist http,tcp,udp,rtp -analyzeduration 1000000 -f sdp -i';
    // A list of frames with their times.
    const output = '-map 0 -c copy -f framecrc -flush_packets 1 pipe:1';
    const child = spawn('ffmpeg', [...input.split(' '), sdp, ...output.split(' ')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const recorder = new Recorder(child);
    const kinds: MediaKind[] = [];
    const bases: number[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [, index, type] = /^#media_type (\d+): (\w+)/.exec(line) ?? [];
      if (type === 'video' || type === 'audio') kinds[Number(index)] = type;
      const [, of, numerator, denominator] = /^#tb (\d+): (\d+)\/(\d+)/.exec(line) ?? [];
      if (of !== undefined) bases[Number(of)] = Number(numerator) / Number(denominator);
      const [stream = '', , time = ''] = line.split(',').map((field) => field.trim());
      const kind = /^\d+$/.test(stream) ? kinds[Number(stream)] : undefined;
      if (kind) recorder.#times[kind].push(Number(time) * (bases[Number(stream)] ?? 0));
    });
    return recorder;
  }

  /** How many frames have come. */
  frames(kind: MediaKind): number {
    return this.#times[kind].length;
  }

  /** How many there are from the first to the last one, at so many a second. */
  expected(kind: MediaKind, perSecond: number): number {
    const times = this.#times[kind];
    return Math.round(((times.at(-1) ?? 0) - (times[0] ?? 0)) * perSecond) + 1;
  }

  /** Whether it has opened that UDP port of loopback. */
  listensOn(port: number): boolean {
    const hex = port.toString(16).toUpperCase().padStart(4, '0');
    return ['udp', 'udp6'].some((table) => readFileSync(`/proc/net/${table}`, 'utf8').includes(`:${hex} `));
  }

  [Symbol.dispose](): void {
    this.#process.kill('SIGKILL');
  }
}

/** An even port of loopback that is free, as the next one is: for RTP and RTCP. Use them at once. */
export async function freePortPair(): Promise<number> {
  for (;;) {
    const first = createSocket('udp4').bind(0, '127.0.0.1');
    await once(first, 'listening');
    const { port } = first.address();
    first.close();
    if (port % 2 === 0 && !isWeirsPort(port) && (await isFree(port + 1))) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const socket = createSocket('udp4').bind(port, '127.0.0.1');
  try {
    await once(socket, 'listening');
    socket.close();
    return true;
  } catch {
    return false;
  }
}

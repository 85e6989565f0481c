/** A process with GStreamer's webrtcbin, which publishes by WHIP or plays by WHEP (webrtcbin.py). */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { gstreamer } from '../../scripts/setup/equipment.mjs';
import { hasEquipment } from './equipment.ts';

/** Whether GStreamer is installed; otherwise the test launcher has printed why not. */
export const hasGStreamer = hasEquipment(gstreamer.name, gstreamer.file);

const Received = z.object({ audio: z.number(), video: z.number() });
const Line = z.object({ state: z.string(), received: Received, error: z.string() }).partial();
const script = fileURLToPath(new URL('webrtcbin.py', import.meta.url));

export class WebrtcBin implements AsyncDisposable {
  /** Of its connection, as in W3C webrtc-pc. */
  state = 'new';
  /** Buffers that a player has decoded. */
  received: z.infer<typeof Received> = { audio: 0, video: 0 };
  error: string | undefined;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #exit: Promise<unknown>;

  /** @param url the address of the room */
  constructor(mode: 'publish' | 'play', url: string | URL, token?: string) {
    const args = [script, mode, String(url), ...(token === undefined ? [] : [token])];
    this.#child = spawn('/usr/bin/python3', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#exit = once(this.#child, 'exit');
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      const { state = this.state, received = this.received, error = this.error } = Line.parse(JSON.parse(line));
      Object.assign(this, { state, received, error });
    });
  }

  /** Whether it still runs. */
  get runs(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Ends its session by DELETE, and waits for its end. */
  async close(): Promise<void> {
    this.#child.stdin.end();
    await this.#exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exit;
  }
}

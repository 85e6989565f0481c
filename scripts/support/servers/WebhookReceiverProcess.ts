/** A webhook receiver as a process of its own, which can be killed and started again: what it has stored stays. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { freePort } from '../network/freePort.ts';

const program = fileURLToPath(new URL('./webhookReceiver.ts', import.meta.url));

/** A webhook as the receiver stored it. */
export const ReceivedWebhook = z.object({
  /** Of the body. */
  sha256: z.string(),
  id: z.string().default(''),
  type: z.string().default(''),
  contentType: z.string().default(''),
  room: z.string().default(''),
  identity: z.string().default(''),
  track: z.string().default(''),
  /** Why LiveKit's package does not accept it. */
  wrong: z.string().optional(),
});
export type ReceivedWebhook = z.infer<typeof ReceivedWebhook>;

export interface ReceiverOptions {
  readonly apiKey: string;
  readonly apiSecret: string;
  /** The share of requests that fail; 0 by default. */
  readonly failing?: number;
}

export class WebhookReceiverProcess implements AsyncDisposable {
  readonly #options: ReceiverOptions;
  readonly #directory = mkdtempSync(join(tmpdir(), 'weir-webhooks-'));
  readonly #port: number;
  #starts = 0;
  #child: ChildProcess | undefined;

  private constructor(options: ReceiverOptions, port: number) {
    this.#options = options;
    this.#port = port;
  }

  /** @returns a receiver that does not run yet: its port answers nobody */
  static async prepare(options: ReceiverOptions): Promise<WebhookReceiverProcess> {
    return new WebhookReceiverProcess(options, await freePort());
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hook`;
  }

  /** A directory that goes with the receiver, for the data of the server that sends to it. */
  get directory(): string {
    return this.#directory;
  }

  /** All that it has stored, in the order in which it came. */
  get received(): ReceivedWebhook[] {
    let text: string;
    try {
      text = readFileSync(this.#file, 'utf8');
    } catch {
      return [];
    }
    // A line without its end was being written when it was killed.
    const lines = text.split('\n').slice(0, -1);
    return lines.map((line) => ReceivedWebhook.parse(JSON.parse(line)));
  }

  async start(): Promise<void> {
    const { apiKey, apiSecret, failing = 0 } = this.#options;
    this.#starts += 1;
    const rest = { apiKey, apiSecret, failing, seed: this.#starts };
    const child = fork(program, [JSON.stringify({ port: this.#port, file: this.#file, ...rest })]);
    this.#child = child;
    await once(child, 'message');
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#child = undefined;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  get #file(): string {
    return join(this.#directory, 'received.jsonl');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

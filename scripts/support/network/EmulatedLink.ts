/** An emulated link between two network namespaces: runs `netem.py`, changes its settings, and ends with it. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** The link, per direction: a delay of 50 ms makes a round trip of 100 ms. */
export interface LinkSettings {
  /** Milliseconds. */
  readonly delay?: number;
  /** Maximum deviation of a packet's delay in milliseconds; packets may overtake each other. */
  readonly jitter?: number;
  /** Percent of packets. */
  readonly loss?: number;
  /** Percent of packets that are not delayed. */
  readonly reorder?: number;
  /** kbit/s; 0 for no limit. */
  readonly rate?: number;
  /** Maximum queueing delay under `rate` in milliseconds, after which packets are dropped; initially 200. */
  readonly queue?: number;
  /** Whether all UDP is dropped. */
  readonly dropUdp?: boolean;
}

/** From the first end to the second, or back. */
export type LinkDirection = 'ab' | 'ba';

/** One end of the link: a namespace, and the IPv4 address of the device `em0` in it. */
export interface LinkEnd {
  readonly namespace: string;
  readonly address: string;
}

/** Timeout of changes and of the end, in milliseconds. */
const TIMEOUT = 5000;
const script = fileURLToPath(new URL('netem.py', import.meta.url));

export class EmulatedLink {
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Promises for the next lines, oldest first. */
  readonly #asked: ((line: string | undefined) => void)[] = [];
  #complaints = '';

  /**
   * @param seconds lifetime after which it ends by itself, whatever happens to this process
   * @param further namespaces that it deletes at its end, besides its own two
   */
  constructor(ends: readonly [LinkEnd, LinkEnd], link: LinkSettings, seconds: number, further: readonly string[] = []) {
    const options = Object.entries(valuesOf(link)).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const places = ends.flatMap(({ namespace, address }) => [namespace, address]);
    this.#process = spawn(
      'python3',
      [script, ...places, ...options, '--seconds', String(seconds), '--delete', ...further],
      { stdio: ['pipe', 'pipe', 'pipe'] },
    );
    const lines = createInterface(this.#process.stdout);
    lines.on('line', (line) => this.#asked.shift()?.(line));
    lines.on('close', () => {
      for (const resolve of this.#asked.splice(0)) resolve(undefined);
    });
    this.#process.stderr.on('data', (text: Buffer) => {
      this.#complaints += text.toString();
    });
    // The next request reports that the link has ended.
    this.#process.stdin.on('error', () => {});
    this.#process.on('error', () => {});
  }

  /** Resolves when packets can flow. @throws {Error} with what the script printed */
  async up(): Promise<void> {
    await this.#answer('up');
  }

  /**
   * Changes the given settings.
   * @param direction from the first end to the second (`ab`), or back (`ba`); both without it
   * @returns when they apply to new packets
   */
  async set(link: LinkSettings, direction?: LinkDirection): Promise<void> {
    const prefix = direction ? `${direction}:` : '';
    const settings = Object.entries(valuesOf(link)).map(([name, value]) => `${prefix}${name}=${value}`);
    this.#process.stdin.write(`${settings.join(' ')}\n`);
    await this.#answer('set');
  }

  /** Ends it, and with it the namespaces; idempotent. */
  async end(): Promise<void> {
    // A process that failed to start has no pid and emits no exit.
    if (this.#process.pid === undefined || this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.stdin.end();
    const killer = setTimeout(() => this.#process.kill('SIGKILL'), TIMEOUT);
    await exited;
    clearTimeout(killer);
  }

  async #answer(expected: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const late = setTimeout(resolve, TIMEOUT, undefined);
    this.#asked.push(resolve);
    if (this.#process.stdout.destroyed) resolve(undefined);
    const line = await promise;
    clearTimeout(late);
    if (line !== expected) throw new Error(`The link did not say "${expected}". ${this.#complaints.trim()}`.trim());
  }
}

/** Translates settings to netem.py's names. */
function valuesOf({ queue, dropUdp, ...link }: LinkSettings): Record<string, number> {
  const values = { ...link, 'queue-ms': queue, 'drop-udp': dropUdp === undefined ? undefined : Number(dropUdp) };
  const given: Record<string, number> = {};
  for (const [name, value] of Object.entries(values)) if (value !== undefined) given[name] = value;
  return given;
}

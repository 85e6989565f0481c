/** Two network namespaces on this machine, joined by an emulated link (`netem.py`). Linux, root. */
import { type ChildProcess, type ChildProcessByStdio, execFile, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export type Side = 'a' | 'b';

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

/** The addresses of the two sides. */
export const addresses: Readonly<Record<Side, string>> = { a: '10.203.0.1', b: '10.203.0.2' };

/** Timeout of changes of the link and of ending programs in a namespace, in milliseconds. */
const TIMEOUT = 5000;
const script = fileURLToPath(new URL('netem.py', import.meta.url));
const execute = promisify(execFile);
let created = 0;

/** Why namespaces cannot be created here, as a sentence; undefined where they can. */
export function whyNoNamespaces(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  for (const [program, where] of [
    ['ip', 'the package iproute2'],
    ['python3', 'the package python3'],
  ] as const) {
    if (!isProgram(program)) return `${program} is missing (${where} has it)`;
  }
  if (!existsSync('/dev/net/tun')) return '/dev/net/tun is missing (module tun; containers need that device)';
  return undefined;
}

export class Namespaces implements AsyncDisposable {
  readonly #names: Readonly<Record<Side, string>>;
  readonly #link: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #children = new Set<ChildProcess>();
  /** Promises for the link's next lines, oldest first. */
  readonly #asked: ((line: string | undefined) => void)[] = [];
  #complaints = '';
  #disposed: Promise<void> | undefined;

  private constructor(names: Readonly<Record<Side, string>>, link: LinkSettings, seconds: number) {
    this.#names = names;
    const options = Object.entries(valuesOf(link)).flatMap(([name, value]) => [`--${name}`, String(value)]);
    this.#link = spawn(
      'python3',
      [script, names.a, addresses.a, names.b, addresses.b, ...options, '--seconds', String(seconds), '--delete'],
      { stdio: ['pipe', 'pipe', 'pipe'] },
    );
    const lines = createInterface(this.#link.stdout);
    lines.on('line', (line) => this.#asked.shift()?.(line));
    lines.on('close', () => {
      for (const resolve of this.#asked.splice(0)) resolve(undefined);
    });
    this.#link.stderr.on('data', (text: Buffer) => {
      this.#complaints += text.toString();
    });
    // The next request reports that the link has ended.
    this.#link.stdin.on('error', () => {});
    this.#link.on('error', () => {});
  }

  /**
   * @param link initial settings; default a perfect link
   * @param seconds lifetime after which the link and the namespaces remove themselves, whatever happens to this process
   * @throws {Error} that says what is missing; nothing is left behind
   */
  static async create(link: LinkSettings = {}, seconds = 600): Promise<Namespaces> {
    const why = whyNoNamespaces();
    if (why) throw new Error(`No network namespaces can be made: ${why}.`);
    created += 1;
    const names = { a: `weir-a-${process.pid}-${created}`, b: `weir-b-${process.pid}-${created}` };
    let namespaces: Namespaces | undefined;
    try {
      for (const name of [names.a, names.b]) {
        await execute('ip', ['netns', 'add', name]);
        await execute('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
      }
      namespaces = new Namespaces(names, link, seconds);
      await namespaces.#answer('up');
      return namespaces;
    } catch (error) {
      await (namespaces?.dispose() ?? deleteAll(names));
      throw error;
    }
  }

  /** The names for `ip netns`. */
  get names(): Readonly<Record<Side, string>> {
    return this.#names;
  }

  /** Changes the given settings. @returns when they apply to new packets */
  async set(link: LinkSettings): Promise<void> {
    const settings = Object.entries(valuesOf(link)).map(([name, value]) => `${name}=${value}`);
    this.#link.stdin.write(`${settings.join(' ')}\n`);
    await this.#answer('set');
  }

  /** Starts a program in one of them. It is killed with the namespace if it still runs; its pid is its own. */
  run(side: Side, command: string, args: readonly string[] = [], options: SpawnOptions = {}): ChildProcess {
    if (this.#disposed) throw new Error('The namespaces are gone.');
    const child = spawn('ip', ['netns', 'exec', this.#names[side], command, ...args], options);
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    child.once('error', () => this.#children.delete(child));
    return child;
  }

  /** Kills the programs, ends the link and deletes the namespaces; idempotent. */
  dispose(): Promise<void> {
    this.#disposed ??= this.#dispose();
    return this.#disposed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #dispose(): Promise<void> {
    const children = [...this.#children];
    await Promise.all(
      children.map(async (child) => {
        const exited = once(child, 'exit');
        child.kill('SIGKILL');
        await exited;
      }),
    );
    await this.#endLink();
    await deleteAll(this.#names);
  }

  async #endLink(): Promise<void> {
    // A process that failed to start has no pid and emits no exit.
    if (this.#link.pid === undefined || this.#link.exitCode !== null || this.#link.signalCode !== null) return;
    const exited = once(this.#link, 'exit');
    this.#link.stdin.end();
    const killer = setTimeout(() => this.#link.kill('SIGKILL'), TIMEOUT);
    await exited;
    clearTimeout(killer);
  }

  async #answer(expected: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const late = setTimeout(resolve, TIMEOUT, undefined);
    this.#asked.push(resolve);
    if (this.#link.stdout.destroyed) resolve(undefined);
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

/** Deletes the namespaces that still exist: netem.py deletes them, too. */
async function deleteAll(names: Readonly<Record<Side, string>>): Promise<void> {
  for (const name of Object.values(names)) {
    if (existsSync(`/run/netns/${name}`)) await execute('ip', ['netns', 'delete', name]).catch(() => {});
  }
}

function isProgram(name: string): boolean {
  return (process.env.PATH ?? '').split(':').some((directory) => {
    try {
      accessSync(`${directory}/${name}`, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

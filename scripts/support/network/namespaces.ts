/** Owns two network namespaces on this machine, joined by a link as bad as one wants it (`netem.py`). Linux, root. */
import { type ChildProcess, type ChildProcessByStdio, execFile, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export type Side = 'a' | 'b';

/** The link, in each direction on its own: a delay of 50 ms makes a round trip of 100 ms. */
export interface LinkSettings {
  /** Milliseconds. */
  readonly delay?: number;
  /** Milliseconds by which each packet may be early or late; packets overtake one another. */
  readonly jitter?: number;
  /** Percent of packets. */
  readonly loss?: number;
  /** Percent of packets that take no delay at all. */
  readonly reorder?: number;
  /** kbit/s; 0 for no limit. */
  readonly rate?: number;
  /** Milliseconds that a packet may wait for its turn under `rate` before it is dropped; 200 at first. */
  readonly queue?: number;
  /** Whether no UDP gets through. */
  readonly dropUdp?: boolean;
}

/** The addresses of the two sides. */
export const addresses: Readonly<Record<Side, string>> = { a: '10.203.0.1', b: '10.203.0.2' };

/** How long the link may take to come up or to change, and what runs in a namespace to end, in milliseconds. */
const PATIENCE = 5000;
const script = fileURLToPath(new URL('netem.py', import.meta.url));
const execute = promisify(execFile);
let created = 0;

/** Why namespaces cannot be made here, in words for people; undefined where they can. */
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
  /** Those that wait for the link's next line, oldest first. */
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
      for (const tell of this.#asked.splice(0)) tell(undefined);
    });
    this.#link.stderr.on('data', (text: Buffer) => {
      this.#complaints += text.toString();
    });
    // Its end is told to whoever asks next.
    this.#link.stdin.on('error', () => {});
    this.#link.on('error', () => {});
  }

  /**
   * @param link how the link is at first; perfect if it says nothing
   * @param seconds after which the link and the namespaces go by themselves, whatever becomes of this process
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

  /** The names by which `ip netns` knows them. */
  get names(): Readonly<Record<Side, string>> {
    return this.#names;
  }

  /** Changes those settings that are given. @returns when they hold for packets that come from now on */
  async set(link: LinkSettings): Promise<void> {
    const settings = Object.entries(valuesOf(link)).map(([name, value]) => `${name}=${value}`);
    this.#link.stdin.write(`${settings.join(' ')}\n`);
    await this.#answer('set');
  }

  /** Starts a program in one of them. It is killed with them if it still runs; its pid is its own. */
  run(side: Side, command: string, args: readonly string[] = [], options: SpawnOptions = {}): ChildProcess {
    if (this.#disposed) throw new Error('The namespaces are gone.');
    const child = spawn('ip', ['netns', 'exec', this.#names[side], command, ...args], options);
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    child.once('error', () => this.#children.delete(child));
    return child;
  }

  /** Kills what runs in them, ends the link, deletes them; once, however often it is called. */
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
    // One that could not be started has no pid, and no exit either.
    if (this.#link.pid === undefined || this.#link.exitCode !== null || this.#link.signalCode !== null) return;
    const exited = once(this.#link, 'exit');
    this.#link.stdin.end();
    const killer = setTimeout(() => this.#link.kill('SIGKILL'), PATIENCE);
    await exited;
    clearTimeout(killer);
  }

  async #answer(expected: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const late = setTimeout(resolve, PATIENCE, undefined);
    this.#asked.push(resolve);
    if (this.#link.stdout.destroyed) resolve(undefined);
    const line = await promise;
    clearTimeout(late);
    if (line !== expected) throw new Error(`The link did not say "${expected}". ${this.#complaints.trim()}`.trim());
  }
}

/** Settings by the names that netem.py has for them. */
function valuesOf({ queue, dropUdp, ...link }: LinkSettings): Record<string, number> {
  const values = { ...link, 'queue-ms': queue, 'drop-udp': dropUdp === undefined ? undefined : Number(dropUdp) };
  const given: Record<string, number> = {};
  for (const [name, value] of Object.entries(values)) if (value !== undefined) given[name] = value;
  return given;
}

/** Deletes them where they are still there: netem.py does so, too. */
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

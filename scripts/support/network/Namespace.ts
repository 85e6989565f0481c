/** A network namespace on this machine, and the programs that run in it. Linux, root. */
import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { accessSync, constants, existsSync } from 'node:fs';
import { promisify } from 'node:util';

const execute = promisify(execFile);

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

/** Whether a program of that name is in the search path. */
export function isProgram(name: string): boolean {
  return (process.env.PATH ?? '').split(':').some((directory) => {
    try {
      accessSync(`${directory}/${name}`, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export class Namespace implements AsyncDisposable {
  /** The name for `ip netns`. */
  readonly name: string;
  readonly #children = new Set<ChildProcess>();
  #disposed: Promise<void> | undefined;

  private constructor(name: string) {
    this.name = name;
  }

  /**
   * Creates a namespace with its loopback device up.
   * @param prefix of its name, of which the rest is random: namespaces belong to the machine, where other processes and other
   *   copies of this module create them too
   */
  static async create(prefix: string): Promise<Namespace> {
    const name = `${prefix}-${randomBytes(8).toString('hex')}`;
    await execute('ip', ['netns', 'add', name]);
    const namespace = new Namespace(name);
    try {
      await namespace.ip('link', 'set', 'lo', 'up');
      return namespace;
    } catch (error) {
      await namespace.dispose();
      throw error;
    }
  }

  /** Starts a program in it. It is killed with the namespace if it still runs; its pid is its own. */
  run(command: string, args: readonly string[] = [], options: SpawnOptions = {}): ChildProcess {
    if (this.#disposed) throw new Error('The namespaces are gone.');
    const child = spawn('ip', ['netns', 'exec', this.name, command, ...args], options);
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    child.once('error', () => this.#children.delete(child));
    return child;
  }

  /** Runs `ip` for its devices, addresses and routes. @returns what it printed @throws {Error} with its message */
  async ip(...args: readonly string[]): Promise<string> {
    const { stdout } = await execute('ip', ['-n', this.name, ...args]);
    return stdout;
  }

  /**
   * Runs a program in it to its end.
   * @param input its standard input
   * @returns what it printed
   * @throws {Error} with its message, when it fails
   */
  async execute(command: string, args: readonly string[], input = ''): Promise<string> {
    const running = execute('ip', ['netns', 'exec', this.name, command, ...args]);
    running.child.stdin?.on('error', () => {});
    running.child.stdin?.end(input);
    const { stdout } = await running;
    return stdout;
  }

  /** Kills its programs and deletes it, unless somebody else has; idempotent. */
  dispose(): Promise<void> {
    this.#disposed ??= this.#dispose();
    return this.#disposed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #dispose(): Promise<void> {
    await Promise.all(
      [...this.#children].map(async (child) => {
        const exited = once(child, 'exit');
        child.kill('SIGKILL');
        await exited;
      }),
    );
    if (existsSync(`/run/netns/${this.name}`)) await execute('ip', ['netns', 'delete', this.name]).catch(() => {});
  }
}

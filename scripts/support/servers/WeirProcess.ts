/** Weir as a process of its own, as users start it: its output, exit, media workers and remaining descendants. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { pidOf } from '../process/pidOf.ts';
import { livingWith, readProc } from '../process/processes.ts';
import { until } from '../until.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const main = fileURLToPath(new URL('../../../server/main.ts', import.meta.url));
/** Timeout of the start, in milliseconds. */
const STARTUP_TIMEOUT = 18_000;

export class WeirProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  /** Resolves with the exit code, or with the signal that ended it. */
  readonly exit: Promise<number | NodeJS.Signals | null>;
  readonly #mark = `weir-${crypto.randomUUID()}`;
  stdout = '';
  stderr = '';
  #ended = false;

  /**
   * Starts `node server/main.ts` as the leader of its own process group, without this process's WEIR_ settings.
   * @param environment added to loopback, any port, and two workers
   * @param command what runs it instead of Node
   * @param args arguments of the command, where it is not the server
   */
  constructor(
    environment: Readonly<Record<string, string>> = {},
    command: readonly string[] = [process.execPath],
    args: readonly string[] = [main],
  ) {
    const [program = process.execPath, ...before] = command;
    this.child = spawn(program, [...before, ...args], {
      cwd: root,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        ...inherited('MEDIASOUP_WORKER_BIN', 'NODE_COMPILE_CACHE'),
        WEIR_TEST_MARK: this.#mark,
        WEIR_HOST: '127.0.0.1',
        WEIR_PORT: '0',
        WEIR_RTC_HOST: '127.0.0.1',
        WEIR_RTC_PORT: '0',
        WEIR_STUN_PORT: 'off',
        WEIR_WORKERS: '2',
        WEIR_DRAIN_SECONDS: '0',
        WEIR_SELF_TEST: 'false',
        ...environment,
      },
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.exit = new Promise((resolve) =>
      this.child.on('close', (code, signal) => {
        this.#ended = true;
        resolve(code ?? signal);
      }),
    );
  }

  get pid(): number {
    return pidOf(this.child);
  }

  /** Waits until it logs its address. @returns its URL @throws {Error} with its output, when it ends instead */
  running(): Promise<string> {
    return until('Weir running', STARTUP_TIMEOUT, () => {
      if (this.#ended) throw new Error(`Weir ended: ${this.stderr}`);
      return this.#url;
    });
  }

  /** Its URL. @throws {Error} before it runs */
  get url(): string {
    const url = this.#url;
    if (url === undefined) throw new Error('Weir does not run yet.');
    return url;
  }

  get #url(): string | undefined {
    return /Weir is running: (\S+)\r?\n/.exec(this.stdout)?.[1];
  }

  /** Whether all media workers run and it accepts joins. */
  async ready(): Promise<boolean> {
    const answer = await fetch(`${this.url}/ready`).catch(() => undefined);
    return answer?.status === 200;
  }

  /** Living processes that descend from this one, itself included, even when reparented. */
  get descendants(): number[] {
    return livingWith(this.#mark);
  }

  /** Its media workers, oldest first. */
  get workers(): number[] {
    return this.descendants
      .filter((pid) => readProc(`${pid}/comm`).startsWith('mediasoup-wor'))
      .sort((one, other) => one - other);
  }

  /** The pid of the server, whatever launched it. */
  get server(): number {
    const found = this.descendants.find((pid) => this.workers.some((worker) => parentOf(worker) === pid));
    if (found === undefined) throw new Error('No process has media workers.');
    return found;
  }

  /** Kills everything that is left. */
  async end(): Promise<void> {
    for (const pid of this.descendants) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
    await this.exit;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }
}

/** Those of this process's variables that are set. */
function inherited(...names: readonly string[]): Record<string, string> {
  const set = names.map((name) => [name, process.env[name]]).filter(([, value]) => value);
  return Object.fromEntries(set);
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)/m.exec(readProc(`${pid}/status`))?.[1] ?? 0);
}

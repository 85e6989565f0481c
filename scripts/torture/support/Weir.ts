/** Owns a Weir under torture: a process of its own, as users start it, with the processes that come from it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { livingWith, readProc } from '../../../tests/support/processes.ts';
import { until } from './until.ts';

const main = fileURLToPath(new URL('../../../server/main.ts', import.meta.url));
/** How long it may take to start, and to end, in milliseconds. */
const PATIENCE = 15_000;

/** Limits that a torture would meet before what it is about. */
const raised = {
  WEIR_HOST: '127.0.0.1',
  WEIR_PORT: '0',
  WEIR_RTC_HOST: '127.0.0.1',
  WEIR_RTC_PORT: '0',
  WEIR_WORKERS: '2',
  WEIR_MESSAGES_PER_SECOND: '1000',
  WEIR_LOG_LEVEL: 'warn',
};

export interface WeirOptions {
  /** What starts it; `node server/main.ts` unless told. */
  readonly command?: readonly [string, ...string[]];
}

export class Weir implements AsyncDisposable {
  readonly url: string;
  /** Resolves at the end with the exit code, or with the signal that ended it. */
  readonly exit: Promise<number | NodeJS.Signals | null>;
  readonly #child: ChildProcess;
  readonly #mark: string;

  private constructor(child: ChildProcess, exit: Weir['exit'], mark: string, url: string) {
    this.#child = child;
    this.exit = exit;
    this.#mark = mark;
    this.url = url;
  }

  /** @param settings on top of loopback, any port, two workers and raised limits */
  static async start(settings: Readonly<Record<string, string>> = {}, { command }: WeirOptions = {}): Promise<Weir> {
    const mark = `torture-${crypto.randomUUID()}`;
    const [program, ...args] = command ?? [process.execPath, main];
    const child = spawn(program, args, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...raised, WEIR_TEST_MARK: mark, ...settings },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    let ended = false;
    const exit = new Promise<number | NodeJS.Signals | null>((resolve) =>
      child.on('close', (code, signal) => {
        ended = true;
        resolve(code ?? signal);
      }),
    );
    const url = await until('Weir running', PATIENCE, () => {
      if (ended) throw new Error(`Weir ended: ${output}`);
      return /Weir is running: (\S+)\n/.exec(output)?.[1];
    });
    return new Weir(child, exit, mark, url);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The process that is the server, whatever has started it. */
  get server(): number {
    const found = this.living.find((pid) => this.workers.some((worker) => parentOf(worker) === pid));
    if (found === undefined) throw new Error('No process has media workers.');
    return found;
  }

  /** The processes that come from it and live, itself included; whoever has adopted them. */
  get living(): number[] {
    return livingWith(this.#mark);
  }

  /** Its media workers, oldest first. */
  get workers(): number[] {
    return this.living
      .filter((pid) => readProc(`${pid}/comm`).startsWith('mediasoup-wor'))
      .sort((one, other) => one - other);
  }

  /** Whether all media workers run, and it lets people in. */
  async ready(): Promise<boolean> {
    const answer = await fetch(`${this.url}/ready`).catch(() => undefined);
    return answer?.status === 200;
  }

  /** Makes sure that nothing is left, whatever was found. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const pid of this.living) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    }
    await this.exit;
  }
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)/m.exec(readProc(`${pid}/status`))?.[1] ?? 0);
}

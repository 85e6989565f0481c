/** Owns Weir as a process of its own, as users start it: its output, its exit, and the children that it must not leave. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { livingWith } from './processes.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const main = fileURLToPath(new URL('../../server/main.ts', import.meta.url));

export class WeirProcess {
  readonly child: ChildProcess;
  /** Resolves at the end with the exit code, or with the signal that ended it. */
  readonly exit: Promise<number | NodeJS.Signals | null>;
  readonly #mark = `mark-${crypto.randomUUID()}`;
  stdout = '';
  stderr = '';

  /**
   * Starts `node server/main.ts` as the leader of a process group of its own, with nothing of our own settings.
   * @param command what runs it instead of Node
   * @param args what follows it, where that is not the server
   */
  constructor(
    environment: Record<string, string> = {},
    command: readonly string[] = [process.execPath],
    args = [main],
  ) {
    const [program = process.execPath, ...before] = command;
    this.child = spawn(program, [...before, ...args], {
      cwd: root,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        ...(process.env.MEDIASOUP_WORKER_BIN && { MEDIASOUP_WORKER_BIN: process.env.MEDIASOUP_WORKER_BIN }),
        WEIR_TEST_MARK: this.#mark,
        WEIR_HOST: '127.0.0.1',
        WEIR_PORT: '0',
        WEIR_RTC_HOST: '127.0.0.1',
        WEIR_RTC_PORT: '0',
        WEIR_WORKERS: '2',
        WEIR_DRAIN_SECONDS: '0',
        ...environment,
      },
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.exit = new Promise((resolve) => this.child.on('close', (code, signal) => resolve(code ?? signal)));
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('The process did not start.');
    return this.child.pid;
  }

  /** Waits until it says where it is. @returns its URL @throws {Error} with its output, when it ends instead */
  async running(): Promise<string> {
    let ended = false;
    void this.exit.then(() => {
      ended = true;
    });
    return vi.waitUntil(
      () => {
        if (ended) throw new Error(`Weir ended: ${this.stderr}`);
        return /Weir is running: (\S+)\r?\n/.exec(this.stdout)?.[1];
      },
      { timeout: 18_000, interval: 10 },
    );
  }

  /** The processes that come from this one and live, itself included; whoever has adopted them. */
  get living(): number[] {
    return livingWith(this.#mark);
  }

  /** Makes sure that nothing is left, whatever a test has found. */
  async end(): Promise<void> {
    for (const pid of this.living) process.kill(pid, 'SIGKILL');
    await this.exit;
  }
}

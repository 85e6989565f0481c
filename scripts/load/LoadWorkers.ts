/** The worker processes of a load test as the coordinator sees them: start, messages in both directions, end. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Order, Report } from './messages.ts';

const script = fileURLToPath(new URL('loadWorker.ts', import.meta.url));
/** How long a load worker may take to send its final counts, in milliseconds. */
const END_TIMEOUT = 20_000;

export type Result = Extract<Report, { type: 'result' }>;

export class LoadWorkers implements AsyncDisposable {
  readonly #children: ChildProcess[];
  readonly #results = new Map<ChildProcess, Result>();

  private constructor(children: ChildProcess[]) {
    this.#children = children;
  }

  /** @param onReport called with every report of a load worker while the test runs, and the worker's index */
  static async start(count: number, onReport: (report: Report, index: number) => void): Promise<LoadWorkers> {
    const children = Array.from({ length: count }, () =>
      fork(script, { serialization: 'advanced', execArgv: ['--max-semi-space-size=32'] }),
    );
    const loadWorkers = new LoadWorkers(children);
    try {
      await Promise.all(
        children.map(async (child, index) => {
          const ready = Promise.withResolvers<void>();
          child.once('exit', (code) => ready.reject(new Error(`A process of the load tester ended with ${code}.`)));
          child.on('message', (message) => {
            const report = Report.parse(message);
            if (report.type === 'ready') ready.resolve();
            if (report.type === 'result') loadWorkers.#results.set(child, report);
            else onReport(report, index);
          });
          await ready.promise;
        }),
      );
      return loadWorkers;
    } catch (error) {
      await loadWorkers[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pids(): number[] {
    return this.#children.map(({ pid = 0 }) => pid);
  }

  /** @param order returns the order for each worker, by its index */
  send(order: (index: number) => Order): void {
    this.#children.forEach((child, index) => {
      if (child.connected) child.send(order(index));
    });
  }

  /** Ends the test. @returns the results of the workers that still respond */
  async end(): Promise<Result[]> {
    const running = this.#children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    const exits = running.map((child) => once(child, 'exit'));
    this.send(() => ({ type: 'end' }));
    const late = setTimeout(() => this.#kill(), END_TIMEOUT);
    await Promise.all(exits);
    clearTimeout(late);
    return [...this.#results.values()];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill();
  }

  #kill(): void {
    for (const child of this.#children) if (child.exitCode === null) child.kill('SIGKILL');
  }
}

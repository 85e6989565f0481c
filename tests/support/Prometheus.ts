/** Debian's Prometheus for tests: reads one server, and answers queries about it; and promtool, which checks texts and files. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { fileOf, prometheus } from '../../scripts/setup/equipment.mjs';
import { userCache } from '../../scripts/setup/paths.mjs';
import { freePort } from '../../scripts/support/network/freePort.ts';
import { hasEquipment } from './equipment.ts';

const program = fileOf(prometheus.file, userCache(process.env));
/** Whether Prometheus is there; otherwise the test launcher has printed why not. */
export const hasPrometheus = hasEquipment(prometheus.name, program);

/** The path of a file of docker/prometheus. */
export const prometheusFile = (name: string) => join(import.meta.dirname, '../../docker/prometheus', name);

const Reply = z.object({
  data: z.object({
    result: z.array(z.object({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) })),
  }),
});

/** One sample of the result of a query. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * Runs promtool.
 * @param input what it reads from its standard input
 * @returns what it has to say, with its exit code before it unless that is 0
 */
export async function promtool(args: readonly string[], input = ''): Promise<string> {
  const child = spawn(join(dirname(program), 'promtool'), args);
  child.stdin.end(input);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return `${child.exitCode === 0 ? '' : `${child.exitCode}: `}${stdout}${stderr}`;
}

export class Prometheus implements AsyncDisposable {
  readonly #url: string;
  readonly #child: ChildProcess;
  readonly #directory: string;

  private constructor(url: string, child: ChildProcess, directory: string) {
    this.#url = url;
    this.#child = child;
    this.#directory = directory;
  }

  /** Starts it with that configuration (YAML), and waits until it answers. */
  static async start(configuration: string): Promise<Prometheus> {
    const directory = mkdtempSync(join(tmpdir(), 'weir-prometheus-'));
    const file = join(directory, 'prometheus.yml');
    writeFileSync(file, configuration);
    const port = await freePort();
    const args = [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ];
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
    });
    const started = new Prometheus(`http://127.0.0.1:${port}`, child, directory);
    for (const deadline = AbortSignal.timeout(15_000); ; ) {
      if (child.exitCode !== null || deadline.aborted) {
        await started[Symbol.asyncDispose]();
        throw new Error(`Prometheus does not run: ${said}`);
      }
      if (await started.#isReady()) return started;
    }
  }

  /** @throws {Error} with what Prometheus says of the expression, if it cannot evaluate it */
  async query(expression: string): Promise<Sample[]> {
    const response = await fetch(`${this.#url}/api/v1/query`, {
      method: 'POST',
      body: new URLSearchParams({ query: expression }),
    });
    if (!response.ok) throw new Error(`${expression}: ${await response.text()}`);
    const { result } = Reply.parse(await response.json()).data;
    return result.map(({ metric, value: [, value] }) => ({ labels: metric, value: Number(value) }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL');
      await once(this.#child, 'close');
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #isReady(): Promise<boolean> {
    const response = await fetch(`${this.#url}/-/ready`).catch(() => undefined);
    if (response?.ok) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
    return false;
  }
}

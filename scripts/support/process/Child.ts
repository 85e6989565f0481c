/** A child process that answers requests: measured servers run in one, apart from the process that measures. */
import { type ChildProcess, fork, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Namespace } from '../network/Namespace.ts';
import type { Namespaces, Side } from '../network/namespaces.ts';
import { pidOf } from './pidOf.ts';

const Answer = z.object({ id: z.number(), answer: z.unknown().optional(), error: z.string().optional() });
const Question = z.object({ id: z.number(), what: z.string(), data: z.unknown().optional() });

export interface ChildOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly execArgv?: readonly string[];
  /** The network namespace it runs in; default the machine's own network. */
  readonly within?: Namespace | { readonly namespaces: Namespaces; readonly side: Side };
}

/** How long a child may take to end by itself, in milliseconds. */
const TIMEOUT = 10_000;

export class Child implements AsyncDisposable {
  readonly pid: number;
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #nextId = 1;

  private constructor(child: ChildProcess, pid: number) {
    this.pid = pid;
    this.#process = child;
    child.on('message', (message) => {
      const { id, answer, error } = Answer.parse(message);
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(answer);
      else waiting?.reject(new Error(error));
    });
    child.once('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`It ended with ${code ?? signal}.`));
      this.#waiting.clear();
    });
  }

  /**
   * @param script its URL; it calls `answerQuestions`
   * @throws {Error} if the system does not start it
   */
  static start(script: URL, { env = process.env, execArgv = [], within }: ChildOptions = {}): Child {
    const path = fileURLToPath(script);
    const options = { env, serialization: 'advanced' } satisfies SpawnOptions;
    if (!within) return Child.#of(fork(path, { ...options, execArgv: [...execArgv] }));
    const stdio: SpawnOptions['stdio'] = ['ignore', 'inherit', 'inherit', 'ipc'];
    const run = [process.execPath, [...execArgv, path], { ...options, stdio }] as const;
    return Child.#of('side' in within ? within.namespaces.run(within.side, ...run) : within.run(...run));
  }

  static #of(child: ChildProcess): Child {
    // A process that does not start says so by an event as well.
    if (child.pid === undefined) child.once('error', () => {});
    return new Child(child, pidOf(child));
  }

  /** @throws {Error} the child's error, or that it has ended */
  async ask<T extends z.ZodType>(what: string, form: T, data?: unknown): Promise<z.infer<T>> {
    const id = this.#nextId++;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    if (this.#process.connected) this.#process.send({ id, what, data });
    else waiting.reject(new Error('It has ended.'));
    return form.parse(await waiting.promise);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    if (this.#process.connected) this.#process.disconnect();
    const killer = globalThis.setTimeout(() => this.#process.kill('SIGKILL'), TIMEOUT);
    await exited;
    clearTimeout(killer);
  }
}

/** The child's side: answers requests by name until the parent disconnects, then shuts down. */
export function answerQuestions(
  answers: Readonly<Record<string, (data: unknown) => unknown>>,
  end: () => Promise<unknown> = async () => {},
): void {
  process.on('message', async (message) => {
    const { id, what, data } = Question.parse(message);
    try {
      const answer = await answers[what]?.(data);
      send({ id, answer });
    } catch (error) {
      send({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  const leave = async () => {
    await end();
    process.exit();
  };
  process.once('disconnect', leave);
  // The parent may have gone during start-up.
  if (!process.connected) void leave();
}

/** The parent may have gone: then the reply is dropped without an error. */
function send(answer: z.infer<typeof Answer>): void {
  if (process.connected) process.send?.(answer, undefined, undefined, () => {});
}

export const Memory = z.object({
  /** Bytes of JavaScript, and of memory it holds outside its heap, after garbage collection. */
  heap: z.number(),
  rss: z.number(),
});
export type Memory = z.infer<typeof Memory>;

/** Collect until the heap no longer shrinks, with pauses for finalisers; `most` is the limit. */
const COLLECTIONS = { most: 20, pause: 30, still: 0.001 };

/** Retained memory of this process; requires `--expose-gc`. */
export async function memoryAfterCollection(): Promise<Memory> {
  let before = Number.POSITIVE_INFINITY;
  for (let round = 0; round < COLLECTIONS.most; round += 1) {
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    if (round > 2 && Math.abs(before - heapUsed - external) < COLLECTIONS.still * before) break;
    before = heapUsed + external;
    await setTimeout(COLLECTIONS.pause);
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, rss };
}

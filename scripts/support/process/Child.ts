/** Owns a process of a benchmark that answers questions: servers that are measured, kept apart from who measures. */
import { type ChildProcess, fork, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Namespaces, Side } from '../network/namespaces.ts';

const Answer = z.object({ id: z.number(), answer: z.unknown().optional(), error: z.string().optional() });
const Question = z.object({ id: z.number(), what: z.string(), data: z.unknown().optional() });

export interface ChildOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly execArgv?: readonly string[];
  /** Where it runs; on this machine's own network unless told. */
  readonly within?: { readonly namespaces: Namespaces; readonly side: Side };
}

/** How long a child may take to end by itself, in milliseconds. */
const PATIENCE = 10_000;

export class Child implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #nextId = 1;

  private constructor(child: ChildProcess) {
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

  /** @param script its URL; it calls `answerQuestions` */
  static start(script: URL, { env = process.env, execArgv = [], within }: ChildOptions = {}): Child {
    const path = fileURLToPath(script);
    const options = { env, serialization: 'advanced' } satisfies SpawnOptions;
    if (!within) return new Child(fork(path, { ...options, execArgv: [...execArgv] }));
    const stdio: SpawnOptions['stdio'] = ['ignore', 'inherit', 'inherit', 'ipc'];
    return new Child(within.namespaces.run(within.side, process.execPath, [...execArgv, path], { ...options, stdio }));
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** @throws {Error} what the child says, or that it has ended */
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
    const killer = globalThis.setTimeout(() => this.#process.kill('SIGKILL'), PATIENCE);
    await exited;
    clearTimeout(killer);
  }
}

/** The child's side: answers by name until whoever asks goes away, then ends in order. */
export function answerQuestions(
  answers: Readonly<Record<string, (data: unknown) => unknown>>,
  end: () => Promise<unknown> = async () => {},
): void {
  process.on('message', async (message) => {
    const { id, what, data } = Question.parse(message);
    try {
      const answer = await answers[what]?.(data);
      tell({ id, answer });
    } catch (error) {
      tell({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  const leave = async () => {
    await end();
    process.exit();
  };
  process.once('disconnect', leave);
  // Whoever started us may have gone while we started: then nobody will ever ask.
  if (!process.connected) void leave();
}

/** Whoever asked may be gone by now: then nobody is told, and that is no failure. */
function tell(answer: z.infer<typeof Answer>): void {
  if (process.connected) process.send?.(answer, undefined, undefined, () => {});
}

export const Memory = z.object({
  /** Bytes of JavaScript and of what it holds outside of its heap, after a collection. */
  heap: z.number(),
  rss: z.number(),
});
export type Memory = z.infer<typeof Memory>;

/** Collections until nothing more goes, at most so many, with time between them for what they finalise. */
const COLLECTIONS = { most: 20, pause: 30, still: 0.001 };

/** What this process holds on to; it needs `--expose-gc`. */
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

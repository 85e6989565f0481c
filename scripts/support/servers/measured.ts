/** A server in a process of its own that reports its resources: Weir, or a server that Weir is compared with. */
import { z } from 'zod';
import { Child, type ChildOptions } from '../process/Child.ts';
import { environmentWith } from './settings.ts';

const Where = z.object({ url: z.string(), worker: z.number(), workers: z.array(z.number()).optional() });

/** Bytecode flushing would make memory measurements fluctuate. */
const execArgv = ['--expose-gc', '--no-flush-bytecode'];

/** A running server. */
export interface Measured extends AsyncDisposable {
  readonly child: Child;
  readonly url: string;
  /** The process ids of its Node and its first media worker. */
  readonly node: number;
  readonly worker: number;
  /** Process ids of all its media workers. */
  readonly workers: readonly number[];
}

/**
 * Starts Weir in a process of its own.
 * @param settings added to the raised limits
 */
export function startMeasured(
  settings: Readonly<Record<string, string>> = {},
  within?: ChildOptions['within'],
): Promise<Measured> {
  return startMeasuredScript(new URL('weir.ts', import.meta.url), settings, within);
}

/**
 * Starts a server by a script with the interface of `weir.ts`: another checkout's Weir, or a server to compare with.
 */
export async function startMeasuredScript(
  script: URL,
  settings: Readonly<Record<string, string>> = {},
  within?: ChildOptions['within'],
): Promise<Measured> {
  const child = Child.start(script, { within, execArgv, env: environmentWith(settings) });
  const { url, worker, workers = [worker] } = await child.ask('where', Where);
  // In a namespace the started process becomes the program by exec: the pid is the same.
  return { child, url, worker, workers, node: child.pid, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}

/** A server in a process of its own that tells what it holds: Weir, or what Weir is compared with. */
import { z } from 'zod';
import { Child, type ChildOptions } from '../process/Child.ts';
import { environmentWith } from './settings.ts';

const Where = z.object({ url: z.string(), worker: z.number(), workers: z.array(z.number()).optional() });

/** Code that V8 throws away and compiles again would come and go in measurements of memory. */
const execArgv = ['--expose-gc', '--no-flush-bytecode'];

/** A server that runs. */
export interface Measured extends AsyncDisposable {
  readonly child: Child;
  readonly url: string;
  /** The process ids of its Node and its first media worker. */
  readonly node: number;
  readonly worker: number;
  /** Those of all its media workers. */
  readonly workers: readonly number[];
}

/**
 * Weir in a process of its own.
 * @param settings on top of the raised limits
 */
export function startMeasured(
  settings: Readonly<Record<string, string>> = {},
  within?: ChildOptions['within'],
): Promise<Measured> {
  return startMeasuredScript(new URL('weir.ts', import.meta.url), settings, within);
}

/** A server by a script that answers as `weir.ts` does: Weir of another checkout, or what Weir is compared with. */
export async function startMeasuredScript(
  script: URL,
  settings: Readonly<Record<string, string>> = {},
  within?: ChildOptions['within'],
): Promise<Measured> {
  const child = Child.start(script, { within, execArgv, env: environmentWith(settings) });
  const { url, worker, workers = [worker] } = await child.ask('where', Where);
  // In a namespace the process that was started becomes the program: the id is the same.
  return { child, url, worker, workers, node: child.pid, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}

/** Owns how benchmarks start what they measure: Weir, and the same media by steps, each in a process of its own. */
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { Child, type ChildOptions } from './Child.ts';
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
 * @param which `weir`, `steps` for the server of one awaited step at a time, or `bareObjects` for no server at all
 * @param settings on top of the raised limits
 */
export async function startMeasured(
  which: 'weir' | 'steps' | 'bareObjects',
  settings: Readonly<Record<string, string>> = {},
  within?: ChildOptions['within'],
): Promise<Measured> {
  return measuredOf(Child.start(`${which}.ts`, { within, execArgv, env: environmentWith(settings) }));
}

/**
 * Weir as it is in another checkout, with that checkout's page.
 * @param folder of the checkout, in which everything is set up
 */
export function startCheckout(folder: string, settings: Readonly<Record<string, string>> = {}): Promise<Measured> {
  const script = pathToFileURL(join(resolve(folder), 'scripts/bench/support/weir.ts'));
  return measuredOf(Child.start(script.href, { execArgv, env: environmentWith(settings) }));
}

async function measuredOf(child: Child): Promise<Measured> {
  const { url, worker, workers = [worker] } = await child.ask('where', Where);
  // In a namespace the process that was started becomes the program: the id is the same.
  return { child, url, worker, workers, node: child.pid, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}

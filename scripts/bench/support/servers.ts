/** Servers that benchmarks compare with: the step server, mediasoup alone, and the Weir of another checkout. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ChildOptions } from '../../support/process/Child.ts';
import { type Measured, startMeasuredScript } from '../../support/servers/measured.ts';

/** Starts the step server. */
export function startSteps(
  settings?: Readonly<Record<string, string>>,
  within?: ChildOptions['within'],
): Promise<Measured> {
  return startMeasuredScript(new URL('steps.ts', import.meta.url), settings, within);
}

/** Starts a process with mediasoup's objects only, without a server. */
export function startBareObjects(settings?: Readonly<Record<string, string>>): Promise<Measured> {
  return startMeasuredScript(new URL('bareObjects.ts', import.meta.url), settings);
}

/** Paths of the script that starts Weir; older checkouts have it among the benchmarks. */
const places = ['scripts/support/servers/weir.ts', 'scripts/bench/support/weir.ts'];

/**
 * Starts the Weir of another checkout, with that checkout's page.
 * @param folder the checkout, already set up
 * @throws {Error} when it is not a checkout of Weir
 */
export async function startCheckout(folder: string, settings?: Readonly<Record<string, string>>): Promise<Measured> {
  const script = places.map((place) => join(resolve(folder), place)).find((path) => existsSync(path));
  if (script === undefined) throw new Error(`${folder} is no checkout of Weir: it has no ${places[0]}.`);
  return startMeasuredScript(pathToFileURL(script), settings);
}

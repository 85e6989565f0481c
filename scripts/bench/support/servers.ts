/** What benchmarks measure beside this checkout's Weir: the same media by steps, mediasoup alone, another checkout's Weir. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ChildOptions } from '../../support/process/Child.ts';
import { type Measured, startMeasuredScript } from '../../support/servers/measured.ts';

/** The server of one awaited step at a time. */
export function startSteps(
  settings?: Readonly<Record<string, string>>,
  within?: ChildOptions['within'],
): Promise<Measured> {
  return startMeasuredScript(new URL('steps.ts', import.meta.url), settings, within);
}

/** mediasoup's objects, and no server at all. */
export function startBareObjects(settings?: Readonly<Record<string, string>>): Promise<Measured> {
  return startMeasuredScript(new URL('bareObjects.ts', import.meta.url), settings);
}

/** Where a checkout has the script that starts its Weir; older ones have it among the benchmarks. */
const places = ['scripts/support/servers/weir.ts', 'scripts/bench/support/weir.ts'];

/**
 * Weir as it is in another checkout, with that checkout's page.
 * @param folder of the checkout, in which everything is set up
 * @throws {Error} when it is no checkout of Weir
 */
export async function startCheckout(folder: string, settings?: Readonly<Record<string, string>>): Promise<Measured> {
  const script = places.map((place) => join(resolve(folder), place)).find((path) => existsSync(path));
  if (script === undefined) throw new Error(`${folder} is no checkout of Weir: it has no ${places[0]}.`);
  return startMeasuredScript(pathToFileURL(script), settings);
}

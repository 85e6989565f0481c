/** Runs load tests from tests, as the command does. */
import { parseOptions } from '../../scripts/load/options.ts';
import type { LoadResults } from '../../scripts/load/results.ts';
import { type LoadHooks, load } from '../../scripts/load/run.ts';

/** Media without an encoder. */
export const steady = '--video steady --audio off';

/** @param flags the command line, without the address */
export function run(url: string, flags: string, hooks?: LoadHooks): Promise<LoadResults> {
  const options = parseOptions(['--url', url, ...flags.split(' ')]);
  if (!options) throw new Error('Nothing was asked for.');
  return load(options, hooks);
}

/** Whether a program that tests need is installed; otherwise its tests are skipped. */
import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { chromiumPath } from '../../scripts/support/browsers/chromium.ts';

const { CI, WEIR_TEST_SKIP = '' } = process.env;
const isCi = CI === 'true' || CI === '1';

/**
 * Whether tests with this program run: when it is installed and WEIR_TEST_SKIP does not name it. Under CI they always
 * run, and fail where it is missing.
 */
export function hasEquipment(name: string, path: string): boolean {
  if (isCi) return true;
  return existsSync(path) && !WEIR_TEST_SKIP.split(',').includes(name);
}

/** Whether Chromium is installed; otherwise the test launcher has printed why not. */
export const hasChromium = hasEquipment('chromium', chromiumPath);

/** Whether this machine has IPv6 at least on loopback; under CI its tests always run. */
export const hasIPv6 =
  isCi ||
  Object.values(networkInterfaces())
    .flat()
    .some((found) => found?.address === '::1');

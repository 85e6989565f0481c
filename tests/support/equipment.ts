/** Owns whether a program that tests drive can be had, or its tests are skipped. */
import { existsSync } from 'node:fs';
import { chromiumPath } from '../../scripts/support/browsers/chromium.ts';

const { CI, WEIR_TEST_SKIP = '' } = process.env;

/**
 * Whether tests with this program run: when it is installed and WEIR_TEST_SKIP does not name it. Under CI they always
 * run, and fail where it is missing: tests that nobody runs prove nothing.
 */
export function hasEquipment(name: string, path: string): boolean {
  if (CI === 'true' || CI === '1') return true;
  return existsSync(path) && !WEIR_TEST_SKIP.split(',').includes(name);
}

/** Whether there is a Chromium to test with; the launcher of the tests has said why not. */
export const hasChromium = hasEquipment('chromium', chromiumPath);

/** The name of an error, for the report. */
import { WeirError } from '../../../client/index.ts';

/** Its reason, or else its code: neither has anything of a person, a device or an address. */
export function problemOf(error: unknown): string {
  const { reason, code } = WeirError.from(error);
  return reason ?? code;
}

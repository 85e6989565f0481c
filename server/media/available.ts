/** Owns what a worker's failure is for those who needed it: nothing that they could have done better. */
import { WeirError } from '../../shared/errors.ts';

/** What `call` gives. @throws {WeirError} `unavailable` where it fails: trying again helps */
export async function available<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (cause) {
    throw new WeirError('unavailable', undefined, { cause });
  }
}

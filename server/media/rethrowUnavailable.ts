/** Maps failures of mediasoup's calls to errors of this protocol, and tells which of them are part of ordinary use. */
import { errors } from 'mediasoup';
import { WeirError } from '../../shared/errors.ts';

/**
 * What `call` gives.
 * @throws {WeirError} `closed` where what it was about has closed meanwhile, else `unavailable`: trying again helps
 */
export async function rethrowUnavailable<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (cause) {
    throw new WeirError(cause instanceof errors.NotFoundError ? 'closed' : 'unavailable', undefined, { cause });
  }
}

/**
 * Whether a call failed because what it was about had closed: the worker, or an object that the worker closed before it read
 * the request. That happens whenever people leave, and is no fault of anything.
 */
export function isClosed(error: unknown): boolean {
  if (error instanceof WeirError) return error.code === 'closed';
  return error instanceof errors.WorkerClosedError || error instanceof errors.NotFoundError;
}

/**
 * Maps failures of mediasoup's requests to errors of the protocol, and recognizes those that are part of ordinary use.
 */
import { errors } from 'mediasoup';
import { WeirError } from '../../shared/errors.ts';

/**
 * The result of a request.
 * @throws {WeirError} `closed` where its target has closed meanwhile, else `unavailable`: trying again helps
 */
export async function rethrowUnavailable<T>(request: Promise<T>): Promise<T> {
  try {
    return await request;
  } catch (cause) {
    throw new WeirError(cause instanceof errors.NotFoundError ? 'closed' : 'unavailable', undefined, { cause });
  }
}

/**
 * Whether a request failed because its target had closed: the worker, or an object that the worker closed before it
 * read the request. That happens whenever peers leave, and is not an error.
 */
export function isClosed(error: unknown): boolean {
  if (error instanceof WeirError) return error.code === 'closed';
  return error instanceof errors.WorkerClosedError || error instanceof errors.NotFoundError;
}

/** Wraps errors of the browser in WeirError, so that applications handle one class of errors. */
import { WeirError } from '../../shared/errors.ts';

/** Returns `error` itself if it is a WeirError. */
export function localError(error: unknown): WeirError {
  if (error instanceof WeirError) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new WeirError('internal', `The browser reported an error: ${detail}`, { cause: error });
}

/** Makes a WeirError of whatever a browser throws, so that applications meet one class of errors. */
import { WeirError } from '../../shared/errors.ts';

/** `error` itself where it is one already. */
export function localError(error: unknown): WeirError {
  if (error instanceof WeirError) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new WeirError('internal', `This did not work in this browser: ${detail}`, { cause: error });
}

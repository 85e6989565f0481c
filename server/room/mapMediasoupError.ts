/** Maps errors of mediasoup to errors of the client protocol. */
import { WeirError } from '../../shared/errors.ts';
import { isClosed } from '../media/rethrowUnavailable.ts';

/**
 * An error means that the client's parameters were refused, unless the object or its worker has closed. mediasoup's own
 * message is the cause, which is logged and not sent.
 * @throws {WeirError} `badRequest` with `message`, `closed`
 */
export async function mapMediasoupError<T>(call: Promise<T>, message: string): Promise<T> {
  try {
    return await call;
  } catch (cause) {
    if (isClosed(cause)) throw new WeirError('closed', undefined, { cause });
    throw new WeirError('badRequest', message, { cause });
  }
}

/** Maps what mediasoup refuses to errors of this protocol. */
import { WeirError } from '../../shared/errors.ts';
import { isClosed } from '../media/rethrowUnavailable.ts';

/**
 * What mediasoup refuses is the request's fault, unless what it was about has closed; its words go to the log.
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

/** Owns whose fault it is when mediasoup refuses something. */
import { errors } from 'mediasoup';
import { WeirError } from '../../shared/errors.ts';

/**
 * What mediasoup refuses is the request's fault, unless the media itself has ended; its words go to the log.
 * @throws {WeirError} `badRequest` with `message`, `closed`
 */
export async function accepted<T>(call: Promise<T>, message: string): Promise<T> {
  try {
    return await call;
  } catch (cause) {
    if (cause instanceof errors.WorkerClosedError) throw new WeirError('closed', undefined, { cause });
    throw new WeirError('badRequest', message, { cause });
  }
}

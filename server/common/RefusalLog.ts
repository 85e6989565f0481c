/** Logs refused requests: as long as they are few at level info, beyond that at debug, so that nobody fills a disk with them. */
import { TokenBucket } from '../../shared/TokenBucket.ts';

/** Lines per second at level info, and at once. */
const LINES = { perSecond: 10, burst: 200 };

/** A logger, as far as it is needed. */
interface Log {
  info(fields: object, message: string): void;
  debug(fields: object, message: string): void;
}

export class RefusalLog {
  readonly #bucket = new TokenBucket(LINES.perSecond, LINES.burst);

  /** @param log has the ids of whom the request is from */
  write(log: Log, fields: object): void {
    if (this.#bucket.tryTake()) log.info(fields, 'request refused');
    else log.debug(fields, 'request refused');
  }
}

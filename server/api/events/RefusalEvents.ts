/** Records refused joins, which anybody can cause at any rate: above a limit, one event stands for many. */
import type { ErrorCode } from '../../../shared/errors.ts';
import { TokenBucket } from '../../../shared/TokenBucket.ts';
import type { JoinRefusal } from '../../room/JoinRefusals.ts';
import type { NewEvent } from './LoggedEvent.ts';

/** Of one code, how many events of a single refusal there are per second, and at once. */
const SINGLE_EVENTS = 10;
/** How long refusals above that are gathered into one event, in milliseconds. */
const GATHER_TIME = 1000;

/** Refusals of one code. */
interface Gathered {
  readonly singles: TokenBucket;
  count: number;
}

export class RefusalEvents {
  readonly #record: (event: NewEvent) => void;
  readonly #byCode = new Map<ErrorCode, Gathered>();
  #timer: NodeJS.Timeout | undefined;

  constructor(record: (event: NewEvent) => void) {
    this.#record = record;
  }

  add({ room, kind, error: { code } }: JoinRefusal): void {
    const gathered = this.#byCode.get(code) ?? { singles: new TokenBucket(SINGLE_EVENTS, SINGLE_EVENTS), count: 0 };
    this.#byCode.set(code, gathered);
    if (gathered.singles.tryTake()) {
      this.#record({ type: 'join_refused', code, refusals: 1, room: { name: room, kind } });
      return;
    }
    gathered.count += 1;
    this.#timer ??= setTimeout(() => this.#flush(), GATHER_TIME).unref();
  }

  /** Records what has been gathered. */
  close(): void {
    this.#flush();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [code, gathered] of this.#byCode) {
      if (gathered.count === 0) continue;
      this.#record({ type: 'join_refused', code, refusals: gathered.count });
      gathered.count = 0;
    }
  }
}

/** Announces the joins that are refused, by whichever way they came: those who are inside do not see them. */
import type { Logger } from 'pino';
import { WeirError } from '../../shared/errors.ts';
import type { RoomKind } from '../../shared/protocol.ts';

export interface JoinRefusal {
  /** As requested; there need not be such a room. */
  readonly room: string;
  readonly kind: RoomKind;
  readonly error: WeirError;
}

type RefusalListener = (refusal: JoinRefusal) => void;

export class JoinRefusals {
  readonly #log: Logger;
  readonly #listeners = new Set<RefusalListener>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Runs `listener` for every join that is refused. @returns what removes it */
  onRefused(listener: RefusalListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Runs a join, and announces the error with which it fails. A client that goes meanwhile is not refused.
   * @param kind a call by default
   * @throws what `join` throws
   */
  async watch<T>(room: string, kind: RoomKind | undefined, join: () => Promise<T>): Promise<T> {
    try {
      return await join();
    } catch (thrown) {
      const error = WeirError.from(thrown);
      if (error.code !== 'closed') this.#announce({ room, kind: kind ?? 'call', error });
      throw thrown;
    }
  }

  #announce(refusal: JoinRefusal): void {
    for (const listener of this.#listeners) {
      try {
        listener(refusal);
      } catch (error) {
        this.#log.error({ err: error }, 'listener to refused joins failed');
      }
    }
  }
}

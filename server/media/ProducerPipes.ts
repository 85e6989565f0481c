/**
 * Pipes producers between the routers of a room: once per producer and router, for as long as somebody holds a lease.
 */
import { WeirError } from '../../shared/errors.ts';

/** One end of a pipe: a mediasoup producer or consumer. */
export interface PipeEnd {
  readonly closed: boolean;
  readonly observer: { once(event: 'close', listener: () => void): unknown };
}

/** Both ends of a pipe. Closing the consumer also closes the producer, a moment later. */
export interface PipeEnds<P extends PipeEnd> {
  readonly consumer: { close(): void };
  readonly producer: P;
}

/** A producer on the router that was asked for; dispose of it when it is no longer needed. */
export interface PipeLease<P> extends Disposable {
  readonly producer: P;
}

export interface ProducerPipesOptions<P extends PipeEnd, R> {
  /** Opens a pipe. */
  open(producer: P, from: R, to: R): Promise<PipeEnds<P>>;
  /** How long a pipe without leases is kept, in milliseconds; 2 s by default. */
  readonly linger?: number | undefined;
}

/** How long a pipe without leases is kept by default, in milliseconds: a viewer who turns a page often turns back. */
const LINGER = 2000;

interface Pipe<P extends PipeEnd> {
  readonly opening: Promise<PipeEnds<P>>;
  /** Makes the next `acquire` open another pipe. */
  readonly remove: () => void;
  /** It did not open, has closed, or is about to: there is nothing left to close. */
  removed: boolean;
  leases: number;
  lingerTimer: NodeJS.Timeout | undefined;
}

/** `P` is mediasoup's Producer and `R` a RoomRouter, except in tests. */
export class ProducerPipes<P extends PipeEnd, R> {
  readonly #options: ProducerPipesOptions<P, R>;
  /** By producer, then by the router that it is piped to. */
  readonly #pipes = new Map<P, Map<R, Pipe<P>>>();

  constructor(options: ProducerPipesOptions<P, R>) {
    this.#options = options;
  }

  /**
   * The producer on the router `to`. All callers share one pipe, which the first of them opens.
   * @param from the router that `producer` is on
   * @throws {WeirError} `closed` when the producer ends meanwhile; what `open` throws
   */
  async acquire(producer: P, from: R, to: R): Promise<PipeLease<P>> {
    if (from === to) return { producer, [Symbol.dispose]: () => {} };
    const pipe = this.#obtain(producer, from, to);
    pipe.leases += 1;
    clearTimeout(pipe.lingerTimer);
    let released = false;
    const release = () => {
      if (released) return;
      released = true;
      pipe.leases -= 1;
      if (pipe.leases === 0) this.#closeLater(pipe);
    };
    try {
      const { producer: piped } = await pipe.opening;
      if (piped.closed) throw new WeirError('closed');
      return { producer: piped, [Symbol.dispose]: release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Stops the timers, also for leases that are released afterwards; the pipes themselves end with their routers. */
  close(): void {
    for (const pipes of this.#pipes.values()) for (const { remove } of pipes.values()) remove();
  }

  #obtain(producer: P, from: R, to: R): Pipe<P> {
    const pipes = this.#pipes.get(producer) ?? new Map<R, Pipe<P>>();
    this.#pipes.set(producer, pipes);
    const known = pipes.get(to);
    if (known) return known;
    const remove = () => {
      pipe.removed = true;
      clearTimeout(pipe.lingerTimer);
      if (pipes.get(to) === pipe) pipes.delete(to);
      if (pipes.size === 0 && this.#pipes.get(producer) === pipes) this.#pipes.delete(producer);
    };
    const pipe: Pipe<P> = {
      opening: this.#options.open(producer, from, to),
      remove,
      removed: false,
      leases: 0,
      lingerTimer: undefined,
    };
    pipes.set(to, pipe);
    pipe.opening.then(({ producer: piped }) => {
      if (piped.closed) remove();
      else piped.observer.once('close', remove);
    }, remove);
    return pipe;
  }

  #closeLater(pipe: Pipe<P>): void {
    clearTimeout(pipe.lingerTimer);
    if (pipe.removed) return;
    pipe.lingerTimer = setTimeout(() => {
      pipe.opening.then(
        ({ consumer }) => {
          if (pipe.leases > 0) return;
          // The piped producer closes a moment later: nobody may be given that meanwhile.
          pipe.remove();
          consumer.close();
        },
        () => {},
      );
    }, this.#options.linger ?? LINGER);
  }
}

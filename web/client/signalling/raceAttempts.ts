/** Starts attempts one after another without waiting for those under way; the first that succeeds aborts the others. */

export interface RaceAttemptsOptions {
  /** Between the starts of two attempts, in milliseconds: doubles from `first` to `most`, with a random spread. */
  readonly gap: { readonly first: number; readonly most: number };
  /** No attempt starts after this time (`performance.now()`). */
  readonly until: number;
  /** Aborts all attempts. */
  readonly signal: AbortSignal;
}

/**
 * @param attempt must give up when its signal is aborted
 * @returns the result of the first attempt that succeeds
 * @throws the error of the last attempt if none has succeeded in time; the reason of the signal
 */
export function raceAttempts<T>(
  attempt: (signal: AbortSignal) => Promise<T>,
  { gap, until, signal }: RaceAttemptsOptions,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const others = new AbortController();
  let running = 0;
  let failure: unknown = new Error('The time was over before the first attempt.');
  let pause = gap.first;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const end = () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', aborted);
    others.abort();
  };
  const aborted = () => {
    end();
    reject(signal.reason);
  };
  const over = () => performance.now() >= until;
  const begin = () => {
    if (over()) {
      timer = undefined;
      if (running === 0) fail();
      return;
    }
    running += 1;
    attempt(others.signal).then(
      (value) => {
        end();
        resolve(value);
      },
      (error: unknown) => {
        failure = error;
        running -= 1;
        if (running === 0 && timer === undefined) fail();
      },
    );
    timer = setTimeout(begin, spread(pause));
    pause = Math.min(gap.most, pause * 2);
  };
  const fail = () => {
    end();
    reject(failure);
  };
  if (signal.aborted) reject(signal.reason);
  else {
    signal.addEventListener('abort', aborted);
    // The first attempt has a random delay, too: all peers of a room may have lost their connections at once.
    timer = setTimeout(begin, Math.random() * gap.first);
  }
  return promise;
}

/** Up to a third shorter or longer, at random. */
function spread(pause: number): number {
  return pause * (2 / 3 + (Math.random() * 2) / 3);
}

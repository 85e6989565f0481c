/** Owns attempts that begin one after another, none waiting for one that hangs: the first that succeeds ends the rest. */

export interface RaceAttemptsOptions {
  /** Between the beginnings of two attempts, in milliseconds: from `first` it doubles up to `most`, with chance in it. */
  readonly gap: { readonly first: number; readonly most: number };
  /** No attempt begins after this moment (`performance.now()`). */
  readonly until: number;
  /** Ends all. */
  readonly signal: AbortSignal;
}

/**
 * @param attempt is to give up when its signal says so
 * @returns what the first attempt to succeed gave
 * @throws the latest attempt's error, when none has succeeded in time; the signal's reason
 */
export function raceAttempts<T>(
  attempt: (signal: AbortSignal) => Promise<T>,
  { gap, until, signal }: RaceAttemptsOptions,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const others = new AbortController();
  let running = 0;
  let failure: unknown = new Error('There was no time for an attempt.');
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
    // The first one, too, waits a moment: a whole room may have been cut at once.
    timer = setTimeout(begin, Math.random() * gap.first);
  }
  return promise;
}

/** A third shorter or longer. */
function spread(pause: number): number {
  return pause * (2 / 3 + (Math.random() * 2) / 3);
}

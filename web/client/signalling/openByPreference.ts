/** Opens one of several things of different worth: the best one that works, without waiting long for one that does not. */

export interface PreferredAttempt<T> {
  /** @param signal aborted when another attempt has won */
  open(signal: AbortSignal): Promise<T>;
  /** How long the next attempt waits for this one, in milliseconds, unless this one fails. */
  readonly headStart: number;
}

export interface OpenByPreferenceOptions<T> {
  /** Best first. */
  readonly attempts: readonly PreferredAttempt<T>[];
  /** How long a result waits at most for a better one that is still opening, in milliseconds. */
  readonly maxWait: number;
  /** Whether the other attempts would fail in the same way. */
  isFinal(error: unknown): boolean;
  /** Closes what lost against a better one. */
  discard(result: T): void;
}

type State<T> =
  | { readonly name: 'waiting' | 'running' | 'failed' }
  | { readonly name: 'open'; readonly result: T; readonly isDue: boolean };

/**
 * Begins each attempt when the one before has failed or had its head start. One that succeeds waits for better ones that are
 * still opening for as long as it took itself: a slow network makes all of them slow.
 * @throws the error of the first attempt if all fail, or one that is final
 */
export function openByPreference<T>({ attempts, maxWait, isFinal, discard }: OpenByPreferenceOptions<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const ended = new AbortController();
  const states: State<T>[] = attempts.map(() => ({ name: 'waiting' }));
  const timers = new Set<ReturnType<typeof setTimeout>>();
  let firstError: { readonly index: number; readonly error: unknown } | undefined;

  const end = () => {
    for (const timer of timers) clearTimeout(timer);
    ended.abort();
  };
  const after = (time: number, action: () => void) => timers.add(setTimeout(action, time));
  const win = (winner: number, result: T) => {
    end();
    for (const [index, state] of states.entries()) {
      if (index !== winner && state.name === 'open') discard(state.result);
    }
    resolve(result);
  };
  const fail = (error: unknown) => {
    end();
    for (const state of states) if (state.name === 'open') discard(state.result);
    reject(error);
  };

  const check = () => {
    if (ended.signal.aborted) return;
    const best = states.findIndex(({ name }) => name === 'open');
    const found = states[best];
    if (found?.name === 'open') {
      const isBetterOpening = states.slice(0, best).some(({ name }) => name === 'running');
      const isDue = states.some((state) => state.name === 'open' && state.isDue);
      if (!isBetterOpening || isDue) win(best, found.result);
      return;
    }
    if (states.every(({ name }) => name === 'failed')) fail(firstError?.error);
  };

  const start = (index: number) => {
    const attempt = attempts[index];
    if (!attempt || ended.signal.aborted || states[index]?.name !== 'waiting') return;
    states[index] = { name: 'running' };
    const startedAt = performance.now();
    after(attempt.headStart, () => start(index + 1));
    attempt.open(ended.signal).then(
      (result) => {
        if (ended.signal.aborted) {
          discard(result);
          return;
        }
        states[index] = { name: 'open', result, isDue: false };
        // The timer decides, not the clock: timers fire a little early by it, and nothing would check again.
        after(Math.min(maxWait, performance.now() - startedAt), () => {
          states[index] = { name: 'open', result, isDue: true };
          check();
        });
        check();
      },
      (error: unknown) => {
        states[index] = { name: 'failed' };
        if (!firstError || index < firstError.index) firstError = { index, error };
        if (isFinal(error) && !ended.signal.aborted) fail(error);
        start(index + 1);
        check();
      },
    );
  };
  start(0);
  return promise;
}

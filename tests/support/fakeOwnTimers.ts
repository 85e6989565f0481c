/** Fake timers for one test alone: whatever an earlier file has left running in the process keeps the real ones, and does not count. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { aroundEach, vi } from 'vitest';

/** The test that the running code follows from. */
const current = new AsyncLocalStorage<symbol>();

/**
 * Fakes the timers of each test of this file or suite, as `vi.useFakeTimers` does, for the test and what it causes:
 * `vi.getTimerCount` counts those, and `vi.advanceTimersByTime` runs those.
 */
export function fakeOwnTimers(options?: Parameters<typeof vi.useFakeTimers>[0]): void {
  aroundEach(async (runTest) => {
    const test = Symbol('test');
    const isOwn = () => current.getStore() === test;
    const { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate } = globalThis;
    vi.useFakeTimers(options);
    // `vi.useRealTimers` puts the real ones back in place of these as well.
    Object.assign(globalThis, {
      setTimeout: chosen(isOwn, globalThis.setTimeout, setTimeout),
      setInterval: chosen(isOwn, globalThis.setInterval, setInterval),
      setImmediate: chosen(isOwn, globalThis.setImmediate, setImmediate),
      clearTimeout: chosen(isOwn, globalThis.clearTimeout, clearTimeout),
      clearInterval: chosen(isOwn, globalThis.clearInterval, clearInterval),
      clearImmediate: chosen(isOwn, globalThis.clearImmediate, clearImmediate),
    });
    try {
      await current.run(test, runTest);
    } finally {
      vi.useRealTimers();
    }
  });
}

/** Calls `fake` for what is our own, and otherwise `real`. */
function chosen<F extends (...args: never[]) => unknown>(isOwn: () => boolean, fake: F, real: F): F {
  return new Proxy(fake, { apply: (_, self, args) => Reflect.apply(isOwn() ? fake : real, self, args) });
}

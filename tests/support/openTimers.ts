/**
 * Fails a test file that leaves timers running. Files share processes: what such a timer does it would do, and what it sets
 * it would set, while the tests of another file run. A setup file, which runs before each file of its project.
 */
import { afterAll, vi } from 'vitest';

/** How long timers of a file may take to end after its last test, in milliseconds. */
const GRACE = 1000;

const { setTimeout, setInterval, clearTimeout, clearInterval } = globalThis;
/** Timers that have neither run nor been cleared, and where each was set. */
const open = new Map<unknown, Error>();

Object.assign(globalThis, {
  setTimeout: recorded(setTimeout, true),
  setInterval: recorded(setInterval, false),
  clearTimeout: forgotten(clearTimeout),
  clearInterval: forgotten(clearInterval),
});

// Registered before those of the file, so called after them.
afterAll(async () => {
  const isFake = vi.isFakeTimers();
  vi.useRealTimers();
  const end = performance.now() + GRACE;
  while (open.size > 0 && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 5));
  Object.assign(globalThis, { setTimeout, setInterval, clearTimeout, clearInterval });
  const places = new Map<string, number>();
  for (const [timer, error] of open) {
    Reflect.apply(clearTimeout, undefined, [timer]);
    const place = placeOf(error);
    places.set(place, (places.get(place) ?? 0) + 1);
  }
  if (isFake) throw new Error('This file has left fake timers in place: call vi.useRealTimers().');
  if (places.size === 0) return;
  const lines = [...places].map(([place, count]) => `  ${count} set at ${place}`);
  throw new Error(`This file has left timers running: close what has set them.\n${lines.join('\n')}`);
});

/** Sets timers as `set` does, and remembers them. */
function recorded<F extends typeof setTimeout | typeof setInterval>(set: F, isOnce: boolean): F {
  return new Proxy(set, {
    apply(_, self, [callback, ...rest]: unknown[]) {
      const run = (...args: unknown[]) => {
        if (isOnce) open.delete(timer);
        if (typeof callback === 'function') Reflect.apply(callback, undefined, args);
      };
      const timer: unknown = Reflect.apply(set, self, [run, ...rest]);
      open.set(timer, new Error());
      return timer;
    },
  });
}

function forgotten<F extends typeof clearTimeout | typeof clearInterval>(clear: F): F {
  return new Proxy(clear, {
    apply(_, self, [timer]: unknown[]) {
      open.delete(timer);
      Reflect.apply(clear, self, [timer]);
    },
  });
}

/** The line that has set a timer and those that led there, as far as they are this project's. */
function placeOf({ stack = '' }: Error): string {
  const lines = stack.split('\n').filter((line) => line.includes('/') && !/node_modules|node:|openTimers/.test(line));
  return lines.map((line) => line.trim().replace(/^at /, '')).join('\n    from ');
}

/** Handles signals and the death of the parent process, each once. */
import { nameOf, parentOf } from './processes.mjs';

export const endings = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

let heard = false;

/**
 * Merges two equal signals in quick succession. A terminal's Ctrl-C and `kill -- -group` reach every process of the
 * group, and npm then passes the signal on to its child once more; a server that exits at once on a second signal must
 * not take that for one. Call it before any listener is added: Node binds `emit` at that moment.
 * @param {number} [window] milliseconds; a user's second Ctrl-C comes later than this
 */
export function oncePerPress(window = 300) {
  /** @type {Map<unknown, number>} */
  const last = new Map();
  const emit = process.emit;
  /** @type {any} */ (process).emit = function once(/** @type {unknown[]} */ ...args) {
    const name = args[0];
    if (typeof name === 'string' && /** @type {readonly string[]} */ (endings).includes(name)) {
      heard = true;
      const now = performance.now();
      if (now - (last.get(name) ?? Number.NEGATIVE_INFINITY) < window) return true;
      last.set(name, now);
    }
    return Reflect.apply(emit, this, args);
  };
}

/**
 * Ends this process as SIGTERM would once `gone()` reports that its parent is dead, unless a signal came already.
 * @param {() => boolean} gone
 * @param {() => void} [end]
 */
export function leash(gone, end = () => process.kill(process.pid, 'SIGTERM')) {
  const timer = setInterval(() => {
    if (!heard && !gone()) return;
    clearInterval(timer);
    if (!heard) end();
  }, 200);
  timer.unref();
}

/**
 * Ends this process with its parent. npm starts scripts through a shell and passes SIGTERM to that shell only, which
 * (dash) dies without passing it on; a killed npm passes on nothing.
 */
export function leashToParent() {
  const parent = process.ppid;
  const above = parentOf(parent);
  const npm = nameOf(above).startsWith('npm');
  leash(() => process.ppid !== parent || (npm && parentOf(parent) !== above));
}

/**
 * Ends this process by a signal, so that its parent sees the cause.
 * @param {NodeJS.Signals} signal
 */
export function dieOf(signal) {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  // Reached when the signal is blocked or ignored.
  setTimeout(() => process.exit(1), 1000);
}

/** Owns what ends this process from outside: Ctrl-C, kill, the death of whoever started it; each is heard once. */
import { nameOf, parentOf } from './processes.mjs';

export const endings = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

let heard = false;

/**
 * Makes one of two equal signals in quick succession. A terminal's Ctrl-C and `kill -- -group` reach every process of
 * the group, and npm then passes the signal on to its child once more; a server that takes a second signal for "now,
 * at once" must not take that for it. Has to be called before anything listens: Node binds `emit` when a listener is
 * added.
 * @param {number} [window] milliseconds; people press Ctrl-C twice more slowly than this
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
 * Ends this process as SIGTERM would once `gone()` says that its starter is, unless a signal came already.
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
 * Leashes this process to its parent. npm starts its scripts through a shell, passes SIGTERM on to that shell only,
 * and the shell (dash) dies of it without a word to us; killed outright, npm says nothing to anyone.
 */
export function leashToParent() {
  const parent = process.ppid;
  const above = parentOf(parent);
  const npm = nameOf(above).startsWith('npm');
  leash(() => process.ppid !== parent || (npm && parentOf(parent) !== above));
}

/**
 * Ends this process by a signal, so that whoever waits for it sees what happened.
 * @param {NodeJS.Signals} signal
 */
export function dieOf(signal) {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  // A signal that is blocked or ignored from outside leaves us here.
  setTimeout(() => process.exit(1), 1000);
}

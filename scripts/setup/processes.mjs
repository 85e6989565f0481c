/** Owns what is known of other processes: whether one runs, since when, and whose child it is. */
import { textOf } from './places.mjs';

/** @param {number} pid */
export function isRunning(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
  // Z: dead, but nobody has asked for its exit code yet.
  return stat(pid)[0] !== 'Z';
}

/**
 * When a process started, in the kernel's ticks: numbers are used again, so it takes both to know one. Empty where
 * there is no /proc.
 * @param {number} pid
 */
export function startOf(pid) {
  return stat(pid)[19] ?? '';
}

/** @param {number} pid */
export function parentOf(pid) {
  return Number(stat(pid)[1] ?? 0);
}

/** @param {number} pid */
export function nameOf(pid) {
  return textOf(`/proc/${pid}/comm`)?.trim() ?? '';
}

/** @param {number} pid */
function stat(pid) {
  const text = textOf(`/proc/${pid}/stat`) ?? '';
  // The name in brackets may contain anything; the fields are counted from behind it.
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

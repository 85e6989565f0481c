/** Reads the state of other processes: whether one runs, its start time, its parent. */
import { textOf } from './paths.mjs';

/** @param {number} pid */
export function isRunning(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
  // Z: a zombie, which has ended but whose exit code has not been read.
  return stat(pid)[0] !== 'Z';
}

/**
 * A process's start time in kernel ticks: pids are reused, so both together identify a process. Empty where there is no
 * /proc.
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
  // The name in brackets may contain any character; fields are counted after its end.
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** A lock file that keeps concurrent set-ups from changing the same files. */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { toGroup } from './child.mjs';
import { textOf } from './paths.mjs';
import { isRunning, startOf } from './processes.mjs';

/** @typedef {{ pid: number, started: string }} Process */
/** @typedef {Process & { host: string, what: string, children: Process[] }} Holder */

/** @type {Set<Lock>} */
const held = new Set();

/**
 * The file names its holder. If that process is dead, the next one takes over and ends the children it left running.
 */
export class Lock {
  /** @type {Holder} */ #holder;
  #heartbeat;

  /**
   * @param {string} file
   * @param {Holder} holder
   */
  constructor(file, holder) {
    this.file = file;
    this.#holder = holder;
    this.#heartbeat = setInterval(() => this.#write(), 10_000).unref();
    held.add(this);
  }

  /**
   * Records a child process, so that a successor can end it if this process is killed.
   * @param {number} pid
   */
  note(pid) {
    this.#holder.children.push({ pid, started: startOf(pid) });
    this.#write();
  }

  release() {
    clearInterval(this.#heartbeat);
    held.delete(this);
    if (textOf(this.file)?.includes(`"pid":${process.pid},`)) rmSync(this.file, { force: true });
  }

  /** Written atomically for concurrent readers. */
  #write() {
    const beside = `${this.file}.${process.pid}`;
    writeFileSync(beside, JSON.stringify(this.#holder));
    renameSync(beside, this.file);
  }
}

/** Releases all locks, for an exit that unwinds nothing. */
export function releaseAll() {
  for (const lock of held) lock.release();
}

/**
 * Acquires the lock; waits as long as another process holds it.
 * @param {string} file
 * @param {string} what what this process is about to do, for those who wait
 * @param {(holder: Holder) => void} [waiting] called repeatedly while waiting
 * @returns {Promise<Lock>}
 */
export async function acquire(file, what, waiting) {
  mkdirSync(dirname(file), { recursive: true });
  const { pid } = process;
  const holder = { pid, started: startOf(pid), host: hostname(), what, children: [] };
  for (;;) {
    try {
      writeFileSync(file, JSON.stringify(holder), { flag: 'wx' });
      return new Lock(file, holder);
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    }
    const other = read(file);
    if (!other) continue;
    if (isStale(other.holder, other.age)) breakLock(file, other.text);
    else if (other.holder) waiting?.(other.holder);
    await sleep(100);
  }
}

/**
 * Whether a holder is dead. On this machine its process tells (with its start time, since pids are reused); on another
 * machine that shares the directory, or in another container, only the age of its last heartbeat does.
 * @param {Holder | undefined} holder undefined: the file is being written, or its writer was killed meanwhile
 * @param {number} age milliseconds
 */
export function isStale(holder, age) {
  if (!holder) return age > 5_000;
  if (holder.host !== hostname()) return age > 60_000;
  return !isAlive(holder);
}

/** @param {string} file */
function read(file) {
  try {
    const text = readFileSync(file, 'utf8');
    const age = Date.now() - statSync(file).mtimeMs;
    try {
      return { text, age, holder: /** @type {Holder} */ (JSON.parse(text)) };
    } catch {
      return { text, age, holder: undefined };
    }
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error;
    return undefined;
  }
}

/**
 * Removes a stale lock under a guard: of two processes that found it stale, the slower must not remove the faster one's
 * new lock.
 * @param {string} file
 * @param {string} text
 */
function breakLock(file, text) {
  const guard = `${file}.guard`;
  try {
    mkdirSync(guard);
  } catch {
    const made = statSync(guard, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - made > 5_000) rmSync(guard, { recursive: true, force: true });
    return;
  }
  try {
    const now = read(file);
    if (now?.text !== text) return;
    for (const child of now.holder?.host === hostname() ? now.holder.children : []) {
      if (child.started && isAlive(child)) toGroup(child.pid, 'SIGKILL');
    }
    rmSync(file, { force: true });
  } finally {
    rmSync(guard, { recursive: true, force: true });
  }
}

/** @param {Process} process_ */
function isAlive({ pid, started }) {
  const now = startOf(pid);
  return isRunning(pid) && (!started || !now || started === now);
}

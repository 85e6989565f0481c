/** Owns the lock that keeps two set-ups at the same time from working on the same thing. */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { toGroup } from './child.mjs';
import { textOf } from './places.mjs';
import { isRunning, startOf } from './processes.mjs';

/** @typedef {{ pid: number, started: string }} Process */
/** @typedef {Process & { host: string, what: string, children: Process[] }} Holder */

/** @type {Set<Lock>} */
const held = new Set();

/**
 * A lock is a file that names its holder. Who finds a holder that is no more takes over, and ends what it left running.
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
   * Notes a child, so that whoever takes over from us if we are killed can end it first.
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

  /** In one piece, for those who read it at the same time. */
  #write() {
    const beside = `${this.file}.${process.pid}`;
    writeFileSync(beside, JSON.stringify(this.#holder));
    renameSync(beside, this.file);
  }
}

/** For an end that unwinds nothing. */
export function releaseAll() {
  for (const lock of held) lock.release();
}

/**
 * Takes the lock, waiting for as long as someone else has it.
 * @param {string} file
 * @param {string} what what we are about to do, for those who wait for us
 * @param {(holder: Holder) => void} [waiting] called again and again while waiting
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
    if (isStale(other.holder, other.age)) takeOver(file, other.text);
    else if (other.holder) waiting?.(other.holder);
    await sleep(100);
  }
}

/**
 * Whether a holder is no more. On this machine its process tells (its start time too: numbers are used again); on
 * another one that shares the directory, or in another container, only the age of its last sign of life does.
 * @param {Holder | undefined} holder nothing: the file is being written, or its writer was killed just then
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
 * Removes a stale lock, under a guard: of two who found it stale, the slower must not remove the faster one's new lock.
 * @param {string} file
 * @param {string} text
 */
function takeOver(file, text) {
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

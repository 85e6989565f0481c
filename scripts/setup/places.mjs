/** Owns where things are: the checkout, what set-up keeps in it, the user's cache; and which versions are locked. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Place
 * @property {string} root the checkout
 * @property {string} state what set-up keeps inside the checkout (ignored by git): lock, logs, stamps
 * @property {string} cache what set-up keeps for this user, for all checkouts: Node, media workers
 * @property {NodeJS.ProcessEnv} env
 */

/**
 * The place that this file belongs to; tests make others.
 * @param {Partial<Place>} [given]
 * @returns {Place}
 */
export function place(given = {}) {
  const root = given.root ?? fileURLToPath(new URL('../..', import.meta.url));
  const env = given.env ?? process.env;
  return { root: resolve(root), state: join(root, '.cache'), cache: userCache(env), env, ...given };
}

/**
 * The user's cache directory, after the XDG rules (a relative path there is to be ignored).
 * @param {NodeJS.ProcessEnv} env
 */
export function userCache(env) {
  const base = env.XDG_CACHE_HOME;
  return join(base && isAbsolute(base) ? base : join(env.HOME || homedir(), '.cache'), 'weir');
}

/**
 * A package's version as package-lock.json has it: known before anything is installed.
 * @param {string} lockFile
 * @param {string} name
 * @returns {string}
 */
export function lockedVersion(lockFile, name) {
  return JSON.parse(readFileSync(lockFile, 'utf8')).packages[`node_modules/${name}`].version;
}

/**
 * Whether a version ("24.1.0", "v24.1.0") is the minimum or newer.
 * @param {string} version
 * @param {string} minimum
 */
export function atLeast(version, minimum) {
  const [have, need] = [version, minimum].map((text) => text.replace(/^v/, '').split('.').map(Number.parseFloat));
  for (let i = 0; i < 3; i++) {
    const difference = (have?.[i] ?? 0) - (need?.[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/**
 * @param {...(string | Buffer)} parts
 * @returns {string}
 */
export function hash(...parts) {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(part).update('\0');
  return sum.digest('hex');
}

/**
 * A small file's text, or nothing where there is none.
 * @param {string} file
 */
export function textOf(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

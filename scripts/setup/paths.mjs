/** Paths of set-up (the checkout, its state folder, the user's cache) and locked versions. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Paths
 * @property {string} root the checkout
 * @property {string} state state of set-up inside the checkout (ignored by git): lock, logs, stamps
 * @property {string} cache files shared by all checkouts of this user: Node, media workers
 * @property {NodeJS.ProcessEnv} env
 */

/**
 * The paths of this checkout; tests override them.
 * @param {Partial<Paths>} [given]
 * @returns {Paths}
 */
export function paths(given = {}) {
  const root = given.root ?? fileURLToPath(new URL('../..', import.meta.url));
  const env = given.env ?? process.env;
  return { root: resolve(root), state: join(root, '.cache'), cache: userCache(env), env, ...given };
}

/**
 * The user's cache directory by the XDG specification, which ignores a relative path.
 * @param {NodeJS.ProcessEnv} env
 */
export function userCache(env) {
  const base = env.XDG_CACHE_HOME;
  return join(base && isAbsolute(base) ? base : join(env.HOME || homedir(), '.cache'), 'weir');
}

/**
 * A package's version in package-lock.json, known before anything is installed.
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
 * A small file's text; undefined where there is none.
 * @param {string} file
 */
export function textOf(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

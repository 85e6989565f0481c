/** Installs node_modules exactly as package-lock.json says, and again only when that changed. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newerNpm } from './newer-npm.mjs';
import { npmCi } from './npm.mjs';
import { hash, textOf } from './paths.mjs';
import { SetupError } from './steps.mjs';

/**
 * @param {import('./paths.mjs').Paths} paths
 * @returns {import('./steps.mjs').Step}
 */
export function packagesStep(paths) {
  const modules = join(paths.root, 'node_modules');
  // Inside node_modules, which npm empties before an install: after an interrupted install the stamp is missing.
  const stamp = join(modules, '.weir-setup');
  return {
    title: 'Packages',
    doing: 'installing',
    home: paths.state,
    // npm writes the second file at the end of each install.
    missing: () => textOf(stamp) !== packagesKey(paths) || !existsSync(join(modules, '.package-lock.json')),
    run: async (tools) => {
      const key = packagesKey(paths);
      rmSync(stamp, { force: true });
      const code = await npmCi(paths, paths.root, tools, newerNpm(paths));
      if (code !== 0) throw new SetupError(sentence(code), tools.log);
      writeFileSync(stamp, key);
    },
  };
}

/**
 * Hash of what the installed packages depend on: the lock file and the platform (a container may share the checkout).
 * @param {import('./paths.mjs').Paths} paths
 */
export function packagesKey({ root }) {
  return hash(readFileSync(join(root, 'package-lock.json')), process.platform, process.arch);
}

/** @param {number | string} code */
function sentence(code) {
  if (String(code).includes('ENOENT')) return 'npm is not to be found. Install npm, then start again with `npm start`.';
  return `The packages could not be installed (npm ci: ${code}). See what npm says, put it right, then start again.`;
}

/** Builds the page, web/dist, again when one of its inputs changed. */
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeBinary } from './node.mjs';
import { hash, textOf } from './paths.mjs';
import { SetupError } from './steps.mjs';

const madeOf = ['web', 'shared', 'vite.config.ts', 'package-lock.json'];

/**
 * @param {import('./paths.mjs').Paths} paths
 * @returns {import('./steps.mjs').Step}
 */
export function pageStep(paths) {
  const stamp = join(paths.state, 'page');
  return {
    title: 'Page',
    doing: 'building',
    home: paths.state,
    missing: () => textOf(stamp) !== pageKey(paths.root) || !existsSync(join(paths.root, 'web/dist/index.html')),
    run: async (tools) => {
      // Computed before the build: a change during the build triggers another one at the next start.
      const key = pageKey(paths.root);
      rmSync(stamp, { force: true });
      const code = await tools.run(nodeBinary(paths), ['node_modules/vite/bin/vite.js', 'build'], { cwd: paths.root });
      if (code !== 0) throw new SetupError(`The page could not be built (vite build: ${code}).`, tools.log);
      mkdirSync(paths.state, { recursive: true });
      writeFileSync(stamp, key);
    },
  };
}

/**
 * Hash of names, sizes and times of all inputs of the page.
 * @param {string} root
 */
export function pageKey(root) {
  /** @type {string[]} */
  const seen = [];
  /** @param {string} path */
  const look = (path) => {
    const stat = statSync(join(root, path), { throwIfNoEntry: false });
    if (!stat || path === 'web/dist') return;
    if (!stat.isDirectory()) seen.push(`${path} ${stat.size} ${stat.mtimeMs}`);
    else for (const name of readdirSync(join(root, path)).sort()) look(`${path}/${name}`);
  };
  for (const path of madeOf) look(path);
  return hash(...seen);
}

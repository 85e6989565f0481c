/**
 * Selects the npm that installs packages: the host's, or a newer one from the registry where the host's would skip
 * packages.
 */
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeBinary } from './node.mjs';
import { npmCi } from './npm.mjs';
import { atLeast, lockedVersion, textOf } from './paths.mjs';
import { SetupError } from './steps.mjs';

const manifests = fileURLToPath(new URL('npm', import.meta.url));
/**
 * Older versions (Debian's) silently skip optional packages of the lock file that require a newer Node than npm itself
 * runs on, which current bundlers consist of.
 */
const enough = { node: '20.19.0', npm: '10.0.0' };

/**
 * The npm to install packages with: a command and its first arguments; undefined for the host's.
 * @param {import('./paths.mjs').Paths} paths
 * @param {string} [host] version of Node
 * @returns {[command: string, ...args: string[]] | undefined}
 */
export function newerNpm(paths, host = process.version) {
  if (atLeast(host, enough.node) && atLeast(hostNpm(paths.env) ?? enough.npm, enough.npm)) return undefined;
  return [nodeBinary(paths), join(directoryOf(paths), 'node_modules/npm/bin/npm-cli.js')];
}

/**
 * @param {import('./paths.mjs').Paths} paths
 * @param {string} [host] version of Node
 * @returns {import('./steps.mjs').Step}
 */
export function npmStep(paths, host) {
  return {
    title: 'npm',
    doing: 'fetching a newer one from the npm registry',
    home: paths.cache,
    missing: () => !existsSync(newerNpm(paths, host)?.[1] ?? manifests),
    run: async (tools) => {
      const directory = directoryOf(paths);
      const beside = `${directory}.partial`;
      rmSync(beside, { recursive: true, force: true });
      mkdirSync(beside, { recursive: true });
      for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(manifests, file), join(beside, file));
      const code = await npmCi(paths, beside, tools);
      if (code !== 0)
        throw new SetupError(`npm could not be fetched (npm ci: ${code}). Install npm 10 or newer.`, tools.log);
      rmSync(directory, { recursive: true, force: true });
      renameSync(beside, directory);
    },
  };
}

/** @param {import('./paths.mjs').Paths} paths */
function directoryOf({ cache }) {
  return join(cache, `npm-${lockedVersion(join(manifests, 'package-lock.json'), 'npm')}`);
}

/**
 * The version of the npm that started this process, if any.
 * @param {NodeJS.ProcessEnv} env
 * @returns {string | undefined}
 */
function hostNpm({ npm_execpath: script }) {
  const manifest = script?.endsWith('npm-cli.js') && textOf(join(dirname(dirname(script)), 'package.json'));
  return manifest ? JSON.parse(manifest).version : undefined;
}

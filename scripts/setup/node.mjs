/**
 * Selects the Node that runs Weir: the host's if it is recent enough, else one from the npm registry in the user's
 * cache.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npmCi } from './npm.mjs';
import { atLeast } from './paths.mjs';
import { SetupError } from './steps.mjs';

/** The first version that runs TypeScript directly and has DisposableStack. */
export const minimumNode = '24.0.0';

const manifests = fileURLToPath(new URL('node', import.meta.url));

/** @typedef {{ version: string, platform: string, arch: string, execPath: string }} Host */
/** @type {Host} */
const host = { version: process.version, platform: process.platform, arch: process.arch, execPath: process.execPath };

/**
 * The Node to run commands with; it exists once the step is done.
 * @param {import('./paths.mjs').Paths} paths
 * @param {Host} [on]
 */
export function nodeBinary(paths, on = host) {
  if (atLeast(on.version, minimumNode)) return on.execPath;
  const name = packageFor(on);
  return join(paths.cache, `node-${locked()[name]}-${on.platform}-${on.arch}`, 'node_modules', name, 'bin', 'node');
}

/**
 * @param {import('./paths.mjs').Paths} paths
 * @param {Host} [on]
 * @returns {import('./steps.mjs').Step}
 */
export function nodeStep(paths, on = host) {
  const name = `Node ${locked()[packageFor(on)] ?? minimumNode}`;
  return {
    title: 'Node',
    doing: `fetching ${name} from the npm registry, since the one here is ${on.version}`,
    home: paths.cache,
    missing: () => !existsSync(nodeBinary(paths, on)),
    run: async (tools) => {
      if (!locked()[packageFor(on)]) throw new SetupError(sentence(on));
      const binary = nodeBinary(paths, on);
      const directory = dirname(dirname(dirname(dirname(binary))));
      const beside = `${directory}.partial`;
      rmSync(beside, { recursive: true, force: true });
      mkdirSync(beside, { recursive: true });
      for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(manifests, file), join(beside, file));
      const code = await npmCi(paths, beside, tools);
      // npm succeeds even when an optional package could not be downloaded.
      const version = spawnSync(binary.replace(directory, beside), ['--version'], { encoding: 'utf8' }).stdout?.trim();
      if (code !== 0 || !version || !atLeast(version, minimumNode)) {
        rmSync(beside, { recursive: true, force: true });
        throw new SetupError(
          sentence(on, `${name} did not arrive from the npm registry or does not run here`),
          tools.log,
        );
      }
      rmSync(directory, { recursive: true, force: true });
      renameSync(beside, directory);
      return version;
    },
  };
}

/**
 * Links the downloaded Node where `npm run`, `npm exec` and npx look first.
 * @param {import('./paths.mjs').Paths} paths
 * @param {Host} [on]
 */
export function linkNode(paths, on = host) {
  const binary = nodeBinary(paths, on);
  const bin = join(paths.root, 'node_modules', '.bin');
  if (!binary.startsWith(join(paths.cache, 'node-')) || !existsSync(bin)) return;
  const link = join(bin, 'node');
  if (existsSync(link)) return;
  if (lstatSync(link, { throwIfNoEntry: false })) rmSync(link);
  symlinkSync(binary, link);
}

/**
 * @param {Host} on
 * @param {string} [reason]
 */
function sentence(on, reason = `the npm registry has none for ${on.platform}-${on.arch}`) {
  const need = `Weir runs on Node ${minimumNode} or newer; this is ${on.version}, and ${reason}.`;
  return `${need} Install Node 24 or newer, then start again.`;
}

/** @param {Host} on */
function packageFor({ platform, arch }) {
  return `node-${platform}-${arch}`;
}

/** @returns {Record<string, string>} */
function locked() {
  return JSON.parse(readFileSync(join(manifests, 'package.json'), 'utf8')).optionalDependencies;
}

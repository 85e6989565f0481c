/** Selects the media worker: a configured one, one from the cache, the upstream prebuilt, or one built from source. */
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { system } from './apt.mjs';
import { buildWorker, runsHere } from './build.mjs';
import { hash, lockedVersion, textOf } from './paths.mjs';
import { fetchPrebuilt } from './prebuilt.mjs';
import { SetupError } from './steps.mjs';

const recipe = fileURLToPath(new URL('worker-build', import.meta.url));
/** What the prebuilt worker lacks of what the recipe changes. */
const faultOfPrebuilt =
  'with it about half of the receivers are not probed for bandwidth, and WHEP players get counter-offers, which few can answer ' +
  '(scripts/setup/worker-build/README.md); to have one built that does both, in five to eight minutes: ' +
  'MEDIASOUP_SKIP_WORKER_PREBUILT_DOWNLOAD=1 npm run setup';

/**
 * @param {import('./paths.mjs').Paths} paths
 * @returns {import('./steps.mjs').Step}
 */
export function workerStep(paths) {
  const version = lockedVersion(join(paths.root, 'package-lock.json'), 'mediasoup');
  return {
    title: 'Media worker',
    doing: `looking for mediasoup-worker ${version}`,
    home: paths.cache,
    missing: () => !workerBinary(paths),
    run: async (tools) => {
      const [prebuilt, built] = workerDirectories(paths, version);
      const module = join(paths.root, 'node_modules', 'mediasoup');
      tools.report('fetching the prebuilt one');
      const answer = await fetchPrebuilt(module, paths.env);
      if (typeof answer !== 'string') {
        const why = keep(prebuilt, { mediasoup: version, origin: 'prebuilt' }, (file) => writeFileSync(file, answer));
        if (!why) {
          tools.note(faultOfPrebuilt);
          return 'prebuilt';
        }
        tools.note(`the prebuilt one does not run here (${why})`);
      } else tools.note(answer);
      const origin = { mediasoup: version, origin: "built against Debian's libraries", system: system().name };
      const file = await buildWorker(module, recipe, `${built}.partial`, version, tools);
      const why = keep(built, origin, (to) => renameSync(file, to));
      rmSync(`${built}.partial`, { recursive: true, force: true });
      if (why) throw new SetupError(`The media worker was built, but does not run here (${why}).`, tools.log);
      return origin.origin;
    },
  };
}

/**
 * The worker to run, if there is one. Fast: starts no process.
 * @param {import('./paths.mjs').Paths} paths
 * @returns {string | undefined}
 */
export function workerBinary(paths) {
  const named = paths.env.MEDIASOUP_WORKER_BIN;
  if (named) return given(resolve(paths.root, named));
  const version = lockedVersion(join(paths.root, 'package-lock.json'), 'mediasoup');
  const [prebuilt, built] = workerDirectories(paths, version);
  // One is built only where no prebuilt one could be had, or none was wanted: then the one in the cache is not wanted either.
  const directories = paths.env.MEDIASOUP_SKIP_WORKER_PREBUILT_DOWNLOAD ? [built] : [built, prebuilt];
  return directories.map((directory) => join(directory, 'mediasoup-worker')).find((file) => existsSync(file));
}

/**
 * The origin of a worker, for benchmark records: "prebuilt", "built against Debian's libraries".
 * @param {string} binary
 * @returns {string}
 */
export function workerOrigin(binary) {
  const text = textOf(join(dirname(binary), 'origin.json'));
  return text ? JSON.parse(text).origin : 'named by MEDIASOUP_WORKER_BIN';
}

/**
 * Directories of this version's workers in the cache. A built worker depends on the libraries of the
 * release it was built on and on the build recipe: both are part of its name (except the recipe's README, which does
 * not affect the build).
 * @param {import('./paths.mjs').Paths} paths
 * @param {string} version
 * @param {string} [release]
 * @param {string} [directory] of the recipe
 * @returns {[prebuilt: string, built: string]}
 */
export function workerDirectories({ cache }, version, release = system().release, directory = recipe) {
  const name = join(cache, `mediasoup-worker-${version}-${process.platform}-${process.arch}`);
  const files = filesOf(directory)
    .filter((file) => !file.endsWith('.md'))
    .map((file) => readFileSync(file));
  return [`${name}-prebuilt`, `${name}-${release}-${hash(...files).slice(0, 8)}`];
}

/**
 * @param {string} file
 * @returns {string}
 */
function given(file) {
  try {
    if (!statSync(file).isFile()) throw new Error();
    accessSync(file, constants.X_OK);
    return file;
  } catch {
    const wrong = `MEDIASOUP_WORKER_BIN names ${file}, which is not a file that can be executed.`;
    throw new SetupError(`${wrong} Correct it, or unset it to have set-up find a worker.`);
  }
}

/**
 * Adds a worker to the cache, atomically and only after it ran.
 * @param {string} directory
 * @param {object} origin
 * @param {(file: string) => void} put
 * @returns {string | undefined} why it does not run
 */
function keep(directory, origin, put) {
  const beside = `${directory}.new`;
  rmSync(beside, { recursive: true, force: true });
  mkdirSync(beside, { recursive: true });
  const file = join(beside, 'mediasoup-worker');
  put(file);
  chmodSync(file, 0o755);
  writeFileSync(join(beside, 'origin.json'), `${JSON.stringify(origin, undefined, 2)}\n`);
  const why = runsHere(file);
  rmSync(why ? beside : directory, { recursive: true, force: true });
  if (!why) renameSync(beside, directory);
  return why;
}

/**
 * @param {string} directory
 * @returns {string[]}
 */
function filesOf(directory) {
  return readdirSync(directory, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? filesOf(join(directory, entry.name)) : join(directory, entry.name)));
}

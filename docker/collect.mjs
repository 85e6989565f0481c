/** Owns what goes into the image: from a checkout that is set up to the root of a file system, and nothing else. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ensurePackages } from '../scripts/setup/apt.mjs';
import { libraries } from '../scripts/setup/build.mjs';
import { run } from '../scripts/setup/child.mjs';
import { newerNpm } from '../scripts/setup/newer-npm.mjs';
import { nodeBinary } from '../scripts/setup/node.mjs';
import { npmCommand } from '../scripts/setup/npm.mjs';
import { paths as resolvePaths } from '../scripts/setup/paths.mjs';
import { workerBinary } from '../scripts/setup/worker.mjs';

/** What the server consists of; with `token.ts`, `doctor.ts` and `turn.ts`, whoever runs the image makes tokens, tests it and configures coturn. */
const parts = [
  ...['package.json', 'LICENSE', 'server', 'shared', 'web/dist', 'node_modules'],
  ...['scripts/token.ts', 'scripts/doctor.ts', 'scripts/turn.ts', 'scripts/turn', 'docker/health.ts'],
  ...['scripts/support/commandLine.ts', 'scripts/support/roomOptions.ts'],
];
/**
 * What packages bring for people who read or build them; the media worker's sources are most of it. werift needs mediabunny
 * for its recorder only.
 */
const unused = /\.(d\.[cm]?ts|map|md)$|\/node_modules\/(mediasoup\/worker|mediabunny|\.[^/]+)$/;

const [out, list] = process.argv.slice(2);
if (!out || !list) throw new Error('Usage: collect.mjs DIRECTORY PACKAGE_LIST');
const paths = resolvePaths();
const worker = workerBinary(paths);
if (!worker) throw new Error('There is no media worker: run `npm run setup` first.');

// What builds the page and tests the server stays behind.
const [npm, ...npmArgs] = newerNpm(paths) ?? npmCommand(paths.env);
execFileSync(npm, [...npmArgs, 'prune', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'], {
  cwd: paths.root,
  stdio: 'inherit',
});
for (const part of parts) {
  const filter = (/** @type {string} */ file) => !unused.test(file);
  cpSync(join(paths.root, part), join(out, 'weir', part), { recursive: true, filter });
}
put(nodeBinary(paths), 'usr/local/bin/node');
put(worker, 'usr/local/bin/mediasoup-worker');
writeFileSync(list, `${(await packagesOf(worker)).join('\n')}\n`);

/**
 * @param {string} file
 * @param {string} where
 */
function put(file, where) {
  const to = join(/** @type {string} */ (out), where);
  mkdirSync(dirname(to), { recursive: true });
  cpSync(file, to, { dereference: true });
}

/**
 * The Debian packages of the libraries that a binary is linked to.
 * @param {string} binary
 */
async function packagesOf(binary) {
  if (linkedTo(binary).includes('not found')) {
    // It comes from a cache, and nothing that it is built with was needed here.
    const tools = { log: '', report: console.log, note: console.log, run };
    await ensurePackages(libraries, 'to see which libraries the media worker runs with', tools);
  }
  const files = linkedTo(binary);
  if (files.includes('not found')) throw new Error(`${binary} links to a library that is not to be found.`);
  return [...new Set(files.map(packageOf))].sort();
}

/**
 * @param {string} binary
 * @returns {string[]} files, or "not found"
 */
function linkedTo(binary) {
  const lines = execFileSync('ldd', [binary], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
  return [...lines.matchAll(/=> (not found|\/\S+)/g)].map(([, file = '']) => file);
}

/** @param {string} file */
function packageOf(file) {
  // A merged /usr has two names for a file, of which dpkg knows one.
  for (const name of [file, file.replace(/^\/usr/, ''), `/usr${file}`]) {
    const { stdout } = spawnSync('dpkg-query', ['--search', name], { encoding: 'utf8' });
    const owner = stdout?.match(/^([^:,\s]+)/)?.[1];
    if (owner) return owner;
  }
  throw new Error(`No Debian package has ${file}.`);
}

/** Builds the media worker from source: requirements, progress, and advice on failure. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { ensurePackages, system } from './apt.mjs';
import { SetupError } from './steps.mjs';

/** The development packages of the libraries that it links to. */
export const libraries = ['libuv1-dev', 'libssl-dev', 'libsrtp2-dev', 'libabsl-dev'];
const needed = [
  'g++',
  'meson',
  'ninja-build',
  'pkg-config',
  'flatbuffers-compiler',
  'libflatbuffers-dev',
  ...libraries,
];

/**
 * Builds mediasoup-worker from the sources in the npm package against Debian's libraries.
 * @param {string} module mediasoup's directory
 * @param {string} recipe
 * @param {string} work working directory, recreated
 * @param {string} version
 * @param {import('./steps.mjs').Tools} tools
 * @param {import('./apt.mjs').System} [on]
 * @returns {Promise<string>} the binary, inside the working directory
 */
export async function buildWorker(module, recipe, work, version, tools, on = system()) {
  const otherwise = `Get mediasoup-worker ${version} for it and set MEDIASOUP_WORKER_BIN to its path.`;
  if (!on.debian) {
    throw new SetupError(`Weir can build the media worker on Debian and Ubuntu only; this is ${on.name}. ${otherwise}`);
  }
  await ensurePackages(needed, 'to build the media worker', tools, on);
  // Compilers of an interrupted build may still write into it for a moment.
  rmSync(work, { recursive: true, force: true, maxRetries: 10 });
  mkdirSync(work, { recursive: true });
  tools.note("building it from the npm package against the system's libraries: a few minutes, once");
  tools.report('preparing the build');
  const binary = join(work, 'mediasoup-worker');
  const code = await tools.run('bash', [join(recipe, 'build.sh'), module, binary], {
    // A compiler needs about a gigabyte for the C++20 sources.
    env: { ...process.env, TMPDIR: work, JOBS: String(jobs(availableParallelism(), totalmem())) },
    line: (line) => {
      const [, done, all] = line.match(/^\[(\d+)\/(\d+)\]/) ?? [];
      if (done) tools.report(`building, ${done}/${all}`);
    },
  });
  if (code === 0) return binary;
  throw new SetupError(`The media worker could not be built on ${on.name} (${code}). ${otherwise}`, tools.log);
}

/**
 * Number of parallel compilers: the smaller of cores and gigabytes.
 * @param {number} cores
 * @param {number} memory bytes
 */
export function jobs(cores, memory) {
  return Math.max(1, Math.min(cores, Math.floor(memory / 1e9)));
}

/**
 * Runs a worker on this machine. Without mediasoup's environment variables it exits with status 41, which shows that it
 * runs.
 * @param {string} file
 * @returns {string | undefined} why it does not run
 */
export function runsHere(file) {
  const { status, signal, error } = spawnSync(file, { env: {}, timeout: 10_000, stdio: 'ignore' });
  return status === 41 ? undefined : (error?.message ?? signal ?? `exit status ${status}`);
}

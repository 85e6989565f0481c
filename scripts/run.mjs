/**
 * Entry point of every npm script: runs the set-up steps that a command requires, then the command, under a recent
 * enough Node.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { endAll, killAll, run } from './setup/child.mjs';
import { browsersAndNetworks, encoder, equipment, equipmentStep, fonts, laboratory } from './setup/equipment.mjs';
import { handOver } from './setup/handover.mjs';
import { releaseAll } from './setup/lock.mjs';
import { npmStep } from './setup/newer-npm.mjs';
import { linkNode, nodeBinary, nodeStep } from './setup/node.mjs';
import { packagesStep } from './setup/packages.mjs';
import { pageStep } from './setup/page.mjs';
import { paths as resolvePaths } from './setup/paths.mjs';
import { Progress } from './setup/progress.mjs';
import { dieOf, endings, leashToParent, oncePerPress } from './setup/signals.mjs';
import { SetupError, setUp } from './setup/steps.mjs';
import { workerBinary, workerStep } from './setup/worker.mjs';

oncePerPress();
const paths = resolvePaths();
const progress = new Progress();
let interrupted = false;
for (const signal of endings) process.on(signal, interrupt);

const module = (/** @type {string} */ path) => join(paths.root, 'node_modules', path);
const base = [nodeStep, (/** @type {import('./setup/paths.mjs').Paths} */ paths) => npmStep(paths), packagesStep];
// Vitest would colour its output into pipes and files, too.
const colours = `--colors=${process.stdout.isTTY ? 'force' : 'off'}`;

/**
 * @typedef {object} Command
 * @property {string} does
 * @property {((paths: import('./setup/paths.mjs').Paths) => import('./setup/steps.mjs').Step)[]} steps
 * @property {(args: string[]) => unknown} run
 */
/** @type {Record<string, Command>} */
const commands = {
  start: {
    does: 'the server',
    steps: [...base, workerStep, pageStep],
    run: (args) => become(join(paths.root, 'server/main.ts'), args),
  },
  setup: {
    does: 'what `npm start` needs, without the start; for images and provisioning',
    steps: [...base, workerStep, pageStep],
    run: () => console.log('All is in place.'),
  },
  test: {
    does: "the tests, but for those of test:full; arguments are vitest's",
    steps: [...base, workerStep, pageStep, (paths) => equipmentStep(paths, browsersAndNetworks)],
    run: (args) => test(['unit', 'protocol', 'media', 'measured', 'browser', 'pages'], args),
  },
  'test:full': {
    does: "the tests that take minutes: the image, and long forms of others; arguments are vitest's",
    steps: [...base, workerStep, pageStep, equipmentStep],
    run: (args) => test(['full'], args),
  },
  dev: { does: 'the server and the page, both anew at each change', steps: [...base, workerStep], run: dev },
  check: {
    does: 'formatting, lint, types and unit tests; or those parts that are named: lint types unit',
    steps: base,
    run: check,
  },
  format: { does: 'formats all files', steps: base, run: format },
  docs: {
    does: 'the generated pages of docs/',
    steps: base,
    run: (args) => become(join(paths.root, 'scripts/docs.ts'), args),
  },
  measure: {
    does: 'a measurement, and its figures: join',
    steps: [...base, workerStep, pageStep, equipmentStep],
    run: measure,
  },
  load: {
    does: 'a load test of any Weir server; --help says what may be asked for',
    steps: [...base, (paths) => equipmentStep(paths, [encoder])],
    run: (args) => become(join(paths.root, 'scripts/load.ts'), args),
  },
  bench: {
    does: 'the benchmarks, or those that are named; --quick compares with the figures that are kept in bench/',
    steps: [...base, workerStep, pageStep, (paths) => equipmentStep(paths, laboratory)],
    run: (args) => become(join(paths.root, 'scripts/bench.ts'), args),
  },
  torture: {
    does: 'what Weir must survive, done to it again and again; --help says what there is',
    steps: [...base, workerStep, pageStep, (paths) => equipmentStep(paths, [...equipment, encoder])],
    run: (args) => become(join(paths.root, 'scripts/torture.ts'), args),
  },
  shots: {
    does: 'screenshots of every state of the page, into shots/; or those whose names start so',
    steps: [...base, workerStep, pageStep, (paths) => equipmentStep(paths, [...equipment, fonts])],
    run: (args) => become(join(paths.root, 'scripts/shots.ts'), args),
  },
  doctor: {
    does: 'whether Weir is reachable here, and what to fix; --help says what may be asked for',
    steps: [...base, workerStep, pageStep],
    run: (args) => become(join(paths.root, 'scripts/doctor.ts'), args),
  },
  publish: {
    does: 'sends a file or a test pattern into a room, with ffmpeg; --help says what may be asked for',
    steps: [...base, (paths) => equipmentStep(paths, [encoder])],
    run: (args) => become(join(paths.root, 'scripts/publish.ts'), args),
  },
  turn: {
    does: 'a TURN server (coturn) that relays to Weir only; --help says what it needs',
    steps: base,
    run: (args) => become(join(paths.root, 'scripts/turn.ts'), args),
  },
  token: { does: 'a token for a room', steps: base, run: (args) => become(join(paths.root, 'scripts/token.ts'), args) },
};

const [name = '', ...args] = process.argv.slice(2);
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
if (command) await main(command);
else {
  const lines = Object.entries(commands).map(([key, { does }]) => `  ${key.padEnd(10)}${does}`);
  const skip = 'Each does its set-up first; with WEIR_SKIP_SETUP=1 it takes everything as being in place.';
  console.error(`Usage: npm run <command> [-- arguments]\n\n${lines.join('\n')}\n\n${skip}`);
  process.exitCode = 2;
}

/** @param {Command} command */
async function main({ steps, run: runIt }) {
  // The launcher's own variables are not meant for the server.
  const { WEIR_LAUNCHER, WEIR_SKIP_SETUP } = process.env;
  delete process.env.WEIR_LAUNCHER;
  delete process.env.WEIR_SKIP_SETUP;
  // Started by npm, or by a launcher under an older Node: end with the parent.
  if (process.env.npm_lifecycle_event === name || WEIR_LAUNCHER) leashToParent();
  process.chdir(paths.root);
  // For images and systemd units, where everything is installed and the file system may be read-only.
  if (WEIR_SKIP_SETUP !== '1') await prepare(steps);
  const node = nodeBinary(paths);
  if (node === process.execPath) return runIt(args);
  stopListening();
  const env = { ...process.env, WEIR_SKIP_SETUP, WEIR_LAUNCHER: String(process.pid) };
  handOver(node, [process.argv[1] ?? '', name, ...args], env);
}

/** @param {Command['steps']} steps */
async function prepare(steps) {
  try {
    await setUp(
      steps.map((step) => step(paths)),
      progress,
    );
    linkNode(paths);
    if (steps.includes(workerStep)) process.env.MEDIASOUP_WORKER_BIN = workerBinary(paths);
  } catch (error) {
    // An interruption is not reported as a failure; `interrupt` ends the process.
    if (interrupted) await new Promise(() => {});
    if (!(error instanceof SetupError)) throw error;
    console.error(`\n${error.text}\n`);
    process.exit(1);
  }
}

/**
 * A signal while child processes run ends them first and then this process; a second one ends everything at once.
 * @param {NodeJS.Signals} signal
 */
async function interrupt(signal) {
  if (!interrupted) {
    interrupted = true;
    if (progress.end('interrupted')) console.error('The next run does this step again.');
    await endAll((what) => console.error(`Waiting for ${what}, which must not be cut off ...`));
  }
  killAll();
  releaseAll();
  dieOf(signal);
}

function stopListening() {
  for (const signal of endings) process.off(signal, interrupt);
}

/**
 * Continues as another script in the same process, which then handles signals and the exit code itself.
 * @param {string} script
 * @param {string[]} args
 */
async function become(script, args) {
  stopListening();
  process.argv = [process.execPath, script, ...args];
  await import(pathToFileURL(script).href);
}

/**
 * @param {string[]} projects projects of vitest.config.ts that run unless the arguments name others
 * @param {string[]} args
 */
function test(projects, args) {
  // Compiled modules, of the test workers and of the programs that they start: each would compile them anew.
  process.env.NODE_COMPILE_CACHE ??= join(paths.state, 'compiled');
  const named = args.some((one) => one === '--project' || one.startsWith('--project='));
  const chosen = named ? [] : projects.map((name) => `--project=${name}`);
  return become(module('vitest/vitest.mjs'), ['run', ...chosen, ...args]);
}

/** @param {string[]} args */
async function measure([what = '', ...rest]) {
  const script = join(paths.root, 'scripts/measure', `${what}.ts`);
  if (/^[a-z]+$/.test(what) && existsSync(script)) return become(script, rest);
  console.error('Usage: npm run measure -- join [--runs N] [--pause MILLISECONDS]');
  process.exit(2);
}

/** @param {string[]} args */
async function dev(args) {
  stopListening();
  const leash = new URL('setup/watched.mjs', import.meta.url).href;
  const server = ['--watch', '--watch-preserve-output', '--import', leash, 'server/main.ts', ...args];
  const env = { ...process.env, WEIR_LAUNCHER: String(process.pid) };
  // `node --watch` exits on SIGHUP without passing it on to its child.
  handOver(process.execPath, server, env, (signal) => (signal === 'SIGHUP' ? 'SIGTERM' : signal));
  const { createServer } = await import('vite');
  const page = await createServer();
  await page.listen();
  page.printUrls();
}

/** @param {string[]} wanted */
async function check(wanted) {
  const wants = (/** @type {string} */ part) => wanted.length === 0 || wanted.includes(part);
  if (wants('lint')) failUnless(await tool('@biomejs/biome/bin/biome', 'ci', colours, '.'), 'lint');
  if (wants('types')) failUnless(await tool('typescript/bin/tsc'), 'types');
  if (!wants('unit')) return;
  process.once('exit', (code) => code && console.error('check: unit tests failed'));
  await become(module('vitest/vitest.mjs'), ['run', '--project', 'unit']);
}

async function format() {
  process.exitCode = (await tool('@biomejs/biome/bin/biome', 'check', '--write', colours, '.')) === 0 ? 0 : 1;
}

/**
 * @param {string} path
 * @param {string[]} args
 */
function tool(path, ...args) {
  return run(process.execPath, [module(path), ...args]);
}

/**
 * @param {number | string} code
 * @param {string} part
 */
function failUnless(code, part) {
  if (code === 0) return console.log(`check: ${part} passed`);
  console.error(`check: ${part} failed`);
  process.exit(1);
}

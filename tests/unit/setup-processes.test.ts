/** Tests of set-up's processes: locks, children, signals, and the commands themselves. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { endAll, run } from '../../scripts/setup/child.mjs';
import { acquire, isStale } from '../../scripts/setup/lock.mjs';
import { isRunning, startOf } from '../../scripts/setup/processes.mjs';
import { pidOf } from '../../scripts/support/process/pidOf.ts';
import { directory, put, root, undo, undoAfterEach } from '../support/setupFixtures.ts';

undoAfterEach();

describe('the lock', () => {
  const me = { pid: process.pid, started: startOf(process.pid), host: hostname(), what: 'x', children: [] };

  test('is stale when its holder has ended, or the pid belongs to another process now', () => {
    const { pid: dead } = spawnSync('true');
    expect(isStale(me, 1e9)).toBe(false);
    expect(isStale({ ...me, pid: dead }, 0)).toBe(true);
    expect(isStale({ ...me, started: '1' }, 0)).toBe(startOf(process.pid) !== '');
    expect(isStale({ ...me, host: 'other', pid: dead }, 1_000)).toBe(false);
    expect(isStale({ ...me, host: 'other' }, 100_000)).toBe(true);
    expect(isStale(undefined, 0)).toBe(false);
    expect(isStale(undefined, 10_000)).toBe(true);
  });

  test('has one holder at a time; a waiting process knows which', async () => {
    const file = join(directory(), 'deep/setup.lock');
    const first = await acquire(file, 'Packages');
    const waited: string[] = [];
    let second = false;
    const other = acquire(file, 'Page', (holder) => waited.push(holder.what)).then((lock) => {
      second = true;
      return lock;
    });
    // It has polled again, in vain.
    await expect.poll(() => waited.length).toBeGreaterThan(1);
    expect(new Set(waited)).toEqual(new Set(['Packages']));
    expect(second).toBe(false);
    first.release();
    (await other).release();
    expect(existsSync(file)).toBe(false);
  });

  test('of a killed process is taken over, and its remaining children are ended', async () => {
    const file = join(directory(), 'setup.lock');
    const left = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
    const ended = new Promise((resolve) => left.once('exit', (_, signal) => resolve(signal)));
    const { pid: dead } = spawnSync('true');
    const children = [{ pid: left.pid, started: startOf(pidOf(left)) }];
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

  /** Starts a Node that prints lines, and reads them one by one. */
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

  test('that set-up starts end with all their descendants', async () => {
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

  test('a signal that arrives twice at once counts once, and twice when the second is later', async () => {
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

  /** A launcher that hands over to a server, which reports each signal and ends half a second after the first. */
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
    kill(pidOf(child));
    expect(await exit(child)).toBe(7);
    expect(lines.slice(1)).toEqual([`got ${name}`]);
  });

  test('a killed launcher does not leave its server behind', async () => {
    const { child, lines, until } = launcher();
    await until('server');
    const server = Number(lines[0]?.split(' ')[1]);
    child.kill('SIGKILL');
    await until('got SIGTERM');
    await expect.poll(() => isRunning(server), { timeout: 3_000 }).toBe(false);
  });
});

describe('commands', () => {
  test('an unknown command prints the list of commands', () => {
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts/run.mjs'), 'strat'], {
      encoding: 'utf8',
    });
    expect(status).toBe(2);
    expect(stderr).toMatch(/^Usage: npm run <command>/);
    for (const name of ['start', 'test', 'test:full', 'dev', 'check', 'format', 'docs', 'token'])
      expect(stderr).toContain(`  ${name} `);
  });

  /** Runs .ci/run with a fake npm. */
  function ci(npm: string) {
    const at = directory();
    put(join(at, '.ci/run'), readFileSync(join(root, '.ci/run'), 'utf8'));
    put(join(at, 'bin/npm'), `#!/bin/sh\n${npm}\n`, 0o755);
    const env = { ...process.env, PATH: `${join(at, 'bin')}${delimiter}${process.env.PATH}` };
    const { status, stdout } = spawnSync('bash', [join(at, '.ci/run')], { encoding: 'utf8', env });
    return [status, stdout.trimEnd().split('\n').at(-1)];
  }

  /** The fake npm's behaviour for `npm run check`, `npm test` and `npm run test:full`. */
  const npm = (check: string, test: string, full: string) =>
    `case "$*" in run\\ check*) ${check};; test) ${test};; run\\ test:full) ${full};; esac`;
  const quick = 'echo 3 passed, 0 failed';
  test.each([
    ['passes', npm('true', quick, 'echo 2 passed, 0 failed'), [0, '5 passed, 0 failed']],
    [
      'skips',
      npm('true', `${quick}, 2 skipped`, 'echo 2 passed, 0 failed, 1 skipped'),
      [0, '5 passed, 0 failed, 3 skipped'],
    ],
    [
      'fails, with npm talking after it',
      npm('true', 'echo 2 passed, 1 failed; echo oh >&2; exit 1', 'echo 2 passed, 0 failed'),
      [1, '4 passed, 1 failed'],
    ],
    ['fails in its long part', npm('true', quick, 'echo 1 passed, 2 failed; exit 1'), [1, '4 passed, 2 failed']],
    ['has failing lint', npm('exit 3', quick, quick), [1, '0 passed, 1 failed']],
    ['has a set-up that fails', npm('true', 'exit 4', quick), [4, '0 passed, 1 failed']],
    ['has a set-up that fails in its long part', npm('true', quick, 'exit 4'), [4, '3 passed, 1 failed']],
    ['has a long part that time cuts off', npm('true', quick, 'exit 124'), [0, '3 passed, 0 failed']],
    [
      'has a long part that time cuts off after a failure',
      npm('true', quick, 'echo "   × adds 3ms"; exit 124'),
      [1, '3 passed, 1 failed'],
    ],
    ['says nothing', 'true', [1, '0 passed, 1 failed']],
  ])('a CI run that %s ends with its count', (_, script, expected) => {
    expect(ci(script)).toEqual(expected);
  });
});

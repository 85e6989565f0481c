/** Tests of how the media worker is found, downloaded or built. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { system } from '../../scripts/setup/apt.mjs';
import { buildWorker, jobs, runsHere } from '../../scripts/setup/build.mjs';
import type { Paths } from '../../scripts/setup/paths.mjs';
import { download, fetchPrebuilt, fileInTar, prebuiltUrl } from '../../scripts/setup/prebuilt.mjs';
import { setUp } from '../../scripts/setup/steps.mjs';
import { workerBinary, workerDirectories, workerOrigin, workerStep } from '../../scripts/setup/worker.mjs';
import {
  directory,
  emptyPaths,
  noTools,
  put,
  recordedProgress,
  root,
  undo,
  undoAfterEach,
} from '../support/setupFixtures.ts';

undoAfterEach();

describe('the media worker', () => {
  const put41 = (path: string) => put(path, '#!/bin/sh\nexit 41\n', 0o755);

  test('is the configured one, else a built one from the cache, else a prebuilt one; never of another version', () => {
    const at = emptyPaths();
    expect(workerBinary(at)).toBeUndefined();
    const [prebuilt, built] = workerDirectories(at, '3.27.1');
    put41(join(workerDirectories(at, '3.27.0')[0], 'mediasoup-worker'));
    expect(workerBinary(at)).toBeUndefined();
    put41(join(prebuilt, 'mediasoup-worker'));
    expect(workerBinary(at)).toBe(join(prebuilt, 'mediasoup-worker'));
    put41(join(built, 'mediasoup-worker'));
    expect(workerBinary(at)).toBe(join(built, 'mediasoup-worker'));
    put41(join(at.root, 'mine'));
    at.env.MEDIASOUP_WORKER_BIN = 'mine';
    expect(workerBinary(at)).toBe(join(at.root, 'mine'));
  });

  test('with an invalid configured path is an error', () => {
    const at = emptyPaths();
    for (const file of ['nowhere', '.', 'package-lock.json']) {
      at.env.MEDIASOUP_WORKER_BIN = file;
      expect(() => workerBinary(at), file).toThrow(/MEDIASOUP_WORKER_BIN names .* unset it/);
    }
  });

  test('when built, depends on the release and the recipe', () => {
    const at = emptyPaths();
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

  test("has the prebuilt URL of mediasoup's own installer", () => {
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

  function mediasoupIn(at: Paths) {
    const manifest = { version: '3.27.1', repository: { url: 'git+https://host.invalid/a/b.git' } };
    put(join(at.root, 'node_modules/mediasoup/package.json'), JSON.stringify(manifest));
  }

  function archive(): Buffer {
    const from = directory();
    put(join(from, 'LICENSE'), 'x'.repeat(700));
    put41(join(from, 'mediasoup-worker'));
    return execFileSync('tar', ['-czf', '-', '-C', from, 'LICENSE', './mediasoup-worker']);
  }

  test('is downloaded, run once, cached, and known by its origin', async () => {
    const tgz = archive();
    const asked: (string | undefined)[] = [];
    const base = await serve((request, response) => {
      asked.push(request.url);
      response.end(tgz);
    });
    const at = emptyPaths({ MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL: base });
    mediasoupIn(at);
    const { progress, said } = recordedProgress();
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

  test('is not used any more by those who want none', async () => {
    const tgz = archive();
    const base = await serve((_request, response) => response.end(tgz));
    const at = emptyPaths({ MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL: base });
    mediasoupIn(at);
    const { progress, said } = recordedProgress();
    await setUp([workerStep(at)], progress);
    expect(said.join('\n')).toContain('MEDIASOUP_SKIP_WORKER_PREBUILT_DOWNLOAD=1 npm run setup');
    expect(workerBinary(at)).toBeDefined();
    const without = { ...at, env: { ...at.env, MEDIASOUP_SKIP_WORKER_PREBUILT_DOWNLOAD: '1' } };
    expect(workerBinary(without)).toBeUndefined();
    expect(workerStep(without).missing()).toBe(true);
  });

  test('that cannot be downloaded has a reason, soon', async () => {
    const base = await serve((request, response) => {
      if (request.url?.includes('slow')) return;
      response.statusCode = 404;
      response.end();
    });
    const at = emptyPaths();
    mediasoupIn(at);
    const module = join(at.root, 'node_modules/mediasoup');
    const from = (url: string) => fetchPrebuilt(module, { MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL: url });
    expect(await from(base)).toBe('no prebuilt one can be downloaded (HTTP status 404)');
    expect(await from('http://127.0.0.1:9')).toMatch(/^no prebuilt one can be downloaded \(/);
    await expect(download(`${base}/slow`, { answer: 100 })).rejects.toThrow('no answer within 0.1 s');
    expect(fileInTar(Buffer.alloc(1024), 'mediasoup-worker')).toBeUndefined();
  });

  test('is rejected when the download is broken', () => {
    const wreck = put(join(directory(), 'worker'), '#!/bin/sh\nexit 1\n', 0o755);
    expect(runsHere(wreck)).toBe('exit status 1');
    expect(runsHere(`${wreck}.not`)).toMatch(/ENOENT/);
  });

  test('that cannot be built here is an error that says what to do', async () => {
    const alpine = system('ID=alpine\nVERSION_ID=3.22.0\nPRETTY_NAME="Alpine Linux v3.22"\n');
    await expect(buildWorker('/m', '/r', '/w', '3.27.1', noTools, alpine)).rejects.toThrow(
      /this is Alpine Linux v3\.22\. Get mediasoup-worker 3\.27\.1 .* set MEDIASOUP_WORKER_BIN/,
    );
  });

  test('is built by as many compilers as there are cores and gigabytes', () => {
    expect([jobs(2, 8e9), jobs(16, 4e9), jobs(4, 5e8)]).toEqual([2, 4, 1]);
  });
});

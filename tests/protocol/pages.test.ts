/** Owns what HTTP gives: the page with its safety headers, health and readiness, and all of it over TLS. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestClient } from '../support/client.ts';
import { startServer } from '../support/server.ts';
import { failure, useServer } from '../support/weir.ts';

describe('the page', () => {
  const weir = useServer();
  const get = (path: string) => fetch(weir.url + path, { redirect: 'manual' });

  test.each(['/', '/r/x', '/r/a%20room', `/r/${'x'.repeat(256)}`, `/r/${encodeURIComponent('語'.repeat(256))}`])(
    'is at %s',
    async (path) => {
      const response = await get(path);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toMatch(/^text\/html/);
      expect(await response.text()).toContain('<html');
    },
  );

  test('has a strict policy on scripts, frames, devices and referrers', async () => {
    const { headers } = await get('/r/x');
    const policy = headers.get('content-security-policy')?.split('; ');
    expect(policy).toEqual(
      expect.arrayContaining([
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
        "require-trusted-types-for 'script'",
      ]),
    );
    expect(headers.get('content-security-policy')).not.toMatch(/unsafe|\*/);
    expect(headers.get('permissions-policy')).toContain('camera=(self)');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
    expect(headers.get('cache-control')).toBe('no-cache');
  });

  test('has assets that may be cached for ever, under names that change with them', async () => {
    const html = await (await get('/')).text();
    const assets = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path ?? '');
    expect(assets.length).toBeGreaterThan(0);
    for (const path of assets) {
      const response = await get(path);
      expect(response.status).toBe(200);
      expect(response.headers.get('cache-control')).toContain('immutable');
    }
  });

  test('lends its SDK, and nothing else, to other pages', async () => {
    const sdk = await get('/sdk.js');
    expect(sdk.headers.get('access-control-allow-origin')).toBe('*');
    expect(sdk.headers.get('cross-origin-resource-policy')).toBe('cross-origin');
    expect((await get('/')).headers.get('access-control-allow-origin')).toBeNull();
  });

  test.each(['/nothing', '/r', '/r/a/b', '/../package.json', '/%2e%2e/package.json', '/.git/HEAD', '/ws'])(
    'is not at %s: 404',
    async (path) => {
      expect((await get(path)).status).toBe(404);
    },
  );

  test('is not shown for methods that change something', async () => {
    for (const method of ['POST', 'PUT', 'DELETE']) {
      expect((await fetch(weir.url, { method })).status).toBe(404);
    }
  });

  test('is not given to headers of more than 16 KiB', async () => {
    const response = await fetch(weir.url, { headers: { 'x-long': 'x'.repeat(20_000) } });
    expect(response.status).toBe(431);
  });
});

describe('health', () => {
  test('is ok and ready while all runs', async () => {
    await using server = await startServer();
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
    expect((await fetch(`${server.url}/ready`)).status).toBe(200);
  });

  test('is not ready while a media worker is missing, and ready again once there is another', async () => {
    await using server = await startServer();
    const ready = async () => (await fetch(`${server.url}/ready`)).status;
    const { client, pid } = await joinAndFindWorker(server);
    const binary = process.env.MEDIASOUP_WORKER_BIN;
    // So long as the worker cannot be started, its place stays empty.
    process.env.MEDIASOUP_WORKER_BIN = '/nowhere/mediasoup-worker';
    try {
      process.kill(pid, 'SIGKILL');
      expect(await client.closed).toEqual({ code: 4005, reason: 'mediaLost' });
      expect(await ready()).toBe(503);
      expect((await fetch(`${server.url}/health`)).status).toBe(200);
      expect(server.app.rooms.size).toBe(0);
      const early = await TestClient.connect(server.url);
      await expect(early.join()).rejects.toMatchObject(failure('unavailable'));
    } finally {
      process.env.MEDIASOUP_WORKER_BIN = binary;
    }
    await expect.poll(ready, { timeout: 10_000 }).toBe(200);
    const [worker] = server.app.pool.workers;
    expect(worker?.pid).not.toBe(pid);
    await expect((await TestClient.connect(server.url)).join()).resolves.toBeDefined();
  });

  test('of other rooms is untouched when the worker of one room dies', async () => {
    await using server = await startServer({ WEIR_WORKERS: '2' });
    const one = await joinAndFindWorker(server);
    const other = await joinAndFindWorker(server);
    expect(other.pid).not.toBe(one.pid);
    process.kill(one.pid, 'SIGKILL');
    expect(await one.client.closed).toEqual({ code: 4005, reason: 'mediaLost' });
    expect(server.app.rooms.size).toBe(1);
    expect((await other.client.ask('nothing')).error?.code).toBe('unknownMethod');
  });
});

describe('HTTPS', () => {
  const directory = mkdtempSync(join(tmpdir(), 'weir-tls-'));
  const cert = join(directory, 'cert.pem');
  const key = join(directory, 'key.pem');
  beforeAll(() => {
    const args = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost';
    const names = ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    execFileSync('openssl', [...args.split(' '), ...names, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  test('serves the page and the signalling, to pages of its own origin too', async () => {
    await using server = await startServer({ WEIR_TLS_CERT: cert, WEIR_TLS_KEY: key });
    const url = server.url.replace('http:', 'https:');
    const ca = readFileSync(cert);
    const page = await new Promise<string>((resolve, reject) => {
      https.get(`${url}/r/x`, { ca, agent: false }, (response) => resolve(text(response))).on('error', reject);
    });
    expect(page).toContain('<html');
    const client = await TestClient.connect(url, { ca, origin: url });
    await expect(client.join()).resolves.toMatchObject({ peers: [] });
    await expect(fetch(`${server.url}/health`)).rejects.toThrow();
  });
});

/** Joins a new room and finds out which worker carries it. */
async function joinAndFindWorker(server: Awaited<ReturnType<typeof startServer>>) {
  const carried = () => new Map(server.app.pool.workers.map(({ pid, routers }) => [pid, routers]));
  const before = carried();
  const client = await TestClient.connect(server.url);
  await client.join();
  const [pid = 0] = [...carried()].find(([worker, routers]) => routers > (before.get(worker) ?? 0)) ?? [];
  expect(pid).toBeGreaterThan(0);
  return { client, pid };
}

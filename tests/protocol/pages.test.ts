/** Covers HTTP: the page with its security headers, error pages, health and readiness, and HTTPS. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer } from '../../scripts/support/servers/startServer.ts';
import { TestClient } from '../support/client.ts';
import { failure, useServer } from '../support/weir.ts';

describe('the page', () => {
  const weir = useServer();
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(weir.url + path, { redirect: 'manual', headers });

  test.each([
    '/',
    '/r/x',
    '/r/a%20room',
    `/r/${'x'.repeat(256)}`,
    `/r/${encodeURIComponent('語'.repeat(256))}`,
    `/r/${encodeURIComponent('🎉'.repeat(256))}`,
    '/r/team/',
    '/R/team',
    '//b//Team//',
    '/watch/a%20room',
    '//Watch//Team//',
  ])('is served at %s', async (path) => {
    const response = await get(path);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/html/);
    expect(await response.text()).toContain('<html');
  });

  test('has a strict policy for scripts, frames, devices and referrers', async () => {
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

  test('has assets with a hash in their names that may be cached forever', async () => {
    const html = await (await get('/')).text();
    const assets = [...html.matchAll(/(?:src|href)="\.(\/assets\/[^"]+)"/g)].map(([, path]) => path ?? '');
    expect(assets.length).toBeGreaterThan(0);
    for (const path of assets) {
      const response = await get(path);
      expect(response.status).toBe(200);
      expect(response.headers.get('cache-control')).toContain('immutable');
    }
  });

  test.each([
    ['/', 'en-GB,en;q=0.9', ['startPage']],
    ['/r/x', 'en', ['callPage']],
    ['/r/x?name=A', 'ko-KR,ko;q=0.9,en;q=0.8', ['callPage', 'ko']],
    ['/r/x', 'de,en;q=0.9,ko;q=0.8', ['callPage']],
    ['/b/x', 'de, KO;q=0.5', ['viewerPage', 'ko']],
    ['/b/x?role=host', '', ['studioPage']],
    ['/b/x?join=1&role=speaker&name=A', '', ['studioPage']],
    ['/b/x?role=viewer', '', ['viewerPage']],
    ['/diagnose', '', ['diagnosePage', 'diagnosis']],
    ['/r/', 'ko', ['ko']],
  ])('preloads at %s for %j, of what some pages need: %j', async (path, language, expected) => {
    const response = await get(path, { accept: 'text/html', 'accept-language': language });
    expect(response.headers.get('vary')).toContain('accept-language');
    const links = (await response.text()).matchAll(/<link rel="modulepreload"[^>]* href="([^"]+)" data-for=/g);
    const paths = [...links].map(([, href = '']) => new URL(href, new URL(path, 'http://weir')).pathname);
    expect(paths.map((found) => /^\/assets\/(\w+)-[\w-]+\.js$/.exec(found)?.[1]).sort()).toEqual([...expected].sort());
    for (const found of paths) expect((await get(found)).status, found).toBe(200);
  });

  test.each(['/watch/x', '//watch//x/'])('has the files of %s beside it, compressed', async (path) => {
    const response = await get(path);
    expect(response.headers.get('content-security-policy')).toContain("script-src 'self'");
    const names = [...(await response.text()).matchAll(/(?:src|href)="((?:\.\.\/)+[\w.-]+)"/g)].map(
      ([, name = '']) => name,
    );
    const urls = names.map((name) => new URL(name, `http://weir${path}`).pathname);
    expect(urls.sort()).toEqual(['/watch-words.js', '/watch.css', '/watch.js', '/whep.js']);
    for (const url of urls) {
      const file = await get(url, { 'accept-encoding': 'br' });
      expect([file.status, file.headers.get('content-encoding')], url).toEqual([200, 'br']);
    }
  });

  test.each([
    ['/player.html?room=Team%20A', './whep/team%20a'],
    ['//player.html/?room=%22%3E%3Cscript%3E%27&kind=broadcast', "../../whep/%22%3E%3Cscript%3E'?kind=broadcast"],
  ])('has at %s the player to copy, for that room', async (path, endpoint) => {
    const response = await get(path);
    expect(response.status).toBe(200);
    const html = await response.text();
    const file = readFileSync(new URL('../../web/public/player.html', import.meta.url), 'utf8');
    expect(html).toBe(file.replace('https://weir.example/whep/lobby', () => endpoint));
    const policy = response.headers.get('content-security-policy') ?? '';
    const [, script = ''] = /<script type="module">(.*)<\/script>/s.exec(html) ?? [];
    expect(policy).toContain(`script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'; `);
    expect(policy).toContain("require-trusted-types-for 'script'");
    expect(policy).not.toMatch(/unsafe|\*/);
  });

  test.each(['/sdk.js', '/whep.js'])('allows other origins to import %s, and no page', async (path) => {
    const sdk = await get(path);
    expect(sdk.headers.get('access-control-allow-origin')).toBe('*');
    expect(sdk.headers.get('cross-origin-resource-policy')).toBe('cross-origin');
    expect((await get('/')).headers.get('access-control-allow-origin')).toBeNull();
  });

  const elsewhere = [
    ['/nothing', 404, 'There is no page here'],
    ['/r', 404, 'This is not the address of a room'],
    ['/r/', 404, 'This is not the address of a room'],
    ['/r/a/b', 404, 'This is not the address of a room'],
    ['/r/%E2%80%8B', 404, 'This is not the address of a room'],
    ['/r/a%2Fb', 404, 'This is not the address of a room'],
    [`/r/${'x'.repeat(257)}`, 404, 'This is not the address of a room'],
    ['/../package.json', 404, 'There is no page here'],
    ['/%2e%2e/package.json', 404, 'There is no page here'],
    ['/.git/HEAD', 404, 'There is no page here'],
    ['/index.html', 404, 'There is no page here'],
    ['/watch', 404, 'This is not the address of a room'],
    ['/watch/%E2%80%8B', 404, 'This is not the address of a room'],
    ['/watch.html', 404, 'There is no page here'],
    ['/player.html', 404, 'This is not the address of a room'],
    ['/player.html?room=%E2%80%8B', 404, 'This is not the address of a room'],
    ['/player.html?room=a&room=b', 404, 'This is not the address of a room'],
    ['/player.html?room=a&kind=film', 404, 'This is not the address of a room'],
    ['/player.html.br', 404, 'There is no page here'],
    ['/assets/nothing.js', 404, 'There is no page here'],
    ['/api/nothing', 404, 'There is no page here'],
    ['/r/%', 400, 'This address is broken'],
    ['/r/%E0%A4%A', 400, 'This address is broken'],
    ['/%zz', 400, 'This address is broken'],
    [`/r/${'x'.repeat(7000)}`, 404, 'This is not the address of a room'],
    [`/${'x'.repeat(7000)}`, 404, 'There is no page here'],
    ['/ws', 426, 'This address is for WebSocket connections'],
  ].map(([path, status, title]) => ({ path: String(path), status: Number(status), title: String(title) }));

  const named = elsewhere.map((one) => [one.path.slice(0, 40), one] as const);

  test.each(named)('is not at %s: an error page for browsers', async (_name, { path, status, title }) => {
    const response = await fetch(weir.url + path, {
      headers: { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' },
    });
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-security-policy')).toContain("require-trusted-types-for 'script'");
    const html = await response.text();
    expect(html).toContain(`<h1>${title}</h1>`);
    // Its stylesheet and its link to the start page resolve from any path.
    const [, style = ''] = /href="([^"]+\.css)"/.exec(html) ?? [];
    expect((await fetch(new URL(style, response.url))).status).toBe(200);
    const [, start = ''] = /class="quiet" href="([^"]+)"/.exec(html) ?? [];
    expect(new URL(start, response.url).href).toBe(`${weir.url}/`);
  });

  test.each(named)('is not at %s: problem details for programs', async (_name, { path, status, title }) => {
    for (const accept of ['*/*', 'application/json', undefined]) {
      const response = await fetch(weir.url + path, accept === undefined ? {} : { headers: { accept } });
      expect(response.status).toBe(status);
      expect(response.headers.get('content-type')).toContain('application/problem+json');
      expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(await response.json()).toMatchObject({ type: 'about:blank', status, detail: `${title}.` });
    }
  });

  test('is served for GET and HEAD only', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      const response = await fetch(weir.url, { method, headers: { accept: 'text/html' } });
      expect(response.status).toBe(405);
      expect(response.headers.get('allow')).toBe('GET, HEAD');
      expect(await response.text()).toContain('<h1>This page can only be read</h1>');
    }
  });

  test('reports an invalid room name in the API', async () => {
    const response = await get('/api/rooms/a%2Fb');
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ detail: expect.stringMatching(/^A room name has 1 to 256/) });
  });

  test('is refused for headers of more than 16 KiB', async () => {
    const response = await fetch(weir.url, { headers: { 'x-long': 'x'.repeat(20_000) } });
    expect(response.status).toBe(431);
    expect(await response.text()).toContain('<h1>The browser sent too much</h1>');
  });
});

describe('under a base path', () => {
  const weir = useServer({ WEIR_BASE_PATH: '/meet' });
  const get = (path: string) => fetch(weir.url + path, { redirect: 'manual' });

  test.each(['/', '/r/Team', '/b/team/'])(
    '%s is served with the path, and without it for a proxy that strips it',
    async (path) => {
      for (const asked of [`/meet${path}`, path]) {
        const response = await get(asked);
        expect(response.status).toBe(200);
        expect(await response.text()).toMatch(/src="\/meet\/assets\/page-[^"]+\.js"/);
      }
    },
  );

  test('assets, SDK, API, health and signalling are served both ways', async () => {
    const [, asset = ''] = /src="(\/meet\/assets[^"]+)"/.exec(await (await get('/meet/')).text()) ?? [];
    for (const path of [asset, '/meet/sdk.js', '/meet/api/rooms/x', '/meet/health', '/meet/ready']) {
      expect((await get(path)).status, path).toBe(200);
      expect((await get(path.replace('/meet', ''))).status, path).toBe(200);
    }
    for (const path of ['/ws', '/meet/ws'])
      await (await weir.connect({ path })).join({ room: path.slice(1).replace('/', '-') });
  });

  test('the path without its trailing slash redirects to the start page', async () => {
    const { status, headers } = await get('/meet?x=1');
    expect({ status, location: headers.get('location') }).toEqual({ status: 308, location: '/meet/?x=1' });
  });

  test('a path that only begins with the same text is not under it', async () => {
    const response = await fetch(`${weir.url}/meeting/r/x`, { headers: { accept: 'text/html' } });
    expect(response.status).toBe(404);
    expect(await response.text()).toContain('class="quiet" href="/meet/"');
  });
});

describe('health', () => {
  test('is ok and ready while all workers run', async () => {
    await using server = await startServer();
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
    expect((await fetch(`${server.url}/ready`)).status).toBe(200);
  });

  test('is not ready while a media worker is missing, and ready again when it is replaced', async () => {
    await using server = await startServer();
    const ready = async () => (await fetch(`${server.url}/ready`)).status;
    const { client, pid } = await joinAndFindWorker(server);
    const binary = process.env.MEDIASOUP_WORKER_BIN;
    // No replacement can start while the binary is missing.
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

  test('of other rooms is not affected when the worker of one room dies', async () => {
    await using server = await startServer({ WEIR_WORKERS: '2' });
    const one = await joinAndFindWorker(server);
    const other = await joinAndFindWorker(server);
    expect(other.pid).not.toBe(one.pid);
    process.kill(one.pid, 'SIGKILL');
    expect(await one.client.closed).toEqual({ code: 4005, reason: 'mediaLost' });
    expect(server.app.rooms.size).toBe(1);
    expect((await other.client.requestRaw('nothing')).error?.code).toBe('unknownMethod');
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

  test('serves the page and the signalling, also to pages of its own origin', async () => {
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

/** Joins a new room and finds the worker that it is on. */
async function joinAndFindWorker(server: Awaited<ReturnType<typeof startServer>>) {
  const carried = () => new Map(server.app.pool.workers.map(({ pid, routers }) => [pid, routers]));
  const before = carried();
  const client = await TestClient.connect(server.url);
  await client.join();
  const [pid = 0] = [...carried()].find(([worker, routers]) => routers > (before.get(worker) ?? 0)) ?? [];
  expect(pid).toBeGreaterThan(0);
  return { client, pid };
}

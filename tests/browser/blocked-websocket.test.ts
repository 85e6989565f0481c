/** Covers pages behind proxies that refuse WebSockets or hold streams back: they join, hear of others, come back and leave. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { ObstructingProxy, type Obstruction } from '../../scripts/support/network/ObstructingProxy.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { httpSignallingPaths } from '../../shared/httpSignalling.ts';
import type { SignallingKind } from '../../web/client/Signalling.ts';
import { TestClient } from '../support/client.ts';
import { hasChromium } from '../support/equipment.ts';
import { eventually, roomUrl } from '../support/people.ts';
import { expectIn, rememberQuiet, useChromium } from '../support/visit.ts';

const { events, poll } = httpSignallingPaths;

describe.skipIf(!hasChromium)('a page', () => {
  const chromium = useChromium(() => launchChromium(), { [Symbol.dispose]() {} });
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ WEIR_RESUME_SECONDS: '30', WEIR_BASE_PATH: '/meet' });
  });
  afterAll(() => server.close());

  test.each<[string, Partial<Obstruction>, SignallingKind, string]>([
    ['refuses WebSockets uses server-sent events', { webSockets: 'refused' }, 'sse', events],
    ['holds back the end of streams as well polls', { webSockets: 'refused', responses: 'beginning' }, 'polling', poll],
  ])('behind a proxy that %s', async (_what, obstruction, kind, path) => {
    await using proxy = await ObstructingProxy.start(server.url, obstruction);
    // On a busy machine, streams take so long to open that polling would be preferred.
    if (kind === 'sse') proxy.lose(`/meet${poll}`, 1000);
    const page = await (await chromium.browser.newContext()).newPage();
    await rememberQuiet(page);
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    using watcher = await TestClient.connect(server.url, { path: '/meet/ws' });
    await watcher.join({ room: kind, name: 'Watcher', transports: { send: false, recv: false } });

    await page.goto(roomUrl(`${proxy.url}/meet`, kind, 'Ada'));
    await expectIn(page);
    const { peerId } = await watcher.event('newPeer', ({ name }) => name === 'Ada');
    const used = () => proxy.paths.filter((one) => one.endsWith('/ws') || one.includes('/signalling/'));
    expect(used()).toContain(`/meet${path}`);
    expect(await page.evaluate(() => window.weir?.signallingKind)).toBe(kind);
    await watcher.request('setHand', { raised: true });
    await eventually(() => page.evaluate(() => window.weir?.peers[0]?.hand)).toBe(true);
    await page.evaluate(() => window.weir?.setHand(true));
    expect(await watcher.event('peerHand')).toEqual({ peerId, raised: true });

    const before = used().length;
    proxy.cut();
    await watcher.request('setHand', { raised: false });
    await eventually(() => page.evaluate(() => window.weir?.peers[0]?.hand)).toBe(false);
    expect(await page.evaluate(() => window.weir?.peerId)).toBe(peerId);
    expect(used().slice(before)).toContain(`/meet${path}`);

    const startedAt = performance.now();
    await page.goto(`${server.url}/meet/health`);
    expect(await watcher.event('peerClosed')).toEqual({ peerId, reason: 'left' });
    // Without a word it would be away first.
    expect(performance.now() - startedAt).toBeLessThan(4000);
    expect(problems).toEqual([]);
  });
});

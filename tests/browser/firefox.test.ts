/** Firefox and Chromium in one call: they see and hear each other. */
import { describe, expect, test } from 'vitest';
import { ObstructingProxy, type Obstruction } from '../../scripts/support/network/ObstructingProxy.ts';
import { startServer } from '../../scripts/support/servers/startServer.ts';
import { ownAddresses } from '../../server/common/ownAddresses.ts';
import { TestClient } from '../support/client.ts';
import { hasChromium } from '../support/equipment.ts';
import { extent, isFull } from '../support/extent.ts';
import { hasFirefox, recordedTone, resizeTo } from '../support/firefox.ts';
import { useFirefoxCall } from '../support/firefoxCall.ts';
import { overflowOf, scrolls } from '../support/overflow.ts';
import { eventually, roomUrl } from '../support/people.ts';
import { type Drivable, receivedOf, tileOf } from '../support/tiles.ts';

describe.skipIf(!hasChromium || !hasFirefox)('Firefox and Chromium in one room', () => {
  const call = useFirefoxCall();

  /** Waits until pictures of a person come in and are decoded: ten more of them than now. */
  async function expectFilm(page: Drivable, name: string): Promise<void> {
    const camera = async () => receivedOf(page, (await tileOf(page, name))?.peerId ?? '', 'camera');
    await eventually(camera).toMatchObject({ codec: 'video/VP8', frames: expect.any(Number) });
    const before = (await camera())?.frames ?? 0;
    await eventually(async () => (await camera())?.frames).toBeGreaterThan(before + 10);
  }

  // Who is there first makes a difference to the requests alone, which tests of the protocol have in any order.
  test.each(extent(['Chromium'], ['Chromium', 'Firefox']))('%s is there first', async (first) => {
    const room = `${first} first`;
    const enterChromium = () => call.alice.enter(call.server.url, room);
    const enterFirefox = async () => {
      const context = await call.firefox.createBrowserContext();
      const page = await context.newPage();
      await page.goto(roomUrl(call.server.url, room, 'Fox'));
      return page;
    };
    const joined = (page: Drivable) => eventually(() => page.evaluate(() => window.weir?.state)).toBe('joined');
    let atFox: Awaited<ReturnType<typeof enterFirefox>>;
    let atAlice: Awaited<ReturnType<typeof enterChromium>>;
    if (first === 'Chromium') {
      atAlice = await enterChromium();
      await joined(atAlice);
      atFox = await enterFirefox();
    } else {
      atFox = await enterFirefox();
      await joined(atFox);
      atAlice = await enterChromium();
    }
    await Promise.all([
      eventually(() => tileOf(atFox, 'Alice')).toMatchObject({ live: true, colour: 'red', muted: false }),
      eventually(() => tileOf(atAlice, 'Fox')).toMatchObject({ live: true, tone: 900, muted: false }),
    ]);
    await Promise.all([
      eventually(() => recordedTone(atFox, 'Alice')).toBe(500),
      expectFilm(atFox, 'Alice'),
      expectFilm(atAlice, 'Fox'),
    ]);
    await Promise.all([call.alice.leaveAll(), atFox.close()]);
  });

  test('tests the connection on a page of its own, and finds it well', async () => {
    const page = await (await call.firefox.createBrowserContext()).newPage();
    await page.goto(`${call.server.url}/diagnose`);
    const state = (check: string) =>
      page.evaluate((name) => document.querySelector<HTMLElement>(`[data-check=${name}]`)?.dataset.state, check);
    await eventually(() => state('camera')).toBe('waiting');
    await page.evaluate(() => document.querySelector<HTMLElement>('.diagnose-start button')?.click());
    const report = () => page.evaluate(() => document.querySelector('.report pre')?.textContent ?? '');
    for (const check of ['camera', 'browser', 'signalling', 'clock', 'udp', 'tcp']) {
      await eventually(() => state(check), check).toBe('good');
    }
    // Ten seconds of video follow, which Chromium measures in `npm test`.
    await eventually(() => state('throughput')).toBe('running');
    if (!isFull) return;
    await expect.poll(report, { timeout: 60_000 }).toMatch(/throughput: /);
    expect(await report()).toMatch(/^Weir, .*, Firefox \d+\n.*throughput: \w+, upBitrate [1-9]\d{5,}.*protocol udp$/s);
    await page.close();
  });

  test('what cannot be published leaves nothing behind, and a disabled track is published muted', async () => {
    using observer = await TestClient.connect(call.server.url);
    await observer.join({ room: 'failed in Firefox', transports: { send: false, recv: false } });
    const page = await (await call.firefox.createBrowserContext()).newPage();
    await page.goto(call.server.url);
    const outcome = await page.evaluate(`(async () => {
      const { RoomClient, WeirError, openCamera, openMicrophone } = await import('/sdk.js');
      const client = new RoomClient();
      await client.join({ room: 'failed in Firefox', name: 'Fox' });
      const camera = await openCamera();
      const { createOffer } = RTCPeerConnection.prototype;
      RTCPeerConnection.prototype.createOffer = () => Promise.reject(new TypeError('no offer today'));
      const error = await client.publish('camera', camera).catch((error) => error);
      RTCPeerConnection.prototype.createOffer = createOffer;
      const microphone = await openMicrophone();
      microphone.enabled = false;
      await client.publish('microphone', microphone);
      await client.publish('camera', camera);
      return { refused: error instanceof WeirError && error.message, sources: client.sources };
    })()`);
    expect(outcome).toEqual({
      refused: expect.stringContaining('This browser cannot send this track as camera'),
      sources: { microphone: 'paused', camera: 'live' },
    });
    const told = async () => observer.unreadEvents('peerSources').at(-1)?.sources;
    await eventually(told).toEqual({ microphone: 'paused', camera: 'live' });
    await page.close();
  });

  test.each<[string, Partial<Obstruction>, boolean]>([
    ['refuses WebSockets, joins, hears of others and leaves', { webSockets: 'refused' }, false],
    ['refuses WebSockets, leaves by closing its page', { webSockets: 'refused' }, true],
    ['holds streams back as well, does the same', { webSockets: 'refused', responses: 'blocks' }, true],
  ])('behind a proxy that %s', async (_what, obstruction, closesPage) => {
    await using proxy = await ObstructingProxy.start(call.server.url, obstruction);
    using observer = await TestClient.connect(call.server.url);
    await observer.join({ room: 'blocked', transports: { send: false, recv: false } });
    const page = await (await call.firefox.createBrowserContext()).newPage();
    await page.goto(proxy.url);
    await page.evaluate(`(async () => {
      const { RoomClient } = await import('/sdk.js');
      window.weir = new RoomClient();
      await window.weir.join({ room: 'blocked', name: 'Fox' });
    })()`);
    const { peerId } = await observer.event('newPeer');
    await observer.request('setHand', { raised: true });
    await eventually(() => page.evaluate(() => window.weir?.peers[0]?.hand)).toBe(true);
    if (closesPage) await page.goto('about:blank');
    else await page.evaluate(() => window.weir?.leave());
    expect(await observer.event('peerClosed')).toEqual({ peerId, reason: 'left' });
    await page.close();
  });

  test('a microphone that Firefox does not let be measured is not called silent', async () => {
    const page = await (await call.firefox.createBrowserContext()).newPage();
    // Its clock runs fast, so that the five seconds of silence pass in a moment.
    await page.evaluateOnNewDocument(() => {
      const now = performance.now.bind(performance);
      performance.now = () => now() * 20;
    });
    await page.goto(`${call.server.url}/r/unmeasured`);
    await eventually(() => page.evaluate(() => document.querySelector('[data-control=microphone]')?.ariaLabel)).toBe(
      'Mute',
    );
    const since = await page.evaluate(() => performance.now());
    await eventually(() => page.evaluate((since) => performance.now() - since, since)).toBeGreaterThan(30_000);
    const alerts = () =>
      page.evaluate(() => [...document.querySelectorAll('[role=alert]:not([hidden])')].map((one) => one.textContent));
    expect(await alerts()).toEqual([]);
    await page.close();
  });

  test('every page is exactly as large as its window', async () => {
    const page = await (await call.firefox.createBrowserContext()).newPage();
    const sizes = [
      { width: 1280, height: 720 },
      { width: 1920, height: 1080 },
      { width: 390, height: 844 },
    ];
    const fits = async (name: string) => {
      for (const size of sizes) {
        await resizeTo(page, size);
        expect.soft(await overflowOf(page), `${name}, ${size.width} wide`).toEqual([]);
        if (size.width > 1000) expect.soft(await scrolls(page), `${name}, ${size.width} wide`).toBe(false);
      }
    };
    const there = (selector: string) =>
      eventually(() => page.evaluate((one) => document.querySelector(one) !== null, selector), selector).toBe(true);
    const show = async (name: string, path: string, selector: string) => {
      await page.goto(`${call.server.url}${path}`);
      await there(selector);
      await fits(name);
    };
    await show('start', '/', 'form');
    await show('lobby', '/r/fits?name=Fox', '.lobby');
    await show('lobby of a studio', '/b/fits?role=host&name=Fox', '.lobby');
    await show('studio', '/b/fits?role=host&name=Fox&join=1', '.on-air-badge.live');
    await show('viewer', '/b/fits?name=Fox', '.viewer[data-state]:not([data-state=connecting])');
    await page.click('.control-bar [data-control=leave]');
    await there('.card.message');
    await fits('ended');
    await show('call', '/r/fits?name=Fox&join=1', '.call-layout.alone');
    await page.close();
  });

  test('what Firefox cannot decode it says instead of showing nothing, and the voice is there', async () => {
    const [address = '127.0.0.1'] = ownAddresses();
    // This Firefox has no H264.
    await using other = await startServer({ WEIR_RTC_HOST: address, WEIR_CAMERA_CODEC: 'H264' });
    const atAlice = await call.alice.enter(other.url, 'codecs');
    const page = await (await call.firefox.createBrowserContext()).newPage();
    await page.goto(roomUrl(other.url, 'codecs', 'Fox'));
    const words = () =>
      page.evaluate(() => {
        const said = document.querySelector<HTMLElement>('section.tile.unsupported-codec .unsupported-notice');
        return said?.checkVisibility() ? said.textContent : undefined;
      });
    await eventually(words).toBe('Your browser cannot play this video (H264).');
    expect(await tileOf(page, 'Alice')).toMatchObject({ live: false });
    await eventually(() => recordedTone(page, 'Alice')).toBe(500);
    // Firefox sends what it can, and Chromium plays it.
    await eventually(() => tileOf(atAlice, 'Fox')).toMatchObject({ live: true, tone: 900 });
    await Promise.all([call.alice.leaveAll(), page.close()]);
  });
});

/** Browsers publish by WHIP and play by WHEP: pictures and sound arrive, and go on with the next publisher. */

import type { Browser } from 'playwright-core';
import type { Browser as Firefox } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { launchFirefox } from '../../scripts/support/browsers/firefox.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { ownAddresses } from '../../server/common/ownAddresses.ts';
import { hasChromium } from '../support/equipment.ts';
import { hasFirefox } from '../support/firefox.ts';
import {
  hearsInPage,
  type PageSession,
  type Played,
  playedInPage,
  playInPage,
  publishInPage,
} from '../support/gatewayPage.ts';
import { publishByPackage, startPackagePage, stopPackage } from '../support/packagePage.ts';

/** Milliseconds. */
const WAIT = 20_000;

/** A page of either browser. */
interface Tab {
  publish(endpoint: string): Promise<PageSession>;
  play(endpoint: string): Promise<PageSession>;
  played(): Promise<Played>;
  hears(): Promise<boolean>;
  close(): Promise<void>;
}

describe.skipIf(!hasChromium || !hasFirefox)('a browser', () => {
  let server: TestServer;
  /** Of another origin. */
  let packagePage: Awaited<ReturnType<typeof startPackagePage>>;
  let chromium: Browser;
  let firefox: Firefox;

  beforeAll(async () => {
    packagePage = await startPackagePage();
    // Firefox does not pair loopback with its own address: media goes to the address that others would use.
    const [address = '127.0.0.1'] = ownAddresses();
    server = await startServer({ WEIR_RTC_HOST: address, WEIR_ALLOWED_ORIGINS: packagePage.origin });
    [chromium, firefox] = await Promise.all([launchChromium(), launchFirefox({ tone: 440 })]);
  });
  afterAll(async () => {
    await Promise.all([chromium?.close(), firefox?.close()]);
    await server?.close();
    packagePage?.[Symbol.dispose]();
  });

  /** Opens pages of the server, whose scripts may ask it. */
  const tabs: Readonly<Record<'Chromium' | 'Firefox', () => Promise<Tab>>> = {
    Chromium: async () => {
      const page = await (await chromium.newContext()).newPage();
      await page.goto(server.url);
      return {
        publish: (endpoint) => page.evaluate(publishInPage, { endpoint, simulcast: true }),
        play: (endpoint) => page.evaluate(playInPage, endpoint),
        played: () => page.evaluate(playedInPage),
        hears: () => page.evaluate(hearsInPage),
        close: () => page.close(),
      };
    },
    Firefox: async () => {
      const page = await (await firefox.createBrowserContext()).newPage();
      await page.goto(server.url);
      return {
        publish: (endpoint) => page.evaluate(publishInPage, { endpoint, simulcast: false }),
        play: (endpoint) => page.evaluate(playInPage, endpoint),
        played: () => page.evaluate(playedInPage),
        hears: () => page.evaluate(hearsInPage),
        close: () => page.close(),
      };
    },
  };

  /** Waits until ten more frames have been decoded, of that many streams in all, and there is something to hear. */
  async function expectMore(tab: Tab, videoStreams: number): Promise<void> {
    const before = await tab.played();
    const waiting = { timeout: WAIT, interval: 50 };
    const more = async () => {
      const played = await tab.played();
      return { more: played.framesDecoded >= before.framesDecoded + 10, videoStreams: played.videoStreams };
    };
    await expect.poll(more, waiting).toEqual({ more: true, videoStreams });
    await expect.poll(() => tab.hears(), waiting).toBe(true);
  }

  test.each([
    ['Chromium', 'Firefox'],
    ['Firefox', 'Chromium'],
  ] as const)('%s plays what the other and then what it publishes itself', async (player, other) => {
    const endpoint = (protocol: string) => `/${protocol}/${player}`;
    const [first, second, playing] = [await tabs[other](), await tabs[player](), await tabs[player]()];
    const { location } = await first.publish(endpoint('whip'));
    const { location: played } = await playing.play(endpoint('whep'));
    await expectMore(playing, 1);
    const next = await second.publish(endpoint('whip'));
    await fetch(new URL(location, server.url), { method: 'DELETE' });
    await expectMore(playing, 2);
    // A player that closes its connection leaves, whether it says so by HTTP or not.
    await playing.close();
    await expect.poll(async () => (await fetch(new URL(played, server.url))).status, { timeout: WAIT }).toBe(404);
    await fetch(new URL(next.location, server.url), { method: 'DELETE' });
    await Promise.all([first.close(), second.close()]);
  });

  test('the npm package whip-whep publishes from a page of another origin, trickles, and ends its session', async () => {
    const page = await (await chromium.newContext()).newPage();
    const requests: string[] = [];
    page.on('response', (response) => {
      if (response.url().startsWith(server.url)) requests.push(`${response.request().method()} ${response.status()}`);
    });
    const errors: string[] = [];
    page.on('pageerror', ({ message }) => errors.push(message));
    await page.goto(packagePage.origin);
    await page.waitForFunction(() => window.WHIPClient !== undefined);
    await page.evaluate(publishByPackage, { url: `${server.url}/whip/package`, token: 'of-nobody' });
    const playing = await tabs.Chromium();
    await playing.play('/whep/package');
    await expectMore(playing, 1);
    // Its candidates were taken, with the entity tag of the session.
    await expect.poll(() => requests).toContain('PATCH 204');
    const room = await server.app.rooms.find('package');
    expect(room?.size).toBe(2);
    await page.evaluate(stopPackage);
    await expect.poll(() => room?.size).toBe(1);
    expect(new Set(requests.filter((one) => !one.startsWith('OPTIONS')))).toEqual(
      new Set(['POST 201', 'PATCH 204', 'DELETE 200']),
    );
    expect(errors).toEqual([]);
    await Promise.all([page.close(), playing.close()]);
  });
});

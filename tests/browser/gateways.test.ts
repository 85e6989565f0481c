/** Browsers publish by WHIP and play by WHEP: pictures and sound arrive, and go on with the next publisher. */

import type { Browser } from 'playwright-core';
import type { Browser as Firefox } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { launchFirefox } from '../../scripts/support/browsers/firefox.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { hasChromium } from '../support/equipment.ts';
import { hasFirefox } from '../support/firefox.ts';
import { type PageSession, type Played, playedInPage, playInPage, publishInPage } from '../support/gatewayPage.ts';

/** Milliseconds. */
const WAIT = 20_000;

/** A page of either browser. */
interface Tab {
  publish(endpoint: string): Promise<PageSession>;
  play(endpoint: string): Promise<PageSession>;
  played(): Promise<Played>;
  close(): Promise<void>;
}

describe.skipIf(!hasChromium || !hasFirefox)('a browser', () => {
  let server: TestServer;
  let chromium: Browser;
  let firefox: Firefox;

  beforeAll(async () => {
    server = await startServer();
    [chromium, firefox] = await Promise.all([launchChromium(), launchFirefox({ tone: 440 })]);
  });
  afterAll(async () => {
    await Promise.all([chromium?.close(), firefox?.close()]);
    await server?.close();
  });

  /** Opens pages of the server, whose scripts may ask it. */
  const tabs: Readonly<Record<'Chromium' | 'Firefox', () => Promise<Tab>>> = {
    Chromium: async () => {
      const page = await (await chromium.newContext()).newPage();
      await page.goto(server.url);
      return {
        publish: (endpoint) => page.evaluate(publishInPage, endpoint),
        play: (endpoint) => page.evaluate(playInPage, endpoint),
        played: () => page.evaluate(playedInPage),
        close: () => page.close(),
      };
    },
    Firefox: async () => {
      const page = await (await firefox.createBrowserContext()).newPage();
      await page.goto(server.url);
      return {
        publish: (endpoint) => page.evaluate(publishInPage, endpoint),
        play: (endpoint) => page.evaluate(playInPage, endpoint),
        played: () => page.evaluate(playedInPage),
        close: () => page.close(),
      };
    },
  };

  async function expectMore(tab: Tab): Promise<void> {
    const before = await tab.played();
    const more = async () => {
      const { framesDecoded, samplesReceived } = await tab.played();
      return [framesDecoded >= before.framesDecoded + 10, samplesReceived > before.samplesReceived];
    };
    await expect.poll(more, { timeout: WAIT, interval: 50 }).toEqual([true, true]);
  }

  test.each([
    ['Chromium', 'Firefox'],
    ['Firefox', 'Chromium'],
  ] as const)('%s plays what the other and then what it publishes itself', async (player, other) => {
    const endpoint = (protocol: string) => `/${protocol}/${player}`;
    const [first, second, playing] = [await tabs[other](), await tabs[player](), await tabs[player]()];
    const { location } = await first.publish(endpoint('whip'));
    await playing.play(endpoint('whep'));
    await expectMore(playing);
    const next = await second.publish(endpoint('whip'));
    await fetch(new URL(location, server.url), { method: 'DELETE' });
    await expectMore(playing);
    // Both kinds of track exist, and are those of the beginning.
    expect(await playing.played()).toMatchObject({ tracks: 2 });
    await fetch(new URL(next.location, server.url), { method: 'DELETE' });
    await Promise.all([first.close(), second.close(), playing.close()]);
  });
});

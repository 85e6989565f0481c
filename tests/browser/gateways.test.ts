/** Browsers publish by WHIP and play by WHEP: pictures and sound arrive, and go on with the next publisher; and so on `/watch`. */

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
  leaveInPage,
  playedInPage,
  playInPage,
  publishInPage,
  restartInPage,
  ufragInPage,
  watchedInPage,
} from '../support/gatewayPage.ts';
import { playByPackage, publishByPackage, startPackagePage, stopPackage } from '../support/packagePage.ts';
import { type BrowserName, browserNames, openTab, type Tab } from '../support/Tab.ts';

/** Milliseconds. */
const WAIT = 20_000;

describe.skipIf(!hasChromium || !hasFirefox)('a browser', () => {
  let server: TestServer;
  /** Of another origin. */
  let packagePage: Awaited<ReturnType<typeof startPackagePage>>;
  let chromium: Browser;
  let firefox: Firefox;

  beforeAll(async () => {
    const startServers = async () => {
      packagePage = await startPackagePage();
      // Firefox does not pair loopback with its own address: media goes to the address that others would use.
      const [address = '127.0.0.1'] = ownAddresses();
      server = await startServer({ WEIR_RTC_HOST: address, WEIR_ALLOWED_ORIGINS: packagePage.origin });
    };
    [chromium, firefox] = await Promise.all([launchChromium(), launchFirefox({ tone: 440 }), startServers()]);
  });
  afterAll(async () => {
    await Promise.all([chromium?.close(), firefox?.close()]);
    await server?.close();
    packagePage?.[Symbol.dispose]();
  });

  /** Opens a page of the server, whose scripts may ask it. */
  async function open(name: BrowserName): Promise<Tab> {
    const tab = await openTab({ chromium, firefox }, name);
    // A text, which loads nothing else.
    await tab.goto(`${server.url}/whep.js`);
    return tab;
  }

  /** Waits until ten more frames have been decoded, of that many streams in all, and there is something to hear. */
  async function expectMore(tab: Tab, videoStreams: number): Promise<void> {
    const before = await tab.evaluate(playedInPage);
    const waiting = { timeout: WAIT, interval: 50 };
    const more = async () => {
      const played = await tab.evaluate(playedInPage);
      return { more: played.framesDecoded >= before.framesDecoded + 10, videoStreams: played.videoStreams };
    };
    await expect.poll(more, waiting).toEqual({ more: true, videoStreams });
    await expect.poll(() => tab.evaluate(hearsInPage), waiting).toBe(true);
  }

  test.each([
    ['Chromium', 'Firefox'],
    ['Firefox', 'Chromium'],
  ] as const)('%s plays what the other and then what it publishes itself', async (player, other) => {
    const [first, second, playing] = await Promise.all([open(other), open(player), open(player)]);
    const publication = (name: BrowserName) => ({ endpoint: `/whip/${player}`, simulcast: name === 'Chromium' });
    const { location } = await first.evaluate(publishInPage, publication(other));
    const { location: played } = await playing.evaluate(playInPage, `/whep/${player}`);
    await expectMore(playing, 1);
    const next = await second.evaluate(publishInPage, publication(player));
    await fetch(new URL(location, server.url), { method: 'DELETE' });
    await expectMore(playing, 2);
    // Of two layers the higher one, where there are layers.
    await expect.poll(async () => (await playing.evaluate(playedInPage)).width, { timeout: WAIT }).toBe(640);
    // A player that closes its connection leaves, whether it says so by HTTP or not.
    await playing.evaluate(leaveInPage);
    await expect.poll(async () => (await fetch(new URL(played, server.url))).status, { timeout: WAIT }).toBe(404);
    await fetch(new URL(next.location, server.url), { method: 'DELETE' });
    await Promise.all([first.close(), second.close(), playing.close()]);
  });

  test.each(browserNames)('%s restarts ICE, publishing and playing, and goes on', async (name) => {
    const [publishing, playing] = await Promise.all([open(name), open(name)]);
    const publication = { endpoint: `/whip/restart-${name}`, simulcast: name === 'Chromium' };
    const { location } = await publishing.evaluate(publishInPage, publication);
    await playing.evaluate(playInPage, `/whep/restart-${name}`);
    await expectMore(playing, 1);
    for (const tab of [publishing, playing]) {
      const { statuses, ufrag } = await tab.evaluate(restartInPage);
      expect(statuses).toEqual([200, 204]);
      if (name === 'Chromium') await expect.poll(() => tab.evaluate(ufragInPage), { timeout: WAIT }).toBe(ufrag);
      await expectMore(playing, 1);
    }
    await playing.close();
    await fetch(new URL(location, server.url), { method: 'DELETE' });
    await publishing.close();
  });

  test('the npm package whip-whep publishes and plays, from pages of another origin, and ends its sessions', async () => {
    const openPage = async () => {
      const page = await (await chromium.newContext()).newPage();
      const requests: string[] = [];
      page.on('response', (response) => {
        if (!response.url().startsWith(server.url) || response.request().method() === 'OPTIONS') return;
        requests.push(`${response.request().method()} ${response.status()}`);
      });
      await page.goto(packagePage.origin);
      await page.waitForFunction(() => window.packages !== undefined);
      return { page, requests, answers: () => [...new Set(requests)].sort() };
    };
    const [publishing, playing] = await Promise.all([openPage(), openPage()]);
    await publishing.page.evaluate(publishByPackage, { url: `${server.url}/whip/package`, token: 'of-nobody' });
    await playing.page.evaluate(playByPackage, { url: `${server.url}/whep/package`, token: 'of-nobody' });
    await expectMore(playing.page, 1);
    const room = await server.app.rooms.find('package');
    expect(room?.size).toBe(2);
    await playing.page.evaluate(stopPackage);
    await expect.poll(() => room?.size).toBe(1);
    await publishing.page.evaluate(stopPackage);
    await expect.poll(() => room?.size).toBe(0);
    // Its publisher trickles with the entity tag of the session. Its player does not keep that, and is refused, to the letter of
    // the draft; it plays all the same, since the server needs no candidates.
    expect(publishing.answers()).toEqual(['DELETE 200', 'PATCH 204', 'POST 201']);
    expect(playing.answers()).toEqual(['DELETE 200', 'PATCH 428', 'POST 201']);
    await Promise.all([publishing.page.close(), playing.page.close()]);
  });

  test.each(browserNames)('%s decodes frames on /watch, until the server ends the session', async (name) => {
    const room = `watched-${name.toLowerCase()}`;
    const [publisher, watching] = await Promise.all([open('Chromium'), open(name)]);
    await publisher.evaluate(publishInPage, { endpoint: `/whip/${room}`, simulcast: true });
    await watching.goto(`${server.url}/watch/${room}`);
    await watching.evaluate(watchedInPage, 20);
    const watched = () => watching.evaluate(watchedInPage, 1);
    const playing = { state: 'playing', kinds: ['audio', 'video'], muted: false };
    await expect.poll(watched, { timeout: WAIT, interval: 50 }).toMatchObject(playing);
    (await server.app.rooms.find(room, 'call'))?.close('roomClosed');
    const state = async () => (await watching.evaluate(watchedInPage, 0)).state;
    await expect.poll(state, { timeout: WAIT, interval: 50 }).toBe('over');
    await Promise.all([publisher.close(), watching.close()]);
  });
});

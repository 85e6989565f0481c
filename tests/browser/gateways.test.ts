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
  type PageSession,
  type Played,
  playedInPage,
  playInPage,
  publishInPage,
  type Restarted,
  restartInPage,
  ufragInPage,
  type Watched,
  watchedInPage,
} from '../support/gatewayPage.ts';
import { playByPackage, publishByPackage, startPackagePage, stopPackage } from '../support/packagePage.ts';

/** Milliseconds. */
const WAIT = 20_000;

/** A page of either browser. */
interface Tab {
  publish(endpoint: string): Promise<PageSession>;
  play(endpoint: string): Promise<PageSession>;
  played(): Promise<Played>;
  hears(): Promise<boolean>;
  restart(): Promise<Restarted>;
  ufrag(): Promise<string | undefined>;
  /** Closes the connection of the player, without a request. */
  leave(): Promise<void>;
  /** Opens a page of the server. */
  open(path: string): Promise<unknown>;
  watched(frames: number): Promise<Watched>;
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
        restart: () => page.evaluate(restartInPage),
        ufrag: () => page.evaluate(ufragInPage),
        leave: () => page.evaluate(leaveInPage),
        open: (path) => page.goto(server.url + path),
        watched: (frames) => page.evaluate(watchedInPage, frames),
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
        restart: () => page.evaluate(restartInPage),
        ufrag: () => page.evaluate(ufragInPage),
        leave: () => page.evaluate(leaveInPage),
        open: (path) => page.goto(server.url + path),
        watched: (frames) => page.evaluate(watchedInPage, frames),
        close: () => page.close(),
      };
    },
  };

  /** Waits until ten more frames have been decoded, of that many streams in all, and there is something to hear. */
  async function expectMore(tab: Pick<Tab, 'played' | 'hears'>, videoStreams: number): Promise<void> {
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
    // Of two layers the higher one, where there are layers.
    await expect.poll(async () => (await playing.played()).width, { timeout: WAIT }).toBe(640);
    // A player that closes its connection leaves, whether it says so by HTTP or not.
    await playing.leave();
    await expect.poll(async () => (await fetch(new URL(played, server.url))).status, { timeout: WAIT }).toBe(404);
    await fetch(new URL(next.location, server.url), { method: 'DELETE' });
    await Promise.all([first.close(), second.close(), playing.close()]);
  });

  test.each(['Chromium', 'Firefox'] as const)('%s restarts ICE, publishing and playing, and goes on', async (name) => {
    const [publishing, playing] = [await tabs[name](), await tabs[name]()];
    const { location } = await publishing.publish(`/whip/restart-${name}`);
    await playing.play(`/whep/restart-${name}`);
    await expectMore(playing, 1);
    for (const tab of [publishing, playing]) {
      const { statuses, ufrag } = await tab.restart();
      expect(statuses).toEqual([200, 204]);
      if (name === 'Chromium') await expect.poll(() => tab.ufrag(), { timeout: WAIT }).toBe(ufrag);
      await expectMore(playing, 1);
    }
    await playing.close();
    await fetch(new URL(location, server.url), { method: 'DELETE' });
    await publishing.close();
  });

  test('the npm package whip-whep publishes and plays, from pages of another origin, and ends its sessions', async () => {
    const open = async () => {
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
    const [publishing, playing] = [await open(), await open()];
    await publishing.page.evaluate(publishByPackage, { url: `${server.url}/whip/package`, token: 'of-nobody' });
    await playing.page.evaluate(playByPackage, { url: `${server.url}/whep/package`, token: 'of-nobody' });
    const played = () => playing.page.evaluate(playedInPage);
    const hears = () => playing.page.evaluate(hearsInPage);
    await expectMore({ played, hears }, 1);
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

  test.each(['Chromium', 'Firefox'] as const)(
    '%s decodes frames on /watch, until the server ends the session',
    async (name) => {
      const room = `watched-${name.toLowerCase()}`;
      const [publisher, watching] = [await tabs.Chromium(), await tabs[name]()];
      await publisher.publish(`/whip/${room}`);
      await watching.open(`/watch/${room}`);
      await watching.watched(20);
      const playing = { state: 'playing', kinds: ['audio', 'video'], muted: false };
      await expect.poll(() => watching.watched(1), { timeout: WAIT, interval: 50 }).toMatchObject(playing);
      (await server.app.rooms.find(room, 'call'))?.close('roomClosed');
      await expect.poll(async () => (await watching.watched(0)).state, { timeout: WAIT, interval: 50 }).toBe('over');
      await Promise.all([publisher.close(), watching.close()]);
    },
  );
});

/** The player to copy, web/public/player.html: on somebody else's site, in both browsers, it plays and comes back by itself. */
import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import type { Browser as Firefox } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { launchFirefox } from '../../scripts/support/browsers/firefox.ts';
import { freePort } from '../../scripts/support/network/freePort.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { ownAddresses } from '../../server/common/ownAddresses.ts';
import { hasChromium } from '../support/equipment.ts';
import { hasFirefox } from '../support/firefox.ts';
import { hearsInPage, publishInPage, watchedInPage } from '../support/gatewayPage.ts';
import { eventually } from '../support/people.ts';
import { Site } from '../support/Site.ts';
import { browserNames, openTab, type Tab } from '../support/Tab.ts';
import { token, withTokens } from '../support/weir.ts';

const player = readFileSync(new URL('../../web/public/player.html', import.meta.url), 'utf8');
const turn = { WEIR_TURN_URLS: 'turn:turn.example:3478', WEIR_TURN_SECRET: 'a secret of tests, of 32 characters!' };

declare global {
  interface Window {
    /** What the page has given its connections. */
    configurations?: (RTCConfiguration | undefined)[];
  }
}

/** In the page: keeps the configurations of its connections. */
function recordConfigurations(): void {
  window.configurations = [];
  const { setConfiguration } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.setConfiguration = function (configuration) {
    window.configurations?.push(configuration);
    setConfiguration.call(this, configuration);
  };
}
const statusInPage = () => document.querySelector('[role=status]')?.textContent ?? undefined;
const iceServersInPage = () => window.configurations?.at(-1)?.iceServers;

describe.skipIf(!hasChromium || !hasFirefox)('the player to copy', () => {
  let chromium: Browser;
  let firefox: Firefox;
  let site: Site;
  const [address = '127.0.0.1'] = ownAddresses();

  beforeAll(async () => {
    site = await Site.open();
    [chromium, firefox] = await Promise.all([launchChromium({ devices: 'fps=15' }), launchFirefox({ tone: 440 })]);
  });
  afterEach(async () => {
    await Promise.all(chromium.contexts().map((context) => context.close()));
  });
  afterAll(async () => {
    await Promise.all([chromium?.close(), firefox?.close()]);
    await site?.[Symbol.asyncDispose]();
  });

  /** A server that pages of the site may use. Firefox does not pair loopback with its own address. */
  async function serve(environment: Record<string, string> = {}): Promise<TestServer> {
    const server = await startServer({
      WEIR_RTC_HOST: address,
      WEIR_ALLOWED_ORIGINS: site.origin,
      ...environment,
    });
    onTestFinished(() => server.close());
    return server;
  }

  /** Publishes from a page of its own. @returns what ends that */
  async function publish({ url }: TestServer, room: string): Promise<() => Promise<unknown>> {
    const page: Page = await (await chromium.newContext()).newPage();
    await page.goto(url);
    const { location } = await page.evaluate(publishInPage, { endpoint: `/whip/${room}`, simulcast: false });
    return async () => {
      await fetch(new URL(location, url), { method: 'DELETE' });
      await page.close();
    };
  }

  /** Waits until the page has nothing to say, twenty further frames have been shown, and there is sound. */
  async function expectPlaying(tab: Tab): Promise<void> {
    await expectStatus(tab, '');
    await tab.evaluate(watchedInPage, 20);
    const playing = { kinds: ['audio', 'video'], muted: true };
    await eventually(() => tab.evaluate(watchedInPage, 1)).toMatchObject(playing);
    await eventually(() => tab.evaluate(hearsInPage), 'sound').toBe(true);
  }

  const expectStatus = (tab: Tab, status: string) => eventually(() => tab.evaluate(statusInPage)).toBe(status);

  const embedded = (endpoint: string) => player.replace('https://weir.example/whep/lobby', endpoint);

  test('waits, plays and comes back, in both browsers', async () => {
    const WEIR_PORT = String(await freePort());
    const first = await serve({ WEIR_PORT });
    site.html = embedded(`${first.url}/whep/show`);
    const tabs = await Promise.all(browserNames.map((name) => openTab({ chromium, firefox }, name)));
    const inBoth = (what: (tab: Tab) => Promise<unknown>) => Promise.all(tabs.map(what));
    await inBoth((tab) => tab.goto(site.origin));
    await inBoth((tab) => expectStatus(tab, 'Nothing is live here at the moment. Trying again…'));
    const end = await publish(first, 'show');
    await inBoth(expectPlaying);

    // Another publisher: the same sessions.
    const room = await first.app.rooms.find('show', 'call');
    const viewers = () => {
      const silent = room?.visiblePeers().filter(({ sources }) => Object.keys(sources).length === 0) ?? [];
      return silent.map(({ peerId }) => peerId);
    };
    const before = viewers();
    expect(before).toHaveLength(2);
    await end();
    await publish(first, 'show');
    await inBoth(expectPlaying);
    expect(viewers()).toEqual(before);

    // The server ends the sessions.
    for (const viewer of before) room?.participant(viewer)?.close('kicked');
    await inBoth((tab) => expectStatus(tab, 'The connection was lost. Trying again…'));
    await inBoth(expectPlaying);
    expect(viewers()).toHaveLength(2);
    expect(viewers()).not.toContain(before[0]);

    // Another server at the same address.
    await first.close();
    await inBoth((tab) => expectStatus(tab, 'The server cannot be reached. Trying again…'));
    const second = await serve({ WEIR_PORT });
    await publish(second, 'show');
    await inBoth(expectPlaying);

    const ended: string[] = [];
    second.app.http.server.on('request', ({ method, url = '' }) => method === 'DELETE' && ended.push(url));
    await inBoth((tab) => tab.goto('about:blank'));
    await eventually(async () => ended.length, 'the end of both sessions').toBe(2);
    await inBoth((tab) => tab.close());
  });

  test.each(browserNames)('takes tokens, ICE servers and counter-offers in %s', async (name) => {
    const server = await serve({ ...withTokens, ...turn });
    const publisher = await (await chromium.newContext()).newPage();
    await publisher.goto(server.url);
    await publisher.evaluate(publishInPage, {
      endpoint: '/whip/hall',
      simulcast: false,
      token: await token('hall', 'encoder'),
    });
    const tab = await openTab({ chromium, firefox }, name, recordConfigurations);
    site.html = embedded(`${server.url}/whep/hall`);
    await tab.goto(`${site.origin}/first`);
    await expectStatus(tab, 'This server requires a token to join; none was sent. Trying again…');
    await tab.goto(`${site.origin}/second#token=${await token('hall', 'vera', { canPublish: false })}`);
    await expectPlaying(tab);
    expect(await tab.evaluate(iceServersInPage)).toEqual([
      { urls: 'turn:turn.example:3478', username: expect.stringMatching(/^\d+:/), credential: expect.any(String) },
    ]);

    // Two videos are more than a server sends: it makes an offer itself.
    const patches: string[] = [];
    server.app.http.server.on('request', ({ method = '' }) => method === 'PATCH' && patches.push(method));
    site.html = site.html.replace("['audio', 'video']", "['audio', 'video', 'video']");
    await tab.goto(`${site.origin}/third#token=${await token('hall', 'vera', { canPublish: false })}`);
    await expectPlaying(tab);
    expect(patches).toHaveLength(1);
    await tab.close();
  });

  test.each(browserNames)('is served for a room of the server in %s', async (name) => {
    const server = await serve();
    await publish(server, 'hall');
    const tab = await openTab({ chromium, firefox }, name, recordConfigurations);
    await tab.goto(`${server.url}/player.html?room=hall`);
    await expectPlaying(tab);
    await tab.close();
  });
});

/** The page `/watch/<room>`, which plays by WHEP without the SDK: its words, what it survives, its controls. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { freePort } from '../../scripts/support/network/freePort.ts';
import { withSecondVideo } from '../../scripts/support/sdp/clientTexts.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { shows } from '../support/accessibilityTree.ts';
import { violationsOn } from '../support/axe.ts';
import { TestClient } from '../support/client.ts';
import { hasChromium } from '../support/equipment.ts';
import { publishInPage } from '../support/gatewayPage.ts';
import { overflowOf } from '../support/overflow.ts';
import { eventually } from '../support/people.ts';
import { readmeExample, Site } from '../support/Site.ts';
import { appears, button, disappears, hasFocus } from '../support/visit.ts';
import { token, useServer, withTokens } from '../support/weir.ts';

const phone = { width: 320, height: 568 };

const title = (page: Page, name: string) => page.getByRole('heading', { name, exact: true });
const state = (page: Page) => page.evaluate(() => document.body.dataset.state);
const isMuted = (page: Page) => page.locator('video').evaluate((video: HTMLVideoElement) => video.muted);

/** Makes the page believe that its network is back: it tries again at once. */
const hurry = (page: Page) => page.evaluate(() => dispatchEvent(new Event('online')));

/** Waits until the page plays; what it waits for may be live since a moment ago. */
async function expectPlaying(page: Page): Promise<void> {
  await eventually(async () => {
    if ((await state(page)) !== 'playing') await hurry(page);
    return state(page);
  }).toBe('playing');
}

describe.skipIf(!hasChromium)('the page that plays by WHEP', () => {
  const weir = useServer();
  const guarded = useServer(withTokens);
  let browser: Browser;
  let silent: Browser;
  const published = new Set<string>();

  beforeAll(async () => {
    [browser, silent] = await Promise.all([
      launchChromium({ devices: 'fps=10' }),
      launchChromium({ devices: 'fps=10', refusesSound: true }),
    ]);
  });
  // The server waits until its rooms have ended, and pages that close do not always say so.
  afterEach(async () => {
    for (const room of published) (await weir.app.rooms.find(room, 'call'))?.close('roomClosed');
    published.clear();
    const contexts = [browser, silent].flatMap((one) => one.contexts());
    await Promise.all(contexts.flatMap((context) => context.pages()).map((page) => page.goto('about:blank')));
    await Promise.all(contexts.map((context) => context.close()));
  });
  afterAll(() => Promise.all([browser?.close(), silent?.close()]));

  /** A page on which a room is watched. @param room with query and fragment */
  async function watch(room: string, options: BrowserContextOptions = {}, server = weir.url): Promise<Page> {
    const page = await (await browser.newContext(options)).newPage();
    await page.goto(`${server}/watch/${room}`);
    return page;
  }

  /** Publishes camera and microphone. @returns what ends that */
  async function publish(room: string, server = weir.url): Promise<() => Promise<unknown>> {
    if (server === weir.url) published.add(room);
    const page = await (await browser.newContext()).newPage();
    await page.goto(server);
    const { location } = await page.evaluate(publishInPage, { endpoint: `/whip/${room}`, simulcast: false });
    return () => fetch(new URL(location, server), { method: 'DELETE' });
  }

  test('waits for what is not live, plays it, says when nothing is sent, and ends its session when it goes', async () => {
    const page = await watch('show');
    await appears(title(page, 'Not live yet'));
    expect(await page.title()).toBe('show · Weir');
    const end = await publish('show');
    await expectPlaying(page);
    await disappears(title(page, 'Not live yet'));
    expect(await page.getByRole('status').textContent()).toBe('Live');
    await end();
    await appears(title(page, 'Nothing is sent just now'));
    await publish('show');
    await eventually(() => state(page)).toBe('playing');
    const members = async () => (await weir.app.rooms.find('show', 'call'))?.visiblePeers().length;
    expect(await members()).toBe(2);
    await page.goto('about:blank');
    await eventually(members).toBe(1);
  });

  test('asks again after as long as the server says', async () => {
    const page = await (await browser.newContext()).newPage();
    const asked: number[] = [];
    await page.route('**/whep/later', (route) => {
      asked.push(performance.now());
      return route.fulfill({ status: 409, headers: { 'retry-after': '1' } });
    });
    await page.goto(`${weir.url}/watch/later`);
    await eventually(async () => asked.length).toBe(2);
    const [first = 0, second = 0] = asked;
    // Nothing else of the page waits for so long.
    expect(second - first).toBeGreaterThan(900);
    expect(await state(page)).toBe('notLive');
  });

  test('takes a counter-offer as well as an answer', async () => {
    await publish('countered');
    const page = await (await browser.newContext()).newPage();
    const statuses: string[] = [];
    page.on('response', (response) => {
      if (response.url().includes('/whep/')) statuses.push(`${response.request().method()} ${response.status()}`);
    });
    // What the server does not answer as it is.
    await page.route('**/whep/countered', async (route) => {
      const postData = withSecondVideo(route.request().postData() ?? '');
      await route.fulfill({ response: await route.fetch({ postData }) });
    });
    await page.goto(`${weir.url}/watch/countered`);
    await eventually(() => state(page)).toBe('playing');
    expect(statuses).toEqual(['POST 406', 'PATCH 204']);
  });

  test("the player of the README's example plays on somebody else's page", async () => {
    await using site = await Site.open();
    const server = await startServer({ WEIR_ALLOWED_ORIGINS: site.origin });
    try {
      await publish('launch?kind=broadcast', server.url);
      using host = await TestClient.connect(server.url);
      await host.join({ room: 'launch', name: 'Hana', kind: 'broadcast', role: 'host' });
      await host.request('setBroadcast', { live: true });
      site.html = readmeExample('Encoders and players').replaceAll('https://weir.example', server.url);
      const page = await (await browser.newContext()).newPage();
      await page.goto(site.origin);
      await eventually(() => page.locator('video').evaluate((video: HTMLVideoElement) => video.videoWidth)).toBe(640);
    } finally {
      await Promise.all(browser.contexts().map((context) => context.close()));
      await server.close();
    }
  });

  test('begins again when the server has ended the session, and when the server is another one', async () => {
    const port = String(await freePort());
    let server: TestServer = await startServer({ WEIR_PORT: port });
    try {
      await publish('again', server.url);
      const page = await watch('again', {}, server.url);
      await expectPlaying(page);
      (await server.app.rooms.find('again', 'call'))?.close('roomClosed');
      await appears(title(page, 'Not live any more'));
      await publish('again', server.url);
      await expectPlaying(page);
      await server.close();
      await appears(title(page, 'Reconnecting…'));
      server = await startServer({ WEIR_PORT: port });
      await publish('again', server.url);
      await expectPlaying(page);
      await disappears(title(page, 'Reconnecting…'));
    } finally {
      await server.close();
    }
  });

  test('takes a token from the link, or asks for one', async () => {
    const page = await watch('hall?kind=broadcast', {}, guarded.url);
    await appears(title(page, 'This stream asks for a token'));
    const field = page.getByLabel('Access token');
    expect(await hasFocus(field)).toBe(true);
    await page.keyboard.type('nonsense');
    await page.keyboard.press('Enter');
    await appears(title(page, 'This token is not accepted'));
    await page.getByLabel('Access token').fill(await token('hall', 'vera', { canPublish: false, broadcast: true }));
    await page.keyboard.press('Enter');
    await appears(title(page, 'Not live yet'));
    expect(await field.isVisible()).toBe(false);
    expect(await page.evaluate(() => location.search)).toBe('?kind=broadcast');
  });

  test('says what the server refuses, and what else is wrong', async () => {
    const { client } = await weir.join({ room: 'direct', name: 'Bert', policy: 'p2p', direct: true });
    const page = await watch('direct');
    await appears(title(page, 'This cannot be played'));
    await appears(page.locator('.message').getByText('Browsers exchange media directly in this room'));
    client.cut();
    await client.closed;
    await eventually(async () => weir.app.rooms.size).toBe(0);
    await button(page, 'Try again').click();
    await appears(title(page, 'Not live yet'));

    await page.route('**/whep/**', (route) => route.abort());
    await page.reload();
    await appears(title(page, 'The server cannot be reached'));
    await page.context().setOffline(true);
    await appears(title(page, 'This device is offline'));
    await page.context().setOffline(false);
    await page.unroute('**/whep/**');
    await page.route('**/whep/**', (route) => route.fulfill({ status: 503, headers: { 'retry-after': '1' } }));
    await hurry(page);
    await appears(title(page, 'The server is full just now'));
    await page.addInitScript(() => Reflect.deleteProperty(window, 'RTCPeerConnection'));
    await page.reload();
    await appears(title(page, 'This browser cannot play this'));
  });

  test('can be used by keyboard, read by everybody, and fits on a phone, in both languages', async () => {
    await publish('everybody');
    for (const { locale, ...options } of [
      { viewport: phone, locale: 'en-GB', colorScheme: 'dark' },
      { viewport: { width: 1280, height: 800 }, locale: 'ko-KR', colorScheme: 'light' },
    ] as const) {
      const page = await watch('everybody', { locale, ...options });
      await expectPlaying(page);
      expect(await page.evaluate(() => document.documentElement.lang)).toBe(locale.slice(0, 2));
      expect(await violationsOn(page)).toEqual([]);
      expect(await overflowOf(page)).toEqual([]);
      await page.goto(`${guarded.url}/watch/${'a-long-name-'.repeat(10)}`);
      await eventually(() => state(page)).toBe('token');
      expect(await violationsOn(page)).toEqual([]);
      expect(await overflowOf(page)).toEqual([]);
    }
    const page = await watch('everybody');
    await expectPlaying(page);
    await page.keyboard.press('Tab');
    expect(await hasFocus(button(page, 'Turn sound off'))).toBe(true);
    await page.keyboard.press('Enter');
    expect(await isMuted(page)).toBe(true);
    expect(await button(page, 'Turn sound on').getAttribute('aria-pressed')).toBe('false');
    await page.keyboard.press('m');
    expect(await isMuted(page)).toBe(false);
    await page.keyboard.press('f');
    await appears(button(page, 'Exit full screen'));
    await page.keyboard.press('f');
    await appears(button(page, 'Full screen'));
  });

  test('plays without sound where the browser wants a click first, and with it after one', async () => {
    await publish('quiet');
    const page = await (await silent.newContext()).newPage();
    const session = await page.context().newCDPSession(page);
    await page.goto(`${weir.url}/watch/quiet`);
    await eventually(() => shows(session, 'Turn on sound'), 'the button for sound').toBe(true);
    await button(page, 'Turn on sound').click();
    await disappears(button(page, 'Turn on sound'));
    expect(await isMuted(page)).toBe(false);
    expect(await page.locator('video').evaluate((video: HTMLVideoElement) => video.paused)).toBe(false);
  });
});

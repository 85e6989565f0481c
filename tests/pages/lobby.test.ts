/** The lobby: what it shows and does, and what it says when a call cannot begin. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { ownAddresses } from '../../server/common/ownAddresses.ts';
import { TestClient } from '../support/client.ts';
import { hasChromium } from '../support/equipment.ts';
import { fakeContext } from '../support/fakeClient/fakeClient.ts';
import { eventually } from '../support/people.ts';
import { type Refusal, RefusingServer } from '../support/RefusingServer.ts';
import {
  afterTimers,
  appears,
  button,
  colourOf,
  disappears,
  expectIn,
  join,
  openLobby,
  tile,
} from '../support/visit.ts';
import { token, useServer, withTokens } from '../support/weir.ts';

declare global {
  interface Window {
    /** What a live region of the lobby has said. */
    announced?: string[];
  }
}

const refusedWith = (code: string, reason?: string): Refusal => ({
  error: { code, message: 'No.', ...(reason !== undefined && { reason }) },
});

const [address = '127.0.0.1'] = ownAddresses();

describe.skipIf(!hasChromium)('lobby', () => {
  const captures = new Captures();
  const weir = useServer();
  const browsers: Browser[] = [];
  /** With a red face and a tone for a voice. */
  let usual: Browser;
  /** With a face, and a voice that is silence. */
  let silent: Browser;
  let bare: Browser;

  beforeAll(async () => {
    [usual, silent, bare] = await Promise.all([
      // Denies what a test does not allow.
      launchChromium({ ...captures.make({ colour: 'red', tone: 500 }), deny: true }),
      launchChromium(captures.make({ colour: 'grey', tone: 0 })),
      launchChromium({ devices: 'real', refusesSound: true }),
    ]);
    browsers.push(usual, silent, bare);
  });
  afterEach(() => Promise.all(browsers.flatMap((one) => one.contexts()).map((context) => context.close())));
  afterAll(async () => {
    await Promise.all(browsers.map((one) => one.close()));
    captures[Symbol.dispose]();
  });

  const allowed: BrowserContextOptions = { permissions: ['camera', 'microphone'] };

  /** A page that remembers nothing, in the lobby of a room. */
  async function lobby(browser: Browser, room: string, server = weir.url, options = allowed): Promise<Page> {
    const page = await (await fakeContext(browser, options)).newPage();
    await openLobby(page, server, room);
    return page;
  }

  /** The same with a clock that the test puts forward. */
  async function timedLobby(browser: Browser, room: string, server = weir.url): Promise<Page> {
    const page = await (await fakeContext(browser, allowed)).newPage();
    await page.clock.install();
    await openLobby(page, server, room);
    return page;
  }

  /** Waits for what the lobby knows of the room, which it asks for every five seconds. */
  const whenAsked = (page: Page, fact: () => Promise<boolean>) => afterTimers(page, 5000, fact);

  const alerts = (page: Page) => page.getByRole('alert').allTextContents();
  const sources = (page: Page) => page.evaluate(() => window.weir?.sources);
  const level = (page: Page) =>
    page
      .getByRole('meter', { name: 'Microphone level' })
      .evaluate((meter) => (meter instanceof HTMLMeterElement ? meter.value : Number.NaN));

  test('the preview shows the camera and the meter moves with the microphone; what is off is off in the call, and can be started there', async () => {
    const page = await lobby(usual, 'preview');
    await eventually(() => colourOf(page.locator('video'))).toBe('red');
    await eventually(() => level(page)).toBeGreaterThan(0.3);
    expect(await alerts(page)).toEqual([]);
    await button(page, 'Mute').click();
    await eventually(() => level(page)).toBe(0);
    await button(page, 'Unmute').click();
    await eventually(() => level(page)).toBeGreaterThan(0.3);
    await button(page, 'Stop camera').click();
    await appears(page.getByText('Your camera is off'));
    expect(await colourOf(page.locator('video'))).toBeUndefined();
    await button(page, 'Start camera').click();
    await eventually(() => colourOf(page.locator('video'))).toBe('red');

    await button(page, 'Stop camera').click();
    await button(page, 'Mute').click();
    await join(page, 'Ada');
    await expectIn(page);
    await Promise.all([appears(button(page, 'Start camera')), appears(button(page, 'Unmute'))]);
    expect(await sources(page)).toEqual({});
    expect(await colourOf(tile(page, 'You').locator('video'))).toBeUndefined();
    await button(page, 'Start camera').click();
    await button(page, 'Unmute').click();
    await eventually(() => sources(page)).toEqual({ camera: 'live', microphone: 'live' });
    await eventually(() => colourOf(tile(page, 'You').locator('video'))).toBe('red');
  });

  test('a name is asked for, and remembered on the next visit', async () => {
    const page = await lobby(usual, 'name');
    await button(page, 'Join').click();
    await expect.poll(() => alerts(page)).toEqual(['Tell the others who you are.']);
    const field = page.getByLabel('Your name');
    expect(await field.evaluate((element) => element === document.activeElement)).toBe(true);
    for (const [typed, told] of [
      ['\u200b\u202e', 'A name needs a letter, a digit or a sign that can be seen.'],
      ['x'.repeat(101), 'A name may have up to 100 characters.'],
    ] as const) {
      await field.fill(typed);
      await button(page, 'Join').click();
      await expect.poll(() => alerts(page)).toEqual([told]);
    }
    await join(page, '\u202eAda\u200b  Lovelace');
    await expectIn(page);
    await page.close();
    const [context] = usual.contexts().slice(-1);
    const next = await context?.newPage();
    if (!next) throw new Error('the first visit has no context');
    await openLobby(next, weir.url, 'another room');
    expect(await next.getByLabel('Your name').inputValue()).toBe('Ada Lovelace');
  });

  test('who is inside is told, and told anew when somebody comes or goes', async () => {
    const page = await timedLobby(bare, 'inside');
    const says = (text: string) =>
      whenAsked(page, async () => (await page.getByRole('status').allTextContents()).includes(text));
    await says('Nobody is here yet.');
    const { client: bert } = await weir.join({ room: 'inside', name: 'Bert' });
    await weir.join({ room: 'inside', name: 'Cleo' });
    await weir.join({ room: 'inside', name: 'Dora' });
    await weir.join({ room: 'inside', name: 'Emil' });
    await says('Bert, Cleo and 2 more are here.');
    bert.cut();
    await says('Cleo, Dora, and Emil are here.');
  });

  test('a refused permission is told with what to do, and trying again works once it is given', async () => {
    const page = await lobby(usual, 'denied', weir.url, {});
    await expect
      .poll(() => alerts(page))
      .toEqual([expect.stringMatching(/camera and microphone are blocked\..*address bar.*join without/)]);
    await page.context().grantPermissions(['camera', 'microphone']);
    await button(page, 'Try again').click();
    await appears(button(page, 'Stop camera'));
    await appears(button(page, 'Mute'));
    expect(await alerts(page)).toEqual([]);
    expect(await button(page, 'Try again').isVisible()).toBe(false);
  });

  test('without a camera and a microphone one is told so, and joins without', async () => {
    const page = await lobby(bare, 'bare');
    await expect.poll(() => alerts(page)).toEqual(['No camera found. No microphone found. You can also join without.']);
    await join(page, 'Bare');
    await expectIn(page);
    await weir.join({ room: 'bare', name: 'Bert' });
    await appears(tile(page, 'Bert'));
    expect(await sources(page)).toEqual({});
  });

  test('a microphone that is silent is noticed', async () => {
    const page = await timedLobby(silent, 'silent');
    const hint = page.getByRole('alert').filter({ hasText: 'We hear nothing from your microphone.' });
    await appears(button(page, 'Mute'));
    expect(await hint.isVisible()).toBe(false);
    await afterTimers(page, 5100, () => hint.isVisible());
    await button(page, 'Mute').click();
    await disappears(hint);
  });

  describe.skipIf(address.startsWith('127.'))('a page without HTTPS', () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await startServer({ WEIR_HOST: '0.0.0.0' });
    });
    afterAll(() => server?.close());
    /** With the real client, which knows the browsers. */
    async function insecure(room: string, userAgent: string): Promise<Page> {
      const page = await (await usual.newContext({ userAgent })).newPage();
      await openLobby(page, `http://${address}:${new URL(server.url).port}`, room);
      return page;
    }

    test('says why there are no devices, and joins', async () => {
      // Without HTTPS the browser is detected by its user agent, and that of headless Chromium is not recognised.
      const page = await insecure('insecure', 'Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0.0.0');
      expect(await page.evaluate(() => isSecureContext)).toBe(false);
      await expect.poll(() => alerts(page)).toEqual([expect.stringMatching(/HTTPS pages only.*join without/)]);
      expect(await button(page, 'Try again').isVisible()).toBe(false);
      await join(page, 'Ada');
      await expectIn(page);
      const bert = await TestClient.connect(server.url);
      await bert.join({ room: 'insecure', name: 'Bert' });
      await appears(tile(page, 'Bert'));
      bert.cut();
    });

    test('tells a browser that cannot take part which ones can', async () => {
      const page = await insecure('unknown', 'Lynx/2.9');
      await join(page, 'Ada');
      await expect
        .poll(() => alerts(page))
        .toContainEqual(expect.stringMatching(/^This browser .*Chrome, Firefox, Edge or Safari/));
    });
  });

  test('a server that goes away is told, and one that comes back lets in', async () => {
    const first = await startServer();
    const page = await timedLobby(usual, 'away', first.url);
    await appears(page.getByText('Nobody is here yet.'));
    await first.close();
    const away = page.getByRole('alert').filter({ hasText: 'The server cannot be reached.' });
    await whenAsked(page, () => away.isVisible());
    await join(page, 'Ada');
    await appears(button(page, 'Join'));
    await appears(away);
    await using _second = await startServer({ WEIR_PORT: new URL(first.url).port });
    await whenAsked(page, async () => !(await away.isVisible()));
    expect(await page.getByLabel('Your name').inputValue()).toBe('Ada');
    await button(page, 'Join').click();
    await expectIn(page);
    await page.close();
  });

  test('a server with tokens asks for one, says what is wrong with it, and lets the right one in', async () => {
    await using server = await startServer(withTokens);
    const page = await lobby(usual, 'guarded', server.url);
    const field = page.getByLabel('Access token');
    await appears(field);
    await join(page, 'Ada');
    await expect.poll(() => alerts(page)).toEqual([expect.stringMatching(/asks for a token/)]);
    expect(await field.evaluate((element) => element === document.activeElement)).toBe(true);
    for (const [wrong, words] of [
      ['no token at all', /^This server does not accept that token\. .*ask whoever invited you/],
      [await token('elsewhere', 'ada'), /^That token is for another room\. .*ask whoever invited you/],
    ] as const) {
      await field.fill(wrong);
      await button(page, 'Join').click();
      await expect.poll(() => alerts(page)).toEqual([expect.stringMatching(words)]);
    }
    await field.fill(await token('guarded', 'ada'));
    await button(page, 'Join').click();
    await expectIn(page);
    await page.close();
  });

  describe('a call that cannot begin', () => {
    let refusing: RefusingServer;
    beforeEach(async () => {
      const client = await weir.connect();
      refusing = await RefusingServer.start(weir.url, client.welcome);
    });
    afterEach(() => refusing[Symbol.asyncDispose]());

    const cases: readonly (readonly [string, Refusal, RegExp])[] = [
      ['a firewall', 'blocked', /live connection is blocked.*WebSocket.*try another network/],
      ['a server that is down', 'down', /server cannot be reached\. Check your connection/],
      ['a proxy without its server', 'gateway', /server is down: only the proxy.*few minutes/],
      ['a network that wants a sign-in', 'portal', /Something else answers.*sign in first/],
      ['too many connections', { close: 4011 }, /too many connections from your network\. Close other tabs/],
      ['another version', { protocol: 99 }, /different versions\. Reload the page/],
      ['a connection that is lost', 'cut', /connection to the server was lost\. Try again/],
      ['draining', refusedWith('unavailable', 'draining'), /about to restart.*in a minute/],
    ];

    test('says why, each time that Join is pressed, and until it is so no longer', async () => {
      const page = await lobby(bare, 'refused', refusing.url);
      await page.getByLabel('Your name').fill('Ada');
      await page.evaluate(() => {
        const alert = document.querySelector('[role=alert]');
        const submit = document.querySelector('[type=submit]');
        const announced: string[] = [];
        window.announced = announced;
        const watch = new MutationObserver((changes) => {
          if (submit?.ariaBusy === 'true' && changes.some(({ target }) => target === submit)) announced.push('busy');
          if (alert?.textContent && changes.some(({ target }) => target === alert)) announced.push(alert.textContent);
        });
        if (alert) watch.observe(alert, { childList: true });
        if (submit) watch.observe(submit, { attributeFilter: ['aria-busy'] });
      });
      const announced = () => page.evaluate(() => window.announced ?? []);
      // A server that is down cannot be started again: last.
      const ordered = [...cases].sort(([, one], [, other]) => Number(one === 'down') - Number(other === 'down'));
      for (const [name, refusal, words] of ordered) {
        refusing.refuse(refusal);
        // The second refusal has to be announced too, although its text is the same.
        for (const press of refusal === 'blocked' ? [1, 2] : [1]) {
          const before = (await announced()).length;
          await button(page, 'Join').click();
          await appears(button(page, 'Join'));
          const news = async () => (await announced()).slice(before);
          await expect
            .poll(news, { message: `${name}, press ${press}`, timeout: 5000 })
            .toEqual(['busy', expect.stringMatching(words)]);
        }
        expect.soft(await page.locator('.error:visible').first().textContent(), name).toMatch(words);
        expect.soft(await page.getByLabel('Your name').inputValue(), name).toBe('Ada');
      }
      expect(await page.locator('.lobby').isVisible()).toBe(true);
    });

    test('is said to take long after two seconds', async () => {
      const page = await timedLobby(bare, 'slow', refusing.url);
      refusing.refuse('silent');
      await join(page, 'Ada');
      await appears(button(page, 'Joining…'));
      await page.clock.fastForward(2000);
      await appears(page.getByRole('status').filter({ hasText: 'Still connecting to the server…' }));
      expect(await button(page, 'Joining…').getAttribute('aria-busy')).toBe('true');
    });

    test('says why to a studio and to a viewer as well', async () => {
      const told = async (query: string) => {
        const page = await bare.newPage();
        await page.goto(`${refusing.url}/b/refused?${query}`);
        await expect.poll(() => alerts(page)).toContainEqual(expect.stringMatching(/live connection is blocked/));
      };
      await Promise.all([told('role=host&name=Ada&join=1'), told('name=Vera')]);
    });
  });

  test('a full room is told, and lets in as soon as somebody has left', async () => {
    await using server = await startServer({ WEIR_MAX_PEERS: '1' });
    const bert = await TestClient.connect(server.url);
    await bert.join({ room: 'full', name: 'Bert' });
    const page = await lobby(usual, 'full', server.url);
    await join(page, 'Ada');
    await expect.poll(() => alerts(page)).toEqual(['The room is full. Try again when somebody has left.']);
    bert.cut();
    await expect.poll(() => server.app.rooms.size).toBe(0);
    await button(page, 'Join').click();
    await expectIn(page);
    await page.close();
  });
});

/** The viewer's page of a broadcast: waiting, live, sound, quality, the way onto the stage and back. */
import type { Browser, JSHandle, Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import type { RoomClient } from '../../web/client/index.ts';
import { violationsOn } from '../support/axe.ts';
import { hasChromium } from '../support/equipment.ts';
import { overflowOf, scrolls } from '../support/overflow.ts';
import { eventually } from '../support/people.ts';
import { statsOf } from '../support/tiles.ts';
import { button, choose, hasFocus, newsOn, useChromium } from '../support/visit.ts';
import { useServer, withTokens } from '../support/weir.ts';

declare global {
  interface Window {
    /** The room client of a host without a page of ours. */
    host?: RoomClient;
    /** What the page has opened of the viewer's devices. */
    opened?: MediaStreamTrack[];
  }
}

const hana = 'hana-hana-hana-hana-hana-hana';

/** A page that runs a broadcast by the SDK: it is in, and publishes a camera and a microphone. */
async function hostOf(browser: Browser, server: string, room: string, token?: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(server);
  const sdk: JSHandle<typeof import('../../web/client/index.ts')> = await page.evaluateHandle("import('/sdk.js')");
  await sdk.evaluate(
    async (sdk, { room, guest, token }) => {
      const client = new sdk.RoomClient({ url: location.origin });
      window.host = client;
      const who = { name: 'Hana', ...(token ? { token } : { guest }) };
      await client.join({ room, kind: 'broadcast', role: 'host', ...who });
      await client.publish('camera', await sdk.openCamera());
      await client.publish('microphone', await sdk.openMicrophone());
    },
    { room, guest: hana, token },
  );
  return page;
}

const goLive = (host: Page) => host.evaluate(() => window.host?.broadcast.goLive());
const end = (host: Page) => host.evaluate(() => window.host?.broadcast.end());
const addressOf = (server: string, room: string, query = '') => `${server}/b/${encodeURIComponent(room)}${query}`;

/** What stands where there is no picture. */
const notice = (page: Page, words: string) => page.getByRole('heading', { name: words, exact: true });
const largeVideo = (page: Page) => page.locator('.main-picture .tile:not(.corner) video');
const width = (page: Page) => largeVideo(page).evaluate((video: HTMLVideoElement) => video.videoWidth);
const isLive = async (page: Page) => (await page.locator('.main-picture .tile.playing').count()) > 0;

describe.skipIf(!hasChromium)('a viewer of a broadcast', () => {
  // Otherwise a consumer that nobody watches, and a layer that is no longer demanded, are kept for ten seconds.
  const weir = useServer({}, { consumerLinger: 500, layerLinger: { upper: 3000 } });
  const chromium = useChromium(() => launchChromium({ devices: 'fps=15' }), { [Symbol.dispose]: () => {} });

  async function watch(room: string, query = '?name=Vera', viewport = { width: 1280, height: 800 }): Promise<Page> {
    const page = await (await chromium.browser.newContext({ viewport })).newPage();
    await page.addInitScript(() => {
      const opened: MediaStreamTrack[] = [];
      window.opened = opened;
      const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = async (wish) => {
        const stream = await open(wish);
        opened.push(...stream.getTracks());
        return stream;
      };
    });
    await page.goto(addressOf(weir.url, room, query));
    return page;
  }
  /** The devices that the page has opened, and whether they still run. */
  const devices = (page: Page) =>
    page.evaluate(() => (window.opened ?? []).map(({ kind, readyState }) => `${kind} ${readyState}`).sort());
  const host = (room: string) => hostOf(chromium.browser, weir.url, room);
  const hands = (page: Page) => page.evaluate(() => window.host?.broadcast.hands.first ?? []);
  const inviteFirst = (page: Page) =>
    page.evaluate(async () => {
      const [hand] = window.host?.broadcast.hands.first ?? [];
      if (hand) await window.host?.broadcast.invite(hand.peerId);
    });

  test('is in by itself and waits; goes live, is held up, comes back and ends, all without a reload', async () => {
    const page = await watch('scenes');
    await notice(page, 'The broadcast has not begun yet').waitFor();
    await page.evaluate(() => Object.assign(window, { sameDocument: true }));
    const first = await host('scenes');
    await notice(page, 'The broadcast has not begun yet').waitFor();
    expect(await violationsOn(page)).toEqual([]);
    await goLive(first);
    await eventually(() => isLive(page)).toBe(true);
    await page.locator('.live-badge').waitFor();
    expect(await violationsOn(page)).toEqual([]);
    // Viewers' devices are not opened.
    expect(await devices(page)).toEqual([]);
    await eventually(() => newsOn(page)).toContain('The broadcast is live.');
    await first.evaluate(() => window.host?.leave());
    await notice(page, 'The host will be back in a moment').waitFor();
    // The notice is shown over the last frame.
    expect(await page.locator('.main-picture canvas.last-frame').isVisible()).toBe(true);
    const second = await host('scenes');
    await eventually(() => isLive(page)).toBe(true);
    await eventually(() => notice(page, 'The host will be back in a moment').isVisible()).toBe(false);
    await end(second);
    await notice(page, 'The broadcast has ended').waitFor();
    await eventually(() => page.locator('.player-overlay').textContent()).toMatch(/on air for 0:\d\d/);
    await eventually(() => newsOn(page)).toContain('The broadcast has ended');
    expect(await page.evaluate(() => 'sameDocument' in window)).toBe(true);
  });

  test('starts muted, and has sound after a tap; the volume and the key mute as well', async () => {
    const stage = await host('sound');
    await goLive(stage);
    const page = await watch('sound');
    const voices = () =>
      page
        .locator('audio')
        .evaluateAll((voices: HTMLAudioElement[]) =>
          voices.map(({ muted, paused, volume }) => ({ muted, paused, volume })),
        );
    await eventually(voices).toEqual([{ muted: true, paused: false, volume: 1 }]);
    const tap = button(page, 'Tap to unmute');
    await tap.click();
    await eventually(voices).toEqual([{ muted: false, paused: false, volume: 1 }]);
    await eventually(() => tap.isVisible()).toBe(false);
    await eventually(
      async () => (await statsOf(page)).find(({ source }) => source === 'microphone')?.packets ?? 0,
    ).toBeGreaterThan(20);
    await page.keyboard.press('m');
    await eventually(voices).toMatchObject([{ muted: true }]);
    await page.getByRole('slider', { name: 'Volume' }).fill('0.5');
    await eventually(voices).toEqual([{ muted: false, paused: false, volume: 0.5 }]);
  });

  test('stays muted where the browser refuses sound', async () => {
    const stage = await host('refused');
    await goLive(stage);
    const page = await watch('refused');
    await page.evaluate(() => {
      HTMLAudioElement.prototype.play = () => Promise.reject(new DOMException('', 'NotAllowedError'));
    });
    await eventually(() => page.locator('audio').count()).toBe(1);
    await button(page, 'Turn sound on').click();
    await button(page, 'Tap to unmute').waitFor();
    expect(await page.locator('audio').evaluate((voice: HTMLAudioElement) => voice.muted)).toBe(true);
  });

  test('chooses a quality: low is small whatever the window, auto brings the size back', async () => {
    const stage = await host('quality');
    await goLive(stage);
    const page = await watch('quality');
    // Layers that nobody watches are not sent. The statistics have the size of the largest layer that is.
    const sent = () =>
      stage.evaluate(
        async () => (await window.host?.getStats())?.find(({ source }) => source === 'camera')?.frameWidth ?? 0,
      );
    await eventually(sent, 'the width that is sent').toBeGreaterThan(320);
    await eventually(() => width(page), 'the width of a large picture').toBeGreaterThan(320);
    await choose(page, 'Quality and settings', 'Low');
    await eventually(sent, 'the width that is sent').toBe(320);
    await eventually(() => width(page), 'the width of a small picture').toBe(320);
    await choose(page, 'Quality and settings', 'Auto');
    await eventually(sent, 'the width that is sent').toBeGreaterThan(320);
    await eventually(() => width(page), 'the width of a large picture').toBeGreaterThan(320);
  });

  test('of a page that is hidden takes no pictures', async () => {
    const stage = await host('hidden');
    await goLive(stage);
    const page = await watch('hidden');
    await eventually(() => isLive(page)).toBe(true);
    const film = async () => (await statsOf(page)).some(({ source }) => source === 'camera');
    const hide = (hidden: boolean) =>
      page.evaluate((value) => {
        Object.defineProperty(document, 'hidden', { value, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      }, hidden);
    await hide(true);
    await eventually(film).toBe(false);
    await hide(false);
    await eventually(film).toBe(true);
  });

  test('says how far behind it is, and in the menu how well it comes', async () => {
    const stage = await host('figures');
    await goLive(stage);
    const page = await watch('figures');
    const behind = page.locator('button.playback-stats');
    await eventually(() => behind.textContent()).toMatch(/\d\.\d s behind/);
    await behind.click();
    const rows = () => page.locator('.playback-stats-list').innerText();
    await eventually(rows).toMatch(/Resolution\s+\d+ × \d+/);
    await eventually(rows).toMatch(/Bitrate\s+[\d,]+ kbit\/s/);
  });

  test('raises a hand with a name, comes onto the stage, is seen there, and leaves it with everything off', async () => {
    const stage = await host('stage');
    await goLive(stage);
    const [page, other] = [await watch('stage', ''), await watch('stage', '?name=Otto')];
    await button(page, 'Raise hand').click();
    await page.getByRole('textbox', { name: 'Your name' }).fill('Vera');
    await page.keyboard.press('Enter');
    await eventually(async () => (await hands(stage)).map(({ name }) => name)).toEqual(['Vera']);
    await button(page, 'Lower hand').click();
    await eventually(() => hands(stage)).toEqual([]);
    // The name is known by now.
    await button(page, 'Raise hand').click();
    await eventually(() => hands(stage)).toHaveLength(1);
    await inviteFirst(stage);
    await page.getByRole('dialog', { name: 'Hana invites you onto the stage' }).waitFor();
    expect(await violationsOn(page)).toEqual([]);
    await button(page, 'Join the stage').click();
    await page.locator('.strip .tile.local.playing').waitFor();
    // Whoever talks with others hears them.
    expect(
      await page
        .locator('audio')
        .first()
        .evaluate((voice: HTMLAudioElement) => voice.muted),
    ).toBe(false);
    const seen = async (where: Page) =>
      (await statsOf(where)).filter(
        ({ direction, source, frames = 0 }) => direction === 'receive' && source === 'camera' && frames > 5,
      ).length;
    await eventually(() => seen(other), 'films that another viewer decodes').toBe(2);
    await other.locator('.strip .tile.participant').getByText('Vera').waitFor();
    await button(page, 'Leave the stage').click();
    await eventually(() => other.locator('.strip .tile').count()).toBe(0);
    await button(page, 'Raise hand').waitFor();
    await eventually(() => page.locator('.tile.local').count()).toBe(0);
    await eventually(() => page.evaluate(() => window.weir?.sources)).toEqual({});
    await eventually(() => devices(page)).toEqual(['audio ended', 'video ended']);
  });

  test('is sent back by the host with everything off, and may say no', async () => {
    const stage = await host('back');
    await goLive(stage);
    const page = await watch('back');
    await button(page, 'Raise hand').click();
    await eventually(() => hands(stage)).toHaveLength(1);
    await inviteFirst(stage);
    await button(page, 'Not now').click();
    await eventually(() => hands(stage)).toEqual([]);
    // The hand is down with that.
    await button(page, 'Raise hand').click();
    await eventually(() => hands(stage)).toHaveLength(1);
    await inviteFirst(stage);
    await page.getByRole('switch', { name: 'Camera' }).uncheck();
    await button(page, 'Join the stage').click();
    await eventually(() => page.evaluate(() => window.weir?.sources)).toEqual({ microphone: 'live' });
    expect(await devices(page)).toEqual(['audio live']);
    await stage.evaluate(async () => {
      const [guest] = window.host?.peers ?? [];
      if (guest) await window.host?.setGrants(guest.peerId, { canPublish: false });
    });
    await button(page, 'Raise hand').waitFor();
    await eventually(() => newsOn(page)).toContain('You are watching again. Camera and microphone are off.');
    expect(await devices(page)).toEqual(['audio ended']);
  });

  test('says that there is no way to the server, and tries again', async () => {
    const page = await (await chromium.browser.newContext()).newPage();
    let reachable = false;
    await page.routeWebSocket(/\/ws$/, (socket) => {
      if (reachable) socket.connectToServer();
      else void socket.close();
    });
    await page.goto(addressOf(weir.url, 'unreachable'));
    await notice(page, 'The broadcast cannot be opened').waitFor();
    reachable = true;
    await button(page, 'Try again').click();
    await notice(page, 'The broadcast has not begun yet').waitFor();
  });

  test('does everything by keyboard: full screen, the menu, the way out', async () => {
    const stage = await host('keys');
    await goLive(stage);
    const page = await watch('keys');
    await eventually(() => isLive(page)).toBe(true);
    await page.keyboard.press('f');
    await eventually(() => page.evaluate(() => document.fullscreenElement?.className ?? '')).toContain('viewer');
    await page.keyboard.press('f');
    await eventually(() => page.evaluate(() => document.fullscreenElement)).toBeNull();
    const leave = button(page, 'Leave');
    await eventually(async () => {
      await page.keyboard.press('Tab');
      return hasFocus(leave);
    }).toBe(true);
    await page.keyboard.press('Enter');
    await notice(page, 'You left the broadcast').waitFor();
    await button(page, 'Watch again').click();
    await eventually(() => isLive(page)).toBe(true);
  });

  test('fits into windows 320, 390 and 1440 pixels wide', async () => {
    await goLive(await host('wide'));
    for (const wide of [320, 390, 1440]) {
      const page = await watch('wide', '?name=Vera', { width: wide, height: 700 });
      await eventually(() => isLive(page), `a picture ${wide} pixels wide`).toBe(true);
      const outside = () =>
        page.evaluate(() =>
          [...document.querySelectorAll('.viewer :is(button, .main-picture, h1)')]
            .filter((one) => one.checkVisibility())
            .map((one) => one.getBoundingClientRect())
            .filter(({ left, right, bottom }) => left < 0 || right > innerWidth || bottom > innerHeight),
        );
      expect.soft(await outside(), `${wide}`).toEqual([]);
      expect.soft(await scrolls(page), `${wide}`).toBe(false);
      expect.soft(await overflowOf(page), `${wide}`).toEqual([]);
      await page.close();
    }
  });
});

describe.skipIf(!hasChromium)('a viewer of a broadcast with tokens', () => {
  const weir = useServer(withTokens);
  const chromium = useChromium(() => launchChromium({ devices: 'fps=15' }), { [Symbol.dispose]: () => {} });

  test('is asked for a token where the address has none, and watches with one', async () => {
    const room = 'tokens';
    const page = await (await chromium.browser.newContext()).newPage();
    await page.goto(addressOf(weir.url, room));
    await page.getByLabel('Access token').fill('nonsense');
    await button(page, 'Watch').click();
    await page.getByRole('alert').filter({ hasText: 'This server does not accept that token.' }).waitFor();
    const viewer = await weir.token(room, 'vera', { canPublish: false, broadcast: true });
    await page.getByLabel('Access token').fill(viewer);
    await button(page, 'Watch').click();
    await notice(page, 'The broadcast has not begun yet').waitFor();
    const admin = await weir.token(room, 'hana', { roomAdmin: true, broadcast: true });
    const stage = await hostOf(chromium.browser, weir.url, room, admin);
    await goLive(stage);
    await eventually(() => isLive(page)).toBe(true);
    const again = await (await chromium.browser.newContext()).newPage();
    const other = await weir.token(room, 'otto', { canPublish: false, broadcast: true });
    await again.goto(addressOf(weir.url, room, `#token=${other}`));
    await eventually(() => isLive(again)).toBe(true);
  });
});

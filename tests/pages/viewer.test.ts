/** The viewer's page of a broadcast: waiting, live, sound, quality, the way onto the stage and back. */
import type { JSHandle, Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import type { RoomClient } from '../../web/client/index.ts';
import { violationsOn } from '../support/axe.ts';
import { camera, microphone } from '../support/broadcast.ts';
import type { TestClient } from '../support/client.ts';
import { hasChromium } from '../support/equipment.ts';
import { fakeContext } from '../support/fakeClient/fakeClient.ts';
import { overflowOf, scrolls } from '../support/overflow.ts';
import { eventually } from '../support/people.ts';
import { statsOf } from '../support/tiles.ts';
import { appears, button, choose, hasFocus, newsOn, setHidden, useChromium } from '../support/visit.ts';
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

const goLive = (host: TestClient) => host.request('setBroadcast', { live: true });
const addressOf = (server: string, room: string, query = '') => `${server}/b/${encodeURIComponent(room)}${query}`;

/** What stands where there is no picture. */
const notice = (page: Page, words: string) => page.getByRole('heading', { name: words, exact: true });
const largeVideo = (page: Page) => page.locator('.main-picture .tile:not(.corner) video');
const width = (page: Page) => largeVideo(page).evaluate((video: HTMLVideoElement) => video.videoWidth);
const isLive = async (page: Page) => (await page.locator('.main-picture .tile.playing').count()) > 0;

/** Contrast (WCAG 2) of a text with its background, which may be translucent, on this grey. */
function contrastOn(ground: number, color: string, background: string): number {
  const numbers = (css: string) => (css.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (channels: readonly number[]) => {
    const [red = 0, green = 0, blue = 0] = channels.map((channel) =>
      channel <= 10.31 ? channel / 3294.6 : ((channel / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [, , , alpha = 1] = numbers(background);
  const behind = numbers(background)
    .slice(0, 3)
    .map((channel) => channel * alpha + ground * (1 - alpha));
  const [dark = 0, light = 0] = [luminance(behind), luminance(numbers(color).slice(0, 3))].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

describe.skipIf(!hasChromium)('a viewer of a broadcast', () => {
  // Otherwise a consumer that nobody watches, and a layer that is no longer demanded, are kept for ten seconds, and raised
  // hands wait for a second.
  const weir = useServer({}, { broadcastNotify: 100, consumerLinger: 500, layerLinger: { upper: 3000 } });
  const guarded = useServer(withTokens);
  const chromium = useChromium(() => launchChromium({ devices: 'fps=15' }), { [Symbol.dispose]: () => {} });

  /** A viewer's page. @param media whether it has real media, not the fake client's */
  async function watch(room: string, query = '?name=Vera', media = false): Promise<Page> {
    const context = await (media ? chromium.browser.newContext() : fakeContext(chromium.browser));
    const page = await context.newPage();
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

  /** A host without a browser, who publishes a camera and a microphone. */
  async function hostOf(room: string): Promise<TestClient> {
    const { client } = await weir.join({ room, name: 'Hana', kind: 'broadcast', role: 'host', guest: hana });
    await Promise.all([client.request('produce', camera), client.request('produce', microphone)]);
    return client;
  }
  /** A host who is live. */
  async function onAir(room: string): Promise<TestClient> {
    const host = await hostOf(room);
    await goLive(host);
    return host;
  }
  /** Waits for a raised hand. @returns its peer id */
  async function handOf(host: TestClient): Promise<string> {
    const { first } = await host.event('handsChanged', ({ total }) => total > 0);
    return first[0]?.peerId ?? '';
  }

  test('sees and hears a live broadcast, in the quality that it chooses', async () => {
    const stage = await (await chromium.browser.newContext()).newPage();
    await stage.goto(weir.url);
    const sdk: JSHandle<typeof import('../../web/client/index.ts')> = await stage.evaluateHandle("import('/sdk.js')");
    await sdk.evaluate(async (sdk, guest) => {
      const client = new sdk.RoomClient({ url: location.origin });
      window.host = client;
      await client.join({ room: 'media', kind: 'broadcast', role: 'host', name: 'Hana', guest });
      await client.publish('camera', await sdk.openCamera());
      await client.publish('microphone', await sdk.openMicrophone());
      await client.broadcast.goLive();
    }, hana);
    const page = await watch('media', '?name=Vera', true);
    await eventually(() => isLive(page)).toBe(true);
    await button(page, 'Tap to unmute').click();
    const microphonePackets = async () =>
      (await statsOf(page)).find(({ source }) => source === 'microphone')?.packets ?? 0;
    await eventually(microphonePackets).toBeGreaterThan(20);

    const behind = page.locator('button.playback-stats');
    await eventually(() => behind.textContent()).toMatch(/\d\.\d s behind/);
    await behind.click();
    const rows = () => page.locator('.playback-stats-list').innerText();
    await eventually(rows).toMatch(/Resolution\s+\d+ × \d+/);
    await eventually(rows).toMatch(/Bitrate\s+[\d,]+ kbit\/s/);
    await page.keyboard.press('Escape');

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

  test('is in by itself and waits; goes live, is held up, comes back and ends, all without a reload', async () => {
    const page = await watch('scenes');
    await appears(notice(page, 'The broadcast has not begun yet'));
    await page.evaluate(() => Object.assign(window, { sameDocument: true }));
    const first = await hostOf('scenes');
    await appears(notice(page, 'The broadcast has not begun yet'));
    expect(await violationsOn(page)).toEqual([]);
    await goLive(first);
    await eventually(() => isLive(page)).toBe(true);
    await appears(page.locator('.live-badge'));
    expect(await violationsOn(page)).toEqual([]);
    // Viewers' devices are not opened.
    expect(await devices(page)).toEqual([]);
    await eventually(() => newsOn(page)).toContain('The broadcast is live.');
    await first.request('leave', {});
    await appears(notice(page, 'The host will be back in a moment'));
    // The notice is shown over the last frame.
    expect(await page.locator('.main-picture canvas.last-frame').isVisible()).toBe(true);
    const second = await hostOf('scenes');
    await eventually(() => isLive(page)).toBe(true);
    await eventually(() => notice(page, 'The host will be back in a moment').isVisible()).toBe(false);
    await second.request('setBroadcast', { live: false });
    await appears(notice(page, 'The broadcast has ended'));
    await eventually(() => page.locator('.player-overlay').textContent()).toMatch(/on air for 0:\d\d/);
    await eventually(() => newsOn(page)).toContain('The broadcast has ended');
    expect(await page.evaluate(() => 'sameDocument' in window)).toBe(true);
  });

  test('starts muted, and has sound after a tap; the volume and the key mute as well', async () => {
    await onAir('sound');
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
    await page.keyboard.press('m');
    await eventually(voices).toMatchObject([{ muted: true }]);
    await page.getByRole('slider', { name: 'Volume' }).fill('0.5');
    await eventually(voices).toEqual([{ muted: false, paused: false, volume: 0.5 }]);
  });

  test('stays muted where the browser refuses sound', async () => {
    await onAir('refused');
    const page = await watch('refused');
    await page.evaluate(() => {
      HTMLAudioElement.prototype.play = () => Promise.reject(new DOMException('', 'NotAllowedError'));
    });
    await eventually(() => page.locator('audio').count()).toBe(1);
    await button(page, 'Turn sound on').click();
    await appears(button(page, 'Tap to unmute'));
    expect(await page.locator('audio').evaluate((voice: HTMLAudioElement) => voice.muted)).toBe(true);
  });

  test('of a stage without a picture reads that there is only sound, whatever the words lie on', async () => {
    const { client: host } = await weir.join({ room: 'sound', name: 'Hana', kind: 'broadcast', role: 'host' });
    await host.request('produce', microphone);
    await goLive(host);
    const page = await watch('sound');
    const words = page.getByText('Sound only');
    await appears(words);
    const [color = '', background = ''] = await words.evaluate((one) => {
      const style = getComputedStyle(one);
      return [style.color, style.backgroundColor];
    });
    // The page, which is light in the light theme, and a tile, which is dark.
    for (const ground of [255, 0]) expect(contrastOn(ground, color, background)).toBeGreaterThan(4.5);
  });

  test('of a page that is hidden takes no pictures', async () => {
    await onAir('hidden');
    const page = await watch('hidden');
    await eventually(() => isLive(page)).toBe(true);
    const film = async () => (await statsOf(page)).some(({ source }) => source === 'camera');
    await setHidden(page, true);
    await eventually(film).toBe(false);
    await setHidden(page, false);
    await eventually(film).toBe(true);
  });

  test('raises a hand with a name, comes onto the stage, is seen there, and leaves it with everything off', async () => {
    const host = await onAir('stage');
    const [page, other] = await Promise.all([watch('stage', ''), watch('stage', '?name=Otto')]);
    await button(page, 'Raise hand').click();
    await page.getByRole('textbox', { name: 'Your name' }).fill('Vera');
    await page.keyboard.press('Enter');
    await host.event('handsChanged', ({ first }) => first.map(({ name }) => name).join() === 'Vera');
    await button(page, 'Lower hand').click();
    await host.event('handsChanged', ({ total }) => total === 0);
    // The name is known by now.
    await button(page, 'Raise hand').click();
    await host.request('invite', { peerId: await handOf(host) });
    await appears(page.getByRole('dialog', { name: 'Hana invites you onto the stage' }));
    expect(await violationsOn(page)).toEqual([]);
    await button(page, 'Join the stage').click();
    await appears(page.locator('.strip .tile.local.playing'));
    // Whoever talks with others hears them.
    expect(
      await page
        .locator('audio')
        .first()
        .evaluate((voice: HTMLAudioElement) => voice.muted),
    ).toBe(false);
    await appears(other.locator('.strip .tile.participant.playing').getByText('Vera'));
    await button(page, 'Leave the stage').click();
    await eventually(() => other.locator('.strip .tile').count()).toBe(0);
    await appears(button(page, 'Raise hand'));
    await eventually(() => page.locator('.tile.local').count()).toBe(0);
    await eventually(() => page.evaluate(() => window.weir?.sources)).toEqual({});
    await eventually(() => devices(page)).toEqual(['audio ended', 'video ended']);
  });

  test('is sent back by the host with everything off, and may say no', async () => {
    const host = await onAir('back');
    const page = await watch('back');
    await button(page, 'Raise hand').click();
    await host.request('invite', { peerId: await handOf(host) });
    await button(page, 'Not now').click();
    await host.event('handsChanged', ({ total }) => total === 0);
    // The hand is down with that.
    await button(page, 'Raise hand').click();
    const guest = await handOf(host);
    await host.request('invite', { peerId: guest });
    await page.getByRole('switch', { name: 'Camera' }).uncheck();
    await button(page, 'Join the stage').click();
    await eventually(() => page.evaluate(() => window.weir?.sources)).toEqual({ microphone: 'live' });
    expect(await devices(page)).toEqual(['audio live']);
    await host.request('setGrants', { peerId: guest, grants: { canPublish: false } });
    await appears(button(page, 'Raise hand'));
    await eventually(() => newsOn(page)).toContain('You are watching again. Camera and microphone are off.');
    expect(await devices(page)).toEqual(['audio ended']);
  });

  test('says that there is no way to the server, and tries again', async () => {
    const page = await (await fakeContext(chromium.browser)).newPage();
    let reachable = false;
    await page.routeWebSocket(/\/ws$/, (socket) => {
      if (reachable) socket.connectToServer();
      else void socket.close();
    });
    await page.route(/\/signalling\//, (route) => (reachable ? route.continue() : route.abort()));
    await page.goto(addressOf(weir.url, 'unreachable'));
    await appears(notice(page, 'The broadcast cannot be opened'));
    reachable = true;
    await button(page, 'Try again').click();
    await appears(notice(page, 'The broadcast has not begun yet'));
  });

  test('does everything by keyboard: full screen, the menu, the way out', async () => {
    await onAir('keys');
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
    await appears(notice(page, 'You left the broadcast'));
    await button(page, 'Watch again').click();
    await eventually(() => isLive(page)).toBe(true);
  });

  test('fits into windows 320, 390 and 1440 pixels wide', async () => {
    await onAir('wide');
    const page = await watch('wide');
    await eventually(() => isLive(page)).toBe(true);
    for (const wide of [320, 390, 1440]) {
      await page.setViewportSize({ width: wide, height: 700 });
      const outside = () =>
        page.evaluate(() =>
          [...document.querySelectorAll('.viewer :is(button, .main-picture, h1)')]
            .filter((one) => one.checkVisibility())
            .map((one) => one.getBoundingClientRect())
            .filter(({ left, right, bottom }) => left < 0 || right > innerWidth || bottom > innerHeight),
        );
      await expect.poll(outside, { message: `${wide}` }).toEqual([]);
      expect.soft(await scrolls(page), `${wide}`).toBe(false);
      expect.soft(await overflowOf(page), `${wide}`).toEqual([]);
      expect(await isLive(page), `a picture ${wide} pixels wide`).toBe(true);
    }
  });

  test('is asked for a token where the address has none, and watches with one', async () => {
    const room = 'tokens';
    const page = await (await fakeContext(chromium.browser)).newPage();
    await page.goto(addressOf(guarded.url, room));
    await page.getByLabel('Access token').fill('nonsense');
    await button(page, 'Watch').click();
    await appears(page.getByRole('alert').filter({ hasText: 'This server does not accept that token.' }));
    const viewer = await guarded.token(room, 'vera', { canPublish: false, broadcast: true });
    await page.getByLabel('Access token').fill(viewer);
    await button(page, 'Watch').click();
    await appears(notice(page, 'The broadcast has not begun yet'));
    const { client: host } = await guarded.enter(
      room,
      'hana',
      { roomAdmin: true, broadcast: true },
      { kind: 'broadcast' },
    );
    await host.request('produce', camera);
    await goLive(host);
    await eventually(() => isLive(page)).toBe(true);
    const again = await (await fakeContext(chromium.browser)).newPage();
    const other = await guarded.token(room, 'otto', { canPublish: false, broadcast: true });
    await again.goto(addressOf(guarded.url, room, `#token=${other}`));
    await eventually(() => isLive(again)).toBe(true);
  });
});

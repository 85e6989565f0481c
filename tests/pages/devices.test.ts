/** Device changes during a call, keyboard shortcuts, theme and language. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { hasChromium } from '../support/equipment.ts';
import { fakeContext } from '../support/fakeClient/fakeClient.ts';
import { eventually, roomUrl } from '../support/people.ts';
import { receivedOf, sourcesOf } from '../support/tiles.ts';
import { appears, button, enterQuietly, expectIn } from '../support/visit.ts';
import { useServer } from '../support/weir.ts';
import { watchRequests } from '../support/wire.ts';

describe.skipIf(!hasChromium)('devices, shortcuts and looks', () => {
  const weir = useServer();
  let browser: Browser;

  beforeAll(async () => {
    // The second of Chromium's fake cameras sees depth, which no video codec takes.
    browser = await launchChromium({ devices: 'device-count=3,fps=10', refusesSound: true });
  });
  afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));
  afterAll(() => browser.close());

  /** Alice, whose devices run, and the requests that she has sent. Her page ends with the test. */
  async function enter(room: string, context = fakeContext(browser)): Promise<{ alice: Page; requests: string[] }> {
    const alice = await (await context).newPage();
    const requests = await watchRequests(alice);
    await alice.goto(roomUrl(weir.url, room, 'Alice'));
    await expectIn(alice);
    await eventually(() => sourcesOf(alice)).toEqual({ camera: 'live', microphone: 'live' });
    return { alice, requests };
  }

  /** Alice, and Bob, who sees and hears her. */
  async function pair(room: string): Promise<{ alice: Page; bob: Page; requests: string[]; aliceId: string }> {
    const bob = await enterQuietly(await browser.newContext(), roomUrl(weir.url, room, 'Bob'));
    const { alice, requests } = await enter(room, browser.newContext());
    const aliceId = (await alice.evaluate(() => window.weir?.peerId)) ?? '';
    await eventually(async () => (await receivedOf(bob, aliceId, 'camera'))?.frames).toBeGreaterThan(5);
    await eventually(async () => (await receivedOf(bob, aliceId, 'microphone'))?.packets).toBeGreaterThan(5);
    return { alice, bob, requests, aliceId };
  }

  /** Requests that somebody asked for; a page on a busy machine looks after its connections besides. */
  const asked = (requests: readonly string[]) =>
    requests.filter((name) => name !== 'ping' && name !== 'getTransportStats');

  /** Which device a source of the page comes from, and whether its track runs and sounds. */
  const sent = (page: Page) =>
    page.evaluate(() => {
      const of = (source: 'camera' | 'microphone') => {
        const track = window.weir?.localTrack(source);
        return { label: track?.label, state: track?.readyState, enabled: track?.enabled };
      };
      return { camera: of('camera'), microphone: of('microphone') };
    });
  /** The tracks of Alice that a page has: they are the same as long as her producers are. */
  const tracksAt = (page: Page) =>
    page.evaluate(() => window.weir?.peers.flatMap(({ tracks }) => [...tracks.values()].map(({ id }) => id)).sort());

  async function choose(page: Page, menu: string, device: string): Promise<void> {
    await button(page, menu).click();
    const choice = page.getByRole('menuitemradio', { name: device, exact: true });
    expect(await choice.getAttribute('aria-checked')).toBe('false');
    await choice.click();
  }

  test('another camera and another microphone are sent at once, without a break for the others, and are those of the next visit', async () => {
    const { alice, bob, requests, aliceId } = await pair('switch');
    const live = { state: 'live', enabled: true };
    await expect
      .poll(() => sent(alice))
      .toMatchObject({ camera: { label: 'fake_device_0', ...live }, microphone: live });
    const [tracks, before] = [await tracksAt(bob), asked(requests)];

    await choose(alice, 'Choose camera', 'fake_device_2');
    await expect.poll(() => sent(alice)).toMatchObject({ camera: { label: 'fake_device_2', ...live } });
    await choose(alice, 'Choose microphone and speaker', 'Fake Audio Input 2');
    await expect.poll(() => sent(alice)).toMatchObject({ microphone: { label: 'Fake Audio Input 2', ...live } });

    const seen = async () => (await receivedOf(bob, aliceId, 'camera'))?.frames ?? 0;
    const heard = async () => (await receivedOf(bob, aliceId, 'microphone'))?.packets ?? 0;
    const [frames, packets] = [await seen(), await heard()];
    await eventually(seen).toBeGreaterThan(frames + 10);
    await eventually(heard).toBeGreaterThan(packets + 30);
    expect(await tracksAt(bob)).toEqual(tracks);
    expect(asked(requests)).toEqual(before);
    await button(alice, 'Choose camera').click();
    const chosen = alice.getByRole('menuitemradio', { checked: true });
    expect(await chosen.filter({ visible: true }).allTextContents()).toEqual(['fake_device_2']);

    await alice.reload();
    await eventually(() => sent(alice)).toMatchObject({
      camera: { label: 'fake_device_2', state: 'live' },
      microphone: { label: 'Fake Audio Input 2', state: 'live' },
    });
  });

  test('M, V and S do what their buttons say, and who is muted stays muted with another microphone', async () => {
    const { client: bob } = await weir.join({ room: 'keys', name: 'Bob' });
    const { alice } = await enter('keys');
    const bar = alice.getByRole('toolbar');
    for (const [key, before, after] of [
      ['m', 'Mute', 'Unmute'],
      ['V', 'Stop camera', 'Start camera'],
      ['s', 'Share screen', 'Stop sharing'],
    ] as const) {
      expect(await button(bar, before).getAttribute('aria-keyshortcuts')).toBe(key.toUpperCase());
      await alice.keyboard.press(key);
      await appears(button(bar, after));
      if (key === 's') await bob.event('peerSources', ({ sources }) => sources.screen === 'live');
      await alice.keyboard.press(key);
      await appears(button(bar, before));
    }
    await button(alice, 'Mute').click();
    await choose(alice, 'Choose microphone and speaker', 'Fake Audio Input 1');
    await expect
      .poll(() => sent(alice))
      .toMatchObject({ microphone: { label: 'Fake Audio Input 1', state: 'live', enabled: false } });
    await appears(button(alice, 'Unmute'));
    await button(alice, 'Unmute').click();
    await expect.poll(() => sent(alice)).toMatchObject({ microphone: { enabled: true } });
  });

  test('no shortcut fires while typing, with a modifier, or in a menu; presses in quick succession end as the last one wants it', async () => {
    const { alice, requests } = await enter('typing');
    await appears(button(alice, 'Mute'));
    const before = asked(requests);
    await alice.evaluate(() => {
      const editable = Object.assign(document.createElement('div'), { contentEditable: 'true' });
      document.body.prepend(document.createElement('input'), document.createElement('textarea'), editable);
    });
    for (const field of ['input', 'textarea', 'div[contenteditable]']) {
      await alice.locator(field).first().focus();
      await alice.keyboard.type('MVSmvs');
    }
    expect(await alice.locator('input').first().inputValue()).toBe('MVSmvs');
    await alice.locator('input').first().blur();
    for (const modifier of ['Control', 'Alt', 'Meta']) {
      for (const key of ['m', 'v']) await alice.keyboard.press(`${modifier}+${key}`);
    }
    await button(alice, 'More').click();
    await alice.keyboard.press('v');
    await alice.keyboard.press('Escape');
    // What had fired would have been sent before this.
    await alice.keyboard.press('m');
    await appears(button(alice, 'Unmute'));
    await expect.poll(() => asked(requests).slice(before.length)).toEqual(['pauseProducer']);
    await appears(button(alice, 'Stop camera'));
    expect(await button(alice, 'Share screen').isVisible()).toBe(true);

    const state = () =>
      alice.evaluate(() => [window.weir?.sources.microphone, window.weir?.localTrack('microphone')?.enabled]);
    await eventually(state).toEqual(['paused', false]);
    for (const [presses, wanted] of [
      [3, ['live', true]],
      [2, ['live', true]],
      [5, ['paused', false]],
      [4, ['paused', false]],
    ] as const) {
      for (let press = 0; press < presses; press += 1) await alice.keyboard.press('m');
      await eventually(state).toEqual(wanted);
    }
  });

  /** How light the page is, 0 to 255. */
  const lightness = (page: Page) =>
    page.evaluate(() => {
      const [red = 0, green = 0, blue = 0] = getComputedStyle(document.body).backgroundColor.match(/\d+/g) ?? [];
      return (Number(red) + Number(green) + Number(blue)) / 3;
    });

  test('light, dark and Korean are chosen behind "More", and hold after a reload', async () => {
    const context = await fakeContext(browser, { colorScheme: 'dark', locale: 'en-GB' });
    const page = await enterQuietly(context, roomUrl(weir.url, 'looks', 'Alice'));
    const choose = async (more: string, choice: string) => {
      await button(page, more).click();
      await page.getByRole('menuitemradio', { name: choice }).click();
    };
    expect(await lightness(page)).toBeLessThan(40);
    await choose('More', 'Light');
    await expect.poll(() => lightness(page)).toBeGreaterThan(215);
    await page.reload();
    await expectIn(page);
    expect(await lightness(page)).toBeGreaterThan(215);
    await choose('More', 'Dark');
    await page.emulateMedia({ colorScheme: 'light' });
    expect(await lightness(page)).toBeLessThan(40);
    await choose('More', 'As the system');
    await expect.poll(() => lightness(page)).toBeGreaterThan(215);

    expect(await page.locator('html').getAttribute('lang')).toBe('en');
    await choose('More', '한국어');
    await appears(button(page, '나가기'));
    await page.reload();
    await appears(button(page, '나가기'));
    expect(await page.locator('html').getAttribute('lang')).toBe('ko');
    expect(await page.getByText('아직 다른 사람이 없습니다.').isVisible()).toBe(true);
    await expectIn(page);
    await choose('더 보기', 'English');
    await appears(button(page, 'Leave'));
  });

  test("the browser's language is the page's, where it is one of ours", async () => {
    const page = await (await browser.newContext({ locale: 'ko-KR' })).newPage();
    await page.goto(weir.url);
    await appears(button(page, '방 열기'));
    const other = await (await browser.newContext({ locale: 'fr-FR' })).newPage();
    await other.goto(weir.url);
    await appears(button(other, 'Open room'));
  });
});

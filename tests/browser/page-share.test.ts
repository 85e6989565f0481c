/** Owns the proof of what one who shares a screen is told, and how the share is encoded. */
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { hasChromium } from '../support/chromium.ts';
import { eventually, roomUrl } from '../support/people.ts';
import { button, enterQuietly, launchChromiumWith } from '../support/visit.ts';
import { useServer } from '../support/weir.ts';

describe.skipIf(!hasChromium)('sharing a screen', () => {
  const weir = useServer();
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromiumWith(['--use-fake-device-for-media-stream=fps=10', '--auto-accept-this-tab-capture']);
  });
  afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));
  afterAll(() => browser.close());

  test('a shared screen is encoded for text when it is silent and for motion when it sounds, and can be changed', async () => {
    const alice = await enterQuietly(await browser.newContext(), roomUrl(weir.url, 'hints', 'Alice'));
    const hint = () => alice.evaluate(() => window.weir?.localTrack('screen')?.contentHint);
    await button(alice.getByRole('toolbar'), 'Share screen').click();
    await eventually(hint).toMatch(/detail|motion/);
    const sounds = await alice.evaluate(() => window.weir?.localTrack('screenAudio') !== undefined);
    expect(await hint()).toBe(sounds ? 'motion' : 'detail');
    for (const [choice, wanted] of [
      ['Shared screen: sharp text', 'detail'],
      ['Shared screen: smooth motion', 'motion'],
      ['Shared screen: sharp text', 'detail'],
    ] as const) {
      await button(alice, 'More').click();
      await alice.getByRole('menuitemradio', { name: choice, exact: true }).click();
      expect(await hint()).toBe(wanted);
    }
  });

  test('one who shares a screen is told so as long as it lasts', async () => {
    const alice = await enterQuietly(await browser.newContext(), roomUrl(weir.url, 'told', 'Alice'));
    const told = alice.getByRole('status').filter({ hasText: 'You are sharing your screen.' });
    await button(alice.getByRole('toolbar'), 'Share screen').click();
    await told.waitFor();
    await button(told, 'Stop sharing').click();
    await told.waitFor({ state: 'hidden' });
    expect(await alice.evaluate(() => window.weir?.sources)).toEqual({});
  });
});

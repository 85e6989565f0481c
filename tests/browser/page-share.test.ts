/** Owns the proof of what one who shares a screen is told, and how the share is encoded. */
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { hasChromium } from '../support/equipment.ts';
import { eventually, roomUrl } from '../support/people.ts';
import { button, enterQuietly } from '../support/visit.ts';
import { useServer } from '../support/weir.ts';

describe.skipIf(!hasChromium)('sharing a screen', () => {
  const weir = useServer();
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium({ devices: 'fps=10', refusesSound: true });
  });
  afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));
  afterAll(() => browser.close());

  test('a shared screen is sharp, whether it sounds or not, unless its owner chooses', async () => {
    const alice = await enterQuietly(await browser.newContext(), roomUrl(weir.url, 'hints', 'Alice'));
    const hint = () => alice.evaluate(() => window.weir?.localTrack('screen')?.contentHint);
    await button(alice.getByRole('toolbar'), 'Share screen').click();
    await eventually(hint).toBe('detail');
    for (const [choice, wanted] of [
      ['Shared screen: smooth motion', 'motion'],
      ['Shared screen: sharp text', 'detail'],
      ['Shared screen: smooth motion', 'motion'],
      ['Shared screen: sharp, and smooth for films', 'detail'],
    ] as const) {
      await button(alice, 'More').click();
      await alice.getByRole('menuitemradio', { name: choice, exact: true }).click();
      await eventually(hint).toBe(wanted);
    }
    await button(alice, 'More').click();
    const chosen = alice.getByRole('menuitemradio', { name: /^Shared screen/, checked: true });
    expect(await chosen.textContent()).toBe('Shared screen: sharp, and smooth for films');

    // A choice is for one share: the next one is decided by its picture again, and the menu says so.
    await alice.getByRole('menuitemradio', { name: 'Shared screen: smooth motion', exact: true }).click();
    await eventually(hint).toBe('motion');
    await button(alice.getByRole('toolbar'), 'Stop sharing').click();
    await eventually(hint).toBeUndefined();
    await button(alice.getByRole('toolbar'), 'Share screen').click();
    await eventually(hint).toBe('detail');
    await button(alice, 'More').click();
    expect(await chosen.textContent()).toBe('Shared screen: sharp, and smooth for films');
  });

  test('a film that is shared is smooth, and a slide after it is sharp again', async () => {
    const alice = await enterQuietly(await browser.newContext(), roomUrl(weir.url, 'film', 'Alice'));
    await enterQuietly(await browser.newContext(), roomUrl(weir.url, 'film', 'Bob'));
    await alice.evaluate(async () => {
      const canvas = document.createElement('canvas');
      const brush = canvas.getContext('2d');
      Object.assign(canvas, { width: 640, height: 360 });
      const paint = () => {
        for (let part = 0; brush && part < 40; part += 1) {
          brush.fillStyle = `hsl(${Math.random() * 360} 80% 50%)`;
          brush.fillRect(Math.random() * 640, Math.random() * 360, 60, 60);
        }
      };
      paint();
      const [track] = canvas.captureStream().getVideoTracks();
      if (track) await window.weir?.publish('screen', track);
      const film = setInterval(paint, 33);
      addEventListener('over', () => clearInterval(film));
    });
    const hint = () => alice.evaluate(() => window.weir?.localTrack('screen')?.contentHint);
    expect(await hint()).toBe('detail');
    await eventually(hint).toBe('motion');
    await alice.evaluate(() => dispatchEvent(new Event('over')));
    await eventually(hint).toBe('detail');
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

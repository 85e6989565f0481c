/** Accessibility of start page, lobby and call: axe-core, and every control inside the window. */
import type { BrowserContextOptions, Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { violationsOn } from '../support/axe.ts';
import { hasChromium } from '../support/equipment.ts';
import { fakeContext } from '../support/fakeClient/fakeClient.ts';
import { overflowOf, scrolls } from '../support/overflow.ts';
import { eventually, roomUrl } from '../support/people.ts';
import { appears, button, colourOf, expectIn, openLobby, tile, useChromium } from '../support/visit.ts';
import { useServer } from '../support/weir.ts';

interface Size {
  readonly width: number;
  readonly height: number;
}
const phone: Size = { width: 320, height: 640 };
const desk: Size = { width: 1280, height: 800 };

/** Checks the page as it is now. @param state what it shows, for the message */
type Check = (state: string) => Promise<void>;

describe.skipIf(!hasChromium)('a page for everybody', () => {
  const captures = new Captures();
  const weir = useServer();
  const chromium = useChromium(() => launchChromium(captures.make({ colour: 'red', tone: 500 })), captures);

  const newPage = async (options: BrowserContextOptions) => (await fakeContext(chromium.browser, options)).newPage();

  const more = (page: Page) => button(page, 'More');
  const openMenu = async (page: Page) => {
    await more(page).click();
    await appears(page.getByRole('menuitemradio', { name: 'Dark' }));
  };

  /** A menu opens beside its button and over none of it. */
  async function expectMenuBeside(page: Page): Promise<void> {
    const menu = page.getByRole('group', { name: 'More' });
    const gap = async () => {
      const [at, its] = [await more(page).boundingBox(), await menu.boundingBox()];
      if (!at || !its) throw new Error('the menu or its button is not there');
      return Math.max(its.y - (at.y + at.height), at.y - (its.y + its.height));
    };
    await expect.poll(gap).toBeGreaterThanOrEqual(0);
    expect(await gap()).toBeLessThan(24);
  }

  /** Others who have raised their hands. */
  async function joined(page: Page, room: string, names: readonly string[]): Promise<void> {
    for (const name of names) {
      const { client } = await weir.join({ room, name });
      await client.request('setHand', { raised: true });
      await appears(tile(page, name).getByRole('img', { name: 'hand raised' }));
    }
  }

  const journeys: Readonly<Record<string, (page: Page, size: Size, check: Check) => Promise<void>>> = {
    async 'the start page'(page, _size, check) {
      await page.goto(weir.url);
      await page.evaluate(() => {
        const rooms = [{ kind: 'call', room: 'a room whose name is longer than a line has place for. '.repeat(3) }];
        localStorage.setItem('weir.rooms', JSON.stringify(rooms));
      });
      await page.reload();
      await button(page, 'Open room').click();
      await appears(page.getByRole('alert'));
      await check('with a problem');
    },
    async 'a lobby'(page, _size, check) {
      await weir.join({ room: 'lobby', name: 'Bert' });
      await openLobby(page, weir.url, 'lobby');
      await appears(page.getByText('Bert is here.'));
      await eventually(() => colourOf(page.locator('video'))).toBe('red');
      await check('with a picture');
      await openMenu(page);
      await expectMenuBeside(page);
      await check('with its menu open');
    },
    async 'a lobby without devices'(page, _size, check) {
      await page.addInitScript(() => {
        const denied = () => Promise.reject(new DOMException('Permission denied', 'NotAllowedError'));
        navigator.mediaDevices.getUserMedia = denied;
      });
      await openLobby(page, weir.url, 'denied');
      await button(page, 'Join').click();
      await expect.poll(() => page.getByRole('alert').count()).toBe(2);
      await check('with errors');
    },
    async 'a call'(page, size, check) {
      const room = `call ${size.width}`;
      await page.goto(roomUrl(weir.url, room, 'Alice'));
      await expectIn(page);
      await eventually(() => colourOf(tile(page, 'You').locator('video'))).toBe('red');
      await check('alone');
      await joined(page, room, ['Bert', 'Cleo']);
      await check('of three');
      await openMenu(page);
      await expectMenuBeside(page);
      await check('with the menu "More" open');
      // A phone has the button in the menu.
      if (size !== phone) await page.keyboard.press('Escape');
      await button(page, 'People').click();
      await appears(page.getByRole('complementary', { name: 'People' }));
      await check('with the list of people open');
      await page.keyboard.press('Escape');
      await button(page, 'Chat').click();
      await page.getByRole('textbox', { name: 'Your message' }).fill('https://example.com/');
      await page.keyboard.press('Enter');
      await appears(page.locator('.chat-message.sent'));
      await check('with the chat open');
      await page.keyboard.press('Escape');
      await button(page, 'Leave').click();
      await appears(page.getByRole('heading', { name: 'You left the call' }));
      await check('after its end');
    },
  };

  /** What can be used but not reached: beyond an edge of the window, sideways also of what scrolls. */
  const outOfReach = (page: Page) =>
    page.evaluate(() => {
      const problems: string[] = [];
      const { clientWidth, scrollHeight, clientHeight } = document.documentElement;
      for (const control of document.querySelectorAll<HTMLElement>('button, input, select, a[href]')) {
        if (!control.checkVisibility({ visibilityProperty: true })) continue;
        const { left, right, top, bottom } = control.getBoundingClientRect();
        const name = control.ariaLabel ?? control.textContent?.trim() ?? control.id;
        const scrolls = scrollHeight > clientHeight || control.closest('[popover], ul') !== null;
        const sideways = left < -0.5 || right > clientWidth + 0.5;
        const upright = !scrolls && (top < -0.5 || bottom > clientHeight + 0.5);
        if (sideways || upright) problems.push(`${name}: ${[left, top, right, bottom].map(Math.round).join(' ')}`);
      }
      return problems;
    });

  const withinReach = (page: Page, state?: string) =>
    expect.poll(() => outOfReach(page), { message: state }).toEqual([]);

  describe.each(Object.entries(journeys))('%s', (_name, go) => {
    test('has no serious barrier, dark or light, every control within reach, and fills its window, 1280 wide', async () => {
      const page = await newPage({ viewport: desk, colorScheme: 'dark', reducedMotion: 'reduce' });
      await go(page, desk, async (state) => {
        await withinReach(page, state);
        expect.soft(await overflowOf(page), state).toEqual([]);
        expect.soft(await scrolls(page), state).toBe(false);
        expect.soft(await violationsOn(page), `${state}, dark`).toEqual([]);
        await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
        expect.soft(await violationsOn(page, 'colours'), `${state}, light`).toEqual([]);
        await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
      });
    });

    test('has every control within reach, and fills its window, 320 wide', async () => {
      const page = await newPage({ viewport: phone });
      await go(page, phone, async (state) => {
        await withinReach(page, state);
        expect.soft(await overflowOf(page), state).toEqual([]);
      });
    });
  });

  test('axe would find a barrier, and colours without contrast', async () => {
    const page = await newPage({ viewport: desk });
    await page.goto(weir.url);
    await page.evaluate(() => {
      const field = document.querySelector<HTMLInputElement>('#name');
      // A placeholder counts as a name where there is no label.
      field?.removeAttribute('placeholder');
      field?.labels?.forEach((label) => {
        label.remove();
      });
    });
    expect(await violationsOn(page)).toEqual([expect.stringMatching(/^label: /)]);
    await page.evaluate(() => {
      const pale = Object.assign(document.createElement('p'), { textContent: 'Pale' });
      Object.assign(pale.style, { color: 'rgb(120 120 120)', backgroundColor: 'rgb(140 140 140)' });
      document.querySelector('#app')?.replaceChildren(pale);
    });
    expect(await violationsOn(page, 'colours')).toEqual([expect.stringMatching(/^color-contrast: /)]);
  });

  test('a call follows its window when that becomes narrow, low and wide again', async () => {
    const page = await newPage({ viewport: desk });
    await page.goto(roomUrl(weir.url, 'window', 'Alice'));
    await joined(page, 'window', ['Bert', 'Cleo']);
    for (const size of [{ width: 400, height: 700 }, { width: 700, height: 400 }, desk]) {
      await page.setViewportSize(size);
      await withinReach(page);
    }
  });
});

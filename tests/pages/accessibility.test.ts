/** Accessibility of start page, lobby and call: axe-core, and every control inside the window. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { violationsOn } from '../support/axe.ts';
import { hasChromium } from '../support/equipment.ts';
import { overflowOf, scrolls } from '../support/overflow.ts';
import { eventually, roomUrl } from '../support/people.ts';
import { button, colourOf, enterQuietly, expectIn, openLobby, tile } from '../support/visit.ts';
import { useServer } from '../support/weir.ts';

interface Size {
  readonly width: number;
  readonly height: number;
}
const phone: Size = { width: 320, height: 640 };
const desk: Size = { width: 1280, height: 800 };

describe.skipIf(!hasChromium)('a page for everybody', () => {
  const captures = new Captures();
  const weir = useServer();
  let usual: Browser;
  let denied: Browser;

  beforeAll(async () => {
    [usual, denied] = await Promise.all([
      launchChromium(captures.make({ colour: 'red', tone: 500 })),
      launchChromium({ deny: true }),
    ]);
  });
  afterEach(() => Promise.all([usual, denied].flatMap((one) => one.contexts()).map((context) => context.close())));
  afterAll(async () => {
    await Promise.all([usual, denied].map((one) => one?.close()));
    captures[Symbol.dispose]();
  });

  const newPage = async (browser: Browser, viewport: Size) => (await browser.newContext({ viewport })).newPage();

  async function lobby(browser: Browser, size: Size): Promise<Page> {
    const page = await newPage(browser, size);
    await weir.join({ room: 'lobby', name: 'Bert' });
    await openLobby(page, weir.url, 'lobby');
    await page.getByText('Bert is here.').waitFor();
    return page;
  }

  /** Alice, with a face, among others who have raised their hands. */
  async function call(room: string, others: readonly string[], size: Size): Promise<Page> {
    const page = await newPage(usual, size);
    await page.goto(roomUrl(weir.url, room, 'Alice'));
    await expectIn(page);
    for (const name of others) {
      const { client } = await weir.join({ room, name });
      await client.request('setHand', { raised: true });
      await tile(page, name).getByRole('img', { name: 'hand raised' }).waitFor();
    }
    await eventually(() => colourOf(tile(page, 'You').locator('video'))).toBe('red');
    return page;
  }

  const states: Readonly<Record<string, (size: Size) => Promise<Page>>> = {
    async 'start page'(size) {
      const page = await newPage(usual, size);
      await page.goto(weir.url);
      await page.evaluate(() => {
        const rooms = [{ kind: 'call', room: 'a room whose name is longer than a line has place for. '.repeat(3) }];
        localStorage.setItem('weir.rooms', JSON.stringify(rooms));
      });
      await page.reload();
      await button(page, 'Open room').click();
      await page.getByRole('alert').waitFor();
      return page;
    },
    async lobby(size) {
      const page = await lobby(usual, size);
      await eventually(() => colourOf(page.locator('video'))).toBe('red');
      return page;
    },
    async 'lobby with its menu open'(size) {
      const page = await lobby(usual, size);
      await button(page, 'More').click();
      await page.getByRole('menuitemradio', { name: 'Dark' }).waitFor();
      return page;
    },
    async 'lobby with errors'(size) {
      const page = await lobby(denied, size);
      await button(page, 'Join').click();
      await expect.poll(() => page.getByRole('alert').count()).toBe(2);
      return page;
    },
    'call alone': (size) => call('alone', [], size),
    'call of three': (size) => call('three', ['Bert', 'Cleo'], size),
    async 'call of three with the list of people open'(size) {
      const page = await call('list', ['Bert', 'Cleo'], size);
      // A phone has the button in the menu.
      if (size === phone) await button(page, 'More').click();
      await button(page, 'People').click();
      await page.getByRole('complementary', { name: 'People' }).waitFor();
      return page;
    },
    async 'call with the menu "More" open'(size) {
      const page = await call('menu', ['Bert'], size);
      await button(page, 'More').click();
      await page.getByRole('menuitemradio', { name: 'Dark' }).waitFor();
      return page;
    },
    async 'ended page'(size) {
      const context = await usual.newContext({ viewport: size });
      const page = await enterQuietly(context, roomUrl(weir.url, 'ended', 'Alice'));
      await button(page, 'Leave').click();
      await page.getByRole('heading', { name: 'You left the call' }).waitFor();
      return page;
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

  const withinReach = (page: Page) => expect.poll(() => outOfReach(page), { timeout: 3000 }).toEqual([]);

  describe.each(Object.entries(states))('%s', (_name, open) => {
    test('has no serious barrier, dark or light, every control within reach, and fills its window, 1280 wide', async () => {
      const page = await open(desk);
      await withinReach(page);
      expect.soft(await overflowOf(page)).toEqual([]);
      expect.soft(await scrolls(page)).toBe(false);
      for (const colorScheme of ['dark', 'light'] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        expect.soft(await violationsOn(page), colorScheme).toEqual([]);
      }
    });

    test('has every control within reach, and fills its window, 320 wide', async () => {
      const page = await open(phone);
      await withinReach(page);
      expect(await overflowOf(page)).toEqual([]);
    });
  });

  test('axe would find a barrier', async () => {
    const page = await newPage(usual, desk);
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
  });

  test('a call follows its window when that becomes narrow, low and wide again', async () => {
    const page = await call('window', ['Bert', 'Cleo'], desk);
    for (const size of [{ width: 400, height: 700 }, { width: 700, height: 400 }, desk]) {
      await page.setViewportSize(size);
      await withinReach(page);
    }
  });

  test.each([phone, desk])('a menu opens beside its button and over none of it, $width wide', async (size) => {
    for (const page of [await call('beside', ['Bert'], size), await lobby(usual, size)]) {
      await button(page, 'More').click();
      const menu = page.getByRole('group', { name: 'More' });
      await menu.waitFor();
      const gap = async () => {
        const [at, its] = [await button(page, 'More').boundingBox(), await menu.boundingBox()];
        if (!at || !its) throw new Error('the menu or its button is not there');
        return Math.max(its.y - (at.y + at.height), at.y - (its.y + its.height));
      };
      await expect.poll(gap).toBeGreaterThanOrEqual(0);
      expect(await gap()).toBeLessThan(24);
    }
  });
});

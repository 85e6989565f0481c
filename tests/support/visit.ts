/** Use of the pages as a visitor: lobby, controls and tiles by role and name, and what can be seen of them. */
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, vi } from 'vitest';
import { type Colour, colours } from '../../scripts/support/browsers/captures.ts';
import { eventually } from './people.ts';

/** Tolerance of each colour channel after encoding. */
const TOLERANCE = 45;

/**
 * A browser for all tests of a file; the contexts of each test are closed after it.
 * @param files its capture files, disposed of at the end
 */
export function useChromium(launch: () => Promise<Browser>, files: Disposable): { readonly browser: Browser } {
  let browser: Browser | undefined;
  beforeAll(async () => {
    browser = await launch();
  });
  afterEach(async () => {
    await Promise.all((browser?.contexts() ?? []).map((context) => context.close()));
  });
  afterAll(async () => {
    await browser?.close();
    files[Symbol.dispose]();
  });
  return {
    get browser() {
      if (!browser) throw new Error('The browser has not started yet.');
      return browser;
    },
  };
}

/** Waits until an element is visible, or one of several. Playwright's own waiting polls every half a second only, after 300 ms. */
export async function appears(element: Locator): Promise<void> {
  await eventually(() => isAnyVisible(element), `${element} is visible`).toBe(true);
}

/** Waits until an element is gone, or hidden. */
export async function disappears(element: Locator): Promise<void> {
  await eventually(() => isAnyVisible(element), `${element} is visible`).toBe(false);
}

/**
 * `Locator.isVisible` throws where several elements match: the text of a toast is in the live region for screen readers as well,
 * so that whoever waited for the toast waited until it was gone.
 */
async function isAnyVisible(element: Locator): Promise<boolean> {
  return (await element.filter({ visible: true }).count()) > 0;
}

/** Opens the lobby of a room. */
export async function openLobby(page: Page, server: string, room: string): Promise<void> {
  await page.goto(`${server}/r/${encodeURIComponent(room)}`);
  await appears(page.getByRole('heading', { name: room, exact: true }));
}

/** Fills in the name and presses join, without waiting for the result. */
export async function join(page: Page, name: string): Promise<void> {
  await page.getByLabel('Your name').fill(name);
  await button(page, 'Join').click();
}

export function button(page: Page | Locator, name: string | RegExp): Locator {
  return page.getByRole('button', { name, exact: true });
}

/** Selects an entry in the menu of a button. */
export async function choose(page: Page, menu: string, choice: string): Promise<void> {
  const item = page.getByRole('menuitemradio', { name: choice, exact: true });
  // A menu shows the devices that were known when it was opened; browsers list them anew after a capture has begun.
  await vi.waitUntil(
    async () => {
      await button(page, menu).click();
      if (await item.isVisible()) return true;
      await page.keyboard.press('Escape');
      return false;
    },
    { timeout: 20_000, interval: 100 },
  );
  await item.click();
}

/** The tile with that name: a participant's, one's own (`You`), or a screen. */
export function tile(page: Page, name: string): Locator {
  return page.getByRole('region', { name, exact: true });
}

/** Waits until the page's client has joined. */
export async function expectIn(page: Page): Promise<void> {
  await eventually(() => page.evaluate(() => window.weir?.state), 'the state of the room client').toBe('joined');
}

/** Announcements of the page's live region, one per paragraph. */
export function newsOn(page: Page): Promise<string[]> {
  return page.locator('#announcements p').allTextContents();
}

/**
 * The colour in the middle of a video: a known test colour, another one as `rgb(...)`, or undefined without a frame.
 */
export async function colourOf(video: Locator): Promise<Colour | string | undefined> {
  const seen = await video.evaluate((element) => {
    if (!(element instanceof HTMLVideoElement) || element.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return [];
    if (element.videoWidth === 0 || !element.checkVisibility({ opacityProperty: true })) return [];
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 1;
    const brush = canvas.getContext('2d');
    brush?.drawImage(element, element.videoWidth / 2, element.videoHeight / 2, 1, 1, 0, 0, 1, 1);
    return [...(brush?.getImageData(0, 0, 1, 1).data ?? [])].slice(0, 3);
  });
  if (seen.length === 0) return undefined;
  for (const [name, wanted] of Object.entries(colours)) {
    if (wanted.every((value, channel) => Math.abs(value - (seen[channel] ?? -1)) <= TOLERANCE)) return name;
  }
  return `rgb(${seen.join(', ')})`;
}

/** Joins a room by its URL with camera and microphone off, which costs few resources. */
export async function enterQuietly(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await rememberQuiet(page);
  await page.goto(url);
  await expectIn(page);
  return page;
}

/** Makes a page start with camera and microphone off, as remembered from an earlier visit. */
export async function rememberQuiet(page: Page): Promise<void> {
  await page.addInitScript(() => {
    for (const source of ['camera', 'microphone']) localStorage.setItem(`weir.${source}Off`, '1');
  });
}

/**
 * Lets the timers of a page run out, over and over, until a fact is true. The page's clock is one of ours: `clock.install()`
 * before it opens. Not for a page that is in a room, whose heartbeat would find the connection lost.
 * @param time milliseconds that the page's clock is put forward each time
 */
export async function afterTimers(page: Page, time: number, fact: () => Promise<boolean>): Promise<void> {
  await eventually(async () => {
    await page.clock.fastForward(time);
    return fact();
  }).toBe(true);
}

/** Whether an element has the focus. */
export function hasFocus(element: Locator): Promise<boolean> {
  return element.evaluate((one) => one === document.activeElement);
}

/** Makes a page believe that its tab is hidden, or shown again. */
export function setHidden(page: Page, hidden: boolean): Promise<void> {
  return page.evaluate((value) => {
    Object.defineProperty(document, 'hidden', { value, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
}

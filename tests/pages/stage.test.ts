/** Layout of a call: grid, self-view, speaking rings, pins, layouts, screens, full screen. */
import type { Locator, Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { camera, microphone, screen } from '../support/broadcast.ts';
import type { TestClient } from '../support/client.ts';
import { hasChromium } from '../support/equipment.ts';
import { fakeContext } from '../support/fakeClient/fakeClient.ts';
import { eventually, roomUrl } from '../support/people.ts';
import { appears, button, disappears, enterQuietly, hasFocus, tile, useChromium } from '../support/visit.ts';
import { useServer } from '../support/weir.ts';

interface Box {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

describe.skipIf(!hasChromium)('the stage', () => {
  const captures = new Captures();
  const weir = useServer();
  const chromium = useChromium(() => launchChromium(captures.make({ colour: 'red', tone: 500 })), captures);

  /** Somebody who watches, on a page of that size. @param timed whether the test puts the page's clock forward */
  async function watch(room: string, width = 1280, height = 720, timed = false): Promise<Page> {
    const context = await fakeContext(chromium.browser, { viewport: { width, height } });
    if (timed) await context.clock.install();
    return enterQuietly(context, roomUrl(weir.url, room, 'Alice'));
  }

  /** Somebody without a browser, who publishes. */
  async function publish(room: string, name: string, ...tracks: (typeof camera | typeof microphone | typeof screen)[]) {
    const { client } = await weir.join({ room, name });
    await Promise.all(tracks.map((track) => client.request('produce', track)));
    return client;
  }

  /** Somebody with a real microphone. */
  async function speak(room: string, name: string): Promise<Page> {
    const page = await (await chromium.browser.newContext({ viewport: { width: 640, height: 480 } })).newPage();
    await page.addInitScript(() => localStorage.setItem('weir.cameraOff', '1'));
    await page.goto(roomUrl(weir.url, room, name));
    await appears(button(page, 'Mute'));
    return page;
  }

  /** All tiles except the self-view, in reading order. */
  async function boxes(page: Page): Promise<Box[]> {
    const found = await page.getByRole('region').evaluateAll((tiles) =>
      tiles.map((one) => {
        const { x, y, width, height } = one.getBoundingClientRect();
        return { name: one.getAttribute('aria-label') ?? '', x, y, width, height };
      }),
    );
    return found.filter(({ name }) => name !== 'You').sort((a, b) => a.y - b.y || a.x - b.x);
  }
  const namesOn = async (page: Page) => (await boxes(page)).map(({ name }) => name);
  const area = (box: Box | undefined) => (box ? box.width * box.height : 0);
  const areaOf = async (page: Page, name: string) => area((await boxes(page)).find((box) => box.name === name));
  /** How many times larger one tile is than the largest of the others. */
  const lead = async (page: Page, name: string) => {
    const others = (await boxes(page)).filter((box) => box.name !== name).map(area);
    return (await areaOf(page, name)) / Math.max(...others);
  };

  /** Tiles outside of the area above the control bar, tiles that overlap another, and tiles that are too small. */
  async function misplaced(page: Page): Promise<string[]> {
    const found = await boxes(page);
    const bar = await page.getByRole('toolbar', { name: 'Call controls' }).boundingBox();
    const width = page.viewportSize()?.width ?? 0;
    const outside = found.filter(
      (box) => box.x < 0 || box.y < 0 || box.x + box.width > width + 0.5 || box.y + box.height > (bar?.y ?? 0) + 0.5,
    );
    const overlap = (a: Box, b: Box) =>
      a.x < b.x + b.width - 0.5 &&
      b.x < a.x + a.width - 0.5 &&
      a.y < b.y + b.height - 0.5 &&
      b.y < a.y + a.height - 0.5;
    const onTop = found.filter((box, index) => found.slice(index + 1).some((other) => overlap(box, other)));
    const flat = found.filter((box) => area(box) < 160 * 90);
    return [
      ...outside.map(({ name }) => `${name} is outside`),
      ...onTop.map(({ name }) => `${name} is under another`),
      ...flat.map(({ name }) => `${name} is too small`),
    ];
  }

  test('the grid has all tiles side by side in the order in which they came, whoever comes or goes', async () => {
    const page = await watch('grid');
    const names: string[] = [];
    const clients = [];
    for (const name of ['P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7']) {
      clients.push((await weir.join({ room: 'grid', name })).client);
      names.push(name);
      await expect.poll(() => namesOn(page)).toEqual(names);
      expect(await misplaced(page)).toEqual([]);
      const sizes = (await boxes(page)).map(({ width, height }) => `${width}x${height}`);
      expect(new Set(sizes).size).toBe(1);
    }
    for (const index of [4, 0, 2]) {
      clients.splice(index, 1)[0]?.cut();
      names.splice(index, 1);
      await expect.poll(() => namesOn(page)).toEqual(names);
      expect(await misplaced(page)).toEqual([]);
    }
    await page.setViewportSize({ width: 400, height: 800 });
    await expect.poll(async () => (await boxes(page)).every(({ x, width }) => x + width <= 400)).toBe(true);
    expect(await namesOn(page)).toEqual(names);
    expect(await misplaced(page)).toEqual([]);
  });

  /** In which corner of the window a tile is, and how much of the window's width it takes. */
  async function place(own: Locator): Promise<{ corner: string; share: number }> {
    return own.evaluate((element) => {
      const { x, y, width, height } = element.getBoundingClientRect();
      const vertical = y + height / 2 < innerHeight / 2 ? 'top' : 'bottom';
      const horizontal = x + width / 2 < innerWidth / 2 ? 'left' : 'right';
      return { corner: `${vertical} ${horizontal}`, share: width / innerWidth };
    });
  }

  test("one's own picture is large while alone, then floats, moves to every corner by its button, and stays there", async () => {
    const page = await watch('own');
    const own = tile(page, 'You');
    expect((await place(own)).share).toBeGreaterThan(0.9);
    await weir.join({ room: 'own', name: 'Bert' });
    await expect.poll(async () => (await place(own)).share).toBeLessThan(0.25);
    const corner = async () => (await place(own)).corner;
    await expect.poll(corner).toBe('bottom right');
    const move = button(page, 'Move your picture to another corner');
    await move.click();
    await expect.poll(corner).toBe('bottom left');
    await move.focus();
    await page.keyboard.press('Enter');
    await expect.poll(corner).toBe('top left');
    await move.click();
    await expect.poll(corner).toBe('top right');
    await page.reload();
    await appears(tile(page, 'Bert'));
    await expect.poll(corner).toBe('top right');
    await move.click();
    await expect.poll(corner).toBe('bottom right');
  });

  test.each([
    ['slowly', 50],
    ['with a flick', 2],
  ])("one's own picture can be dragged into a corner, %s, and stays there when let go", async (_how, steps) => {
    const page = await watch(`drag ${steps}`);
    await weir.join({ room: `drag ${steps}`, name: 'Bert' });
    const own = tile(page, 'You');
    const corner = async () => (await place(own)).corner;
    await expect.poll(async () => (await place(own)).share).toBeLessThan(0.25);
    await own.hover();
    await page.mouse.down();
    await page.mouse.move(200, 100, { steps });
    await page.mouse.up();
    await expect.poll(corner).toBe('top left');
    await page.mouse.move(900, 500, { steps: 50 });
    expect(await corner()).toBe('top left');
  });

  /** Whether the speaking ring around a tile is visible. */
  const ring = (page: Page, name: string) =>
    tile(page, name).evaluate((element) => Number(getComputedStyle(element, '::after').opacity) > 0.9);

  test('the ring is around those who are heard, and not around who is muted', async () => {
    const page = await enterQuietly(await chromium.browser.newContext(), roomUrl(weir.url, 'ring', 'Alice'));
    const [bob, carol] = await Promise.all([speak('ring', 'Bob'), speak('ring', 'Carol')]);
    await button(carol, 'Mute').click();
    const rings = async () => ({ Bob: await ring(page, 'Bob'), Carol: await ring(page, 'Carol') });
    await eventually(rings).toEqual({ Bob: true, Carol: false });
    await eventually(() => ring(bob, 'You')).toBe(true);
    expect(await ring(carol, 'You')).toBe(false);
    await button(bob, 'Mute').click();
    await button(carol, 'Unmute').click();
    await eventually(rings).toEqual({ Bob: false, Carol: true });
  });

  test('a pin makes a tile large, and takes it back', async () => {
    const page = await watch('pin');
    let last: TestClient | undefined;
    for (const name of ['P1', 'P2', 'P3']) last = (await weir.join({ room: 'pin', name })).client;
    await expect.poll(() => namesOn(page)).toEqual(['P1', 'P2', 'P3']);
    await tile(page, 'P2').hover();
    await button(page, 'Keep P2 large').click();
    await expect.poll(() => lead(page, 'P2')).toBeGreaterThan(3);
    expect(await misplaced(page)).toEqual([]);
    // By keyboard the focus stays on the button, wherever its tile goes; and moves on when the tile is gone.
    await button(page, 'Keep P3 large').press('Enter');
    await expect.poll(() => lead(page, 'P3')).toBeGreaterThan(3);
    const pin = tile(page, 'P3').locator('.pin');
    expect(await hasFocus(pin)).toBe(true);
    await page.keyboard.press('Enter');
    await expect.poll(() => lead(page, 'P3')).toBe(1);
    expect(await hasFocus(pin)).toBe(true);
    expect(await namesOn(page)).toEqual(['P1', 'P2', 'P3']);
    last?.cut();
    await disappears(tile(page, 'P3'));
    expect(await page.locator('.call-layout').evaluate((root) => root.contains(document.activeElement))).toBe(true);
  });

  test('the speaker is large where that is chosen, also after a reload', async () => {
    const page = await watch('speaker');
    await weir.join({ room: 'speaker', name: 'Dora' });
    await publish('speaker', 'Bob', camera, microphone);
    await expect.poll(() => lead(page, 'Bob')).toBe(1);
    const choose = async (layout: string) => {
      await button(page, 'More').click();
      await page.getByRole('menuitemradio', { name: layout }).click();
    };
    await choose('The speaker large');
    await eventually(() => lead(page, 'Bob')).toBeGreaterThan(3);
    await page.reload();
    await eventually(() => lead(page, 'Bob')).toBeGreaterThan(3);
    await choose('Everyone the same size');
    await eventually(() => lead(page, 'Bob')).toBe(1);
  });

  test('two screens at once: the newer one is large, and the other one is a click away', async () => {
    const page = await watch('screens');
    for (const name of ['Bob', 'Carol']) {
      await publish('screens', name, screen);
      await eventually(() => lead(page, `${name}'s screen`)).toBeGreaterThan(2);
    }
    const older = tile(page, "Bob's screen");
    expect(await misplaced(page)).toEqual([]);
    await older.hover();
    await older.getByRole('button').click();
    await eventually(() => lead(page, "Bob's screen")).toBeGreaterThan(2);
    expect(await misplaced(page)).toEqual([]);
    expect((await namesOn(page)).toSorted()).toEqual(['Bob', "Bob's screen", 'Carol', "Carol's screen"]);
  });

  test('in full screen the bar goes away when nothing moves, comes back with the first move, and stays elsewhere', async () => {
    const page = await watch('full', 1280, 720, true);
    const bar = page.getByRole('toolbar', { name: 'Call controls' });
    const visible = () => bar.evaluate((element) => element.checkVisibility({ opacityProperty: true }));
    expect(await visible()).toBe(true);
    await button(page, 'More').click();
    await button(page, 'Full screen').click();
    await expect.poll(() => page.evaluate(() => document.fullscreenElement !== null)).toBe(true);
    expect(await visible()).toBe(true);
    await page.clock.fastForward(3000);
    await expect.poll(visible).toBe(false);
    await page.mouse.move(300, 300);
    await expect.poll(visible).toBe(true);
    await page.clock.fastForward(3000);
    await expect.poll(visible).toBe(false);
    await page.keyboard.press('Tab');
    await expect.poll(visible).toBe(true);
    await button(page, 'More').click();
    await button(page, 'Exit full screen').click();
    await expect.poll(() => page.evaluate(() => document.fullscreenElement !== null)).toBe(false);
    expect(await visible()).toBe(true);
  });
});

/** The start page: begins calls and broadcasts, leads to rooms by name or link, and remembers them. */
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { startServer } from '../../scripts/support/servers/startServer.ts';
import { hasChromium } from '../support/equipment.ts';
import { fakeContext } from '../support/fakeClient/fakeClient.ts';
import { eventually } from '../support/people.ts';
import { appears, button, expectIn, useChromium } from '../support/visit.ts';
import { useServer, withTokens } from '../support/weir.ts';

describe.skipIf(!hasChromium)('start page', () => {
  const weir = useServer();
  const chromium = useChromium(() => launchChromium({ devices: 'real', refusesSound: true }), {
    [Symbol.dispose]: () => {},
  });

  /** The start page, for somebody of that name, or of none. */
  async function start(name = '', server = weir.url): Promise<Page> {
    const page = await (await fakeContext(chromium.browser)).newPage();
    await page.goto(server);
    await page.getByLabel('Your name').fill(name);
    return page;
  }

  test('one click begins a call in a room of its own, which is remembered and can be forgotten', async () => {
    const page = await start('Ada');
    const suggested = await page.locator('.start-name bdi').textContent();
    await button(page, 'Suggest another name').click();
    expect(await page.locator('.start-name bdi').textContent()).not.toBe(suggested);
    await page.getByRole('button', { name: /^Start a call/ }).click();
    await expectIn(page);
    const { pathname } = new URL(page.url());
    expect(pathname).toMatch(/^\/r\/[a-z]+-[a-z]+-\d{4}-\d{4}$/);
    await page.goto(weir.url);
    const recent = page.getByRole('link', { name: decodeURIComponent(pathname.slice(3)) });
    expect(await recent.getAttribute('href')).toBe(pathname);
    await button(page, 'Clear list').click();
    await eventually(() => recent.count()).toBe(0);
    await page.reload();
    await appears(page.getByRole('link', { name: 'Test camera, sound and connection' }));
    expect(await page.getByRole('link').count()).toBe(1);
    await page.close();
  });

  test('one click leads into the studio of a broadcast, and one without a name into a lobby', async () => {
    const page = await start();
    await page.getByRole('button', { name: /^Start a broadcast/ }).click();
    await appears(button(page, 'Enter the studio'));
    await page.getByLabel('Your name').fill('Ada');
    await button(page, 'Enter the studio').click();
    await appears(button(page, 'Go live'));
    await page.goto(weir.url);
    await page.getByRole('link', { name: /Studio$/ }).click();
    await appears(button(page, 'Enter the studio'));
    const other = await start();
    await other.getByRole('button', { name: /^Start a call/ }).click();
    await appears(button(other, 'Join'));
    await Promise.all([page.close(), other.close()]);
  });

  test('the start page leads to the room that was named, or that a link names', async () => {
    const page = await start();
    const field = page.getByLabel('Room name or link');
    await field.fill(' Küche 1 ');
    await page.keyboard.press('Enter');
    await appears(page.getByRole('heading', { name: 'küche 1', exact: true }));
    expect(page.url()).toBe(`${weir.url}/r/k%C3%BCche%201`);
    expect(await page.title()).toContain('küche 1');
    await appears(button(page, 'Join'));
    await page.goto(weir.url);
    await field.fill(`${weir.url}/b/hall?role=host`);
    await page.keyboard.press('Enter');
    await appears(button(page, 'Enter the studio'));
    await page.goto(weir.url);
    await field.fill('hall');
    await page.getByRole('radio', { name: 'Broadcast' }).check();
    await button(page, 'Open room').click();
    await appears(page.getByRole('heading', { name: 'The broadcast has not begun yet' }));
    await page.close();
  });

  test('the start page of a server with tokens says how rooms are opened there', async () => {
    await using server = await startServer(withTokens);
    const page = await (await fakeContext(chromium.browser)).newPage();
    await page.goto(server.url);
    await appears(page.getByText('Rooms on this server are opened by invitation.'));
    expect(await page.getByRole('button', { name: /^Start a/ }).count()).toBe(0);
    await page.close();
  });

  test('the start page refuses what is no name of a room in words', async () => {
    const page = await start();
    const field = page.getByLabel('Room name or link');
    const elsewhere = 'That link leads to another server, elsewhere.example. Open it in the address bar.';
    for (const [name, words] of [
      ['', 'Give the room a name.'],
      ['a/b', 'A room name has no slashes, and is more than dots.'],
      ['https://elsewhere.example/r/a', elsewhere],
    ] as const) {
      await field.fill(name);
      await button(page, 'Open room').click();
      await expect.poll(() => page.getByRole('alert').allTextContents()).toEqual([words]);
      expect(await field.getAttribute('aria-invalid')).toBe('true');
      expect(await field.evaluate((element) => element === document.activeElement)).toBe(true);
    }
    expect(page.url()).toBe(`${weir.url}/`);
  });
});

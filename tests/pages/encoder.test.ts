/** The dialog that says how encoders publish: in the studio and in a call, with and without tokens. */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { violationsOn } from '../support/axe.ts';
import { hasChromium } from '../support/equipment.ts';
import { overflowOf } from '../support/overflow.ts';
import { useStudio } from '../support/studio.ts';
import { appears, button, disappears, expectIn, hasFocus } from '../support/visit.ts';
import { token, useServer, withTokens } from '../support/weir.ts';

const item = 'Stream from OBS or an encoder';
const dialog = (page: Page) => page.getByRole('dialog', { name: item });
const textOf = (page: Page, name: string) => dialog(page).getByRole('group', { name, exact: true }).textContent();

describe.skipIf(!hasChromium)('the dialog about encoders', () => {
  // First: it waits for its rooms until the pages of the studio have closed.
  const guarded = useServer(withTokens);
  const { weir, enter, newPage } = useStudio();

  test('in the studio has address, commands and link to copy, by keyboard and on a phone too', async () => {
    const page = await newPage('real');
    await enter('launch day', page);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await button(page, 'More').click();
    await button(page, item).focus();
    await page.keyboard.press('Enter');
    await appears(dialog(page));
    const whip = `${weir.url}/whip/launch%20day?kind=broadcast`;
    expect(await textOf(page, 'Address (WHIP)')).toBe(whip);
    expect(await textOf(page, 'GStreamer')).toContain(`whip-client -u '${whip}'`);
    expect(await textOf(page, 'ffmpeg')).toContain(`-f whip '${whip}'`);
    expect(await textOf(page, 'Link for watching')).toBe(`${weir.url}/watch/launch%20day?kind=broadcast`);
    await appears(dialog(page).getByRole('group', { name: 'Page for your own site', exact: true }));
    const copied = readFileSync(new URL('../../web/public/player.html', import.meta.url), 'utf8');
    expect(await textOf(page, 'Page for your own site')).toBe(
      copied.replace('https://weir.example/whep/lobby', `${weir.url}/whep/launch%20day?kind=broadcast`),
    );
    await appears(dialog(page).getByText('Leave it empty: this server asks for none.'));
    expect(await dialog(page).getByText('npm run token').count()).toBe(0);
    await button(page, 'Copy: Address (WHIP)').click();
    await appears(dialog(page).getByRole('status').getByText('Copied: Address (WHIP)'));
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(whip);
    expect(await violationsOn(page)).toEqual([]);
    await page.setViewportSize({ width: 320, height: 568 });
    expect(await violationsOn(page)).toEqual([]);
    expect(await overflowOf(page)).toEqual([]);
    expect(await dialog(page).evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).toBe(0);
    await page.keyboard.press('Escape');
    await disappears(dialog(page));
    expect(await hasFocus(button(page, 'More'))).toBe(true);
  });

  test('in a call with tokens says how one is made, and shows nobody the token of the page', async () => {
    const join = async (identity: string, canPublish: boolean) => {
      const page = await newPage();
      const own = await token('office', identity, { canPublish });
      await page.goto(`${guarded.url}/r/office?join=1&name=Ann#token=${own}`);
      await expectIn(page);
      await button(page, 'More').click();
      return { page, own };
    };
    const { page, own } = await join('ann', true);
    await button(page, item).click();
    await appears(dialog(page));
    expect(await textOf(page, 'Address (WHIP)')).toBe(`${guarded.url}/whip/office`);
    expect(await textOf(page, 'Command for a token')).toMatch(/^npm run token -- --room 'office' --identity encoder /);
    expect(await textOf(page, 'Command for a token of viewers')).toContain('--no-publish');
    expect(await textOf(page, 'ffmpeg')).toContain('"$TOKEN"');
    const shown = await dialog(page).evaluate((one) => one.outerHTML);
    const current = await page.evaluate(() => window.weir?.token);
    for (const secret of [own, current ?? own]) expect(shown).not.toContain(secret);

    const watching = await join('bert', false);
    await appears(button(watching.page, 'Connection statistics'));
    expect(await button(watching.page, item).count()).toBe(0);
  });
});

/** Moderation on the pages: menus of people and of the room, the notices of those concerned, and the waiting room. */
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { violationsOn } from '../support/axe.ts';
import { hasChromium } from '../support/equipment.ts';
import { fakeContext } from '../support/fakeClient/fakeClient.ts';
import { overflowOf } from '../support/overflow.ts';
import { eventually, roomUrl } from '../support/people.ts';
import { appears, button, disappears, expectIn, hasFocus, join, newsOn, tile, useChromium } from '../support/visit.ts';
import { useServer } from '../support/weir.ts';

const phone = { width: 360, height: 640 };

describe.skipIf(!hasChromium)('moderation', () => {
  const captures = new Captures();
  const weir = useServer({}, { waiting: { notify: 0, denied: 100 } });
  const chromium = useChromium(() => launchChromium(captures.make({ colour: 'red', tone: 500 })), captures);

  /** Somebody in the call with camera and microphone; on an open server the role of a host makes an administrator. */
  async function enter(
    room: string,
    name: string,
    role = 'speaker',
    viewport = { width: 1280, height: 800 },
  ): Promise<Page> {
    const page = await (await fakeContext(chromium.browser, { viewport })).newPage();
    await page.goto(`${roomUrl(weir.url, room, name)}&role=${role}`);
    await expectIn(page);
    await eventually(() => page.evaluate(() => window.weir?.grants?.roomAdmin)).toBe(role === 'host');
    return page;
  }

  /** The lobby of a room, as it is shown to whoever has to press "Join". */
  async function knock(room: string, name: string, viewport = { width: 1280, height: 800 }): Promise<Page> {
    const page = await (await fakeContext(chromium.browser, { viewport })).newPage();
    await page.goto(`${weir.url}/r/${room}`);
    await join(page, name);
    return page;
  }

  const list = (page: Page) => page.getByRole('complementary', { name: 'People' });
  /** An item of the menu that is open. */
  const item = (page: Page, name: string) =>
    page.locator('.menu:popover-open').getByRole('button', { name, exact: true });
  const toast = (page: Page, text: string) => page.locator('.toast').filter({ hasText: text });
  const openMenu = async (page: Page, name: string) => {
    await button(list(page), `More about ${name}`).click();
  };

  test('an administrator mutes somebody, who is told by whom and unmutes again; others have no such menu', async () => {
    const [ann, bob] = [await enter('mute', 'Ann', 'host'), await enter('mute', 'Bob')];
    await eventually(() => button(bob, 'Mute').count()).toBe(1);
    await button(bob, 'People').click();
    await appears(list(bob).getByRole('listitem').filter({ hasText: 'Ann' }));
    expect(await button(bob, 'More about Ann').count()).toBe(0);
    expect(await button(bob, 'Manage the room').isVisible()).toBe(false);
    await button(ann, 'People').click();
    await openMenu(ann, 'Bob');
    // By keyboard: the first item has the focus.
    await eventually(() => hasFocus(item(ann, 'Mute'))).toBe(true);
    await ann.keyboard.press('Enter');
    await appears(toast(bob, 'Ann muted you.'));
    expect(await newsOn(bob)).toContain('Ann muted you. Unmute yourself when you want to speak.');
    await appears(button(bob, 'Unmute'));
    await appears(tile(ann, 'Bob').getByRole('img', { name: 'muted' }));
    // What is muted cannot be muted, or unmuted, by somebody else.
    await openMenu(ann, 'Bob');
    await appears(item(ann, 'Stop camera'));
    expect(await item(ann, 'Mute').count()).toBe(0);
    await ann.keyboard.press('Escape');
    await bob.keyboard.press('m');
    await disappears(tile(ann, 'Bob').getByRole('img', { name: 'muted' }));
  });

  test('a camera that is stopped is off, and its owner starts it again; also from the menu of the tile', async () => {
    const [ann, bob] = [await enter('stop', 'Ann', 'host'), await enter('stop', 'Bob')];
    await appears(button(bob, 'Stop camera'));
    await eventually(() => tile(ann, 'Bob').locator('video').count()).toBe(1);
    await tile(ann, 'Bob').hover();
    await button(tile(ann, 'Bob'), 'More about Bob').click();
    await item(ann, 'Stop camera').click();
    await appears(toast(bob, 'Ann stopped your camera.'));
    await button(bob, 'Start camera').click();
    await appears(button(bob, 'Stop camera'));
  });

  test('everyone is muted at once, but whoever does it', async () => {
    const pages = [await enter('all', 'Ann', 'host'), await enter('all', 'Bob'), await enter('all', 'Cat')];
    const [ann, ...others] = pages as [Page, ...Page[]];
    for (const page of pages) await appears(button(page, 'Mute'));
    await button(ann, 'People').click();
    await button(ann, 'Manage the room').click();
    await item(ann, 'Mute everyone').click();
    await appears(toast(ann, '2 muted.'));
    for (const page of others) await appears(button(page, 'Unmute'));
    expect(await button(ann, 'Mute').count()).toBe(1);
  });

  test('a right that is taken is taken at once, and said by whom; the dialog shows what is allowed', async () => {
    const [ann, bob] = [await enter('rights', 'Ann', 'host'), await enter('rights', 'Bob')];
    await button(ann, 'People').click();
    await openMenu(ann, 'Bob');
    await item(ann, 'What Bob may do…').click();
    const dialog = ann.getByRole('dialog', { name: 'What Bob may do' });
    const box = (name: string) => dialog.getByRole('checkbox', { name });
    await appears(dialog);
    expect(await Promise.all(['Use a microphone', 'Manage the room'].map((name) => box(name).isChecked()))).toEqual([
      true,
      false,
    ]);
    expect(await violationsOn(ann)).toEqual([]);
    await box('Use a microphone').uncheck();
    await button(dialog, 'Save').click();
    await appears(button(bob, 'You may not use a microphone here'));
    await appears(toast(bob, 'Ann changed what you may do here.'));
    await openMenu(ann, 'Bob');
    await item(ann, 'What Bob may do…').click();
    expect(await box('Use a microphone').isChecked()).toBe(false);
    await box('Manage the room').check();
    await button(dialog, 'Save').click();
    await appears(toast(bob, 'Ann made you an administrator'));
    await button(bob, 'People').click();
    await appears(button(bob, 'Manage the room'));
  });

  test('whoever waits sees that in the lobby, gives up or is let in; administrators see who waits, with a badge', async () => {
    const ann = await enter('wait', 'Ann', 'host');
    await button(ann, 'People').click();
    await button(ann, 'Manage the room').click();
    await ann.getByRole('menuitemcheckbox', { name: /Waiting room/ }).click();
    await appears(toast(ann, 'Whoever joins now waits to be let in.'));
    await button(list(ann), 'Close').click();

    const bob = await knock('wait', 'Bob', phone);
    await appears(bob.getByRole('heading', { name: 'You are waiting to be let in.' }));
    await appears(bob.getByText('Somebody who runs the room has been told that you are here.'));
    expect(await tile(bob, 'Ann').count()).toBe(0);
    expect([await violationsOn(bob), await overflowOf(bob)]).toEqual([[], []]);
    expect(await hasFocus(button(bob, 'Stop waiting'))).toBe(true);
    await appears(button(ann, 'People, 1 waiting'));
    expect(await newsOn(ann)).toContain('Bob waits to be let in.');
    await bob.keyboard.press('Enter');
    await appears(button(bob, 'Join'));
    await appears(button(ann, 'People'));
    expect(await bob.getByRole('alert').count()).toBe(0);

    await button(bob, 'Join').click();
    const cat = await knock('wait', 'Cat');
    await button(ann, 'People, 2 waiting').click();
    const waiting = ann.getByRole('region', { name: 'Waiting to be let in' });
    await eventually(() => waiting.locator('li .label').allTextContents()).toEqual(['Bob', 'Cat']);
    expect([await violationsOn(ann), await overflowOf(ann)]).toEqual([[], []]);
    await button(waiting, 'Let in: Bob').click();
    await expectIn(bob);
    await button(waiting, 'Do not let Cat in').click();
    await appears(cat.getByRole('alert').filter({ hasText: 'You were not let in.' }));
    await appears(button(cat, 'Join'));
    await disappears(waiting);
  });

  test('a room that is locked says so in its lobby', async () => {
    const ann = await enter('lock', 'Ann', 'host');
    await button(ann, 'More').click();
    await ann.getByRole('menuitemcheckbox', { name: /Locked/ }).click();
    await appears(toast(ann, 'The room is locked'));
    const bob = await (await fakeContext(chromium.browser)).newPage();
    await bob.goto(`${weir.url}/r/lock`);
    await appears(bob.getByText('The room is locked: nobody else gets in.'));
    await join(bob, 'Bob');
    await appears(bob.getByRole('alert').filter({ hasText: 'The room is locked.' }));
  });

  test('the end for everyone is confirmed, and says who has ended it', async () => {
    const [ann, bob] = [await enter('end', 'Ann', 'host'), await enter('end', 'Bob')];
    await button(ann, 'More').click();
    await item(ann, 'End for everyone…').click();
    const dialog = ann.getByRole('dialog', { name: 'End it for everyone?' });
    await appears(dialog);
    expect(await hasFocus(button(dialog, 'Cancel'))).toBe(true);
    await button(dialog, 'End for everyone').click();
    for (const page of [ann, bob])
      await appears(page.getByRole('heading', { name: 'The call was ended for everyone' }));
    await appears(bob.getByText('Ann ended it.'));
    await button(bob, 'Join again').click();
    await appears(bob.getByRole('alert').filter({ hasText: 'has just ended it for everyone' }));
  });

  test('the studio has the same menus, and the waiting room of its stage', async () => {
    const host = await (await fakeContext(chromium.browser)).newPage();
    await host.goto(`${weir.url}/b/stage?role=host&join=1&name=Ann`);
    await appears(button(host, 'End broadcast'));
    await button(host, 'More').click();
    await host.getByRole('menuitemcheckbox', { name: /Waiting room/ }).click();
    const speaker = await weir.connect();
    const joining = speaker.join({ room: 'stage', kind: 'broadcast', role: 'speaker', name: 'Bob' });
    const waiting = host.getByRole('region', { name: 'Waiting to be let in' });
    await button(waiting, 'Let in: Bob').click();
    await joining;
    await button(host, 'More about Bob').click();
    await appears(item(host, 'What Bob may do…'));
    expect(await violationsOn(host)).toEqual([]);
  });
});

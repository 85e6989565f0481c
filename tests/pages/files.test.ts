/** Tests of files on the pages: dropped, accepted and saved; declined; pasted for one of several; refused; on the stage. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { violationsOn } from '../support/axe.ts';
import { hasChromium } from '../support/equipment.ts';
import { eventually, roomUrl } from '../support/people.ts';
import {
  appears,
  button,
  disappears,
  enterQuietly,
  expectIn,
  hasFocus,
  newsOn,
  useChromium,
} from '../support/visit.ts';
import { useServer } from '../support/weir.ts';

const nothing = { [Symbol.dispose]() {} };

describe.skipIf(!hasChromium)('files on the pages', () => {
  const weir = useServer({ WEIR_FILE_MAX_BYTES: '3000000', WEIR_FILE_BITRATE: '8000000' }, { broadcastNotify: 100 });
  const chromium = useChromium(() => launchChromium(), nothing);
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-files-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function visit(url: string): Promise<Page> {
    return enterQuietly(await chromium.browser.newContext({ viewport: { width: 900, height: 700 } }), url);
  }
  const enter = (room: string, name: string) => visit(roomUrl(weir.url, room, name));

  /** Drags a file over the page, or drops or pastes it. @param on where */
  async function give(
    page: Page,
    event: 'dragover' | 'drop' | 'paste',
    file: { name: string; size: number },
    on = page.locator('body'),
  ) {
    await on.evaluate(
      (target, [type, { name, size }]) => {
        const data = new DataTransfer();
        data.items.add(new File(['x'.repeat(size)], name));
        const init = { bubbles: true, cancelable: true };
        const made =
          type === 'paste'
            ? new ClipboardEvent(type, { ...init, clipboardData: data })
            : new DragEvent(type, { ...init, dataTransfer: data });
        target.dispatchEvent(made);
      },
      [event, file] as const,
    );
  }

  /** Drags a file of the disk over the page, and drops it there. */
  async function dropFromDisk(page: Page, path: string): Promise<void> {
    const drag = await page.context().newCDPSession(page);
    const data = { items: [], files: [path], dragOperationsMask: 1 };
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
      await drag.send('Input.dispatchDragEvent', { type, x: 200, y: 200, data });
  }

  const row = (page: Page, name: string) => page.locator('.file-row', { hasText: name });
  const openChat = (page: Page) => page.locator('[data-control=chat]').click();

  test('a file that is dropped is offered, accepted, saved, and listed at both ends', async () => {
    const [ann, bob] = await Promise.all([enter('drop', 'Ann'), enter('drop', 'Bob')]);
    await appears(ann.locator('section.tile[aria-label="Bob"]'));
    const file = { name: 'notes.txt', size: 50_000 };
    await give(ann, 'dragover', file);
    const layer = ann.locator('.file-drop');
    await appears(layer.getByText('Drop to send to Bob'));
    await give(ann, 'drop', file, layer);
    await disappears(layer);
    await appears(row(ann, 'notes.txt').getByText('Waiting for Bob to accept'));
    await appears(bob.getByText('Ann sends you notes.txt (50 kB). Open the chat to accept it.'));
    await eventually(() => bob.locator('[data-control=chat]').getAttribute('data-count')).toBe('1');
    await openChat(bob);
    expect(await violationsOn(bob)).toEqual([]);
    const download = bob.waitForEvent('download');
    await button(row(bob, 'notes.txt'), 'Accept: notes.txt').press('Enter');
    const saved = await download;
    expect(saved.suggestedFilename()).toBe('notes.txt');
    expect(await readFile(await saved.path(), 'utf8')).toBe('x'.repeat(file.size));
    await appears(row(ann, 'notes.txt').getByText('Delivered'));
    await eventually(() => newsOn(ann)).toContain('Bob has received notes.txt.');
    await eventually(() => newsOn(bob)).toContain('notes.txt has arrived.');
    const again = bob.waitForEvent('download');
    await button(bob, 'Save notes.txt again').click();
    await again;
    await button(bob, 'Remove notes.txt from the list').press('Enter');
    await disappears(row(bob, 'notes.txt'));
    expect(await hasFocus(bob.locator('.chat textarea'))).toBe(true);
    expect(await violationsOn(ann)).toEqual([]);
  });

  test('a file that is pasted goes to whom one chooses, and may be declined', async () => {
    const [ann, bob, cid] = await Promise.all([enter('paste', 'Ann'), enter('paste', 'Bob'), enter('paste', 'Cid')]);
    for (const name of ['Bob', 'Cid']) await appears(ann.locator(`section.tile[aria-label="${name}"]`));
    await give(ann, 'paste', { name: 'picture.png', size: 1000 });
    const dialog = ann.getByRole('dialog', { name: 'Send picture.png to' });
    await button(dialog, 'Cid').click();
    await appears(cid.getByText('Ann sends you picture.png (1 kB). Open the chat to accept it.'));
    await openChat(cid);
    await button(cid, 'Decline: picture.png').click();
    await appears(row(ann, 'picture.png').getByText('Declined'));
    expect(await bob.locator('.file-row').count()).toBe(0);
    // Sent to somebody else instead, who reloads the page before accepting it.
    await button(row(ann, 'picture.png'), 'Send again: picture.png').click();
    await button(dialog, 'Bob').click();
    await appears(row(ann, 'picture.png').getByText('Waiting for Bob to accept'));
    const offer = bob.getByText('Ann sends you picture.png (1 kB). Open the chat to accept it.');
    await appears(offer);
    await bob.reload();
    await expectIn(bob);
    await appears(offer);
    // Text is not taken for a file.
    await ann.locator('.chat textarea').fill('words');
    expect(await ann.locator('.file-row').count()).toBe(1);
    // Dropped on one person.
    const file = { name: 'for-bob.txt', size: 10 };
    await give(ann, 'dragover', file);
    await appears(ann.locator('.file-drop').getByText('Drop to send to everyone'));
    await give(ann, 'drop', file, ann.locator('.file-target', { hasText: 'Bob' }));
    await appears(bob.getByText('Ann sends you for-bob.txt (10 bytes). Open the chat to accept it.'));
    await disappears(ann.locator('.file-drop'));
  });

  test('a file that is dropped before the layer is there goes on by itself when both pages are reloaded', async () => {
    const path = join(folder, 'video.bin');
    const content = randomBytes(3_000_000);
    await writeFile(path, content);
    const [ann, bob] = await Promise.all([enter('handle', 'Ann'), enter('handle', 'Bob')]);
    await appears(ann.locator('section.tile[aria-label="Bob"]'));
    // What shows the layer is loaded when the file is there already.
    const held = Promise.withResolvers<void>();
    await ann.route(/FilesView/, async (route) => {
      await held.promise;
      await route.continue();
    });
    await dropFromDisk(ann, path);
    held.resolve();
    await appears(row(ann, 'video.bin'));
    await openChat(bob);
    await button(row(bob, 'video.bin'), 'Accept: video.bin').click();
    const progress = () =>
      row(bob, 'video.bin')
        .locator('progress')
        .evaluate((bar) => bar instanceof HTMLProgressElement && bar.value);
    await eventually(progress).toBeGreaterThan(0.4);
    const download = bob.waitForEvent('download', { timeout: 60_000 });
    await Promise.all([ann.reload(), bob.reload()]);
    await Promise.all([expectIn(ann), expectIn(bob)]);
    await openChat(bob);
    await eventually(progress).toBeGreaterThan(0.3);
    expect((await readFile(await (await download).path())).equals(content)).toBe(true);
    await openChat(ann);
    await appears(row(ann, 'video.bin').getByText('Delivered'));
  });

  test('in a broadcast files go between those on the stage; viewers get none, and send them once they are there', async () => {
    const room = { room: 'show', kind: 'broadcast' } as const;
    const [ada, vic] = await Promise.all([
      visit(`${weir.url}/b/show?role=host&name=Ada&join=1`),
      visit(`${weir.url}/b/show?name=Vic`),
    ]);
    const hasLoaded = (page: Page) =>
      page.evaluate(() => performance.getEntriesByType('resource').some(({ name }) => name.includes('/FilesView-')));
    expect([await hasLoaded(ada), await hasLoaded(vic)]).toEqual([false, false]);
    const file = { name: 'notes.txt', size: 50_000 };
    await give(ada, 'paste', file);
    await appears(ada.getByText('Nobody else is on the stage. Files go to those who are, not to viewers.'));
    await give(vic, 'dragover', file);
    await appears(vic.locator('.file-drop').getByText('Only those on the stage can send files.'));
    await give(vic, 'drop', file, vic.locator('.file-drop'));
    await appears(vic.getByRole('alert').getByText('Only those on the stage can send files.'));
    expect([await hasLoaded(ada), await hasLoaded(vic)]).toEqual([true, true]);
    await openChat(vic);
    await appears(vic.locator('.chat textarea'));
    const attach = button(vic, 'Send a file');
    expect(await attach.isVisible()).toBe(false);

    await button(vic, 'Raise hand').click();
    await button(ada, 'Invite Vic onto the stage').click();
    for (const device of ['Camera', 'Microphone']) await vic.getByRole('switch', { name: device }).uncheck();
    await button(vic, 'Join the stage').click();
    await appears(attach);
    await give(ada, 'dragover', file);
    await appears(ada.locator('.file-drop').getByText('Drop to send to Vic'));
    await give(ada, 'drop', file, ada.locator('.file-drop'));
    await appears(row(ada, 'notes.txt').getByText('to Vic'));
    const download = vic.waitForEvent('download');
    await button(vic, 'Accept: notes.txt').click();
    expect(await readFile(await (await download).path(), 'utf8')).toBe('x'.repeat(file.size));
    await appears(row(ada, 'notes.txt').getByText('Delivered'));

    // "Everyone" are those on the stage.
    await weir.join({ ...room, name: 'Bob', role: 'speaker' });
    await weir.join({ ...room, name: 'Val', role: 'viewer' });
    // Whoever may not send data could not answer.
    const { reply: cid } = await weir.join({ ...room, name: 'Cid', role: 'speaker' });
    const stage = await weir.app.rooms.find('show', 'broadcast');
    const silenced = stage?.participant(cid.peerId);
    if (silenced) stage?.changeGrants(silenced, { canPublishData: false });
    await eventually(() => vic.evaluate(() => window.weir?.peers.map((peer) => peer.canExchangeData))).toEqual([
      true,
      true,
      false,
    ]);
    await give(vic, 'paste', { name: 'agenda.txt', size: 1000 });
    const dialog = vic.getByRole('dialog', { name: 'Send agenda.txt to' });
    await appears(dialog);
    expect(await dialog.getByRole('button').allTextContents()).toEqual(['Everyone on the stage', 'Ada', 'Bob']);
    await button(dialog, 'Everyone on the stage').click();
    await appears(row(vic, 'to Bob'));
    expect(await row(vic, 'to Cid').count()).toBe(0);
    await appears(button(ada, 'Accept: agenda.txt'));

    await button(vic, 'Leave the stage').click();
    await disappears(attach);
    await appears(row(vic, 'to Ada').getByText('Goes on when you are on the stage again'));
    await appears(row(ada, 'agenda.txt').getByText('Waiting for Vic to come back'));
    // Off the stage there is no button to send more.
    for (const receiver of ['to Ada', 'to Bob']) await button(row(vic, receiver), 'Cancel agenda.txt').press('Enter');
    for (const removed of ['agenda.txt', 'agenda.txt', 'notes.txt'])
      await button(vic, `Remove ${removed} from the list`).first().press('Enter');
    await disappears(vic.locator('.files'));
    expect(await hasFocus(vic.locator('.chat textarea'))).toBe(true);
  });

  test('what cannot be sent is refused with words', async () => {
    const ann = await enter('refused', 'Ann');
    await give(ann, 'drop', { name: 'early.txt', size: 10 });
    await appears(ann.getByText('Nobody else is here. Files go to those who are in the room.'));
    await enter('refused', 'Bob');
    await appears(ann.locator('section.tile[aria-label="Bob"]'));
    await give(ann, 'drop', { name: 'large.txt', size: 3_000_001 });
    await appears(ann.getByText('large.txt is too large: up to 3 MB can be sent here.'));
    // Whoever closes these errors by keyboard goes on where they were.
    const chat = ann.locator('[data-control=chat]');
    await chat.focus();
    const close = button(ann.locator('.toasts'), 'Close');
    await close.first().press('Enter');
    expect([await close.count(), await hasFocus(close)]).toEqual([1, true]);
    await ann.keyboard.press('Enter');
    expect(await hasFocus(chat)).toBe(true);
    expect(await ann.locator('.file-row').count()).toBe(0);
  });
});

/** Tests of files on the page of a call: dropped, accepted and saved; declined; pasted for one of several; what is refused. */
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { violationsOn } from '../support/axe.ts';
import { hasChromium } from '../support/equipment.ts';
import { eventually, roomUrl } from '../support/people.ts';
import { appears, button, disappears, enterQuietly, newsOn, useChromium } from '../support/visit.ts';
import { useServer } from '../support/weir.ts';

const nothing = { [Symbol.dispose]() {} };

describe.skipIf(!hasChromium)('files on the page of a call', () => {
  const weir = useServer({ WEIR_FILE_MAX_BYTES: '100000' });
  const chromium = useChromium(() => launchChromium(), nothing);

  async function enter(room: string, name: string): Promise<Page> {
    const context = await chromium.browser.newContext({ viewport: { width: 900, height: 700 } });
    return enterQuietly(context, roomUrl(weir.url, room, name));
  }

  /** Drags a file over the page, or drops or pastes it. @param on where */
  async function give(
    page: Page,
    event: 'dragover' | 'drop' | 'paste',
    file: { name: string; size: number },
    on = 'body',
  ) {
    await page.evaluate(
      ([type, { name, size }, selector]) => {
        const data = new DataTransfer();
        data.items.add(new File(['x'.repeat(size)], name));
        const init = { bubbles: true, cancelable: true };
        const made =
          type === 'paste'
            ? new ClipboardEvent(type, { ...init, clipboardData: data })
            : new DragEvent(type, { ...init, dataTransfer: data });
        document.querySelector(selector)?.dispatchEvent(made);
      },
      [event, file, on] as const,
    );
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
    await give(ann, 'drop', file, '.file-drop');
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
    await button(bob, 'Remove notes.txt from the list').click();
    await disappears(row(bob, 'notes.txt'));
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
    // Text is not taken for a file.
    await ann.locator('.chat textarea').fill('words');
    expect(await ann.locator('.file-row').count()).toBe(1);
    // Dropped on one person.
    const file = { name: 'for-bob.txt', size: 10 };
    await give(ann, 'dragover', file);
    await appears(ann.locator('.file-drop').getByText('Drop to send to everyone'));
    await give(ann, 'drop', file, '.file-target');
    await appears(bob.getByText('Ann sends you for-bob.txt (10 bytes). Open the chat to accept it.'));
    await disappears(ann.locator('.file-drop'));
  });

  test('what cannot be sent is refused with words', async () => {
    const ann = await enter('refused', 'Ann');
    await give(ann, 'drop', { name: 'early.txt', size: 10 });
    await appears(ann.getByText('Nobody else is here. Files go to those who are in the room.'));
    await enter('refused', 'Bob');
    await appears(ann.locator('section.tile[aria-label="Bob"]'));
    await give(ann, 'drop', { name: 'large.txt', size: 100_001 });
    await appears(ann.getByText('large.txt is too large: up to 100 kB can be sent here.'));
    expect(await ann.locator('.file-row').count()).toBe(0);
  });
});

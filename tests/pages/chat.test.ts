/** The chat in the pages: messages and links, what is new while it is closed, keys, edits, private messages, slow mode. */
import type { Locator, Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { violationsOn } from '../support/axe.ts';
import { camera } from '../support/broadcast.ts';
import type { TestClient } from '../support/client.ts';
import { hasChromium } from '../support/equipment.ts';
import { fakeContext } from '../support/fakeClient/fakeClient.ts';
import { eventually, roomUrl } from '../support/people.ts';
import { appears, button, disappears, enterQuietly, hasFocus, newsOn, tile, useChromium } from '../support/visit.ts';
import { useServer, withTokens } from '../support/weir.ts';

const phone = { width: 320, height: 640 };

/** The button of the chat, whatever it counts. */
const opener = (page: Page) => page.locator('.control-bar [data-control=chat]');
const field = (page: Page) => page.getByRole('textbox', { name: 'Your message' });
const log = (page: Page) => page.getByRole('log', { name: 'Messages' });
const row = (page: Page, text: string) => page.locator('.chat-message', { hasText: text });
/** The texts of the messages, in their order. */
const textsOn = (page: Page) => page.locator('.chat-message .chat-text').allTextContents();
const hint = (page: Page) => page.locator('#chat-hint');

const write = (client: TestClient, text: string, to?: string) =>
  client.request('sendChat', { text, ...(to !== undefined && { to }) });
const eventOf = async (client: TestClient, text: string) => {
  const { messages } = await client.event('chatMessages', (data) => data.messages.some((one) => one.text === text));
  return messages.find((one) => one.text === text);
};

async function openChat(page: Page): Promise<void> {
  await opener(page).click();
  await appears(field(page));
}

/** Chooses something in the menu of a message, by keyboard. */
async function act(page: Page, message: Locator, item: string): Promise<void> {
  await button(message, 'Actions for this message').focus();
  await page.keyboard.press('Enter');
  await button(message, item).focus();
  await page.keyboard.press('Enter');
}

describe.skipIf(!hasChromium)('the chat', () => {
  const weir = useServer(
    { WEIR_CHAT_SLOW_SECONDS: '3' },
    { chatRateLimit: { limit: 5000, window: 1000, minInterval: 0 } },
  );
  const guarded = useServer(withTokens, { chatRateLimit: { limit: 2, window: 1500, minInterval: 0 } });
  const chromium = useChromium(() => launchChromium(), { [Symbol.dispose]: () => {} });

  /** A page in a call with Dora, who has no browser. */
  async function withDora(room: string, viewport = { width: 1280, height: 800 }) {
    const { client: dora, reply } = await weir.join({ room, name: 'Dora' });
    const page = await enterQuietly(
      await fakeContext(chromium.browser, { viewport }),
      roomUrl(weir.url, room, 'Alice'),
    );
    await appears(tile(page, 'Dora'));
    return { page, dora, peerId: reply.peerId };
  }

  test('counts and tells what comes while it is closed, and shows it in order, with links to safe addresses only', async () => {
    const { client: early } = await weir.join({ room: 'links', name: 'Early' });
    await write(early, 'before you came');
    const { page, dora } = await withDora('links');
    const lines = [
      'See https://example.com/a_(b)?x=1. And (http://example.org/ü)!',
      'javascript:alert(1) data:text/html,x file:///etc/passwd ftp://example.com',
      '<img src=x onerror=alert(1)> [x](javascript:alert(1)) https://user@example.com/',
      'mailto:ada@example.com, or https://пример.com/ or https://аpple.com/',
    ];
    for (const line of lines) await write(dora, line);
    await appears(button(page, 'Chat, 4 new messages'));
    expect(await opener(page).getAttribute('data-count')).toBe('4');
    // The first is told at once. Those that follow are told together, later.
    expect((await newsOn(page)).filter((news) => news.startsWith('Dora: '))).toEqual([`Dora: ${lines[0]}`]);

    await page.keyboard.press('c');
    await eventually(() => textsOn(page)).toHaveLength(5);
    expect(await textsOn(page)).toEqual(['before you came', ...lines.slice(0, 3), `${lines[3]} (xn--pple-43d.com)`]);
    expect(await hasFocus(field(page))).toBe(true);
    expect(await opener(page).getAttribute('data-count')).toBeNull();
    const links = await page
      .locator('.chat-log a')
      .evaluateAll((all) =>
        all.map((one) => ['textContent', 'href', 'rel', 'target'].map((name) => Reflect.get(one, name))),
      );
    const safe = ['noopener noreferrer', '_blank'];
    expect(links).toEqual([
      ['https://example.com/a_(b)?x=1', 'https://example.com/a_(b)?x=1', ...safe],
      ['http://example.org/ü', 'http://example.org/%C3%BC', ...safe],
      ['mailto:ada@example.com', 'mailto:ada@example.com', ...safe],
      ['https://пример.com/', 'https://xn--e1afmkfd.com/', ...safe],
      ['https://аpple.com/', 'https://xn--pple-43d.com/', ...safe],
    ]);
    expect(await page.locator('.chat-log img').count()).toBe(0);
    await page.keyboard.press('Escape');
    await disappears(field(page));
    expect(await hasFocus(opener(page))).toBe(true);
  });

  test('is written into by keyboard alone, without a shortcut while typing: send, edit, delete, one private', async () => {
    const { page, dora } = await withDora('keys');
    await page.keyboard.press('c');
    await appears(field(page));
    await page.keyboard.type('mvsc');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('second line');
    expect(await field(page).inputValue()).toBe('mvsc\nsecond line');
    await appears(button(page, 'Unmute'));
    await appears(button(page, 'Start camera'));
    // The key that ends a composition sends nothing.
    await field(page).dispatchEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true });
    await field(page).dispatchEvent('keydown', { key: 'Enter', keyCode: 229, bubbles: true });
    expect(await field(page).inputValue()).toBe('mvsc\nsecond line');
    await page.keyboard.press('Enter');
    expect(await eventOf(dora, 'mvsc\nsecond line')).toMatchObject({ from: { name: 'Alice' } });
    await appears(page.locator('.chat-message.own.sent'));
    expect(await field(page).inputValue()).toBe('');

    // A draft waits while a message is edited.
    await page.keyboard.press('ArrowUp');
    expect(await field(page).inputValue()).toBe('mvsc\nsecond line');
    await field(page).fill('edited');
    await page.keyboard.press('Enter');
    expect(await eventOf(dora, 'edited')).toMatchObject({ edited: true });
    await appears(row(page, 'edited').getByText('edited').last());
    await page.keyboard.type('draft');
    await act(page, row(page, 'edited'), 'Edit');
    await page.keyboard.press('Escape');
    expect(await field(page).inputValue()).toBe('draft');
    expect(await hasFocus(field(page))).toBe(true);

    // Escape closes what was opened last: a menu, a question, then the chat.
    await button(row(page, 'edited'), 'Actions for this message').press('Enter');
    await appears(button(row(page, 'edited'), 'Delete'));
    await page.keyboard.press('Escape');
    await disappears(button(row(page, 'edited'), 'Delete'));
    await act(page, row(page, 'edited'), 'Delete');
    await page.keyboard.press('Escape');
    expect(await hasFocus(button(row(page, 'edited'), 'Actions for this message'))).toBe(true);
    await act(page, row(page, 'edited'), 'Delete');
    await page.keyboard.press('Enter');
    await appears(row(page, 'This message was deleted.'));
    await dora.event('chatMessages', ({ messages }) => messages.some(({ deleted }) => deleted));

    // Only to Dora, who leaves: nothing private goes to all.
    await page.getByLabel('To', { exact: true }).selectOption({ label: 'Dora' });
    await field(page).fill('only you');
    await page.keyboard.press('Enter');
    expect(await eventOf(dora, 'only you')).toMatchObject({ to: { name: 'Dora' } });
    await appears(page.getByText('Only to Dora'));
    await field(page).fill('still only you');
    await dora.request('leave', {});
    await eventually(() => hint(page).textContent()).toBe('Dora has left. Choose who gets your message.');
    await page.keyboard.press('Enter');
    expect(await field(page).inputValue()).toBe('still only you');
    await page.getByLabel('To', { exact: true }).selectOption({ label: 'Everyone' });
    await page.keyboard.press('Tab');
    await field(page).press('Enter');
    await appears(row(page, 'still only you'));
  });

  test('takes as much as a message may have, and says so', async () => {
    const { page, dora } = await withDora('long');
    await openChat(page);
    const height = () => field(page).evaluate((element) => element.clientHeight);
    const line = await height();
    await field(page).fill('1\n2\n3');
    expect(await height()).toBe(line + 44);
    await field(page).fill('1\n2\n3\n4\n5\n6\n7\n8');
    expect(await height()).toBe(line + 88);
    await field(page).fill('');
    await field(page).evaluate((element) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData('text/plain', '🙂'.repeat(4100));
      element.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
    });
    await eventually(() => hint(page).textContent()).toMatch(
      /^The pasted text is longer than a message may be \(4,000/,
    );
    expect([...(await field(page).inputValue())]).toHaveLength(4000);
    await page.keyboard.type('!');
    expect(await hint(page).textContent()).toBe('Too long by 1: a message may have 4,000 characters.');
    await page.keyboard.press('Enter');
    expect([...(await field(page).inputValue())]).toHaveLength(4001);
    await page.keyboard.press('Backspace');
    await page.keyboard.press('Enter');
    await eventOf(dora, '🙂'.repeat(4000));
    expect(await field(page).inputValue()).toBe('');
  });

  test('keeps few of many messages in the page, and stays where one reads', async () => {
    const { page, dora, peerId } = await withDora('many');
    const inside = await weir.app.rooms.find('many');
    const author = inside?.participant(peerId);
    if (!author) throw new Error('Dora is not in the room');
    const texts = Array.from({ length: 450 }, (_, index) => `message ${index + 1}`);
    for (const text of texts) inside?.chat.send(author, { text });
    await appears(button(page, 'Chat, more than 99 new messages'));
    await openChat(page);
    await eventually(() => textsOn(page).then((all) => all.at(-1))).toBe('message 450');
    expect((await textsOn(page)).length).toBeLessThanOrEqual(100);
    const scrollTo = (where: 'start' | 'end') =>
      log(page).evaluate((element, end) => element.scrollTo(0, end ? element.scrollHeight : 0), where === 'end');
    const first = () => textsOn(page).then((all) => all[0]);
    await eventually(async () => {
      await scrollTo('start');
      return first();
    }).toBe('message 1');
    expect((await textsOn(page)).length).toBeLessThanOrEqual(240);
    const read = () => log(page).evaluate((element) => element.scrollTop);
    const at = await read();
    await write(dora, 'one more');
    await write(dora, 'and another');
    await appears(page.getByRole('button', { name: /new messages$/ }).and(page.locator('.chat-to-end')));
    expect(await read()).toBe(at);
    expect(await first()).toBe('message 1');
    await page.locator('.chat-to-end').click();
    await eventually(() => textsOn(page).then((all) => all.at(-1))).toBe('and another');
    await appears(row(page, 'and another'));
    expect((await textsOn(page)).length).toBeLessThanOrEqual(100);
    await disappears(page.locator('.chat-to-end'));
  });

  test('lets an administrator remove a message, and says why somebody may not write', async () => {
    const room = 'rules';
    const enter = async (identity: string, grants: object) => {
      const token = await guarded.token(room, identity, { canPublish: true, ...grants });
      const address = `${guarded.url}/r/${room}?join=1&name=${identity}#token=${token}`;
      return enterQuietly(await fakeContext(chromium.browser), address);
    };
    const { client: dora } = await guarded.enter(room, 'Dora', { canPublishData: true });
    await write(dora, 'not nice');
    const admin = await enter('Ada', { roomAdmin: true, canPublishData: true });
    const silent = await enter('Sam', { canPublishData: false });
    await openChat(admin);
    await opener(silent).click();
    await appears(silent.getByText('You cannot write in this chat. Whoever runs the room can allow it.'));
    expect(await field(silent).isVisible()).toBe(false);
    expect(await button(row(silent, 'not nice'), 'Actions for this message').count()).toBe(0);
    await act(admin, row(admin, 'not nice'), 'Remove');
    await appears(admin.getByText('Remove this message of Dora for everyone?'));
    await admin.keyboard.press('Enter');
    await appears(row(silent, 'This message was deleted.'));
  });

  test('says that a message was not sent, and sends it when one tries again', async () => {
    const token = await guarded.token('failed', 'Ada', { canPublish: true, canPublishData: true });
    const address = `${guarded.url}/r/failed?join=1&name=Ada#token=${token}`;
    const page = await enterQuietly(await fakeContext(chromium.browser), address);
    await openChat(page);
    for (const text of ['one', 'two', 'three']) {
      await field(page).fill(text);
      await page.keyboard.press('Enter');
    }
    await appears(row(page, 'three').getByText(/^Not sent\. /));
    expect(await hint(page).textContent()).toMatch(/^You can write again in \d s\.$/);
    expect(await textsOn(page)).toEqual(['one', 'two', 'three']);
    await disappears(hint(page));
    await button(row(page, 'three'), 'Try again').click();
    await appears(page.locator('.chat-message.sent', { hasText: 'three' }));
    expect(await textsOn(page)).toEqual(['one', 'two', 'three']);
    for (const text of ['four', 'five']) {
      await field(page).fill(text);
      await page.keyboard.press('Enter');
    }
    const failed = page.locator('.chat-message.failed');
    await appears(failed);
    await button(failed, 'Discard').press('Enter');
    await disappears(failed);
    expect(await hasFocus(log(page))).toBe(true);
  });

  test('is beside the player of a broadcast, below it on a phone, and slow for viewers, with a countdown', async () => {
    const room = 'slow';
    const { client: host } = await weir.join({ room, name: 'Hana', kind: 'broadcast', role: 'host' });
    await host.request('produce', camera);
    const page = await (await fakeContext(chromium.browser, { viewport: { width: 1280, height: 800 } })).newPage();
    await page.goto(`${weir.url}/b/${room}?name=Vera`);
    await openChat(page);
    expect(await hint(page).textContent()).toBe('Slow mode: one message every 3 seconds.');
    const boxes = async () => {
      const [player, chat] = [await page.locator('.player').boundingBox(), await page.locator('.chat').boundingBox()];
      if (!player || !chat) throw new Error('player or chat is not there');
      return { player, chat };
    };
    const wide = await boxes();
    expect(wide.chat.x).toBeGreaterThanOrEqual(wide.player.x + wide.player.width);
    await field(page).fill('hello');
    await page.keyboard.press('Enter');
    await eventOf(host, 'hello');
    await eventually(() => hint(page).textContent()).toMatch(/^Slow mode: you can write again in [123] s\.$/);
    await field(page).fill('again');
    await page.keyboard.press('Enter');
    expect(await field(page).inputValue()).toBe('again');
    await eventually(() => hint(page).textContent()).toBe('Slow mode: one message every 3 seconds.');
    await page.keyboard.press('Enter');
    await eventOf(host, 'again');

    await page.setViewportSize(phone);
    const narrow = await boxes();
    expect(narrow.chat.y).toBeGreaterThanOrEqual(narrow.player.y + narrow.player.height);
    expect(narrow.chat.height).toBeGreaterThan(200);
    expect(narrow.player.height).toBeGreaterThan(100);
    expect(await violationsOn(page)).toEqual([]);
  });

  test('fills a phone while the call goes on', async () => {
    const { page, dora } = await withDora('phone', phone);
    await write(dora, 'can you read this?');
    await button(page, 'Chat, 1 new message').click();
    await appears(row(page, 'can you read this?'));
    const box = await page.locator('.chat').boundingBox();
    expect(box).toEqual({ x: 0, y: 0, ...phone });
    expect(await page.evaluate(() => window.weir?.state)).toBe('joined');
    expect(await violationsOn(page)).toEqual([]);
    await button(page, 'Close the chat').click();
    await disappears(field(page));
    expect(await hasFocus(opener(page))).toBe(true);
  });
});

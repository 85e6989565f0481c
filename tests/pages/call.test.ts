/** What participants of a call see of each other: hands, reactions, the list of people, moderation, links. */
import type { BrowserContext, Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { startServer } from '../../scripts/support/servers/startServer.ts';
import { microphone } from '../support/broadcast.ts';
import { hasChromium } from '../support/equipment.ts';
import { fakeContext } from '../support/fakeClient/fakeClient.ts';
import { eventually, roomUrl } from '../support/people.ts';
import {
  appears,
  button,
  disappears,
  enterQuietly,
  expectIn,
  hasFocus,
  join,
  newsOn,
  openLobby,
  tile,
  useChromium,
} from '../support/visit.ts';
import { token, useServer, withTokens } from '../support/weir.ts';

describe.skipIf(!hasChromium)('people in a call', () => {
  const captures = new Captures();
  const weir = useServer();
  const chromium = useChromium(() => launchChromium(captures.make({ colour: 'red', tone: 500 })), captures);

  /** Somebody without camera and microphone, on a page that remembers nothing else. */
  async function enter(room: string, name: string, context?: BrowserContext): Promise<Page> {
    return enterQuietly(context ?? (await fakeContext(chromium.browser)), roomUrl(weir.url, room, name));
  }

  const list = (page: Page) => page.getByRole('complementary', { name: 'People' });
  const rows = (page: Page) => list(page).getByRole('listitem');
  const row = (page: Page, name: string) => rows(page).filter({ hasText: name });
  const names = async (page: Page) =>
    Promise.all((await rows(page).all()).map((one) => one.locator('.label').textContent()));
  const mark = (page: Page, name: string, words: string) =>
    tile(page, name).getByRole('img', { name: words, exact: true });

  test('a raised hand is on the tile, first in the list and announced, for those who come later too, until it is lowered', async () => {
    const alice = await enter('hand', 'Alice');
    await weir.join({ room: 'hand', name: 'Dora' });
    const bob = await enter('hand', 'Bob');
    await button(alice, 'People').click();
    await expect.poll(() => names(alice)).toEqual(['Alice (you)', 'Dora', 'Bob']);
    expect(await mark(alice, 'Bob', 'hand raised').isVisible()).toBe(false);

    await button(bob, 'Raise hand').click();
    await appears(mark(alice, 'Bob', 'hand raised'));
    await expect.poll(() => names(alice)).toEqual(['Bob', 'Alice (you)', 'Dora']);
    expect(await row(alice, 'Bob').getByRole('img', { name: 'hand raised' }).isVisible()).toBe(true);
    expect(await mark(alice, 'Dora', 'hand raised').isVisible()).toBe(false);
    expect(await newsOn(alice)).toContain('Bob raised a hand.');
    await appears(mark(bob, 'You', 'hand raised'));
    const carol = await enter('hand', 'Carol');
    await appears(mark(carol, 'Bob', 'hand raised'));

    await button(bob, 'Lower hand').click();
    await disappears(mark(alice, 'Bob', 'hand raised'));
    await disappears(mark(carol, 'Bob', 'hand raised'));
    await expect.poll(() => names(alice)).toEqual(['Alice (you)', 'Dora', 'Bob', 'Carol']);
    await appears(button(bob, 'Raise hand'));
  });

  test('B-frames of an encoder are named, and what to do about them', async () => {
    const alice = await enter('frames', 'Alice');
    const { reply } = await weir.join({ room: 'frames', name: 'OBS' });
    await appears(tile(alice, 'OBS'));
    const room = await weir.app.rooms.find('frames');
    const encoder = room?.participant(reply.peerId);
    if (!encoder) throw new Error('It is not in the room.');
    room?.videoProblemFound(encoder, 'bFrames');
    await appears(alice.getByText('OBS sends B-frames, which browsers show out of order.'));
  });

  test('a bad connection is a mark on the tile that it concerns, with words for whoever points at it or tabs to it', async () => {
    const alice = await enter('quality', 'Alice');
    const bob = await weir.join({ room: 'quality', name: 'Bob' });
    await weir.join({ room: 'quality', name: 'Dora' });
    await appears(tile(alice, 'Dora'));
    const words = "Bob's connection is weak.";
    const marks = alice.locator('.quality-mark:visible');
    expect(await marks.count()).toBe(0);

    // The judgement has tests of its own: here the client says so.
    await alice.evaluate((peerId) => {
      const { weir: client } = window;
      if (client) client.connectionQuality = (of) => (of === peerId ? 'remoteUplink' : 'good');
    }, bob.reply.peerId);
    await appears(button(tile(alice, 'Bob'), words));
    expect(await marks.count()).toBe(1);
    const notice = tile(alice, 'Bob').locator('.connection-notice');
    expect(await notice.isVisible()).toBe(false);
    await tile(alice, 'Bob').hover();
    await eventually(() => notice.isVisible(), 'words at hover').toBe(true);
    expect(await notice.textContent()).toBe(words);
    await tile(alice, 'Dora').hover();
    await eventually(() => notice.isVisible(), 'words after hover').toBe(false);
    await button(tile(alice, 'Bob'), words).focus();
    await eventually(() => notice.isVisible(), 'words at focus').toBe(true);

    await alice.evaluate(() => {
      const { weir: client } = window;
      if (client) client.connectionQuality = (of) => (of === undefined ? 'localUplink' : 'server');
    });
    await appears(button(tile(alice, 'You'), 'Your upload is weak: others see and hear you badly.'));
    await appears(button(tile(alice, 'Dora'), 'The server is overloaded.'));
    await alice.evaluate(() => {
      const { weir: client } = window;
      if (client) client.connectionQuality = () => 'good';
    });
    await eventually(() => marks.count(), 'marks').toBe(0);
  });

  test('a reaction floats up at everybody with the name of whose it is, and is announced', async () => {
    const context = await fakeContext(chromium.browser);
    await context.clock.install();
    const [alice, bob] = await Promise.all([enter('reaction', 'Alice', context), enter('reaction', 'Bob')]);
    await appears(tile(alice, 'Bob'));
    await button(bob, 'React').click();
    await button(bob, 'Applause').click();
    const floating = alice.getByText('👏');
    await appears(floating);
    expect(await floating.locator('..').textContent()).toBe('👏Bob');
    const own = bob.getByText('👏').filter({ visible: true });
    await appears(own);
    expect(await own.locator('..').textContent()).toBe('👏You');
    expect(await newsOn(alice)).toContain('Bob: Applause');
    expect(await newsOn(bob)).not.toContain('Bob: Applause');
    await alice.clock.fastForward(4000);
    await eventually(() => floating.count()).toBe(0);
  });

  test('who comes and goes is announced, and stands in the list and on the stage', async () => {
    const alice = await enter('news', 'Alice');
    await appears(alice.getByText('Nobody else is here yet.'));
    const { client } = await weir.join({ room: 'news', name: 'Dora' });
    await appears(tile(alice, 'Dora'));
    await disappears(alice.getByText('Nobody else is here yet.'));
    await expect.poll(() => newsOn(alice)).toEqual(['Dora joined.']);
    client.cut();
    await disappears(tile(alice, 'Dora'));
    await expect.poll(() => newsOn(alice)).toEqual(['Dora joined.', 'Dora left.']);
  });

  test('the list of people opens and closes by keyboard: the focus goes in and comes back', async () => {
    const alice = await enter('keyboard', 'Alice');
    const opener = button(alice, 'People');
    for (const close of ['Escape', 'Enter']) {
      await opener.focus();
      await alice.keyboard.press('Enter');
      await appears(list(alice));
      expect(await list(alice).evaluate((element) => element.contains(document.activeElement))).toBe(true);
      await alice.keyboard.press(close);
      await disappears(list(alice));
      expect(await hasFocus(opener)).toBe(true);
    }
  });

  test('the list says who is muted, as it changes', async () => {
    const alice = await enter('muted', 'Alice');
    const { client: bob } = await weir.join({ room: 'muted', name: 'Bob' });
    await bob.request('produce', microphone);
    await button(alice, 'People').click();
    const muted = row(alice, 'Bob').getByRole('img', { name: 'muted' });
    await appears(row(alice, 'Bob'));
    await disappears(muted);
    expect(await row(alice, 'Alice').getByRole('img', { name: 'muted' }).isVisible()).toBe(true);
    await bob.request('pauseProducer', { source: 'microphone' });
    await appears(muted);
    await appears(mark(alice, 'Bob', 'muted'));
    await bob.request('resumeProducer', { source: 'microphone' });
    await disappears(muted);
    await disappears(mark(alice, 'Bob', 'muted'));
  });

  test('an administrator removes somebody, who sees why and does not come back with the same token', async () => {
    await using server = await startServer(withTokens);
    const enterWith = async (name: string, pass: string) => {
      const page = await (await fakeContext(chromium.browser)).newPage();
      await openLobby(page, server.url, 'run');
      await page.getByLabel('Access token').fill(pass);
      await join(page, name);
      return page;
    };
    const bobsToken = await token('run', 'bob');
    const [alice, bob] = await Promise.all([
      enterWith('Alice', await token('run', 'alice', { roomAdmin: true })),
      enterWith('Bob', bobsToken),
    ]);
    await Promise.all([expectIn(alice), expectIn(bob)]);
    await button(bob, 'People').click();
    await appears(row(bob, 'Alice'));
    expect(await button(bob, 'More about Alice').count()).toBe(0);
    await button(alice, 'People').click();
    expect(await button(alice, 'More about Alice').count()).toBe(0);
    const more = button(list(alice), 'More about Bob');
    await more.focus();
    await alice.keyboard.press('Enter');
    await list(alice).locator('.menu:popover-open').getByText('Remove…').click();
    const dialog = alice.getByRole('dialog', { name: 'Remove Bob?' });
    // The dialog stays while the row changes.
    const muted = row(alice, 'Bob').getByRole('img', { name: 'muted' });
    const wasMuted = await muted.isVisible();
    await bob.keyboard.press('m');
    await muted.waitFor({ state: wasMuted ? 'hidden' : 'visible' });
    expect(await hasFocus(button(dialog, 'Cancel'))).toBe(true);
    await button(dialog, 'Remove').click();
    await appears(bob.getByRole('heading', { name: 'You were removed from the call' }));
    await appears(bob.getByText('alice removed you.'));
    await expect.poll(() => names(alice)).toEqual(['Alice (you)']);
    expect(await hasFocus(button(list(alice), 'Close'))).toBe(true);
    expect(await button(bob, 'Join again').count()).toBe(0);
    // The same token is refused in another page as well.
    const again = await enterWith('Bob', bobsToken);
    await appears(again.getByRole('alert').filter({ hasText: 'You were removed from this room' }));
    await Promise.all([alice.close(), bob.close()]);
  });

  test('the link that is copied is the address of the room, without a name or a wish to join', async () => {
    const context = await fakeContext(chromium.browser);
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: weir.url });
    const alice = await enter('Küche 1', 'Alice', context);
    for (const open of [async () => {}, () => button(alice, 'People').click()]) {
      await alice.evaluate(() => navigator.clipboard.writeText('something else'));
      await open();
      await button(alice, 'Copy invite link').last().click();
      await eventually(() => alice.evaluate(() => navigator.clipboard.readText())).toBe(`${weir.url}/r/k%C3%BCche%201`);
      await appears(alice.getByText('Link copied.').first());
    }
  });

  test('names with markup are text wherever they stand, and nothing in them runs', async () => {
    const evil = '<img src=x onerror=self.ran=1>';
    const alice = await enter(evil, evil);
    const { client } = await weir.join({ room: evil, name: evil });
    await appears(tile(alice, evil));
    await client.request('setHand', { raised: true });
    await client.request('react', { reaction: 'heart' });
    await button(alice, 'People').click();
    await expect.poll(() => names(alice)).toEqual([evil, `${evil} (you)`]);
    await appears(alice.getByText('❤️'));
    await appears(alice.getByText(`${evil} raised a hand.`).first());
    expect(await alice.title()).toContain(evil);
    const lobby = await (await fakeContext(chromium.browser)).newPage();
    await openLobby(lobby, weir.url, evil);
    await appears(lobby.getByText(`${evil} and ${evil} are here.`));
    for (const page of [alice, lobby]) {
      expect(await page.locator('img, script:not([src])').count()).toBe(0);
      expect(await page.evaluate(() => 'ran' in globalThis)).toBe(false);
    }
  });
});

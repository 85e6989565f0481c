/** Administrators mute and stop others: the packets of whoever is muted really end, through the server and in a direct call. */
import { setTimeout } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { hasChromium } from '../support/equipment.ts';
import { eventually, expectToSee, Person, roomUrl } from '../support/people.ts';
import { receivedOf, statsOf, tileOf } from '../support/tiles.ts';
import { button } from '../support/visit.ts';

describe.skipIf(!hasChromium)('whoever is muted by an administrator', () => {
  const captures = new Captures();
  let server: TestServer;
  let alice: Person;
  let bob: Person;

  beforeAll(async () => {
    server = await startServer({ WEIR_ROOM_POLICY: 'auto', WEIR_RTC_HOST: '127.0.0.1' });
    [alice, bob] = await Promise.all([
      Person.start('Alice', { colour: 'red', tone: 500 }, captures),
      Person.start('Bob', { colour: 'green', tone: 800 }, captures),
    ]);
  });
  afterEach(() => Promise.all([alice, bob].map((person) => person.leaveAll())));
  afterAll(async () => {
    await Promise.all([alice, bob].map((person) => person[Symbol.asyncDispose]()));
    await server?.close();
    captures[Symbol.dispose]();
  });

  const open = async (person: Person, url: string) => {
    const page = await person.page();
    await page.goto(url);
    return page;
  };
  const idOf = (page: Page) => page.evaluate(() => window.weir?.peerId ?? '');
  /** Packets of a source that one page has received from another. */
  const packets = async (at: Page, of: Page, source: 'microphone' | 'camera') =>
    (await receivedOf(at, await idOf(of), source))?.packets ?? 0;
  /** Packets that come within half a second: 25 of a microphone. */
  async function packetsNow(at: Page, of: Page): Promise<number> {
    const before = await packets(at, of, 'microphone');
    await setTimeout(500);
    return (await packets(at, of, 'microphone')) - before;
  }
  const isDirect = async (page: Page) =>
    (await statsOf(page)).filter(({ direction, direct }) => direction === 'receive' && direct).length === 2;

  test.each([
    ['through the server', 'sfu'],
    ['directly', 'auto'],
  ] as const)(
    'is heard no more %s, and heard again once they unmute; a stopped camera sends nothing',
    async (_, policy) => {
      const room = `muted-${policy}`;
      const [atAlice, atBob] = await Promise.all([
        open(alice, `${roomUrl(server.url, room, 'Alice')}&role=host&policy=${policy}`),
        open(bob, `${roomUrl(server.url, room, 'Bob')}&policy=${policy}`),
      ]);
      await Promise.all([expectToSee(atAlice, [bob]), expectToSee(atBob, [alice])]);
      if (policy === 'auto') for (const page of [atAlice, atBob]) await eventually(() => isDirect(page)).toBe(true);
      await expect.poll(() => packetsNow(atAlice, atBob), { timeout: 10_000 }).toBeGreaterThan(15);

      await atAlice.evaluate(() => window.weir?.moderation.muteAll());
      await eventually(() => button(atBob, 'Unmute').count()).toBe(1);
      // Directly, Chromium goes on to send a few packets of silence.
      const most = policy === 'sfu' ? 0 : 8;
      await expect.poll(() => packetsNow(atAlice, atBob), { timeout: 10_000 }).toBeLessThanOrEqual(most);
      await eventually(() => tileOf(atAlice, 'Bob')).toMatchObject({ muted: true, tone: undefined });
      // Those of the administrator go on.
      expect(await packetsNow(atBob, atAlice)).toBeGreaterThan(15);

      await atBob.keyboard.press('m');
      await expect.poll(() => packetsNow(atAlice, atBob), { timeout: 10_000 }).toBeGreaterThan(15);

      await atAlice.evaluate(async () => {
        const [peer] = window.weir?.peers ?? [];
        await window.weir?.moderation.stopSource(peer?.peerId ?? '', 'camera');
      });
      await eventually(() => button(atBob, 'Start camera').count()).toBe(1);
      await eventually(async () => (await receivedOf(atAlice, await idOf(atBob), 'camera'))?.packets).toBeUndefined();
      // Its light is off: nothing captures it any more.
      expect(await atBob.evaluate(() => window.weir?.localTrack('camera')?.readyState)).toBeUndefined();
    },
  );
});

/** Memory of a page: participants who joined and left leave no DOM nodes and no listeners. */
import type { Page } from 'playwright-core';
import { afterEach, describe, test } from 'vitest';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { Member } from '../../scripts/support/endpoint/Member.ts';
import type { TestClient } from '../support/client.ts';
import { DomCounter } from '../support/domCounts.ts';
import { hasChromium } from '../support/equipment.ts';
import { layers, voice } from '../support/headlessMembers.ts';
import { eventually, roomUrl } from '../support/people.ts';
import { button, enterQuietly, expectIn, useChromium } from '../support/visit.ts';
import { useServer } from '../support/weir.ts';

/** How many come and go, and how many are there at once. */
const PEOPLE = 900;
const AT_ONCE = 30;

describe.skipIf(!hasChromium)('a page on which people come and go', () => {
  const weir = useServer({ WEIR_MESSAGES_PER_SECOND: '1000', WEIR_MAX_CONNECTIONS_PER_IP: '1000' });
  const chromium = useChromium(() => launchChromium(), { [Symbol.dispose]: () => {} });
  const members: Member[] = [];
  afterEach(() => {
    for (const member of members.splice(0)) member.leave();
  });

  const broadcastUrl = (room: string, query: string) => `${weir.url}/b/${encodeURIComponent(room)}?${query}`;
  const enter = async (url: string) => enterQuietly(await chromium.browser.newContext(), url);

  /** Waits until there is no more on the page than before, but for what a single person would have left. */
  async function expectNoMore(counter: DomCounter, before: Awaited<ReturnType<DomCounter['read']>>): Promise<void> {
    // Elements that a timer removes are held for a few seconds.
    await eventually(async () => (await counter.read()).nodes).toBeLessThanOrEqual(before.nodes + 25);
    await eventually(async () => (await counter.read()).listeners).toBeLessThanOrEqual(before.listeners + 5);
    console.info('before', before, 'after', await counter.read());
  }

  /** So many come, raise a hand, and go, `AT_ONCE` at a time. */
  async function comeAndGo(page: Page, room: string, people: number, kind: 'call' | 'broadcast' = 'call') {
    const hands = () => page.evaluate(() => window.weir?.broadcast.hands.total);
    const others = () => page.evaluate(() => window.weir?.peers.length);
    for (let come = 0; come < people; come += AT_ONCE) {
      const clients: TestClient[] = await Promise.all(
        Array.from({ length: Math.min(AT_ONCE, people - come) }, async (_, index) => {
          const client = await weir.connect();
          const role = kind === 'broadcast' ? { kind, role: 'viewer' as const } : {};
          await client.join({ room, name: `${come + index}`, transports: { send: false, recv: false }, ...role });
          await client.request('setHand', { raised: true });
          return client;
        }),
      );
      await eventually(kind === 'call' ? others : hands).toBe(clients.length);
      for (const client of clients) client.cut();
      await eventually(kind === 'call' ? others : hands).toBe(0);
    }
  }

  test(`a call is as it was after ${PEOPLE} have come and gone, some of them with media`, async () => {
    const page = await enter(roomUrl(weir.url, 'growth', 'Alice'));
    const counter = await DomCounter.attach(page);
    const withMedia = async (count: number) => {
      const tracks = { microphone: voice, camera: layers, screen: layers.slice(0, 1) };
      const joins = Array.from({ length: count }, async (_, index) => {
        const { member, ready } = await Member.join({ url: weir.url, room: 'growth', name: `${index}`, tracks });
        members.push(member);
        await ready;
      });
      await Promise.all(joins);
      await eventually(() => page.locator('.tile').count()).toBe(2 * count + 1);
      await eventually(() => page.locator('audio').count()).toBe(count);
      for (const member of members.splice(0)) member.leave();
      await eventually(() => page.locator('.tile').count()).toBe(1);
      await eventually(() => page.locator('audio').count()).toBe(0);
    };
    const people = () => button(page, 'People').click();
    const round = async (count: number) => {
      await people();
      await comeAndGo(page, 'growth', count);
      await people();
      await withMedia(2);
    };
    // Objects that are created once, at first use, belong to the baseline.
    await round(AT_ONCE);
    const before = await counter.read();
    await round(PEOPLE);
    await expectNoMore(counter, before);
  });

  test('a studio is as it was after viewers have raised their hands and gone', async () => {
    const page = await enter(broadcastUrl('growth', 'role=host&name=Ada&join=1'));
    const counter = await DomCounter.attach(page);
    await comeAndGo(page, 'growth', AT_ONCE, 'broadcast');
    const before = await counter.read();
    await comeAndGo(page, 'growth', PEOPLE, 'broadcast');
    await expectNoMore(counter, before);
  });

  test.each([
    ['call', () => roomUrl(weir.url, 'again', 'Alice'), 'Leave', 'Join again'],
    ['studio', () => broadcastUrl('again', 'role=host&name=Ada&join=1'), 'Leave the studio', 'Join again'],
    ['viewer', () => broadcastUrl('watched', 'name=Vera'), 'Leave', 'Watch again'],
  ])('a page is as it was after one has left the %s and joined again, and again', async (kind, url, leave, again) => {
    const page = await enter(url());
    const room = kind === 'viewer' ? 'watched' : 'again';
    // Another participant, so that there is a tile each time.
    const other = await weir.connect();
    await other.join({ room, name: 'Bert', ...(kind !== 'call' && { kind: 'broadcast', role: 'host' }) });
    const counter = await DomCounter.attach(page);
    const cycle = async (times: number) => {
      for (let time = 0; time < times; time += 1) {
        await button(page, leave).click();
        if (kind === 'studio') {
          const answer = page.getByRole('dialog').getByRole('button', { name: 'Leave and come back' });
          if (await answer.isVisible()) await answer.click();
        }
        await button(page, again).click();
        await expectIn(page);
      }
    };
    await cycle(1);
    const before = await counter.read();
    await cycle(4);
    await expectNoMore(counter, before);
  });
});

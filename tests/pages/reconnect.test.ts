/** Rejoining after the server was gone: with the same state, and not for those who left or were removed. */
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { NetworkFault } from '../../scripts/support/network/NetworkFault.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { TestClient } from '../support/client.ts';
import { hasChromium } from '../support/equipment.ts';
import { fakeContext } from '../support/fakeClient/fakeClient.ts';
import { eventually, roomUrl } from '../support/people.ts';
import {
  appears,
  button,
  colourOf,
  disappears,
  enterQuietly,
  expectIn,
  join,
  newsOn,
  openLobby,
  tile,
  useChromium,
} from '../support/visit.ts';
import { token, withTokens } from '../support/weir.ts';

/** As long as servers of users keep a session without a connection. */
const resuming = { WEIR_RESUME_SECONDS: '30' };

describe.skipIf(!hasChromium)('a lost connection', () => {
  const captures = new Captures();
  const chromium = useChromium(() => launchChromium(captures.make({ colour: 'red', tone: 500 })), captures);

  const viewport = { width: 640, height: 480 };
  /** Somebody with a face and a voice. */
  async function enter(url: string, name: string, context = chromium.browser.newContext({ viewport })): Promise<Page> {
    const page = await (await context).newPage();
    await page.goto(roomUrl(url, 'lost', name));
    await expectIn(page);
    return page;
  }
  /** Pages of people whose pictures and voices are not looked at: with the fake client. */
  const enterFake = (url: string, name: string) => enter(url, name, fakeContext(chromium.browser, { viewport }));
  const quietly = async (url: string, name: string) =>
    enterQuietly(await fakeContext(chromium.browser), roomUrl(url, 'lost', name));
  const again = (url: string, environment = {}) => startServer({ ...environment, WEIR_PORT: new URL(url).port });
  const lost = (page: Page) => page.getByRole('status').filter({ hasText: 'Reconnecting…' });
  const back = (page: Page) => page.getByText('You are back.').first();
  const face = (page: Page, name: string) => colourOf(tile(page, name).locator('video'));
  /** How bright the picture of a tile is shown, 1 as it is. */
  const brightness = (page: Page, name: string) =>
    tile(page, name)
      .locator('video')
      .evaluate((video) => Number(/brightness\((\S+)\)/.exec(getComputedStyle(video).filter)?.[1] ?? 1));
  /** What a page knows of somebody's microphone. */
  const microphoneOf = (page: Page, name: string) =>
    page.evaluate((who) => window.weir?.peers.find((peer) => peer.name === who)?.sources.microphone, name);

  /** Ends a server as a kill does: its connections are reset, and neither it nor its media says goodbye. */
  async function kill(server: TestServer, network: NetworkFault): Promise<void> {
    network.cut('reset');
    for (const { pid } of server.app.pool.workers) process.kill(pid, 'SIGKILL');
    await server.close();
  }

  test('a server that is killed: it is said after a second, pictures stay and are dimmed, and all comes back by itself', async () => {
    await using first = await startServer(resuming);
    await using network = await NetworkFault.start(first.url);
    const [alice, bob] = await Promise.all([enter(network.url, 'Alice'), enter(network.url, 'Bob')]);
    await eventually(() => face(alice, 'Bob')).toBe('red');
    await eventually(() => face(bob, 'Alice')).toBe('red');
    const before = await alice.evaluate(() => window.weir?.peerId);

    const cut = performance.now();
    await kill(first, network);
    await expect.poll(() => alice.evaluate(() => window.weir?.reconnecting)).toBe(true);
    await appears(lost(alice));
    expect(performance.now() - cut).toBeGreaterThan(1000);
    await eventually(() => brightness(alice, 'Bob')).toBeLessThan(0.9);
    expect(await face(alice, 'Bob')).toBe('red');
    expect(await back(alice).count()).toBe(0);

    await using _second = await again(first.url, resuming);
    await network.mend();
    await eventually(() => lost(alice).isVisible()).toBe(false);
    await appears(back(alice));
    expect(await newsOn(alice)).toContain('You are back.');
    for (const [page, other] of [
      [alice, 'Bob'],
      [bob, 'Alice'],
    ] as const) {
      await eventually(() => brightness(page, other)).toBe(1);
      await eventually(() => face(page, other)).toBe('red');
      const frames = () =>
        tile(page, other)
          .locator('video')
          .evaluate((video) =>
            video instanceof HTMLVideoElement ? video.getVideoPlaybackQuality().totalVideoFrames : -1,
          );
      const seen = await frames();
      await eventually(frames).toBeGreaterThan(seen + 5);
    }
    expect(await alice.evaluate(() => window.weir?.peerId)).not.toBe(before);
    await Promise.all([alice.close(), bob.close()]);
  });

  test('who was muted with a raised hand and a shared screen, or mutes meanwhile, comes back just so; who leaves does not', async () => {
    const first = await startServer();
    const [alice, ann, leo, bob] = await Promise.all([
      enterFake(first.url, 'Alice'),
      enterFake(first.url, 'Ann'),
      quietly(first.url, 'Leo'),
      quietly(first.url, 'Bob'),
    ]);
    await button(alice, 'Mute').click();
    await button(alice, 'Raise hand').click();
    await button(alice, 'Share screen').click();
    await appears(tile(bob, "Alice's screen"));
    await expect.poll(() => microphoneOf(bob, 'Alice')).toBe('paused');
    await expect.poll(() => microphoneOf(bob, 'Ann')).toBe('live');
    await first.close();
    await Promise.all([alice, ann, leo, bob].map((page) => appears(lost(page))));
    expect.soft(await button(alice, 'Unmute').isVisible()).toBe(true);
    await button(ann, 'Mute').click();
    expect.soft(await button(ann, 'Unmute').isVisible()).toBe(true);
    await button(leo, 'Leave').click();
    await appears(leo.getByRole('heading', { name: 'You left the call' }));
    const attempts: string[] = [];
    leo.on('websocket', (socket) => attempts.push(socket.url()));

    await using second = await again(first.url);
    await Promise.all([alice, ann, bob].map((page) => appears(back(page))));
    await appears(tile(bob, "Alice's screen"));
    await appears(tile(bob, 'Alice').getByRole('img', { name: 'hand raised' }));
    // The fake client draws whoever is received in green.
    await eventually(() => face(bob, 'Alice')).toBe('green');
    for (const name of ['Alice', 'Ann']) {
      await eventually(() => microphoneOf(bob, name)).toBeDefined();
      expect(await microphoneOf(bob, name)).toBe('paused');
    }
    expect(await button(alice, 'Unmute').isVisible()).toBe(true);
    await button(alice, 'Unmute').click();
    await expect.poll(() => microphoneOf(bob, 'Alice')).toBe('live');
    const room = await second.app.rooms.find('lost');
    expect(
      room
        ?.visiblePeers()
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(['Alice', 'Ann', 'Bob']);
    expect(attempts).toEqual([]);
    await button(leo, 'Join again').click();
    await appears(tile(leo, 'Bob'));
    await Promise.all([alice, ann, leo, bob].map((page) => page.close()));
  });

  test('who is replaced or removed is told so and does not come back', async () => {
    await using server = await startServer(withTokens);
    const attempts: string[] = [];
    const enterAs = async (identity: string, grants = {}) => {
      const page = await (await chromium.browser.newContext()).newPage();
      page.on('websocket', () => attempts.push(identity));
      await openLobby(page, server.url, 'lost');
      await page.getByLabel('Access token').fill(await token('lost', identity, grants));
      await join(page, identity);
      await expectIn(page);
      return page;
    };
    const [boss, first] = await Promise.all([enterAs('boss', { roomAdmin: true }), enterAs('twice')]);
    const second = await enterAs('twice');
    await appears(first.getByRole('heading', { name: 'You are in this call elsewhere' }));
    await appears(tile(boss, 'twice'));
    const { peers } = await boss.evaluate(() => ({ peers: window.weir?.peers.map(({ peerId }) => peerId) }));
    expect(peers).toEqual([await second.evaluate(() => window.weir?.peerId)]);
    await button(boss, 'People').click();
    await button(boss.getByRole('complementary', { name: 'People' }), 'More about twice').click();
    await boss.locator('.menu:popover-open').getByText('Remove…').click();
    await button(boss.getByRole('dialog'), 'Remove').click();
    await appears(second.getByRole('heading', { name: 'You were removed from the call' }));
    await disappears(tile(boss, 'twice'));
    // A page that rejoined would have done so before another participant came and went.
    const guest = await TestClient.connect(server.url);
    await guest.join({ room: 'lost', name: 'Guest', token: await token('lost', 'guest') });
    await appears(tile(boss, 'Guest'));
    guest.cut();
    await disappears(tile(boss, 'Guest'));
    expect(attempts.toSorted()).toEqual(['boss', 'twice', 'twice']);
    expect(await tile(boss, 'twice').count()).toBe(0);
    await Promise.all([boss.close(), first.close(), second.close()]);
  });
});

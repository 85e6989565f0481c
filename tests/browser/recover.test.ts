/** Calls that recover by themselves: lost connections, crashed tabs, dead workers, deploys, expired tokens. */
import type { Page } from 'playwright-core';
import { afterEach, describe, expect, test } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { Member, type MemberOptions } from '../../scripts/support/endpoint/Member.ts';
import { NetworkFault } from '../../scripts/support/network/NetworkFault.ts';
import { pidOf } from '../../scripts/support/process/pidOf.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { TestClient } from '../support/client.ts';
import { hasChromium } from '../support/equipment.ts';
import { layers, untilReceiving, voice } from '../support/headlessMembers.ts';
import { eventually, roomUrl } from '../support/people.ts';
import { receivedOf } from '../support/tiles.ts';
import {
  appears,
  button,
  colourOf,
  disappears,
  expectIn,
  join,
  newsOn,
  openLobby,
  rememberQuiet,
  tile,
  useChromium,
} from '../support/visit.ts';
import { token, withTokens } from '../support/weir.ts';

describe.skipIf(!hasChromium)('a call in which something breaks', () => {
  const captures = new Captures();
  const chromium = useChromium(() => launchChromium(captures.make({ colour: 'red', tone: 500 })), captures);
  const cleanUp: (() => unknown)[] = [];
  afterEach(async () => {
    for (const undo of cleanUp.splice(0).reverse()) await undo();
  });

  async function serve(environment: Record<string, string> = {}): Promise<TestServer> {
    const server = await startServer({ WEIR_RESUME_SECONDS: '30', ...environment });
    cleanUp.push(() => server.close());
    return server;
  }

  async function lay(url: string): Promise<NetworkFault> {
    const network = await NetworkFault.start(url);
    cleanUp.push(() => network[Symbol.asyncDispose]());
    return network;
  }

  /** Somebody with a face and a voice, or with both off where no test looks at them. */
  async function enter(url: string, name: string, quiet = false): Promise<Page> {
    const page = await (await chromium.browser.newContext({ viewport: { width: 640, height: 480 } })).newPage();
    if (quiet) await rememberQuiet(page);
    await page.goto(roomUrl(url, 'call', name));
    await expectIn(page);
    return page;
  }

  /**
   * Somebody without a browser, who receives everything. It shares the process of the server: it joins after the pages, whose
   * joins would wait for its handshakes on a busy machine.
   */
  async function joinHeadless(url: string, name: string, tracks: MemberOptions['tracks'] = {}): Promise<Member> {
    const { member, ready } = await Member.join({ url, room: 'call', name, tracks });
    cleanUp.push(() => member.leave());
    await ready;
    return member;
  }

  /** Somebody who records what the server sends, and has no media. */
  async function joinClient(url: string, name: string): Promise<TestClient> {
    const client = await TestClient.connect(url);
    cleanUp.push(() => client.cut());
    await client.join({ room: 'call', name, transports: { send: false, recv: false } });
    return client;
  }

  const status = (page: Page) => page.getByRole('status').filter({ hasText: 'Reconnecting…' });
  const cutOf = (page: Page) => page.evaluate(() => window.weir?.reconnecting);
  const idOf = (page: Page) => page.evaluate(() => window.weir?.peerId);
  const frames = (page: Page, name: string) =>
    tile(page, name)
      .locator('video')
      .evaluate((video) => (video instanceof HTMLVideoElement ? video.getVideoPlaybackQuality().totalVideoFrames : -1));
  const seesAnew = async (page: Page, name: string) => {
    const seen = await frames(page, name);
    await eventually(() => frames(page, name)).toBeGreaterThan(seen + 5);
  };
  /** The remote peers as a page has them: identity, sources, raised hand, away. */
  const belief = (page: Page) =>
    page.evaluate(() =>
      (window.weir?.peers ?? [])
        .map(({ identity, name, sources, hand, away }) => ({ identity, name, sources, hand, away }))
        .sort((one, other) => (one.name < other.name ? -1 : 1)),
    );

  test('ICE restarts and a lost connection is resumed while pictures go on, and both know in the end what the other knows', async () => {
    const { url } = await serve();
    const network = await lay(url);
    const [alice, bob] = await Promise.all([enter(network.url, 'Alice'), enter(url, 'Bob')]);
    const [leaver, muter, hander] = await Promise.all([
      joinHeadless(url, 'Leaver'),
      joinHeadless(url, 'Muter', { microphone: voice }),
      joinClient(url, 'Hander'),
    ]);
    await appears(tile(alice, 'Leaver'));
    await appears(tile(alice, 'Muter'));
    await Promise.all([seesAnew(alice, 'Bob'), seesAnew(bob, 'Alice')]);
    const restarts: string[] = [];
    const log = await alice.context().newCDPSession(alice);
    log.on('Network.webSocketFrameSent', ({ response }) => {
      if (response.payloadData.includes('"restartIce"')) restarts.push(response.payloadData);
    });
    await log.send('Network.enable');
    const before = await idOf(alice);
    await alice.evaluate(() => window.weir?.restartIce());
    await expect.poll(() => restarts.length).toBe(1);
    await Promise.all([seesAnew(alice, 'Bob'), seesAnew(bob, 'Alice')]);
    expect(await alice.evaluate(() => window.weir?.mediaConnectionState)).toBe('connected');
    expect(await idOf(alice)).toBe(before);

    const heard = await newsOn(bob);
    network.cut('reset');
    await eventually(() => cutOf(alice)).toBe(true);
    await appears(status(alice));
    // Media flows in both directions, and pictures are not dimmed.
    await Promise.all([seesAnew(alice, 'Bob'), seesAnew(bob, 'Alice')]);
    expect(await alice.locator('.call').evaluate((call) => call.classList.contains('reconnecting'))).toBe(false);
    await button(alice, 'Mute').click();
    await button(alice, 'Raise hand').click();
    leaver.leave();
    await muter.setPaused('microphone', true);
    await hander.request('setHand', { raised: true });
    const comer = await joinHeadless(url, 'Comer', { camera: layers });
    await appears(tile(bob, 'Comer'));
    await disappears(tile(bob, 'Leaver'));
    await appears(tile(bob, 'Muter').getByRole('img', { name: 'muted' }));
    await appears(tile(bob, 'Hander').getByRole('img', { name: 'hand raised' }));
    expect(await tile(alice, 'Leaver').count()).toBe(1);
    await network.mend();
    await disappears(status(alice));
    await appears(tile(bob, 'Alice').getByRole('img', { name: 'hand raised' }));
    await appears(tile(bob, 'Alice').getByRole('img', { name: 'muted' }));
    await Promise.all([seesAnew(alice, 'Bob'), seesAnew(bob, 'Alice')]);
    expect(await idOf(alice)).toBe(before);
    const news = (await newsOn(bob)).slice(heard.length).filter((text) => /joined|left/.test(text));
    expect(news.filter((text) => /Alice/.test(text))).toEqual([]);
    const others = async (page: Page) => (await belief(page)).filter(({ name }) => name !== 'Alice' && name !== 'Bob');
    await eventually(() => others(alice)).toEqual(await others(bob));
    expect((await others(alice)).map(({ name }) => name)).toEqual(['Comer', 'Hander', 'Muter']);
    await untilReceiving(comer, before ?? '', 'camera', 5);
    const packets = async () => (await receivedOf(alice, comer.peerId, 'camera'))?.packets ?? 0;
    await eventually(packets).toBeGreaterThan(20);
  });

  test('who leaves while cut is gone for the others within a second: the media says goodbye', async () => {
    const { url } = await serve();
    const network = await lay(url);
    const alice = await enter(network.url, 'Alice');
    const bob = await joinHeadless(url, 'Bob');
    const id = await idOf(alice);
    await untilReceiving(bob, id ?? '', 'camera', 3);
    const observer = await joinClient(url, 'Observer');
    network.cut('reset');
    await eventually(() => cutOf(alice)).toBe(true);
    await button(alice, 'Leave').click();
    const left = performance.now();
    await observer.event('peerClosed', ({ peerId }) => peerId === id);
    expect(performance.now() - left).toBeLessThan(1000);
  });

  test('a page that is closed is gone within a second', async () => {
    const { url, app } = await serve();
    const [alice, observer] = await Promise.all([enter(url, 'Alice'), joinClient(url, 'Observer')]);
    const room = await app.rooms.find('call');
    const id = await idOf(alice);
    const closed = performance.now();
    await alice.close({ runBeforeUnload: false });
    await observer.event('peerClosed', ({ peerId }) => peerId === id);
    expect(performance.now() - closed).toBeLessThan(1000);
    // The same for a page that navigates away, of a participant who publishes nothing.
    const cleo = await (await chromium.browser.newContext()).newPage();
    await cleo.goto(url);
    await cleo.evaluate("import('/sdk.js').then(({ RoomClient }) => new RoomClient().join({ room: 'call' }))");
    await expect.poll(() => room?.size).toBe(2);
    const left = performance.now();
    await cleo.goto('about:blank');
    await expect.poll(() => room?.size, { timeout: 2000, interval: 10 }).toBe(1);
    expect(performance.now() - left).toBeLessThan(1000);
  });

  /** Crashes the renderer. The command is never answered. */
  async function crash(page: Page): Promise<void> {
    const log = await page.context().newCDPSession(page);
    log.send('Page.crash').catch(() => {});
  }

  test('a tab that crashes is gone at once; one that crashes without a network is away, and gone when the window is over', async () => {
    // Longer than it takes until the others are notified that somebody is away.
    const { url } = await serve({ WEIR_RESUME_SECONDS: '5' });
    const network = await lay(url);
    const [alice, alan, observer] = await Promise.all([
      enter(url, 'Alice'),
      enter(network.url, 'Alan'),
      joinClient(url, 'Observer'),
    ]);
    const [aliceId, alanId] = await Promise.all([idOf(alice), idOf(alan)]);
    network.cut('reset');
    const cut = performance.now();
    await Promise.all([crash(alan), crash(alice)]);
    expect(await observer.event('peerClosed')).toMatchObject({ peerId: aliceId });
    expect(performance.now() - cut).toBeLessThan(4000);
    expect(await observer.event('peerAway')).toEqual({ peerId: alanId, away: true });
    expect(await observer.event('peerClosed')).toMatchObject({ peerId: alanId });
    expect(performance.now() - cut).toBeGreaterThan(5000);
  });

  test('identities may be any text: nobody is taken for somebody else, for oneself, or for a screen', async () => {
    const { url, app } = await serve(withTokens);
    const page = await (await chromium.browser.newContext()).newPage();
    await openLobby(page, url, 'names');
    await page.getByLabel('Access token').fill(await token('names', 'viewer'));
    await join(page, 'Viewer');
    await expectIn(page);
    const identities = ['self', 'user1', 'user10', 'user1-screen', 'screen:user1'];
    for (const identity of identities) {
      const client = await TestClient.connect(url);
      cleanUp.push(() => client.cut());
      await client.join({ room: 'names', token: await token('names', identity), name: identity });
      await appears(tile(page, identity));
    }
    const handles = await Promise.all(identities.map((identity) => tile(page, identity).elementHandle()));
    const room = await app.rooms.find('names');
    const { peerId } = room?.visiblePeers().find(({ identity }) => identity === 'user1') ?? { peerId: '' };
    room?.notifyAll('peerAway', { peerId, away: true });
    await appears(tile(page, 'user1').getByText('user1 is reconnecting…'));
    expect(await page.getByText('is reconnecting…').count()).toBe(1);
    // The same elements, not new ones in their places.
    for (const handle of handles) expect(await handle?.evaluate((element) => element.isConnected)).toBe(true);
  });

  test('a worker that dies: all come back by themselves, as who they were and to their places, muted or not', async () => {
    const { url, app } = await serve({ WEIR_WORKERS: '2' });
    const [alice, bob] = await Promise.all([
      enter(url, 'Alice'),
      enter(url, 'Bob'),
      enter(url, 'Cleo'),
      enter(url, 'Dora', true),
    ]);
    for (const name of ['Bob', 'Cleo', 'Dora']) await appears(tile(alice, name));
    await button(bob, 'Mute').click();
    await appears(tile(alice, 'Bob').getByRole('img', { name: 'muted' }));
    const order = (page: Page) =>
      page
        .getByRole('region')
        .evaluateAll((tiles) => tiles.map((one) => one.getAttribute('aria-label')).filter((name) => name !== 'You'));
    const places = await order(alice);
    const identities = (await belief(alice)).map(({ identity }) => identity);
    const seen = await alice.evaluateHandle(() => {
      // Records every order in which the tiles are shown.
      const orders = new Set<string>();
      const note = () =>
        orders.add(
          [...document.querySelectorAll('section.tile.participant')]
            .map((one) => one.getAttribute('aria-label'))
            .join(),
        );
      note();
      new MutationObserver(note).observe(document.body, { subtree: true, childList: true });
      return orders;
    });
    const worker = app.pool.workers.find(({ routers }) => routers > 0);
    process.kill(pidOf(worker), 'SIGKILL');
    await eventually(() => alice.evaluate(() => window.weir?.state)).toBe('joined');
    for (const name of ['Bob', 'Cleo']) await seesAnew(alice, name);
    await seesAnew(bob, 'Alice');
    await eventually(async () => (await belief(alice)).map(({ identity }) => identity)).toEqual(identities);
    expect(await order(alice)).toEqual(places);
    expect([...(await seen.evaluate((orders) => [...orders]))]).toEqual([places.join()]);
    await appears(tile(alice, 'Bob').getByRole('img', { name: 'muted' }));
    expect(await button(bob, 'Unmute').isVisible()).toBe(true);
    expect((await newsOn(alice)).filter((news) => / left/.test(news))).toEqual([]);
  });

  test('a deploy is announced, and everybody is back on the server that comes after', async () => {
    const first = await startServer({ WEIR_RESUME_SECONDS: '30' });
    cleanUp.push(() => first.close());
    const [alice, bob] = await Promise.all([enter(first.url, 'Alice', true), enter(first.url, 'Bob')]);
    await seesAnew(alice, 'Bob');
    const draining = first.app.drain(1100);
    await appears(alice.getByText('The server restarts in 2 seconds. You will be reconnected.').first());
    await seesAnew(alice, 'Bob');
    await draining;
    await first.close();
    await expect.poll(() => alice.evaluate(() => window.weir?.state)).toBe('closed');
    expect(await tile(alice, 'Bob').count()).toBe(1);
    expect((await newsOn(alice)).filter((news) => / left/.test(news))).toEqual([]);
    await serve({ WEIR_PORT: new URL(first.url).port });
    await eventually(() => alice.evaluate(() => window.weir?.state)).toBe('joined');
    await Promise.all([seesAnew(alice, 'Bob'), appears(tile(bob, 'Alice'))]);
    expect(await colourOf(tile(alice, 'Bob').locator('video'))).toBe('red');
  });

  test('who is in a room comes back by a fresh token where the one of the invitation is of no use, and is told if none is', async () => {
    const invitation = await token('fresh', 'ada', { canPublishSources: ['microphone'] }, 3600);
    const first = await startServer(withTokens);
    cleanUp.push(() => first.close());
    const page = await (await chromium.browser.newContext()).newPage();
    await page.goto(`${roomUrl(first.url, 'fresh', 'Ada')}#${new URLSearchParams({ token: invitation })}`);
    await expectIn(page);
    await expect.poll(() => page.evaluate(() => window.weir?.token)).not.toBe(invitation);
    await first.close();
    // Fresh tokens live for ten minutes; the invitation is refused here, as it would be after it has expired.
    const settings = { ...withTokens, WEIR_PORT: new URL(first.url).port };
    const second = await startServer({ ...settings, WEIR_TOKEN_MAX_SECONDS: '900' });
    cleanUp.push(() => second.close());
    await eventually(() => page.evaluate(() => window.weir?.state)).toBe('joined');
    await page.reload();
    await expectIn(page);
    expect((await page.evaluate(() => window.weir?.grants))?.canPublishSources).toEqual(['microphone']);
    await second.close();
    await serve({ ...settings, WEIR_TOKEN_MAX_SECONDS: '120', WEIR_TOKEN_LEEWAY_SECONDS: '0' });
    await appears(page.getByRole('heading', { name: 'You are not let back in' }));
    await button(page, 'Try again').click();
    await page.getByLabel('Access token').fill(await token('fresh', 'ada'));
    await join(page, 'Ada');
    await expectIn(page);
  });
});

/** Direct calls: two browsers exchange media without the server, and come back to it whenever they need it. */
import { setTimeout } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { launchFirefox } from '../../scripts/support/browsers/firefox.ts';
import { Member } from '../../scripts/support/endpoint/Member.ts';
import { NetworkFault } from '../../scripts/support/network/NetworkFault.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { ownAddresses } from '../../server/common/ownAddresses.ts';
import { Peer } from '../../server/room/Peer.ts';
import { TestClient } from '../support/client.ts';
import { hasChromium } from '../support/equipment.ts';
import { hasFirefox, recordedTone } from '../support/firefox.ts';
import { voice } from '../support/headlessMembers.ts';
import { eventually, expectToSee, Person, roomUrl } from '../support/people.ts';
import { type Drivable, receivedOf, statsOf, tileOf } from '../support/tiles.ts';

declare global {
  interface Window {
    /** The data messages that a page has received. */
    heard?: string[];
  }
}

describe.skipIf(!hasChromium)('a direct call', () => {
  const captures = new Captures();
  let server: TestServer;
  let alice: Person;
  let bob: Person;

  beforeAll(async () => {
    // Firefox does not pair loopback with its own address.
    const [address = '127.0.0.1'] = ownAddresses();
    server = await startServer(
      { WEIR_ROOM_POLICY: 'auto', WEIR_RESUME_SECONDS: '30', WEIR_RTC_HOST: address },
      { directReturn: 500 },
    );
    [alice, bob] = await Promise.all([
      Person.start('Alice', { colour: 'red', tone: 500 }, captures),
      Person.start('Bob', { colour: 'green', tone: 800 }, captures),
    ]);
  });
  const cleanUp: (() => unknown)[] = [];
  afterEach(async () => {
    for (const undo of cleanUp.splice(0).reverse()) await undo();
    await Promise.all([alice, bob].map((person) => person.leaveAll()));
  });
  afterAll(async () => {
    await Promise.all([alice, bob].map((person) => person[Symbol.asyncDispose]()));
    await server?.close();
    captures[Symbol.dispose]();
  });

  const idOf = (page: Drivable) => page.evaluate(() => window.weir?.peerId ?? '');
  /** Which sources of others come directly. */
  const directOn = async (page: Drivable) =>
    (await statsOf(page))
      .filter(({ direction, direct }) => direction === 'receive' && direct)
      .map(({ source }) => source)
      .sort();
  const press = (page: Page, control: string) => page.locator(`[data-control=${control}]`).click();
  /** Whom the connections of a page are with; undefined for the server. */
  const connectionsOf = (page: Page) =>
    page.evaluate(async () => ((await window.weir?.getConnectionStats()) ?? []).map(({ peerId }) => peerId));
  /** RTP bytes that the server has sent to a participant. */
  async function forwarded(room: string, page: Drivable): Promise<number> {
    const peer = (await server.app.rooms.find(room))?.participant(await idOf(page));
    if (!(peer instanceof Peer)) throw new Error('There is no such participant.');
    return (await peer.getTransportStats()).sent;
  }

  /** RTP bytes that the server sends both within half a second: 25 packets of a microphone, and five frames of a camera. */
  async function forwardedNow(room: string, pages: readonly Drivable[]): Promise<number> {
    const sum = async () => (await Promise.all(pages.map((page) => forwarded(room, page)))).reduce((a, b) => a + b, 0);
    const before = await sum();
    await setTimeout(500);
    return (await sum()) - before;
  }
  const bothDirect = (pages: readonly Page[], sources = ['camera', 'microphone']) =>
    Promise.all(pages.map((page) => eventually(() => directOn(page)).toEqual(sources)));
  /** Frames of a camera that come in after now. */
  async function seesAnew(page: Page, of: Page): Promise<void> {
    const id = await idOf(of);
    const frames = async () => (await receivedOf(page, id, 'camera'))?.frames ?? 0;
    const before = await frames();
    await eventually(frames).not.toBe(before);
    const then = await frames();
    await eventually(frames).toBeGreaterThan(then + 3);
  }

  test('two exchange media without the server, by all controls, until a third one comes; and again when they are alone', async () => {
    const network = await NetworkFault.start(server.url);
    cleanUp.push(() => network[Symbol.asyncDispose]());
    const [atAlice, atBob] = await Promise.all([alice.enter(network.url, 'two'), bob.enter(server.url, 'two')]);
    const pages = [atAlice, atBob];
    await bothDirect(pages);
    await Promise.all([expectToSee(atAlice, [bob]), expectToSee(atBob, [alice])]);
    const pairOf = async (page: Page) =>
      (await page.evaluate(() => window.weir?.getConnectionStats()))?.find(({ peerId }) => peerId)?.pair;
    // What one sends to is where the other one is.
    const [atOne, atOther] = await Promise.all(pages.map(pairOf));
    expect(['host', 'prflx']).toContain(atOne?.remote.candidateType);
    expect(atOne?.remote.port).toBe(atOther?.local.port);
    expect(atOne?.local.port).toBe(atOther?.remote.port);
    await expect.poll(() => forwardedNow('two', pages), { timeout: 10_000 }).toBe(0);
    // Mute, and camera off.
    await atBob.evaluate(() => window.weir?.mute('microphone'));
    await eventually(() => tileOf(atAlice, 'Bob')).toMatchObject({ muted: true, tone: undefined });
    await atBob.evaluate(() => window.weir?.unmute('microphone'));
    await eventually(() => tileOf(atAlice, 'Bob')).toMatchObject({ muted: false, tone: 800 });
    await press(atBob, 'camera');
    await eventually(() => tileOf(atAlice, 'Bob')).toMatchObject({ live: false });
    await eventually(() => directOn(atAlice)).toEqual(['microphone']);
    await press(atBob, 'camera');
    await bothDirect(pages);
    await eventually(() => tileOf(atAlice, 'Bob')).toMatchObject({ live: true, colour: 'green' });
    // Another track, and a screen with its sound.
    await atBob.evaluate(async () => {
      const canvas = document.createElement('canvas');
      canvas.width = canvas.height = 240;
      const brush = canvas.getContext('2d');
      setInterval(() => {
        if (brush) brush.fillStyle = 'rgb(30, 30, 200)';
        brush?.fillRect(0, 0, 240, 240);
      }, 100);
      const [track] = canvas.captureStream(10).getVideoTracks();
      if (track) await window.weir?.replaceTrack('camera', track);
    });
    await eventually(() => tileOf(atAlice, 'Bob')).toMatchObject({ colour: 'blue' });
    await press(atBob, 'screen');
    await eventually(() => directOn(atAlice)).toEqual(['camera', 'microphone', 'screen', 'screenAudio']);
    await eventually(async () => (await receivedOf(atAlice, await idOf(atBob), 'screen'))?.frames).toBeGreaterThan(3);
    await expect.poll(() => forwardedNow('two', pages), { timeout: 10_000 }).toBe(0);
    await press(atBob, 'screen');
    await bothDirect(pages);
    // The signalling is cut, and the session resumed.
    const id = await idOf(atAlice);
    network.cut('reset');
    await eventually(() => atAlice.evaluate(() => window.weir?.reconnecting)).toBe(true);
    await seesAnew(atAlice, atBob);
    await network.mend();
    await eventually(() => atAlice.evaluate(() => window.weir?.reconnecting)).toBe(false);
    await bothDirect(pages);
    await Promise.all([seesAnew(atAlice, atBob), seesAnew(atBob, atAlice)]);
    expect(await idOf(atAlice)).toBe(id);
    // A third one comes, and leaves.
    const { member, ready } = await Member.join({
      url: server.url,
      room: 'two',
      name: 'Carol',
      tracks: { microphone: voice },
    });
    cleanUp.push(() => member.leave());
    await ready;
    await bothDirect(pages, []);
    await Promise.all([seesAnew(atAlice, atBob), seesAnew(atBob, atAlice)]);
    await expect.poll(() => forwardedNow('two', pages), { timeout: 10_000 }).toBeGreaterThan(2500);
    await eventually(() => connectionsOf(atAlice)).toEqual([undefined, undefined]);
    member.leave();
    await bothDirect(pages);
    await Promise.all([seesAnew(atAlice, atBob), seesAnew(atBob, atAlice)]);
    await expect.poll(() => forwardedNow('two', pages), { timeout: 10_000 }).toBe(0);
    // Rights to publish and to be there.
    const room = await server.app.rooms.find('two');
    const peer = room?.participant(await idOf(atBob));
    peer?.setGrants({ ...peer.grants, canPublishSources: ['microphone'] });
    await eventually(() => directOn(atAlice)).toEqual(['microphone']);
    await eventually(() => tileOf(atAlice, 'Bob')).toMatchObject({ live: false });
    peer?.close('kicked');
    await eventually(() => tileOf(atAlice, 'Bob')).toBeUndefined();
    await eventually(() => connectionsOf(atAlice)).toEqual([undefined, undefined]);
  });

  test('a file goes directly, and on by the server when a third one comes in the middle of it', async () => {
    const pages = await Promise.all([alice.enter(server.url, 'file'), bob.enter(server.url, 'file')]);
    const [atAlice, atBob] = pages;
    await bothDirect(pages);
    let forwardedBytes = 0;
    const room = await server.app.rooms.find('file');
    for (const page of pages) {
      const peer = room?.participant(await idOf(page));
      if (!(peer instanceof Peer)) throw new Error('There is no such participant.');
      peer.data.events.on('frame', (channel, { data }) => {
        if (channel === 'bulk') forwardedBytes += data.length;
      });
    }
    await atBob.evaluate(() => window.weir?.on('fileOffered', ({ id }) => void window.weir?.files.accept(id)));
    const offer = (name: string, size: number) =>
      atAlice.evaluate(
        async ([name, size]) => {
          const data = new Uint8Array(size);
          for (let start = 0; start < size; start += 65_536)
            crypto.getRandomValues(data.subarray(start, start + 65_536));
          await window.weir?.files.send(new File([data], name));
          return new Uint8Array(await crypto.subtle.digest('SHA-256', data)).join();
        },
        [name, size] as const,
      );
    const hashOf = (name: string) =>
      atBob.evaluate(async (wanted) => {
        const blob = window.weir?.files.transfers.find((one) => one.name === wanted)?.blob;
        return blob && new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer())).join();
      }, name);
    using carol = await TestClient.connect(server.url);
    const sha256 = await offer('large.bin', 4_000_000);
    await atBob.evaluate(
      () =>
        new Promise<void>((resolve) => {
          const timer = setInterval(() => {
            if (!window.weir?.files.transfers.some(({ transferred }) => transferred > 300_000)) return;
            clearInterval(timer);
            resolve();
          }, 5);
        }),
    );
    expect(forwardedBytes).toBe(0);
    await carol.join({ room: 'file', name: 'Carol' });
    await eventually(() => hashOf('large.bin')).toBe(sha256);
    expect(forwardedBytes).toBeGreaterThan(500_000);
    await bothDirect(pages, []);
    carol.socket.close(1000);
    await bothDirect(pages);
    const before = forwardedBytes;
    const next = await offer('small.bin', 1_000_000);
    await eventually(() => hashOf('small.bin')).toBe(next);
    expect(forwardedBytes).toBe(before);
  });

  test('with the policy p2p nothing goes through the server, data included', async () => {
    const enter = async (person: Person) => {
      const page = await person.page();
      await page.goto(`${roomUrl(server.url, 'mesh', person.name)}&policy=p2p`);
      return page;
    };
    const [atAlice, atBob] = await Promise.all([enter(alice), enter(bob)]);
    await Promise.all([expectToSee(atAlice, [bob]), expectToSee(atBob, [alice])]);
    await bothDirect([atAlice, atBob]);
    const bobId = await idOf(atBob);
    expect(await connectionsOf(atAlice)).toEqual([bobId, bobId]);
    await atBob.evaluate(() => {
      window.heard = [];
      window.weir?.on('dataReceived', ({ peer, topic, data }) =>
        window.heard?.push(`${peer?.name} ${topic} ${new TextDecoder().decode(data)}`),
      );
    });
    await atAlice.evaluate(() => window.weir?.sendData('hello', { topic: 'greeting' }));
    await eventually(() => atBob.evaluate(() => window.heard)).toEqual(['Alice greeting hello']);
    await atBob.evaluate(() => window.weir?.mute('microphone'));
    await eventually(() => tileOf(atAlice, 'Bob')).toMatchObject({ muted: true, tone: undefined });
    await atBob.locator('[data-control=leave]').click();
    await eventually(() => tileOf(atAlice, 'Bob')).toBeUndefined();
    await eventually(() => connectionsOf(atAlice)).toEqual([]);
  });

  test.skipIf(!hasFirefox)('Chromium and Firefox exchange media directly', async () => {
    const firefox = await launchFirefox({ tone: 900 });
    cleanUp.push(() => firefox.close());
    const atFox = await firefox.newPage();
    await atFox.goto(roomUrl(server.url, 'both', 'Fox'));
    const atAlice = await alice.enter(server.url, 'both');
    await Promise.all([
      eventually(() => directOn(atFox)).toEqual(['camera', 'microphone']),
      eventually(() => directOn(atAlice)).toEqual(['camera', 'microphone']),
    ]);
    await eventually(() => tileOf(atFox, 'Alice')).toMatchObject({ live: true, colour: 'red', muted: false });
    await eventually(() => recordedTone(atFox, 'Alice')).toBe(500);
    await eventually(() => tileOf(atAlice, 'Fox')).toMatchObject({ live: true, tone: 900, muted: false });
    await expect.poll(() => forwardedNow('both', [atAlice, atFox]), { timeout: 10_000 }).toBe(0);
    // Firefox sends the audio of an inactive encoding: nothing of a muted microphone leaves it nevertheless.
    await atFox.evaluate(() => window.weir?.mute('microphone'));
    const packets = async () => (await receivedOf(atAlice, await idOf(atFox), 'microphone'))?.packets ?? 0;
    const inASecond = async () => {
      const before = await packets();
      await setTimeout(1000);
      return (await packets()) - before;
    };
    await expect.poll(inASecond, { timeout: 10_000 }).toBe(0);
    await atFox.evaluate(() => window.weir?.unmute('microphone'));
    await eventually(() => tileOf(atAlice, 'Fox')).toMatchObject({ tone: 900, muted: false });
  });
});

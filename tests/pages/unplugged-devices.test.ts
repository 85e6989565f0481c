/** Devices that are unplugged during a call: the page says so, and another one takes over. */
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { launchFirefox } from '../../scripts/support/browsers/firefox.ts';
import { Member } from '../../scripts/support/endpoint/Member.ts';
import { ownAddresses } from '../../server/common/ownAddresses.ts';
import { hasChromium } from '../support/equipment.ts';
import { fakeContext } from '../support/fakeClient/fakeClient.ts';
import { hasFirefox } from '../support/firefox.ts';
import { untilReceiving } from '../support/headlessMembers.ts';
import { eventually, roomUrl } from '../support/people.ts';
import { hasSoundServer, SoundServer } from '../support/SoundServer.ts';
import { type Drivable, microphoneOf, sourcesOf } from '../support/tiles.ts';
import { appears, button, choose, colourOf, enterQuietly, expectIn, tile } from '../support/visit.ts';
import { useServer } from '../support/weir.ts';

// Firefox does not pair loopback with its own address: media goes to the address that others would use.
const [address = '127.0.0.1'] = ownAddresses();

/** Messages of a page, visible ones and those for screen readers; in any browser. */
const toldOn = (page: Drivable) =>
  page.evaluate(() =>
    [...document.querySelectorAll('#announcements p, [role=alert] span')].map((said) => said.textContent),
  );

describe.skipIf(!hasChromium)('a camera that goes away', () => {
  const captures = new Captures();
  const weir = useServer();
  let film: string;
  let browser: Browser;

  const plugIn = () => captures.make({ colour: 'red', tone: 500 });
  beforeAll(async () => {
    const files = plugIn();
    film = files.video;
    // Permissions are granted by each test, so that they can be revoked.
    browser = await launchChromium({ ...files, deny: true });
  });
  afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));
  afterAll(async () => {
    await browser?.close();
    captures[Symbol.dispose]();
  });

  /** Chromium reports a truncated capture file in one of two ways. */
  const broken = /^(The device did not start|Your camera is used by another program)\./;

  const picture = (page: Page, name: string) => colourOf(tile(page, name).locator('video'));

  const allowed: BrowserContextOptions = { permissions: ['camera', 'microphone'] };
  /** Alice, whose face is red. */
  async function enter(room: string, context = fakeContext(browser, allowed)): Promise<Page> {
    plugIn();
    const alice = await (await context).newPage();
    await alice.goto(roomUrl(weir.url, room, 'Alice'));
    await expectIn(alice);
    await eventually(() => picture(alice, 'You')).toBe('red');
    return alice;
  }

  test('is told by its name, is off for everyone, and can be started when it is back', async () => {
    const [alice, bob] = await Promise.all([
      enter('camera gone', browser.newContext(allowed)),
      enterQuietly(await browser.newContext(), roomUrl(weir.url, 'camera gone', 'Bob')),
    ]);
    const seen = () => picture(bob, 'Alice');
    await eventually(seen).toBe('red');
    truncateSync(film, 1000);
    rmSync(film);
    await eventually(() => toldOn(alice)).toContain(`${film} was unplugged.`);
    await appears(button(alice, 'Start camera'));
    await eventually(seen).toBeUndefined();
    expect(await sourcesOf(alice)).toEqual({ microphone: 'live' });
    plugIn();
    await button(alice, 'Start camera').click();
    await eventually(seen).toBe('red');
  });

  test('and is still listed, but gives no picture, is told to have failed', async () => {
    const alice = await enter('camera broken');
    truncateSync(film, 1000);
    await eventually(() => toldOn(alice)).toEqual([expect.stringMatching(broken)]);
    await appears(button(alice, 'Start camera'));
    await eventually(() => picture(alice, 'You')).toBeUndefined();
    expect(await sourcesOf(alice)).toEqual({ microphone: 'live' });
  });

  test('and breaks again after its first picture, is not started for ever', async () => {
    const alice = await enter('camera breaking');
    // Keeps the first of three frames, and a part of the second.
    writeFileSync(film, readFileSync(film).subarray(0, 120_000));
    await eventually(() => toldOn(alice)).toEqual([expect.stringMatching(broken)]);
    await appears(button(alice, 'Start camera'));
    await eventually(() => picture(alice, 'You')).toBeUndefined();
    expect(await sourcesOf(alice)).toEqual({ microphone: 'live' });
  });

  test('with the permission is no unplugged device: what to do is told', async () => {
    const alice = await enter('permission gone');
    await alice.context().clearPermissions();
    await eventually(() => toldOn(alice)).toContainEqual(
      expect.stringMatching(/^Your camera and microphone are blocked\..*address bar/),
    );
    await Promise.all([appears(button(alice, 'Start camera')), appears(button(alice, 'Unmute'))]);
    expect(await sourcesOf(alice)).toEqual({});
    expect((await toldOn(alice)).filter((said) => said?.includes('unplugged'))).toEqual([]);
  });
});

describe.skipIf(!hasSoundServer)('a microphone that is unplugged', () => {
  const weir = useServer({ WEIR_RTC_HOST: address });

  /** Bob, who has no browser and counts what he receives, and an observer of what the server tells the others. */
  async function witnesses(room: string) {
    const [{ member, ready }, { client }] = await Promise.all([
      Member.join({ url: weir.url, room, name: 'Bob' }),
      weir.join({ room, name: 'Observer', transports: { send: false, recv: false } }),
    ]);
    await ready;
    return {
      [Symbol.dispose]: () => member.leave(),
      /** Waits for voice. What sends silence sends a packet now and then. */
      expectVoice: (peerId = '') => untilReceiving(member, peerId, 'microphone', 4),
      /** What others have last been told of its sources. */
      sourcesOf: async (peerId: string | undefined) =>
        client.unreadEvents('peerSources').findLast((told) => told.peerId === peerId)?.sources,
    };
  }

  test.skipIf(!hasFirefox)(
    'in Firefox: another one takes over, and without another the others see that one is muted',
    async () => {
      await using sound = await SoundServer.start({ Headset: 'free', Desk: 'free' });
      await using firefox = await launchFirefox({ environment: sound.environment });
      using others = await witnesses('fox');
      const fox = await firefox.newPage();
      await fox.evaluateOnNewDocument(() => localStorage.setItem('weir.cameraOff', '1'));
      await fox.goto(roomUrl(weir.url, 'fox', 'Fox'));
      await eventually(() => microphoneOf(fox)).toMatchObject({ label: 'Headset', readyState: 'live' });
      const id = await fox.evaluate(() => window.weir?.peerId);
      await others.expectVoice(id);

      await sound.unplug('Headset');
      await eventually(() => toldOn(fox)).toContain('Headset was unplugged. Using Desk now.');
      await eventually(() => microphoneOf(fox)).toMatchObject({ label: 'Desk', readyState: 'live', enabled: true });
      const replaced = performance.now();
      await others.expectVoice(id);
      // A device that is lost within two seconds of another one counts as defective.
      await vi.waitUntil(() => performance.now() - replaced > 2000, { timeout: 5000 });

      await sound.unplug('Desk');
      await eventually(() => toldOn(fox)).toContain('Desk was unplugged.');
      await eventually(() => sourcesOf(fox)).toEqual({});
      await eventually(() => others.sourcesOf(id)).toEqual({});
    },
  );

  test.skipIf(!hasChromium)('in Chromium: another one takes over, and who was muted is muted still', async () => {
    await using sound = await SoundServer.start({ Headset: 'free', Desk: 'free' });
    await using chromium = await launchChromium({
      devices: 'real',
      refusesSound: true,
      environment: sound.environment,
    });
    using others = await witnesses('moved');
    const alice = await (await chromium.newContext()).newPage();
    await alice.goto(roomUrl(weir.url, 'moved', 'Alice'));
    await expectIn(alice);
    await choose(alice, 'Choose microphone and speaker', 'Headset');
    await eventually(() => microphoneOf(alice)).toMatchObject({ label: 'Headset', readyState: 'live' });
    await button(alice, 'Mute').click();
    await eventually(() => sourcesOf(alice)).toEqual({ microphone: 'paused' });

    await sound.unplug('Headset');
    // Without udev, Chromium notices device changes when devices are enumerated.
    await alice.evaluate(async () => void (await navigator.mediaDevices.enumerateDevices()));
    await eventually(() => toldOn(alice)).toContain('Headset was unplugged. Using Default now.');
    await eventually(() => microphoneOf(alice)).toEqual({ label: 'Default', readyState: 'live', enabled: false });
    await eventually(() => sourcesOf(alice)).toEqual({ microphone: 'paused' });
    const id = await alice.evaluate(() => window.weir?.peerId);
    await eventually(() => others.sourcesOf(id)).toEqual({ microphone: 'paused' });
    await button(alice, 'Unmute').click();
    await others.expectVoice(id);
  });
});

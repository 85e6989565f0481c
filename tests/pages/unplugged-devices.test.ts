/** Devices that are unplugged during a call: the page says so, and another one takes over. */
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { ownAddresses } from '../../server/media/options.ts';
import { hasChromium } from '../support/equipment.ts';
import { hasFirefox, launchFirefox } from '../support/firefox.ts';
import { eventually, roomUrl } from '../support/people.ts';
import { hasSoundServer, SoundServer } from '../support/SoundServer.ts';
import { type Drivable, microphoneOf, receivedOf, sourcesOf } from '../support/tiles.ts';
import { button, choose, colourOf, enterQuietly, expectIn, tile } from '../support/visit.ts';
import { useServer } from '../support/weir.ts';

// Firefox does not pair loopback with its own address: media goes to the address that others would use.
const [address = '127.0.0.1'] = ownAddresses();

/** Messages of a page, visible ones and those for screen readers; in any browser. */
const toldOn = (page: Drivable) =>
  page.evaluate(() =>
    [...document.querySelectorAll('#announcements p, [role=alert] span')].map((said) => said.textContent),
  );

/** Waits until a page gets 20 more packets of somebody's voice than now. */
async function expectVoice(page: Drivable, peerId: string | undefined): Promise<void> {
  const packets = async () => (await receivedOf(page, peerId ?? '', 'microphone'))?.packets ?? 0;
  const before = await packets();
  await eventually(packets, 'packets of the voice').toBeGreaterThan(before + 20);
}

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

  /** Alice, whose face is red, and Bob, who sees it. */
  async function pair(room: string) {
    plugIn();
    const context = await browser.newContext();
    await context.grantPermissions(['camera', 'microphone']);
    const bob = await enterQuietly(context, roomUrl(weir.url, room, 'Bob'));
    const alice = await (await browser.newContext()).newPage();
    await alice.context().grantPermissions(['camera', 'microphone']);
    await alice.goto(roomUrl(weir.url, room, 'Alice'));
    await expectIn(alice);
    const seen = () => colourOf(tile(bob, 'Alice').locator('video'));
    await eventually(seen).toBe('red');
    return { alice, seen };
  }

  test('is told by its name, is off for everyone, and can be started when it is back', async () => {
    const { alice, seen } = await pair('camera gone');
    truncateSync(film, 1000);
    rmSync(film);
    await eventually(() => toldOn(alice)).toContain(`${film} was unplugged.`);
    await button(alice, 'Start camera').waitFor();
    await eventually(seen).toBeUndefined();
    expect(await sourcesOf(alice)).toEqual({ microphone: 'live' });
    plugIn();
    await button(alice, 'Start camera').click();
    await eventually(seen).toBe('red');
  });

  test('and is still listed, but gives no picture, is told to have failed', async () => {
    const { alice, seen } = await pair('camera broken');
    truncateSync(film, 1000);
    await eventually(() => toldOn(alice)).toEqual([expect.stringMatching(broken)]);
    await button(alice, 'Start camera').waitFor();
    await eventually(seen).toBeUndefined();
    expect(await sourcesOf(alice)).toEqual({ microphone: 'live' });
  });

  test('and breaks again after its first picture, is not started for ever', async () => {
    const { alice, seen } = await pair('camera breaking');
    // Keeps the first of three frames, and a part of the second.
    writeFileSync(film, readFileSync(film).subarray(0, 120_000));
    await eventually(() => toldOn(alice)).toEqual([expect.stringMatching(broken)]);
    await button(alice, 'Start camera').waitFor();
    await eventually(seen).toBeUndefined();
    expect(await sourcesOf(alice)).toEqual({ microphone: 'live' });
  });

  test('with the permission is no unplugged device: what to do is told', async () => {
    const { alice } = await pair('permission gone');
    await alice.context().clearPermissions();
    await eventually(() => toldOn(alice)).toContainEqual(
      expect.stringMatching(/^Your camera and microphone are blocked\..*address bar/),
    );
    await Promise.all([button(alice, 'Start camera').waitFor(), button(alice, 'Unmute').waitFor()]);
    expect(await sourcesOf(alice)).toEqual({});
    expect((await toldOn(alice)).filter((said) => said?.includes('unplugged'))).toEqual([]);
  });
});

describe.skipIf(!hasFirefox || !hasSoundServer || !hasChromium)('a microphone that is unplugged', () => {
  const weir = useServer({ WEIR_RTC_HOST: address });

  test('in Firefox: another one takes over, and without another the others see that one is muted', async () => {
    await using sound = await SoundServer.start({ Headset: 'free', Desk: 'free' });
    await using firefox = await launchFirefox({ environment: sound.environment });
    await using chromium = await launchChromium({ devices: 'real', refusesSound: true });
    const bob = await enterQuietly(await chromium.newContext(), roomUrl(weir.url, 'fox', 'Bob'));
    const fox = await firefox.newPage();
    await fox.evaluateOnNewDocument(() => localStorage.setItem('weir.cameraOff', '1'));
    await fox.goto(roomUrl(weir.url, 'fox', 'Fox'));
    await eventually(() => microphoneOf(fox)).toMatchObject({ label: 'Headset', readyState: 'live' });
    const id = await fox.evaluate(() => window.weir?.peerId);
    await expectVoice(bob, id);

    await sound.unplug('Headset');
    await eventually(() => toldOn(fox)).toContain('Headset was unplugged. Using Desk now.');
    await eventually(() => microphoneOf(fox)).toMatchObject({ label: 'Desk', readyState: 'live', enabled: true });
    await expectVoice(bob, id);

    await sound.unplug('Desk');
    await eventually(() => toldOn(fox)).toContain('Desk was unplugged.');
    await eventually(() => sourcesOf(fox)).toEqual({});
    await tile(bob, 'Fox').getByRole('img', { name: 'muted' }).waitFor();
  });

  test('in Chromium: another one takes over, and who was muted is muted still', async () => {
    await using sound = await SoundServer.start({ Headset: 'free', Desk: 'free' });
    await using chromium = await launchChromium({
      devices: 'real',
      refusesSound: true,
      environment: sound.environment,
    });
    const bob = await enterQuietly(await chromium.newContext(), roomUrl(weir.url, 'moved', 'Bob'));
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
    await button(alice, 'Unmute').click();
    await expectVoice(bob, await alice.evaluate(() => window.weir?.peerId));
  });
});

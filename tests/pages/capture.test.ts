/** Capture of devices and screens: the last press wins, nothing is captured without permission. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import type { TestClient } from '../support/client.ts';
import { hasChromium } from '../support/equipment.ts';
import { fakeContext } from '../support/fakeClient/fakeClient.ts';
import { eventually } from '../support/people.ts';
import { microphoneOf, sourcesOf } from '../support/tiles.ts';
import { appears, button, choose, expectIn, rememberQuiet } from '../support/visit.ts';
import { useServer, withTokens } from '../support/weir.ts';

declare global {
  interface Window {
    /** What the page has been given by `getUserMedia` and `getDisplayMedia`, and how often it asked. */
    capture?: { tracks: MediaStreamTrack[]; asked: number; held: (() => void)[] | undefined };
  }
}

/** Runs in the page, before anything else: keeps a record of captures, and holds their answers back while `held` is a list. */
function watchCaptures() {
  const capture: NonNullable<Window['capture']> = { tracks: [], asked: 0, held: undefined };
  window.capture = capture;
  for (const method of ['getUserMedia', 'getDisplayMedia'] as const) {
    const original = navigator.mediaDevices[method].bind(navigator.mediaDevices);
    navigator.mediaDevices[method] = async (constraints) => {
      capture.asked += 1;
      const { held } = capture;
      const stream = await original(constraints);
      capture.tracks.push(...stream.getTracks());
      if (held) await new Promise<void>((resolve) => held.push(resolve));
      return stream;
    };
  }
}

describe.skipIf(!hasChromium)('what a page captures', () => {
  const weir = useServer(withTokens);
  let browser: Browser;
  let context: BrowserContext;

  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterEach(() => context?.close());
  afterAll(() => browser?.close());

  /** Alice, with the grants of her token, and somebody who runs the room. @param real whether Alice has WebRTC */
  async function setUp(room: string, { grants = {}, quiet = false, path = '/r/', role = '', real = false } = {}) {
    const broadcast = path === '/b/';
    const { client: admin } = await weir.enter(
      room,
      'admin',
      { roomAdmin: true, ...(broadcast && { broadcast }) },
      { transports: { send: false, recv: false }, ...(broadcast && { kind: 'broadcast' as const }) },
    );
    context = await (real ? browser.newContext() : fakeContext(browser));
    const page = await context.newPage();
    await page.addInitScript(watchCaptures);
    if (quiet) await rememberQuiet(page);
    const token = await weir.token(room, 'alice', { ...grants, ...(broadcast && { broadcast }) });
    await page.goto(`${weir.url}${path}${encodeURIComponent(room)}?name=Alice&join=1${role}#token=${token}`);
    await expectIn(page);
    const id = (await page.evaluate(() => window.weir?.peerId)) ?? '';
    return { page, admin, id };
  }

  const told = (admin: TestClient, id: string) =>
    admin.unreadEvents('peerSources').findLast(({ peerId }) => peerId === id)?.sources ?? {};
  const captured = (page: Page) =>
    page.evaluate(() =>
      window.capture?.tracks.filter(({ readyState }) => readyState === 'live').map(({ kind }) => kind),
    );
  const asked = (page: Page) => page.evaluate(() => window.capture?.asked);
  const hold = (page: Page) =>
    page.evaluate(() => {
      if (window.capture) window.capture.held = [];
    });
  const release = (page: Page) =>
    page.evaluate(() => {
      const held = window.capture?.held ?? [];
      if (window.capture) window.capture.held = undefined;
      for (const go of held) go();
    });
  const isHeld = (page: Page) => page.evaluate(() => window.capture?.held?.length);
  const allHeld = (page: Page, count: number) => eventually(() => isHeld(page)).toBe(count);

  test('camera on and off again while it starts: it is off, whatever the device answers', async () => {
    const { page, admin, id } = await setUp('on and off', { quiet: true });
    await hold(page);
    await page.keyboard.press('v');
    await allHeld(page, 1);
    await button(page, 'Stop camera').click();
    await release(page);
    await appears(button(page, 'Start camera'));
    await eventually(() => captured(page)).toEqual([]);
    // On, off and on again: one more capture, and the camera is on.
    for (let press = 0; press < 3; press += 1) await page.keyboard.press('v');
    await appears(button(page, 'Stop camera'));
    // The first of the three may have been told, too, before the second ended it.
    await eventually(() => captured(page)).toEqual(['video']);
    await eventually(async () => told(admin, id)).toEqual({ camera: 'live' });
  });

  test('muted while the microphone starts, or while another one is opened: the others are told so', async () => {
    const { page, admin, id } = await setUp('mute in between', { quiet: true });
    await hold(page);
    await page.keyboard.press('m');
    await allHeld(page, 1);
    await page.keyboard.press('m');
    await release(page);
    await eventually(async () => told(admin, id)).toEqual({ microphone: 'paused' });
    await button(page, 'Unmute').click();
    await eventually(async () => told(admin, id)).toEqual({ microphone: 'live' });

    await hold(page);
    await choose(page, 'Choose microphone and speaker', 'Fake Audio Input 2');
    await allHeld(page, 1);
    await button(page, 'Mute').click();
    await eventually(async () => told(admin, id)).toEqual({ microphone: 'paused' });
    await release(page);
    await eventually(() => microphoneOf(page)).toMatchObject({ label: 'Fake Audio Input 2', enabled: false });
    expect(told(admin, id)).toEqual({ microphone: 'paused' });
    expect(await sourcesOf(page)).toEqual({ microphone: 'paused' });
  });

  test('muted while the microphone is being published: the others are told so', async () => {
    const { page, admin, id } = await setUp('mute at once', { quiet: true, real: true });
    await page.evaluate(() => {
      const press = () => document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'm', bubbles: true }));
      const { setLocalDescription } = RTCPeerConnection.prototype;
      RTCPeerConnection.prototype.setLocalDescription = async function (description?: RTCLocalSessionDescriptionInit) {
        RTCPeerConnection.prototype.setLocalDescription = setLocalDescription;
        press();
        await this.setLocalDescription(description);
      };
      press();
    });
    await eventually(async () => told(admin, id)).toEqual({ microphone: 'paused' });
    await button(page, 'Unmute').click();
    await eventually(async () => told(admin, id)).toEqual({ microphone: 'live' });
  });

  test('a token without the camera: it is neither captured nor shown, and its button says why', async () => {
    const { page, admin, id } = await setUp('no camera', { grants: { canPublishSources: ['microphone', 'screen'] } });
    await eventually(async () => told(admin, id)).toEqual({ microphone: 'live' });
    await eventually(() => captured(page)).toEqual(['audio']);
    const camera = button(page, 'You may not use a camera here');
    expect(await camera.getAttribute('aria-disabled')).toBe('true');
    expect(await camera.getAttribute('aria-pressed')).toBe('false');
    await camera.focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('v');
    expect(await page.locator('#announcements').textContent()).toContain('You may not use a camera here');
    await expect.poll(() => page.locator('[data-local].playing').count()).toBe(0);
    expect(await captured(page)).toEqual(['audio']);
    // Without the right to screen audio, only video is requested.
    await button(page.getByRole('toolbar'), 'Share screen').click();
    await eventually(async () => told(admin, id)).toEqual({ microphone: 'live', screen: 'live' });
    expect(await captured(page)).toEqual(['audio', 'video']);
  });

  test('a right that ends in mid-call ends the capture, and one that comes back is told', async () => {
    const { page, admin, id } = await setUp('rights');
    await button(page.getByRole('toolbar'), 'Share screen').click();
    await eventually(async () => told(admin, id)).toMatchObject({ camera: 'live', microphone: 'live', screen: 'live' });
    await admin.request('setGrants', { peerId: id, grants: { canPublishSources: ['microphone'] } });
    await appears(button(page, 'You may not use a camera here'));
    await appears(button(page, 'You may not share a screen here'));
    await appears(page.getByText('Switched off, as you may not use it here: Camera and screen sharing.').first());
    await eventually(() => captured(page)).toEqual(['audio']);
    expect(await sourcesOf(page)).toEqual({ microphone: 'live' });

    await admin.request('setGrants', { peerId: id, grants: { canPublishSources: ['microphone', 'camera'] } });
    await appears(page.getByText('You may use it again: Camera.').first());
    expect(await captured(page)).toEqual(['audio']);
    await button(page, 'Start camera').click();
    await eventually(async () => told(admin, id)).toEqual({ microphone: 'live', camera: 'live' });

    await admin.request('setGrants', { peerId: id, grants: { canPublish: false } });
    await appears(button(page, 'You may not use a microphone here'));
    await eventually(() => captured(page)).toEqual([]);
  });

  test('what cannot be published is not captured, one message says so, and its button can be pressed again', async () => {
    const { page, admin, id } = await setUp('refused', { quiet: true, real: true });
    await page.evaluate(() => {
      const { createOffer } = RTCPeerConnection.prototype;
      let left = 2;
      RTCPeerConnection.prototype.createOffer = () => {
        left -= 1;
        if (left === 0) RTCPeerConnection.prototype.createOffer = createOffer;
        throw new TypeError('no offer today');
      };
    });
    for (const attempt of [1, 2]) {
      await button(page, 'Start camera').click();
      await eventually(() => asked(page)).toBe(attempt);
      await appears(button(page, 'Start camera'));
      await eventually(() => captured(page)).toEqual([]);
      await eventually(() => page.locator('.toast.error').count(), `messages after attempt ${attempt}`).toBe(1);
    }
    await button(page, 'Start camera').click();
    await eventually(async () => told(admin, id)).toEqual({ camera: 'live' });
  });

  test('a double click on share opens one picker, and stop ends all that it gave', async () => {
    const { page, admin, id } = await setUp('double', { quiet: true });
    await hold(page);
    await button(page.getByRole('toolbar'), 'Share screen').dblclick();
    await page.keyboard.press('s');
    await allHeld(page, 1);
    await release(page);
    await eventually(async () => told(admin, id)).toMatchObject({ screen: 'live' });
    expect(await asked(page)).toBe(1);
    await button(page.getByRole('toolbar'), 'Stop sharing').click();
    await eventually(async () => told(admin, id)).toEqual({});
    expect(await captured(page)).toEqual([]);
  });

  for (const [what, end] of Object.entries<(page: Page, admin: TestClient, id: string) => Promise<unknown>>({
    'after one has left': (page) => button(page, 'Leave').click(),
    'after one was removed': async (page, admin, id) => {
      await admin.request('kick', { peerId: id });
      await appears(page.getByRole('heading', { name: 'You were removed from the call' }));
    },
    'after one has left and joined again': async (page) => {
      await button(page, 'Leave').click();
      await button(page, 'Join again').click();
      await expectIn(page);
    },
    'after one may no longer share': async (page, admin, id) => {
      await admin.request('setGrants', { peerId: id, grants: { canPublishSources: ['camera'] } });
      await appears(button(page, 'You may not share a screen here'));
    },
  })) {
    test(`what is chosen in the picker ${what} is not captured`, async () => {
      const { page, admin, id } = await setUp(`picker ${what}`, { quiet: true });
      await hold(page);
      await button(page.getByRole('toolbar'), 'Share screen').click();
      await allHeld(page, 1);
      await end(page, admin, id);
      await release(page);
      await eventually(() => captured(page)).toEqual([]);
      expect((await sourcesOf(page))?.screen).toBeUndefined();
    });
  }

  test('a speaker who is sent off the stage while the picker is open captures nothing', async () => {
    const { page, admin, id } = await setUp('stage', { quiet: true, path: '/b/', role: '&role=speaker' });
    await hold(page);
    await button(page.getByRole('toolbar'), 'Share screen').click();
    await allHeld(page, 1);
    await admin.request('setGrants', { peerId: id, grants: { canPublish: false } });
    await appears(page.getByText('You are back among the viewers'));
    await release(page);
    await eventually(() => captured(page)).toEqual([]);
  });
});

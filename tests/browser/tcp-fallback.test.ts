/** A network that stops letting UDP through: the pages say so within two seconds, and media goes on over TCP. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { whyNoNamespaces } from '../../scripts/support/network/namespaces.ts';
import { TwoNetworks } from '../../scripts/support/servers/TwoNetworks.ts';
import { hasChromium } from '../support/equipment.ts';
import { eventually } from '../support/people.ts';
import { expectIn, tile } from '../support/visit.ts';

describe.skipIf(!hasChromium || whyNoNamespaces() !== undefined)('a network that stops letting UDP through', () => {
  let networks: TwoNetworks;

  beforeAll(async () => {
    networks = await TwoNetworks.open();
  });
  afterEach(async () => {
    await networks?.namespaces.set({ dropUdp: false });
    const contexts = networks ? [networks.near, networks.far].flatMap((browser) => browser.contexts()) : [];
    await Promise.all(contexts.map((context) => context.close()));
  });
  afterAll(() => networks?.[Symbol.asyncDispose]());

  async function open(browser: Browser, path: string): Promise<Page> {
    const page = await (await browser.newContext({ viewport: { width: 640, height: 480 } })).newPage();
    // Records each text of the page, and when it was first shown.
    await page.addInitScript(() => {
      const words = new Map<string, number>();
      Object.assign(window, { words });
      const note = () => {
        for (const one of document.querySelectorAll<HTMLElement>(
          '[role=status], .connection-notice, #announcements p',
        )) {
          const text = one.checkVisibility() || one.closest('#announcements') ? one.textContent : '';
          if (text && !words.has(text)) words.set(text, Date.now());
        }
      };
      document.addEventListener('DOMContentLoaded', () =>
        new MutationObserver(note).observe(document.body, {
          subtree: true,
          childList: true,
          characterData: true,
          attributes: true,
        }),
      );
    });
    await page.goto(`${networks.url}${path}`);
    await expectIn(page);
    return page;
  }

  /** When the page first said these words, in milliseconds since `dropped`. */
  const saidAfter = (page: Page, text: string, dropped: number) =>
    page.evaluate(
      ([text, dropped]) => {
        const words: unknown = Reflect.get(window, 'words');
        const at: unknown = words instanceof Map ? words.get(text) : undefined;
        return typeof at === 'number' ? at - dropped : undefined;
      },
      [text, dropped] as const,
    );
  const lost = 'Reconnecting sound and picture…';
  const back = 'Sound and picture are back.';
  const frames = (page: Page) =>
    page
      .locator('video:not(.local video)')
      .first()
      .evaluate((video) => (video instanceof HTMLVideoElement ? video.getVideoPlaybackQuality().totalVideoFrames : -1));
  const framesOf = (page: Page, name: string) =>
    tile(page, name)
      .locator('video')
      .evaluate((video) => (video instanceof HTMLVideoElement ? video.getVideoPlaybackQuality().totalVideoFrames : -1));
  async function seesAnew(page: Page, name: string): Promise<void> {
    const seen = await framesOf(page, name);
    await eventually(() => framesOf(page, name)).toBeGreaterThan(seen + 5);
  }

  const cameraPackets = async (page: Page) => {
    const stats = await page.evaluate(() => window.weir?.getStats());
    return stats?.find(({ direction, source }) => direction === 'send' && source === 'camera')?.packets ?? 0;
  };
  /** Waits until no packet of the camera has been sent for half a second. */
  async function stopsSendingCamera(page: Page): Promise<void> {
    let packets = -1;
    let since = 0;
    await eventually(async () => {
      const now = await cameraPackets(page);
      if (now !== packets) since = Date.now();
      packets = now;
      return Date.now() - since;
    }).toBeGreaterThan(500);
  }

  test('a call says within two seconds that media is reconnected, and goes on over TCP', async () => {
    const [ada, bob] = await Promise.all([
      open(networks.near, '/r/call?name=Ada&join=1'),
      open(networks.far, '/r/call?name=Bob&join=1'),
    ]);
    await Promise.all([seesAnew(ada, 'Bob'), seesAnew(bob, 'Ada')]);
    const before = await bob.evaluate(() => window.weir?.peerId);
    await networks.namespaces.set({ dropUdp: true });
    const dropped = Date.now();
    await eventually(() => saidAfter(bob, lost, dropped)).toBeLessThan(2500);
    await eventually(() => saidAfter(bob, back, dropped)).toBeLessThan(5000);
    await bob.getByRole('status').filter({ hasText: lost }).waitFor({ state: 'hidden' });
    await Promise.all([seesAnew(ada, 'Bob'), seesAnew(bob, 'Ada')]);
    // The failure is attributed to the right side, and the session goes on.
    expect(await saidAfter(bob, "Ada's connection is weak.", 0)).toBeUndefined();
    expect(await saidAfter(ada, lost, 0)).toBeUndefined();
    expect(await bob.evaluate(() => window.weir?.peerId)).toBe(before);
  });

  test('so does a studio that receives nothing, and a viewer who sends nothing', async () => {
    await open(networks.near, '/b/far?role=host&name=Far&join=1');
    const viewer = await open(networks.far, '/b/far?name=Viewer&join=1');
    const host = await open(networks.far, '/b/near?role=host&name=Near&join=1');
    await eventually(() => frames(viewer)).toBeGreaterThan(5);
    await host.locator('.on-air-badge.live').waitFor();
    // Nobody watches: the camera is not sent any more, and the microphone pauses in silence.
    await stopsSendingCamera(host);
    await networks.namespaces.set({ dropUdp: true });
    const dropped = Date.now();
    for (const page of [viewer, host]) {
      await eventually(() => saidAfter(page, lost, dropped)).toBeLessThan(2500);
      await eventually(() => saidAfter(page, back, dropped)).toBeLessThan(5000);
    }
    const seen = await frames(viewer);
    await eventually(() => frames(viewer)).toBeGreaterThan(seen + 5);
  });
});

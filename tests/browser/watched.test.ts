/** What a page receives follows what it shows: layers by tile size, nothing for hidden tiles, slots. */
import type { Page } from 'playwright-core';
import { afterEach, describe, expect, test } from 'vitest';
import { colours } from '../../scripts/support/browsers/captures.ts';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { Member } from '../../scripts/support/endpoint/Member.ts';
import { hasChromium } from '../support/equipment.ts';
import { layers, spread, voice } from '../support/headlessMembers.ts';
import { eventually, roomUrl } from '../support/people.ts';
import { statsOf } from '../support/tiles.ts';
import { appears, button, colourOf, enterQuietly, setHidden, tile, useChromium } from '../support/visit.ts';
import { useServer } from '../support/weir.ts';

describe.skipIf(!hasChromium)('a page', () => {
  // Otherwise a consumer that nobody watches, and a layer that is no longer demanded, are kept for ten seconds.
  const weir = useServer(
    { ...spread, WEIR_MESSAGES_PER_SECOND: '1000', WEIR_MAX_AUDIBLE_SPEAKERS: '3' },
    { consumerLinger: 2000, layerLinger: { upper: 3000 } },
  );
  const chromium = useChromium(() => launchChromium({ devices: 'fps=15' }), { [Symbol.dispose]: () => {} });

  const present: Member[] = [];
  // Runs before `useServer` waits until all rooms are closed.
  afterEach(() => {
    for (const member of present.splice(0)) member.leave();
  });

  async function watch(room: string, width = 1280, height = 720): Promise<Page> {
    const context = await chromium.browser.newContext({ viewport: { width, height } });
    return enterQuietly(context, roomUrl(weir.url, room, 'Viewer'));
  }

  async function come(room: string, name: string): Promise<Member> {
    const { member, ready } = await Member.join({
      url: weir.url,
      room,
      name,
      tracks: { camera: layers, microphone: voice },
      receives: false,
    });
    present.push(member);
    await ready;
    member.setSpeaking(false);
    return member;
  }

  /** Packets of video that a page has received, by peer. */
  async function packets(page: Page): Promise<Map<string, number>> {
    const received = (await statsOf(page)).filter(
      ({ source, direction }) => source === 'camera' && direction === 'receive',
    );
    return new Map(received.map((track) => [track.peerId ?? '', track.packets]));
  }

  /** From whom a page receives video just now. */
  async function senders(page: Page): Promise<string[]> {
    const before = await packets(page);
    // At 15 frames a second, whoever sends has sent ten.
    await page.waitForTimeout(700);
    const after = await packets(page);
    return [...after].filter(([peerId, count]) => count > (before.get(peerId) ?? 0) + 2).map(([peerId]) => peerId);
  }

  test('receives a camera in the layer that its tile needs, and the camera sends no more than that', async () => {
    const publisher = await (await chromium.browser.newContext()).newPage();
    await publisher.goto(roomUrl(weir.url, 'layers', 'Ada'));
    await appears(button(publisher, 'Mute'));
    const page = await watch('layers', 200, 200);
    const width = () =>
      tile(page, 'Ada')
        .locator('video')
        .evaluate((video: HTMLVideoElement) => video.videoWidth);
    const sent = async () => (await statsOf(publisher)).find(({ source }) => source === 'camera');
    await eventually(width, 'the width of a small picture').toBe(320);
    // The browser says the size of the largest layer that it sends.
    await eventually(async () => (await sent())?.frameWidth, 'the width that is sent').toBe(320);
    await page.setViewportSize({ width: 1280, height: 720 });
    await eventually(width, 'the width of a large picture').toBeGreaterThan(320);
    await page.setViewportSize({ width: 200, height: 200 });
    await eventually(width, 'the width of a small picture').toBe(320);
  });

  test('that is hidden receives no pictures, and has them again when it is shown: never black', async () => {
    const member = await come('hidden', 'Ada');
    const page = await watch('hidden');
    await eventually(() => senders(page)).toEqual([member.peerId]);
    await setHidden(page, true);
    await eventually(() => senders(page)).toEqual([]);
    await setHidden(page, false);
    await eventually(() => senders(page)).toEqual([member.peerId]);
  });

  test('that shows somebody again after long never shows black: the last picture, or initials, until there is a new one', async () => {
    const publisher = await (await chromium.browser.newContext()).newPage();
    await publisher.goto(roomUrl(weir.url, 'black', 'Ada'));
    await appears(button(publisher, 'Mute'));
    const page = await watch('black');
    const live = () => tile(page, 'Ada').evaluate((one) => one.classList.contains('playing'));
    await eventually(live).toBe(true);
    // Chromium's fake camera is green: a black pixel is not of a picture.
    await page.evaluate(() => {
      const seen = { dark: 0, looks: 0 };
      Object.assign(window, { seen });
      const brush = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
      const look = () => {
        const shown = [
          ...document.querySelectorAll<HTMLVideoElement | HTMLCanvasElement>(
            '.tile.participant video, .tile.participant canvas',
          ),
        ];
        for (const picture of shown) {
          const isShown = picture.checkVisibility({ opacityProperty: true, visibilityProperty: true });
          const width = picture instanceof HTMLVideoElement ? picture.videoWidth : picture.width;
          if (!brush || !isShown || width === 0) continue;
          brush.clearRect(0, 0, 1, 1);
          brush.drawImage(picture, 0, 0, 1, 1);
          const [red = 0, green = 0, blue = 0, alpha = 0] = brush.getImageData(0, 0, 1, 1).data;
          seen.looks += 1;
          if (alpha > 0 && red + green + blue < 40) seen.dark += 1;
        }
        requestAnimationFrame(look);
      };
      look();
    });
    await setHidden(page, true);
    // Waits until the consumer is closed.
    await eventually(async () => (await statsOf(page)).some(({ source }) => source === 'camera')).toBe(false);
    await setHidden(page, false);
    await eventually(async () =>
      (await statsOf(page)).some(({ source, frames = 0 }) => source === 'camera' && frames > 5),
    ).toBe(true);
    await eventually(live).toBe(true);
    const seen = await page.evaluate(() => ('seen' in window ? window.seen : undefined));
    expect(seen).toMatchObject({ dark: 0 });
    expect(seen).not.toMatchObject({ looks: 0 });
  });

  test('shows a canvas that stands still, to whoever comes later as well, and blames nobody for it', async () => {
    const sharer = await enterQuietly(await chromium.browser.newContext(), roomUrl(weir.url, 'still', 'Ada'));
    await sharer.evaluate(async ({ red, blue }) => {
      const canvas = document.createElement('canvas');
      const brush = canvas.getContext('2d');
      Object.assign(canvas, { width: 640, height: 360 });
      const paint = (colour: readonly number[]) => {
        if (brush) brush.fillStyle = `rgb(${colour.join()})`;
        brush?.fillRect(0, 0, 640, 360);
      };
      paint(red);
      const [track] = canvas.captureStream().getVideoTracks();
      if (track) await window.weir?.publish('camera', track);
      addEventListener('paint', () => paint(blue));
    }, colours);
    const first = await watch('still');
    const seen = (page: Page) => colourOf(tile(page, 'Ada').locator('video'));
    await eventually(() => seen(first)).toBe('red');
    await sharer.evaluate(() => dispatchEvent(new Event('paint')));
    await eventually(() => seen(first)).toBe('blue');
    const later = await watch('still');
    await eventually(() => seen(later)).toBe('blue');
    for (const page of [first, later]) {
      await page.evaluate(() => {
        const look = () => {
          if (document.querySelector('.tile.frozen')) document.body.dataset.blamed = '';
        };
        look();
        new MutationObserver(look).observe(document.body, { subtree: true, attributeFilter: ['class'] });
      });
    }
    const frames = async () => (await statsOf(later)).find(({ source }) => source === 'camera')?.frames ?? 0;
    const before = await frames();
    await eventually(frames).toBeGreaterThan(before + 5);
    for (const page of [first, later]) expect(await page.evaluate(() => document.body.dataset.blamed)).toBeUndefined();
  });

  test('receives those on the page of tiles that it shows, and turns to others', async () => {
    await Promise.all(Array.from({ length: 7 }, (_, index) => come('pages', `Member ${index}`)));
    const page = await watch('pages', 500, 420);
    const shown = async () => {
      const ids = await page
        .locator('section.tile[data-peer-id]')
        .evaluateAll((tiles) => tiles.flatMap((one) => (one instanceof HTMLElement ? (one.dataset.peerId ?? []) : [])));
      return ids.sort();
    };
    const follows = async () => {
      const [seen, sending] = [await shown(), (await senders(page)).sort()];
      return seen.length > 0 && seen.length < 7 && seen.join() === sending.join();
    };
    await eventually(follows, 'what is received is what is shown').toBe(true);
    const first = await shown();
    await button(page, 'Next page').click();
    await eventually(async () => (await shown()).join() !== first.join()).toBe(true);
    await eventually(follows, 'what is received is what is shown').toBe(true);
  });

  test('of a large room plays the slots, and rings who speaks', async () => {
    const members = await Promise.all(Array.from({ length: 6 }, (_, index) => come('slots', `Member ${index}`)));
    const page = await watch('slots');
    await eventually(() => page.locator('audio').count()).toBe(4);
    expect(await page.locator('audio[data-audio-of]').count()).toBe(0);
    const ringed = async () => {
      const ringing = page.locator('section.tile.speaking');
      return ringing.evaluateAll((tiles) => tiles.map((one) => one.getAttribute('aria-label')));
    };
    members[4]?.setSpeaking(true);
    await eventually(ringed).toEqual(['Member 4']);
    members[4]?.setSpeaking(false);
    await eventually(ringed).toEqual([]);
    members[1]?.setSpeaking(true);
    await eventually(ringed).toEqual(['Member 1']);
  });
});

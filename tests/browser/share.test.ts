/** Screen sharing: what the page says, and how the screen is encoded. */
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { hasChromium } from '../support/equipment.ts';
import { eventually, roomUrl } from '../support/people.ts';
import { button, enterQuietly } from '../support/visit.ts';
import { useServer } from '../support/weir.ts';

describe.skipIf(!hasChromium)('sharing a screen', () => {
  const weir = useServer();
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium({ devices: 'fps=10', refusesSound: true });
  });
  afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));
  afterAll(() => browser.close());

  test('a shared screen is sharp, whether it sounds or not, unless its owner chooses', async () => {
    const alice = await enterQuietly(await browser.newContext(), roomUrl(weir.url, 'hints', 'Alice'));
    const hint = () => alice.evaluate(() => window.weir?.localTrack('screen')?.contentHint);
    await button(alice.getByRole('toolbar'), 'Share screen').click();
    await eventually(hint).toBe('detail');
    for (const [choice, wanted] of [
      ['Shared screen: smooth motion', 'motion'],
      ['Shared screen: sharp text', 'detail'],
      ['Shared screen: smooth motion', 'motion'],
      ['Shared screen: sharp, and smooth for films', 'detail'],
    ] as const) {
      await button(alice, 'More').click();
      await alice.getByRole('menuitemradio', { name: choice, exact: true }).click();
      await eventually(hint).toBe(wanted);
    }
    await button(alice, 'More').click();
    const chosen = alice.getByRole('menuitemradio', { name: /^Shared screen/, checked: true });
    expect(await chosen.textContent()).toBe('Shared screen: sharp, and smooth for films');

    // A choice is for one share: the next one is decided by its picture again, and the menu says so.
    await alice.getByRole('menuitemradio', { name: 'Shared screen: smooth motion', exact: true }).click();
    await eventually(hint).toBe('motion');
    await button(alice.getByRole('toolbar'), 'Stop sharing').click();
    await eventually(hint).toBeUndefined();
    await button(alice.getByRole('toolbar'), 'Share screen').click();
    await eventually(hint).toBe('detail');
    await button(alice, 'More').click();
    expect(await chosen.textContent()).toBe('Shared screen: sharp, and smooth for films');
  });

  test('text on a shared screen that stands still becomes sharp', async () => {
    const alice = await enterQuietly(await browser.newContext(), roomUrl(weir.url, 'text', 'Alice'));
    const bob = await enterQuietly(await browser.newContext(), roomUrl(weir.url, 'text', 'Bob'));
    // Both pages draw the same.
    for (const page of [alice, bob]) {
      await page.evaluate(() => {
        const canvas = document.createElement('canvas');
        Object.assign(canvas, { id: 'slide', width: 1280, height: 720 });
        const brush = canvas.getContext('2d');
        if (!brush) throw new Error('There is no canvas.');
        brush.fillStyle = '#fff';
        brush.fillRect(0, 0, 1280, 720);
        brush.fillStyle = '#111';
        brush.font = '30px sans-serif';
        for (let line = 0; line < 12; line += 1) {
          const words = Array.from({ length: 9 }, (_, word) =>
            (((line + 3) * (word + 7) * 7_919_317) % 46_655).toString(36),
          );
          brush.fillText(words.join(' ').repeat(2), 20, 50 + line * 58);
        }
        document.body.append(canvas);
      });
    }
    // PSNR of the luma of each picture of full width until one is sharp, in decibels. Blurred by the quantiser it is 27 to
    // 38, and as long as no frame follows it stays so.
    const pictures = await bob.evaluateHandle(() => {
      const { promise, resolve } = Promise.withResolvers<number[]>();
      const psnr: number[] = [];
      window.weir?.on('trackAdded', ({ source, track }) => {
        if (source !== 'screen') return;
        const video = document.createElement('video');
        Object.assign(video, { muted: true, srcObject: new MediaStream([track]) });
        const look = (): unknown => {
          if (video.videoWidth < 1280) return video.requestVideoFrameCallback(look);
          const luma = (picture: CanvasImageSource) => {
            const brush = new OffscreenCanvas(1280, 720).getContext('2d');
            brush?.drawImage(picture, 0, 0);
            const { data = [] } = brush?.getImageData(0, 0, 1280, 720) ?? {};
            const at = (index: number) => data[index] ?? 0;
            // A sample of the pixels: all of them would take longer than the time between two pictures.
            return Float32Array.from({ length: (1280 * 720) / 8 }, (_, pixel) => {
              const index = (pixel * 8 + (Math.floor(pixel / 160) % 8)) * 4;
              return 0.299 * at(index) + 0.587 * at(index + 1) + 0.114 * at(index + 2);
            });
          };
          const slide = document.querySelector<HTMLCanvasElement>('#slide');
          const wanted = slide ? luma(slide) : new Float32Array();
          const square = luma(video).reduce((sum, value, pixel) => sum + (value - (wanted[pixel] ?? 0)) ** 2, 0);
          const latest = 10 * Math.log10(255 ** 2 / (square / wanted.length));
          psnr.push(latest);
          return latest < 42 ? video.requestVideoFrameCallback(look) : resolve(psnr);
        };
        video.requestVideoFrameCallback(look);
        void video.play();
      });
      return { promise };
    });
    await alice.evaluate(async () => {
      const track = document.querySelector<HTMLCanvasElement>('#slide')?.captureStream().getVideoTracks()[0];
      if (track) await window.weir?.publish('screen', track);
    });
    const psnr = await pictures.evaluate(({ promise }) => promise);
    console.info(`pictures of a screen that has just been shared: ${psnr.map((one) => one.toFixed(1)).join(', ')} dB`);
    expect(psnr.length).toBeLessThan(20);
  });

  test('a film that is shared is smooth, and a slide after it is sharp again', async () => {
    const alice = await enterQuietly(await browser.newContext(), roomUrl(weir.url, 'film', 'Alice'));
    const bob = await enterQuietly(await browser.newContext(), roomUrl(weir.url, 'film', 'Bob'));
    await alice.evaluate(async () => {
      const canvas = document.createElement('canvas');
      const brush = canvas.getContext('2d');
      Object.assign(canvas, { width: 640, height: 360 });
      const paint = () => {
        for (let part = 0; brush && part < 40; part += 1) {
          brush.fillStyle = `hsl(${Math.random() * 360} 80% 50%)`;
          brush.fillRect(Math.random() * 640, Math.random() * 360, 60, 60);
        }
      };
      paint();
      const [track] = canvas.captureStream().getVideoTracks();
      if (track) await window.weir?.publish('screen', track);
      const film = setInterval(paint, 33);
      addEventListener('over', () => clearInterval(film));
    });
    const hint = () => alice.evaluate(() => window.weir?.localTrack('screen')?.contentHint);
    expect(await hint()).toBe('detail');
    await eventually(hint).toBe('motion');
    const received = async () => {
      const stats = await bob.evaluate(() => window.weir?.getStats());
      return (
        stats?.find(({ direction, source }) => direction === 'receive' && source === 'screen')?.framesPerSecond ?? 0
      );
    };
    // A screen that is to be read has five.
    await eventually(received).toBeGreaterThan(7);
    await alice.evaluate(() => dispatchEvent(new Event('over')));
    await eventually(hint).toBe('detail');
  });

  test('one who shares a screen is told so as long as it lasts', async () => {
    const alice = await enterQuietly(await browser.newContext(), roomUrl(weir.url, 'told', 'Alice'));
    const told = alice.getByRole('status').filter({ hasText: 'You are sharing your screen.' });
    await button(alice.getByRole('toolbar'), 'Share screen').click();
    await told.waitFor();
    await button(told, 'Stop sharing').click();
    await told.waitFor({ state: 'hidden' });
    expect(await alice.evaluate(() => window.weir?.sources)).toEqual({});
  });
});

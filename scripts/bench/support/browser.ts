/**
 * Measures joins of Chromium in one of the network namespaces: the page joins with the SDK and reports its first frame.
 */
import { setTimeout } from 'node:timers/promises';
import { launchChromium } from '../../support/browsers/chromium.ts';
import type { Namespaces } from '../../support/network/namespaces.ts';

/** Milliseconds from `join()` to the first presented frame of another member's camera, one for each join. */
export async function firstFrames(
  namespaces: Namespaces,
  { url, room }: { readonly url: string; readonly room: string },
  joins: number,
  pause: number,
): Promise<number[]> {
  await using browser = await launchChromium({ within: namespaces.names.a, secure: url });
  const times: number[] = [];
  for (let index = 0; index <= joins; index += 1) {
    await setTimeout(pause);
    const page = await browser.newPage();
    await page.goto(`${url}/health`);
    const time = await page.evaluate(timeFirstFrame, { url, room });
    // The first join warms the browser up.
    if (index > 0) times.push(time);
    await page.close();
  }
  return times;
}

/** Runs in the page. */
async function timeFirstFrame({ url, room }: { url: string; room: string }): Promise<number> {
  const sdk: typeof import('../../../web/client/index.ts') = await import(`${url}/sdk.js`);
  const client = new sdk.RoomClient({ url });
  const shown = new Promise<number>((resolve) => {
    client.on('trackAdded', ({ source, track }) => {
      if (source !== 'camera') return;
      const video = document.createElement('video');
      video.muted = true;
      video.srcObject = new MediaStream([track]);
      document.body.append(video);
      video.requestVideoFrameCallback((time) => resolve(time));
      void video.play();
    });
  });
  const began = performance.now();
  await client.join({ room, name: 'newcomer' });
  const time = (await shown) - began;
  client.leave();
  return time;
}

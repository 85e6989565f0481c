/** Counts what a server and its workers hold after a browser has joined and left again and again. */
import type { Browser, JSHandle, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { hasChromium } from '../support/equipment.ts';
import { extent } from '../support/extent.ts';
import { grown, resourceSnapshot } from '../support/resourceSnapshot.ts';

/** One object left behind by each join shows in ten of them as it does in a hundred. */
const CYCLES = extent(10, 100);

describe.skipIf(!hasChromium)('joining and leaving repeatedly', () => {
  let server: TestServer;
  let browser: Browser;

  beforeAll(async () => {
    server = await startServer({ WEIR_MESSAGES_PER_SECOND: '1000' });
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  /** The page joins, publishes, waits for the other's picture to be decoded if there is one, and leaves: `cycles` times. */
  async function cycle(page: Page, room: string, cycles: number): Promise<void> {
    // As text: what the test runner makes of an import() does not run in a page.
    const sdk: JSHandle<typeof import('../../web/client/index.ts')> = await page.evaluateHandle("import('/sdk.js')");
    await page.evaluate(
      async ({ sdk, room, cycles }) => {
        const canvas = document.createElement('canvas');
        canvas.getContext('2d')?.fillRect(0, 0, 320, 180);
        for (let done = 0; done < cycles; done += 1) {
          const [track] = canvas.captureStream(5).getVideoTracks();
          if (!track) throw new Error('the canvas has no track');
          const client = new sdk.RoomClient();
          const seen = new Promise<void>((resolve) => client.on('trackAdded', () => resolve()));
          await client.join({ room, name: 'cycler' });
          await client.publish('camera', track);
          if (client.peers.length > 0) await seen;
          client.leave();
          track.stop();
        }
      },
      { sdk, room, cycles },
    );
  }

  test(`after ${CYCLES} joins, alone and beside somebody else, all counts are back at the baseline`, async () => {
    const staying = await browser.newPage();
    await staying.goto(`${server.url}/r/stays?name=stays&join=1`);
    await staying.locator('[data-local].playing').waitFor();
    const page = await browser.newPage();
    await page.goto(`${server.url}/`);
    // Objects that are created once, at first use, belong to the baseline.
    await cycle(page, 'warm', 1);
    await cycle(page, 'stays', 1);
    await expect.poll(() => server.app.rooms.size).toBe(1);
    const alone = { routers: 1, workerRouters: 1, transports: 2, producers: 2, consumers: 0 };
    await expect.poll(resourceSnapshot, { timeout: 10_000 }).toMatchObject(alone);
    const before = await resourceSnapshot();

    await cycle(page, 'alone', CYCLES / 2);
    await cycle(page, 'stays', CYCLES / 2);

    await expect.poll(() => server.app.rooms.size).toBe(1);
    // Files and timers of the baseline may have been closed since: only growth is a leak.
    const { files, workerFiles, timers, ...objects } = before;
    await expect.poll(resourceSnapshot, { timeout: 10_000 }).toMatchObject(objects);
    await expect
      .poll(async () => grown(await resourceSnapshot(), { files, workerFiles, timers }), { timeout: 10_000 })
      .toEqual({});
    console.info(`${CYCLES} joins: before`, before, 'after', await resourceSnapshot());
    await expect.poll(() => staying.locator('[data-peer-id]').count()).toBe(0);
  });
});

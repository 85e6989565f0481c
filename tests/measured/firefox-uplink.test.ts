/** The uplink of Firefox in a call: how large a picture it carries, and how much of it retransmissions take. */
import { describe, expect, test } from 'vitest';
import { hasChromium } from '../support/equipment.ts';
import { isFull } from '../support/extent.ts';
import { hasFirefox } from '../support/firefox.ts';
import { useFirefoxCall } from '../support/firefoxCall.ts';
import { eventually, roomUrl } from '../support/people.ts';
import { retransmittedBytes } from '../support/routers.ts';
import { rememberQuiet } from '../support/visit.ts';

describe.skipIf(!hasChromium || !hasFirefox)('the uplink of Firefox', () => {
  const call = useFirefoxCall();

  test('a camera of Firefox fills a large window, and its uplink carries pictures instead of retransmissions', async () => {
    const viewer = await call.alice.page();
    await viewer.setViewportSize({ width: 1280, height: 720 });
    await rememberQuiet(viewer);
    await viewer.goto(roomUrl(call.server.url, 'large', 'Alice'));
    const page = await (await call.firefox.createBrowserContext()).newPage();
    await page.goto(roomUrl(call.server.url, 'large', 'Fox'));
    const lines = () =>
      viewer.evaluate(
        () => document.querySelector<HTMLVideoElement>('section.tile.participant video')?.videoHeight ?? 0,
      );
    let since: { time: number; retransmitted: number } | undefined;
    let uplink = 0;
    /** For how long the picture has been whole, in milliseconds. */
    const held = async () => {
      if ((await lines()) < 720) since = undefined;
      else since ??= { time: performance.now(), retransmitted: await retransmittedBytes() };
      if (!since) return 0;
      const time = performance.now() - since.time;
      uplink = (8 * ((await retransmittedBytes()) - since.retransmitted)) / time;
      return time;
    };
    await eventually(held).toBeGreaterThan(6000);
    // In kbit/s. The plain picture of the fake camera needs less than its layers may take.
    expect(uplink).toBeLessThan(300);
    await Promise.all([call.alice.leaveAll(), page.close()]);
  });

  if (!isFull) return;

  test('a track of more than 720 lines takes no more of the uplink of Firefox than a smaller one', async () => {
    const viewer = await call.alice.page();
    await viewer.setViewportSize({ width: 1600, height: 900 });
    await rememberQuiet(viewer);
    await viewer.goto(roomUrl(call.server.url, 'larger', 'Alice'));
    const page = await (await call.firefox.createBrowserContext()).newPage();
    await page.goto(call.server.url);
    await page.evaluate(`(async () => {
      const { RoomClient } = await import('/sdk.js');
      const client = new RoomClient();
      await client.join({ room: 'larger', name: 'Fox' });
      const canvas = Object.assign(document.createElement('canvas'), { width: 1920, height: 1080 });
      const context = canvas.getContext('2d');
      let frames = 0;
      setInterval(() => {
        context.fillStyle = 'hsl(' + frames++ * 20 + ' 80% 50%)';
        context.fillRect(900, 500, 64, 64);
      }, 80);
      await client.publish('camera', canvas.captureStream().getVideoTracks()[0]);
    })()`);
    const lines = () =>
      viewer.evaluate(
        () => document.querySelector<HTMLVideoElement>('section.tile.participant video')?.videoHeight ?? 0,
      );
    await eventually(lines, 'the highest layer').toBeGreaterThan(700);
    const before = { time: performance.now(), retransmitted: await retransmittedBytes() };
    await eventually(async () => performance.now() - before.time).toBeGreaterThan(4000);
    const bytes = (await retransmittedBytes()) - before.retransmitted;
    // In kbit/s. This picture needs next to nothing: the uplink is filled up to what the highest layer is sent from, 890 kbit/s.
    expect((8 * bytes) / (performance.now() - before.time)).toBeLessThan(1100);
    await Promise.all([call.alice.leaveAll(), page.close()]);
  });
});

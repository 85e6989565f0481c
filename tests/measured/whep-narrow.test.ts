/** A WHEP player behind a link that becomes narrow is sent a lower layer, and the highest again when it has become wide. */
import { expect, test } from 'vitest';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { addresses, Namespaces, whyNoNamespaces } from '../../scripts/support/network/namespaces.ts';
import { startMeasured } from '../../scripts/support/servers/measured.ts';
import { startAll } from '../../scripts/support/startAll.ts';
import { hasChromium } from '../support/equipment.ts';
import { isFull } from '../support/extent.ts';
import { playedInPage, playInPage, publishInPage } from '../support/gatewayPage.ts';

/** Milliseconds. */
const WAIT = 40_000;
const PORT = 3000;
const url = `http://${addresses.b}:${PORT}`;

test.runIf(isFull && hasChromium && !whyNoNamespaces())('layers follow the downlink of a WHEP player', async () => {
  await using namespaces = await Namespaces.create({ delay: 10 }, 200);
  const settings = { WEIR_HOST: addresses.b, WEIR_PORT: String(PORT), WEIR_RTC_HOST: addresses.b, WEIR_WORKERS: '1' };
  const launch = (side: 'a' | 'b') =>
    launchChromium({ within: namespaces.names[side], secure: url, devices: 'fps=15' });
  await using opened = new AsyncDisposableStack();
  const [, near, far] = await startAll([
    startMeasured(settings, { namespaces, side: 'b' }).then((one) => opened.use(one)),
    launch('b').then((one) => opened.use(one)),
    launch('a').then((one) => opened.use(one)),
  ]);
  const [publisher, player] = [await near.newPage(), await far.newPage()];
  await Promise.all([publisher.goto(url), player.goto(url)]);
  await publisher.evaluate(publishInPage, { endpoint: '/whip/narrow', simulcast: true });
  await player.evaluate(playInPage, '/whep/narrow');
  const width = async () => (await player.evaluate(playedInPage)).width;
  await expect.poll(width, { timeout: WAIT }).toBe(640);
  await namespaces.set({ rate: 120 }, 'ba');
  await expect.poll(width, { timeout: WAIT }).toBeLessThan(640);
  // It goes on: pictures of that layer are decoded.
  const { framesDecoded } = await player.evaluate(playedInPage);
  await expect
    .poll(async () => (await player.evaluate(playedInPage)).framesDecoded, { timeout: WAIT })
    .toBeGreaterThan(framesDecoded + 10);
  await namespaces.set({ rate: 0 }, 'ba');
  await expect.poll(width, { timeout: WAIT }).toBe(640);
});

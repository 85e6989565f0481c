/** Picture-in-picture: offered when there is a picture to show, and only then. */
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { camera } from '../support/broadcast.ts';
import { hasChromium } from '../support/equipment.ts';
import { fakeContext } from '../support/fakeClient/fakeClient.ts';
import { eventually, roomUrl } from '../support/people.ts';
import { appears, button, colourOf, enterQuietly, tile, useChromium } from '../support/visit.ts';
import { useServer } from '../support/weir.ts';

const NAME = 'Picture in picture';

describe.skipIf(!hasChromium)('picture in picture', () => {
  const weir = useServer();
  const chromium = useChromium(() => launchChromium({ devices: 'real', refusesSound: true }), {
    [Symbol.dispose]: () => {},
  });

  /** Whose picture is in a window of its own: the name of the tile that it comes from. */
  const apart = (page: Page) =>
    page.evaluate(() => document.pictureInPictureElement?.closest('section')?.getAttribute('aria-label'));

  test("is offered for somebody's picture, shows it, and goes away by the same choice", async () => {
    const bob = await enterQuietly(await fakeContext(chromium.browser), roomUrl(weir.url, 'picture', 'Bob'));
    const { client: alice } = await weir.join({ room: 'picture', name: 'Alice' });
    await alice.request('produce', camera);
    await eventually(() => colourOf(tile(bob, 'Alice').locator('video'))).toBeDefined();
    expect(await apart(bob)).toBeUndefined();
    await button(bob, 'More').click();
    await button(bob, NAME).click();
    await eventually(() => apart(bob)).toBe('Alice');
    await button(bob, 'More').click();
    await button(bob, NAME).click();
    await eventually(() => apart(bob)).toBeUndefined();
    expect(await colourOf(tile(bob, 'Alice').locator('video'))).toBeDefined();

    // The camera is off: there is no picture, and the button is not offered.
    await alice.request('closeProducer', { source: 'camera' });
    await eventually(() => colourOf(tile(bob, 'Alice').locator('video'))).toBeUndefined();
    await button(bob, 'More').click();
    await appears(button(bob, 'Full screen'));
    expect(await button(bob, NAME).count()).toBe(0);
  });
});

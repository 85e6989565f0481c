/** Devices that another program holds: the page says so, and opens them once they are released. */
import { copyFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { hasChromium } from '../support/equipment.ts';
import { eventually, roomUrl } from '../support/people.ts';
import { hasSoundServer, SoundServer } from '../support/SoundServer.ts';
import { microphoneOf, sourcesOf } from '../support/tiles.ts';
import { appears, button, choose, join, openLobby } from '../support/visit.ts';
import { useServer } from '../support/weir.ts';

describe.skipIf(!hasChromium)('a camera that another program holds', () => {
  const weir = useServer();
  const busy = 'Your camera is used by another program. Close it there, then try again.';

  test('is told in the lobby and in the call, and keeps nobody out', async () => {
    using captures = new Captures();
    const { video } = captures.make({ colour: 'red', tone: 500 });
    // Chromium lists this one and cannot open it: on the way there its path goes through the locale, which knows ASCII only.
    const held = video.replace('red', 'röt');
    copyFileSync(video, held);
    await using chromium = await launchChromium({ video: held, environment: { LC_ALL: 'C' } });
    const page = await (await chromium.newContext()).newPage();
    await openLobby(page, weir.url, 'held camera');
    const alerts = () => page.getByRole('alert').filter({ visible: true }).allTextContents();
    await eventually(alerts).toEqual([`${busy} You can also join without.`]);
    await join(page, 'Ada');
    await eventually(() => sourcesOf(page)).toEqual({ microphone: 'live' });
    expect(await alerts()).toEqual([]);
    await button(page, 'Start camera').click();
    await eventually(alerts).toEqual([busy]);
    await appears(button(page, 'Start camera'));
  });
});

describe.skipIf(!hasSoundServer || !hasChromium)('a microphone that other programs hold', () => {
  const weir = useServer();
  const busy = 'Your microphone is used by another program. Close it there, then try again.';

  test('is told in the lobby, and opens once they let it go', async () => {
    await using sound = await SoundServer.start({ Held: 'held' });
    await using chromium = await launchChromium({
      devices: 'real',
      refusesSound: true,
      environment: sound.environment,
    });
    const page = await chromium.newPage();
    await openLobby(page, weir.url, 'held');
    const alerts = () => page.getByRole('alert').allTextContents();
    await eventually(alerts).toEqual([`No camera found. ${busy} You can also join without.`]);
    await sound.release();
    await button(page, 'Try again').click();
    await appears(button(page, 'Mute'));
    await eventually(alerts).toEqual(['No camera found. You can also join without.']);
  });

  test('is refused in the call: the one that runs goes on, and is the one of the next visit', async () => {
    await using sound = await SoundServer.start({ Free: 'free', Held: 'held' });
    await using chromium = await launchChromium({
      devices: 'real',
      refusesSound: true,
      environment: sound.environment,
    });
    const page = await (await chromium.newContext()).newPage();
    await page.goto(roomUrl(weir.url, 'held in the call', 'Ada'));
    await eventually(() => sourcesOf(page)).toEqual({ microphone: 'live' });
    await choose(page, 'Choose microphone and speaker', 'Free');
    await eventually(() => microphoneOf(page)).toMatchObject({ label: 'Free', readyState: 'live', enabled: true });
    const remembered = () => page.evaluate(() => localStorage.getItem('weir.microphone'));
    const before = await remembered();
    expect(before).toBeTruthy();
    await choose(page, 'Choose microphone and speaker', 'Held');
    await page
      .getByRole('alert')
      .filter({ hasText: `${busy} Free is still in use.` })
      .waitFor();
    await eventually(() => microphoneOf(page)).toEqual({ label: 'Free', readyState: 'live', enabled: true });
    await appears(button(page, 'Mute'));
    expect(await sourcesOf(page)).toEqual({ microphone: 'live' });
    expect(await remembered()).toBe(before);
  });
});

/** Owns the proof that a device which other programs hold is told as that, and opens once they let it go. */
import { describe, test } from 'vitest';
import { hasChromium } from '../support/chromium.ts';
import { eventually, roomUrl } from '../support/people.ts';
import { hasSoundServer, SoundServer } from '../support/SoundServer.ts';
import { microphoneOf, sourcesOf } from '../support/tiles.ts';
import { button, choose, launchChromiumWith, openLobby } from '../support/visit.ts';
import { useServer } from '../support/weir.ts';

describe.skipIf(!hasSoundServer || !hasChromium)('a microphone that other programs hold', () => {
  const weir = useServer();
  const busy = 'Your microphone is used by another program. Close it there, then try again.';

  test('is told in the lobby, and opens once they let it go', async () => {
    await using sound = await SoundServer.start({ Held: 'held' });
    await using chromium = await launchChromiumWith([], sound.environment);
    const page = await chromium.newPage();
    await openLobby(page, weir.url, 'held');
    const alerts = () => page.getByRole('alert').allTextContents();
    await eventually(alerts).toEqual([`No camera found. ${busy} You can also join without.`]);
    await sound.release();
    await button(page, 'Try again').click();
    await button(page, 'Mute').waitFor();
    await eventually(alerts).toEqual(['No camera found. You can also join without.']);
  });

  test('is told in the call, where another one can be taken', async () => {
    await using sound = await SoundServer.start({ Free: 'free', Held: 'held' });
    await using chromium = await launchChromiumWith([], sound.environment);
    const page = await (await chromium.newContext()).newPage();
    await page.goto(roomUrl(weir.url, 'held in the call', 'Ada'));
    await eventually(() => sourcesOf(page)).toEqual({ microphone: 'live' });
    await choose(page, 'Choose microphone and speaker', 'Held');
    await page.getByRole('alert').filter({ hasText: busy }).waitFor();
    await button(page, 'Unmute').waitFor();
    await eventually(() => sourcesOf(page)).toEqual({});
    await choose(page, 'Choose microphone and speaker', 'Free');
    await eventually(() => microphoneOf(page)).toMatchObject({ label: 'Free', readyState: 'live', enabled: true });
    await button(page, 'Mute').waitFor();
  });
});

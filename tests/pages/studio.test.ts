/** The studio of a broadcast, and what its viewers receive. */
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { startServer } from '../../scripts/support/servers/startServer.ts';
import { SILENCE } from '../../web/view/common/loudness.ts';
import { violationsOn } from '../support/axe.ts';
import { camera } from '../support/broadcast.ts';
import { hasChromium } from '../support/equipment.ts';
import { received, untilReceiving, untilStable } from '../support/headlessMembers.ts';
import { overflowOf, scrolls } from '../support/overflow.ts';
import { eventually } from '../support/people.ts';
import { desk, useStudio } from '../support/studio.ts';
import {
  afterTimers,
  appears,
  button,
  colourOf,
  disappears,
  expectIn,
  hasFocus,
  newsOn,
  tile,
} from '../support/visit.ts';
import { token, withTokens } from '../support/weir.ts';

describe.skipIf(!hasChromium)('the studio of a broadcast', () => {
  const studio = useStudio();
  const { weir, studioUrl, newPage, open, enter, onAir, watch, follow, tried, peerId, state, scene, chooseScene, end } =
    studio;

  test('from the lobby one is off air, and viewers receive nothing until one goes live, both scenes, and the end', async () => {
    const viewer = await watch('show');
    const page = await enter('show', await newPage('real'));
    const id = await peerId(page);
    await appears(page.getByText('Off air', { exact: true }));
    await appears(page.getByText('1 viewer waiting'));
    await eventually(() => colourOf(tile(page, 'You').locator('video'))).toBe('red');
    // Not even a consumer.
    expect(viewer.media.all).toEqual([]);

    await button(page, 'Go live').click();
    await untilReceiving(viewer, id);
    await appears(page.getByText('On air', { exact: true }));
    await appears(page.getByText('1 viewer', { exact: true }));
    expect(await newsOn(page)).toContain('You are on air.');
    await expect.poll(() => page.getByRole('timer').textContent(), { timeout: 5000 }).toMatch(/^0:0[1-9]$/);
    await eventually(() => page.locator('.send-stats').innerText()).toMatch(/Camera\s+320×180 · \d+ fps · \d+ kbit\/s/);

    await chooseScene(page, 'Both');
    await untilReceiving(viewer, id, 'screen');
    await untilReceiving(viewer, id, 'camera');
    await eventually(() => scene(page)).toBe('Both');
    expect(
      await tile(page, 'Your screen')
        .locator('video')
        .evaluate((video) => getComputedStyle(video).transform),
    ).toBe('none');
    const box = async (name: string) => (await tile(page, name).boundingBox())?.width ?? 0;
    expect(await box('You')).toBeLessThan((await box('Your screen')) / 3);

    await chooseScene(page, 'Screen');
    await eventually(() => scene(page)).toBe('Screen');
    await eventually(() => page.evaluate(() => window.weir?.sources.camera)).toBe(undefined);
    await disappears(tile(page, 'You'));
    await chooseScene(page, 'Camera');
    await eventually(() => scene(page)).toBe('Camera');
    await eventually(() => page.evaluate(() => window.weir?.sources)).toMatchObject({ camera: 'live' });
    expect(await page.evaluate(() => window.weir?.sources.screen)).toBe(undefined);

    await watch('show');
    await appears(page.getByText('2 viewers', { exact: true }));
    await end(page);
    await appears(page.getByRole('heading', { name: 'The broadcast has ended' }));
    expect(await page.locator('.studio-summary dd').allTextContents()).toEqual([
      expect.stringMatching(/^\d:\d\d$/),
      '2',
    ]);
    await untilStable(() => received(viewer, id), 500);
    await button(page, 'Go live again').click();
    await untilReceiving(viewer, id);
    await disappears(page.getByRole('heading', { name: 'The broadcast has ended' }));
  });

  test('a picker that is closed leaves the scene as it was', async () => {
    const page = await newPage();
    // The error that browsers throw when the picker is closed.
    await page.addInitScript(() => {
      const closed = () => Promise.reject(new DOMException('Permission denied by user', 'NotAllowedError'));
      navigator.mediaDevices.getDisplayMedia = closed;
    });
    await enter('picker', page);
    await chooseScene(page, 'Screen');
    await eventually(() => tried(page)).toBe('NotAllowedError');
    expect(await scene(page)).toBe('Camera');
    expect(await page.getByRole('alert').allTextContents()).toEqual([]);
    expect(await page.evaluate(() => window.weir?.sources)).toMatchObject({ camera: 'live' });
  });

  test("the browser's own end of a sharing brings the camera back", async () => {
    const page = await enter('sharing');
    await chooseScene(page, 'Screen');
    await eventually(() => page.evaluate(() => window.weir?.sources.camera)).toBe(undefined);
    await eventually(() => scene(page)).toBe('Screen');
    await page.evaluate(() => {
      const track = window.weir?.localTrack('screen');
      track?.stop();
      track?.dispatchEvent(new Event('ended'));
    });
    await eventually(() => scene(page)).toBe('Camera');
    await eventually(() => page.evaluate(() => window.weir?.sources)).toMatchObject({ camera: 'live' });
  });

  test('a hand is invited, comes with a picture, and is sent back', async () => {
    const page = await onAir('hands');
    const viewer = await follow('hands');
    const { client: bert, reply } = await weir.join({ room: 'hands', name: 'Bert', kind: 'broadcast', role: 'viewer' });
    await bert.request('setHand', { raised: true });
    const hands = page.getByRole('region', { name: 'Raised hands' });
    await appears(hands.getByText('Bert'));
    const cleo = await follow('hands', 'Cleo');
    await cleo.request('setHand', { raised: true });
    await appears(hands.getByText('Cleo'));
    expect(await hands.getByRole('listitem').locator('.label').allTextContents()).toEqual(['Bert', 'Cleo']);
    expect(await newsOn(page)).toContain('Bert raised a hand.');
    await button(page, 'Invite Cleo onto the stage').click();
    await cleo.event('invited');
    await cleo.request('answerInvite', { accept: false });
    await eventually(() => newsOn(page)).toContain('Cleo does not want to come onto the stage.');
    await button(page, 'Invite Bert onto the stage').click();
    await bert.event('invited');
    await bert.request('answerInvite', { accept: true });
    await bert.request('openTransport', { direction: 'send' });
    await bert.request('produce', camera);
    await eventually(() => newsOn(page)).toContain('Bert comes onto the stage.');
    // The fake client draws whoever is received in green.
    await eventually(() => colourOf(tile(page, 'Bert').locator('video'))).toBe('green');
    await viewer.event('newConsumers', ({ consumers }) => consumers.some(({ peerId }) => peerId === reply.peerId));
    expect(await violationsOn(page)).toEqual([]);
    await button(page, 'Send back: Bert').focus();
    await page.keyboard.press('Enter');
    await disappears(tile(page, 'Bert'));
    await eventually(() => hasFocus(page.getByRole('heading', { name: 'On stage' }))).toBe(true);
    await bert.event('grantsChanged', ({ grants }) => !grants.canPublish);
    await appears(page.getByText('You are alone on the stage.'));
  });

  test('a hand that is invited waits, and its owner can be removed', async () => {
    const page = await onAir('remove');
    const viewer = await follow('remove', 'Dora');
    await viewer.request('setHand', { raised: true });
    await button(page, 'Invite Dora onto the stage').click();
    await appears(page.getByText('Invited, waiting'));
    await button(page, 'More about Dora').click();
    await button(page, 'Remove from the broadcast').click();
    await viewer.closed;
    await appears(page.getByText('Viewers who raise a hand appear here.'));
    await eventually(() => hasFocus(page.getByRole('heading', { name: 'Raised hands' }))).toBe(true);
  });

  test('`&join=1` is on air at once, and a reload is on air again; after the end it is not', async () => {
    const viewer = await follow('reload');
    const page = await onAir('reload');
    /** Waits until the viewer is sent the camera of the page. */
    const cameraArrives = async () => {
      const host = await peerId(page);
      const isCamera = (info: { peerId?: string; source: string }) => info.peerId === host && info.source === 'camera';
      await viewer.event('newConsumers', ({ consumers }) => consumers.some(isCamera));
    };
    await cameraArrives();
    const liveFor = async () => (await page.evaluate(() => window.weir?.broadcast.liveSeconds)) ?? 0;
    await eventually(liveFor).toBeGreaterThan(1);
    await page.reload();
    await appears(page.getByText('On air', { exact: true }));
    await cameraArrives();
    // The same broadcast, not another.
    expect(await liveFor()).toBeGreaterThan(1);
    expect(viewer.unreadEvents('broadcastChanged').map((info) => info.state)).not.toContain('ended');
    await end(page);
    await appears(page.getByRole('heading', { name: 'The broadcast has ended' }));
    await page.reload();
    await appears(button(page, 'Enter the studio'));
    expect(await page.evaluate(() => window.weir)).toBe(undefined);
  });

  test('a reload of a studio that went live from the lobby is on air again', async () => {
    const page = await enter('return');
    await button(page, 'Go live').click();
    await appears(page.getByText('On air', { exact: true }));
    await page.reload();
    await appears(page.getByText('On air', { exact: true }));
  });

  test('a lobby says that the broadcast is live, and who is on its stage', async () => {
    await onAir('busy');
    const page = await open(studioUrl('busy'));
    await appears(page.getByText('It is on air: viewers see you as soon as you enter.'));
    await appears(page.getByText('Ada is here.'));
  });

  test('another host may end it, and nobody goes live again by coming back', async () => {
    const page = await onAir('two hosts');
    const { client } = await weir.join({ room: 'two hosts', name: 'Eve', kind: 'broadcast', role: 'host' });
    await client.request('setBroadcast', { live: false });
    await appears(page.getByRole('heading', { name: 'The broadcast has ended' }));
    const before = await peerId(page);
    const room = await weir.app.rooms.find('two hosts', 'broadcast');
    room?.participant(before)?.close('unresponsive');
    await eventually(
      async () => (await peerId(page)) !== before && (await page.evaluate(() => window.weir?.state)),
    ).toBe('joined');
    expect(await state(page)).toBe('ended');
  });

  test('the end and the way out ask first, and can be answered by keyboard', async () => {
    const page = await onAir('ask');
    const viewer = await follow('ask');
    const dialog = page.getByRole('dialog');
    await button(page, 'End broadcast').focus();
    await page.keyboard.press('Enter');
    await appears(dialog);
    expect(await hasFocus(button(dialog, 'Cancel'))).toBe(true);
    await page.keyboard.press('Escape');
    await disappears(dialog);
    expect(await state(page)).toBe('live');
    expect(await hasFocus(button(page, 'End broadcast'))).toBe(true);
    await button(page, 'Leave the studio').click();
    await page.keyboard.press('Enter');
    await disappears(dialog);
    expect(await page.evaluate(() => window.weir?.state)).toBe('joined');
    const seconds = () => page.evaluate(() => window.weir?.broadcast.liveSeconds ?? 0);
    const before = await seconds();
    await button(page, 'Leave the studio').click();
    await button(dialog, 'Leave and come back').click();
    await appears(page.getByRole('heading', { name: 'The broadcast waits for you' }));
    expect(viewer.unreadEvents('broadcastChanged').map((info) => info.state)).not.toContain('ended');
    await button(page, 'Join again').click();
    await appears(page.getByText('On air', { exact: true }));
    // It has been live all the while.
    expect(await seconds()).toBeGreaterThan(before);
    await button(page, 'Leave the studio').click();
    await button(dialog, 'End broadcast').click();
    await appears(page.getByRole('heading', { name: 'You left the studio' }));
    await expect.poll(() => viewer.unreadEvents('broadcastChanged').at(-1)?.state).toBe('ended');
  });

  test('single keys mute, stop the camera and share', async () => {
    const page = await enter('keys');
    await page.keyboard.press('m');
    await appears(button(page, 'Unmute'));
    await page.keyboard.press('v');
    await eventually(() => page.evaluate(() => window.weir?.sources.camera)).toBe(undefined);
    await page.keyboard.press('s');
    await eventually(() => page.evaluate(() => window.weir?.sources)).toMatchObject({
      screen: 'live',
      microphone: 'paused',
    });
    await page.keyboard.press('s');
    await eventually(() => scene(page)).toBe('Camera');
    // The camera was off before sharing, and stays off after it.
    expect(await page.evaluate(() => window.weir?.sources.camera)).toBe(undefined);
  });

  test('a microphone that is silent or muted on air is told, and one that is heard is not', async () => {
    const [silent, loud] = await Promise.all([newPage(), newPage()]);
    await silent.addInitScript(() => {
      const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = async (constraints) => {
        const stream = await open(constraints);
        if (!constraints?.audio) return stream;
        const silence = new AudioContext().createMediaStreamDestination().stream;
        return new MediaStream([...stream.getVideoTracks(), ...silence.getAudioTracks()]);
      };
    });
    await Promise.all([silent, loud].map((page) => page.clock.install()));
    const [quiet, page] = await Promise.all([onAir('silence', silent), onAir('muted', loud)]);
    const isTold = (where: Page, words: string) =>
      afterTimers(where, SILENCE.after + 100, () => where.getByRole('alert').filter({ hasText: words }).isVisible());
    await isTold(quiet, 'We hear nothing from your microphone.');
    await page.clock.fastForward(SILENCE.after + 100);
    expect(await page.getByRole('alert').filter({ hasText: 'We hear nothing' }).isVisible()).toBe(false);
    await button(page, 'Mute').click();
    await isTold(page, 'Your microphone is muted');
    await button(page, 'Unmute').click();
    await disappears(page.getByRole('alert').filter({ hasText: 'Your microphone is muted' }));
  });

  test('how viewers play it is chosen, and said', async () => {
    const page = await onAir('profile');
    const viewer = await follow('profile');
    const profile = page.getByRole('group', { name: 'Playback' });
    await button(profile, 'Smooth').click();
    await expect.poll(() => viewer.unreadEvents('broadcastChanged').at(-1)?.profile).toBe('smooth');
    await appears(page.getByText('About a second later; it survives a bad network.'));
    expect(await button(profile, 'Smooth').getAttribute('aria-pressed')).toBe('true');
  });

  test('the link that is copied is that of viewers', async () => {
    const page = await enter('link');
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await button(page, "Copy viewers' link").click();
    await eventually(() => page.evaluate(() => navigator.clipboard.readText())).toBe(`${weir.url}/b/link`);
  });

  test('a token decides: a speaker has no controls of a host, a viewer is shown the way to watch', async () => {
    await using server = await startServer(withTokens);
    const visit = async (grants: Parameters<typeof token>[2]) => {
      const secret = await token('guarded', 'somebody', { broadcast: true, ...grants });
      return {
        secret,
        page: await open(`${studioUrl('guarded', '&join=1', server.url)}#token=${secret}`),
      };
    };
    const watching = await visit({ canPublish: false });
    await appears(watching.page.getByRole('heading', { name: 'This link is for watching' }));
    const link = watching.page.getByRole('link', { name: 'Watch the broadcast' });
    expect(await link.getAttribute('href')).toBe(`/b/guarded#token=${watching.secret}`);
    await watching.page.close();

    const { page } = await visit({ canPublish: true });
    await expectIn(page);
    await appears(page.getByText('A host starts the broadcast.'));
    expect(await button(page, 'Go live').isVisible()).toBe(false);
    expect(await page.getByRole('group', { name: 'Playback' }).isVisible()).toBe(false);
    expect(await page.getByRole('region', { name: 'Raised hands' }).isVisible()).toBe(false);
    expect(await state(page)).toBe('before');
    await page.close();

    const lobby = await open(studioUrl('guarded', '', server.url));
    await lobby.getByLabel('Access token').fill(await token('guarded', 'ada', { broadcast: true, roomAdmin: true }));
    await button(lobby, 'Enter the studio').click();
    await button(lobby, 'Go live').click();
    await appears(lobby.getByText('On air', { exact: true }));
    await lobby.close();
  });

  test.each([{ width: 320, height: 640 }, desk])('everybody can use it, in $width by $height', async (size) => {
    // The server keeps the state of a broadcast for a while: each test has a room of its own.
    const room = `access ${size.width}`;
    const page = await open(studioUrl(room), size);
    await appears(button(page, 'Enter the studio'));
    expect(await violationsOn(page)).toEqual([]);
    expect(await overflowOf(page)).toEqual([]);
    await button(page, 'Enter the studio').click();
    await button(page, 'Go live').click();
    await appears(page.getByText('On air', { exact: true }));
    const { client } = await weir.join({ room, name: 'M'.repeat(80), kind: 'broadcast', role: 'viewer' });
    await client.request('setHand', { raised: true });
    await appears(button(page, /^Invite M/));
    expect(await violationsOn(page)).toEqual([]);
    const wide = await page.evaluate(
      () =>
        [...document.querySelectorAll('.studio, .studio-body, .studio-sidebar, .studio-header')].filter(
          (part) => part.scrollWidth > part.clientWidth,
        ).length,
    );
    expect(wide).toBe(0);
    expect(await scrolls(page)).toBe(false);
    expect(await overflowOf(page)).toEqual([]);
    await end(page);
    await appears(page.getByRole('heading', { name: 'The broadcast has ended' }));
    expect(await violationsOn(page)).toEqual([]);
  });
});

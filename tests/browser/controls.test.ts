/** The controls of a call as the other participants see and hear them: mute, camera off, screen sharing. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { hasChromium } from '../support/equipment.ts';
import { eventually, expectToSee, Person } from '../support/people.ts';
import { receivedOf, type SeenTile, tileOf, tilesOn } from '../support/tiles.ts';

describe.skipIf(!hasChromium)('the controls of a call', () => {
  const captures = new Captures();
  const everyone: Person[] = [];
  let server: TestServer;
  let alice: Person;
  let bob: Person;
  let atAlice: Page;
  let atBob: Page;
  let bobId: string;

  /** One call for all tests: each ends with the controls as they were. After one that failed it begins anew. */
  const enter = async () => {
    [atAlice, atBob] = await Promise.all([alice.enter(server.url, 'controls'), bob.enter(server.url, 'controls')]);
  };
  beforeAll(async () => {
    server = await startServer();
    [alice, bob] = await Promise.all([
      Person.start('Alice', { colour: 'red', tone: 500 }, captures),
      Person.start('Bob', { colour: 'green', tone: 800 }, captures),
    ]);
    everyone.push(alice, bob);
    await enter();
  });
  beforeEach(async () => {
    await Promise.all([expectToSee(atAlice, [bob]), expectToSee(atBob, [alice])]);
    bobId = (await tileOf(atAlice, 'Bob'))?.peerId ?? '';
  });
  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail') return;
    await Promise.all(everyone.map((person) => person.leaveAll()));
    await enter();
  });
  afterAll(async () => {
    await Promise.all(everyone.map((person) => person[Symbol.asyncDispose]()));
    await server?.close();
    captures[Symbol.dispose]();
  });

  const press = (page: Page, control: string) => page.locator(`[data-control=${control}]`).click();
  const bobSeenBy = (page: Page): Promise<Partial<SeenTile> | undefined> => tileOf(page, 'Bob');

  /** Counts audio packets of a peer that arrive while 10 frames of its camera do, which takes a second. */
  async function voiceFor10Frames(page: Page, peerId: string): Promise<number> {
    const count = async () => ({
      frames: (await receivedOf(page, peerId, 'camera'))?.frames ?? 0,
      packets: (await receivedOf(page, peerId, 'microphone'))?.packets ?? 0,
    });
    const before = await count();
    let after = before;
    await eventually(async () => {
      after = await count();
      return after.frames - before.frames;
    }).toBeGreaterThanOrEqual(10);
    return after.packets - before.packets;
  }

  test('mute: the others see the mark and receive no voice until it is lifted', async () => {
    expect(await bobSeenBy(atAlice)).toMatchObject({ muted: false });
    expect(await voiceFor10Frames(atAlice, bobId)).toBeGreaterThan(10);

    await press(atBob, 'microphone');
    await eventually(() => bobSeenBy(atAlice)).toMatchObject({ muted: true, live: true, tone: undefined });
    // Packets that were in flight may arrive after the mark shows.
    await eventually(() => voiceFor10Frames(atAlice, bobId)).toBe(0);

    await press(atBob, 'microphone');
    await eventually(() => bobSeenBy(atAlice)).toMatchObject({ muted: false, live: true, tone: 800 });
    expect(await voiceFor10Frames(atAlice, bobId)).toBeGreaterThan(10);
  });

  test('camera off: the others see initials and receive no picture until it is on again', async () => {
    await press(atBob, 'camera');
    await eventually(() => bobSeenBy(atAlice)).toMatchObject({ live: false, colour: undefined, tone: 800 });
    expect(await receivedOf(atAlice, bobId, 'camera')).toBeUndefined();
    const initials = atAlice.locator(`[data-peer-id="${bobId}"]`).getByText('B', { exact: true });
    expect(await initials.isVisible()).toBe(true);
    expect(await atBob.evaluate(() => window.weir?.sources)).toEqual({ microphone: 'live' });

    await press(atBob, 'camera');
    await eventually(() => bobSeenBy(atAlice)).toMatchObject({ live: true, colour: 'green', tone: 800 });
    await eventually(async () => (await receivedOf(atAlice, bobId, 'camera'))?.frames).toBeGreaterThan(10);
  });

  test('a shared screen has a tile of its own beside the camera, for late joiners too, until sharing stops', async () => {
    const screensOn = async (page: Page) => (await tilesOn(page)).filter(({ screen }) => screen);
    await press(atBob, 'screen');
    await eventually(() => screensOn(atAlice)).toMatchObject([{ peerId: bobId, name: "Bob's screen", live: true }]);
    await eventually(async () => (await receivedOf(atAlice, bobId, 'screen'))?.frames).toBeGreaterThan(10);
    // The screen is neither cropped nor scaled.
    const { width, height } = await atBob.evaluate(() => window.weir?.localTrack('screen')?.getSettings() ?? {});
    await eventually(() => receivedOf(atAlice, bobId, 'screen')).toMatchObject({
      frameWidth: width,
      frameHeight: height,
    });
    await expectToSee(atAlice, [bob]);

    await atAlice.reload();
    await eventually(() => screensOn(atAlice)).toMatchObject([{ peerId: bobId, live: true }]);
    await expectToSee(atAlice, [bob]);

    await press(atBob, 'screen');
    await eventually(() => screensOn(atAlice)).toEqual([]);
    expect(await receivedOf(atAlice, bobId, 'screen')).toBeUndefined();
    await expectToSee(atAlice, [bob]);
  });
});

/** Calls in Chromium: each person is seen and heard on the right tile, whoever joins, leaves or reloads. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { hasChromium } from '../support/equipment.ts';
import { eventually, expectToSee, Person } from '../support/people.ts';
import { peopleOn, receivedOf, tileOf, tilesOn } from '../support/tiles.ts';

describe.skipIf(!hasChromium)('a call', () => {
  const captures = new Captures();
  const everyone: Person[] = [];
  let server: TestServer;
  let alice: Person;
  let bob: Person;
  let carol: Person;
  let dave: Person;

  beforeAll(async () => {
    server = await startServer();
    [alice, bob, carol, dave] = await Promise.all([
      Person.start('Alice', { colour: 'red', tone: 500 }, captures),
      Person.start('Bob', { colour: 'green', tone: 800 }, captures),
      Person.start('Carol', { colour: 'blue', tone: 1300 }, captures),
      Person.startDenied('Dave Denied'),
    ]);
    everyone.push(alice, bob, carol, dave);
  });
  afterEach(() => Promise.all(everyone.map((person) => person.leaveAll())));
  afterAll(async () => {
    await Promise.all(everyone.map((person) => person[Symbol.asyncDispose]()));
    await server?.close();
    captures[Symbol.dispose]();
  });

  const enter = (person: Person, room: string) => person.enter(server.url, room);

  test('three who come at once see and hear each other; who leaves or closes the tab disappears everywhere, and may come back', async () => {
    const [atAlice, atBob, atCarol] = await Promise.all([
      enter(alice, 'three'),
      enter(bob, 'three'),
      enter(carol, 'three'),
    ]);
    const expectAll = () =>
      Promise.all([
        expectToSee(atAlice, [bob, carol]),
        expectToSee(atBob, [alice, carol]),
        expectToSee(atCarol, [alice, bob]),
      ]);
    await expectAll();
    await atBob.locator('[data-control=leave]').click();
    await Promise.all([expectToSee(atAlice, [carol]), expectToSee(atCarol, [alice])]);
    expect(await atBob.getByRole('heading', { name: 'You left the call' }).isVisible()).toBe(true);
    expect(await tilesOn(atBob)).toEqual([]);
    await atBob.getByRole('button', { name: 'Join again' }).click();
    await expectAll();
    await atBob.close();
    // Well before the server's heartbeat timeout.
    await expect.poll(() => tileOf(atAlice, 'Bob'), { timeout: 5000 }).toBeUndefined();
    await Promise.all([expectToSee(atAlice, [carol]), expectToSee(atCarol, [alice])]);
  });

  test('one who comes late, or reloads the page, sees and hears those who are there, and they the newcomer, once', async () => {
    const [atAlice, atBob] = await Promise.all([enter(alice, 'late'), enter(bob, 'late')]);
    await Promise.all([expectToSee(atAlice, [bob]), expectToSee(atBob, [alice])]);
    const atCarol = await enter(carol, 'late');
    const expectAll = () =>
      Promise.all([
        expectToSee(atCarol, [alice, bob]),
        expectToSee(atAlice, [bob, carol]),
        expectToSee(atBob, [alice, carol]),
      ]);
    await expectAll();
    const before = await tileOf(atAlice, 'Bob');
    await atBob.reload();
    await eventually(async () => (await tileOf(atAlice, 'Bob'))?.peerId).not.toBe(before?.peerId);
    await expectAll();
    const after = await tileOf(atAlice, 'Bob');
    expect(after?.peerId).toBe(await atBob.evaluate(() => window.weir?.peerId));
    expect(after?.peerId).not.toBe(before?.peerId);
  });

  test('one without permission for camera and microphone is told what to do, and sees and hears the others', async () => {
    const [atAlice, atDave] = await Promise.all([enter(alice, 'denied'), enter(dave, 'denied')]);
    const told = atDave.getByRole('alert');
    await eventually(() => told.textContent()).toMatch(/camera and microphone are blocked.*address bar/);
    await eventually(() => peopleOn(atDave)).toMatchObject({ Alice: { colour: 'red' } });
    // Without device permission, the browser may block autoplay until a gesture.
    const sound = atDave.getByRole('button', { name: 'Turn on sound' });
    if (await sound.isVisible()) await sound.click();
    await expectToSee(atDave, [alice]);
    await expectToSee(atAlice, [dave]);
    const tile = await tileOf(atAlice, 'Dave Denied');
    expect(tile).toMatchObject({ live: false, muted: true });
    expect(await atAlice.getByText('DD', { exact: true }).isVisible()).toBe(true);
    expect(await receivedOf(atAlice, tile?.peerId ?? '', 'camera')).toBeUndefined();
  });
});

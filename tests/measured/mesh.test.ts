/** A mesh of four under the policy `p2p`: everybody exchanges media with everybody, and none goes through the server. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { Peer } from '../../server/room/Peer.ts';
import { hasChromium } from '../support/equipment.ts';
import { eventually, Person, roomUrl } from '../support/people.ts';
import { peopleOn, statsOf, tileOf } from '../support/tiles.ts';

declare global {
  interface Window {
    /** All peer connections that a page has made. */
    connections?: RTCPeerConnection[];
  }
}

/** They share a browser, so that all look and sound the same. */
const looks = { colour: 'red', tone: 500 } as const;

describe.skipIf(!hasChromium)('a mesh', () => {
  const captures = new Captures();
  let server: TestServer;
  let browser: Person;

  beforeAll(async () => {
    server = await startServer({ WEIR_ROOM_POLICY: 'p2p' });
    browser = await Person.start('All', looks, captures);
  });
  afterEach(async () => {
    pages.clear();
    await browser.leaveAll();
  });
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    await server?.close();
    captures[Symbol.dispose]();
  });

  const pages = new Map<string, Page>();
  async function enter(name: string): Promise<Page> {
    const page = await browser.page();
    await page.addInitScript(() => {
      window.connections = [];
      window.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(configuration?: RTCConfiguration) {
          super(configuration);
          window.connections?.push(this);
        }
      };
    });
    pages.set(name, page);
    // Four pages share the machine: nothing moves that need not.
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.setViewportSize({ width: 480, height: 360 });
    await page.goto(roomUrl(server.url, 'mesh', name));
    return page;
  }
  const everywhere = <T>(look: (page: Page, name: string) => Promise<T>) =>
    Promise.all([...pages].map(([name, page]) => look(page, name)));
  /** By the id of each other one on a page: frames of the camera that were decoded, and packets of the microphone. */
  async function progressOn(page: Page): Promise<Record<string, { frames: number; packets: number }>> {
    const [stats, others] = await Promise.all([
      statsOf(page),
      page.evaluate(() => (window.weir?.peers ?? []).map(({ peerId }) => peerId)),
    ]);
    const find = (peerId: string, source: string) =>
      stats.find((one) => one.direct && one.direction === 'receive' && one.peerId === peerId && one.source === source);
    return Object.fromEntries(
      others.map((peerId) => [
        peerId,
        { frames: find(peerId, 'camera')?.frames ?? 0, packets: find(peerId, 'microphone')?.packets ?? 0 },
      ]),
    );
  }
  const idOf = (page: Page) => page.evaluate(() => window.weir?.peerId);
  /** Waits until frames and packets of exactly the others, as they are now, come in to each. @returns their ids */
  async function allReceive(): Promise<string[]> {
    const ids = await everywhere(async (page) => {
      await eventually(() => idOf(page)).toBeDefined();
      return (await idOf(page)) ?? '';
    });
    await everywhere(async (page, own) => {
      const [before, id] = await Promise.all([progressOn(page), idOf(page)]);
      const others = ids.filter((other) => other !== id).sort();
      const state = async () => {
        const now = await progressOn(page);
        const isBehind = (other: string) => {
          const [was = { frames: 0, packets: 0 }, is = was] = [before[other], now[other]];
          return is.frames <= was.frames || is.packets <= was.packets;
        };
        return { others: Object.keys(now).sort(), behind: others.filter(isBehind) };
      };
      // Rarely: each look costs four pages what they need for media.
      await expect
        .poll(state, { timeout: 40_000, interval: 300, message: `what comes to ${own}` })
        .toEqual({ others, behind: [] });
    });
    return ids;
  }
  /** By the name of each other one on a page: which of its connections the tracks come by, counted from 0; -1 for a closed one. */
  const waysOn = (page: Page): Promise<Record<string, number[]>> =>
    page.evaluate(() =>
      Object.fromEntries(
        (window.weir?.peers ?? []).map(({ name, tracks }) => [
          name,
          [...tracks.values()].map((track) =>
            (window.connections ?? []).findIndex(
              (one) =>
                one.connectionState === 'connected' && one.getReceivers().some((receiver) => receiver.track === track),
            ),
          ),
        ]),
      ),
    );

  test('everybody sees and hears everybody, by all controls, whoever comes late, reloads or leaves', async () => {
    const [atAda] = await Promise.all([enter('Ada'), enter('Bob'), enter('Cleo')]);
    await allReceive();
    await enter('Dan');
    const ids = await allReceive();
    await everywhere((page, own) =>
      eventually(() => peopleOn(page), `faces and voices at ${own}`).toEqual(
        Object.fromEntries([...pages.keys()].filter((name) => name !== own).map((name) => [name, looks])),
      ),
    );
    const room = await server.app.rooms.find('mesh');
    expect(new Set(ids).size).toBe(4);
    for (const id of ids) {
      const peer = room?.participant(id);
      if (!(peer instanceof Peer)) throw new Error('There is no such participant.');
      expect(peer.transports).toEqual({});
      expect(await peer.getTransportStats()).toEqual({ sent: 0, received: 0 });
    }
    // The statistics: of each connection, and of what is sent to each.
    await atAda.getByRole('button', { name: 'More', exact: true }).click();
    await atAda.getByRole('button', { name: 'Connection statistics' }).click();
    const rows = () =>
      atAda
        .locator('.stats-track')
        .evaluateAll((all) => all.map((one) => one.textContent?.replaceAll(/\s+/g, ' ') ?? ''));
    for (const name of ['Bob', 'Cleo', 'Dan']) {
      await eventually(async () => (await rows()).filter((row) => row.startsWith(`Direct, ${name}`))).toEqual([
        expect.stringMatching(/direct, UDP.*(host|prflx) → (host|prflx).*Round trip/),
      ]);
      const sent = expect.stringMatching(/Bitrate[\d.]+ [kM]bit.*Loss/);
      await eventually(async () => (await rows()).filter((row) => row.startsWith(`Camera → ${name}`))).toEqual([sent]);
    }
    await atAda.getByRole('button', { name: 'Close' }).first().click();
    // Mute, and camera off.
    const others = [...pages].filter(([name]) => name !== 'Ada').map(([, page]) => page);
    const seenBy = (state: object) =>
      Promise.all(others.map((page) => eventually(() => tileOf(page, 'Ada')).toMatchObject(state)));
    await atAda.locator('[data-control=microphone]').click();
    await atAda.locator('[data-control=camera]').click();
    await seenBy({ muted: true, tone: undefined, live: false });
    await atAda.locator('[data-control=microphone]').click();
    await atAda.locator('[data-control=camera]').click();
    await seenBy({ muted: false, tone: looks.tone, live: true, colour: looks.colour });
    await pages.get('Cleo')?.reload();
    await allReceive();
    // One leaves: for the others everything comes by the connections by which it came before.
    const leaver = pages.get('Dan');
    pages.delete('Dan');
    const before = await everywhere(waysOn);
    await leaver?.locator('[data-control=leave]').click();
    await everywhere((page) => eventually(() => tileOf(page, 'Dan')).toBeUndefined());
    expect(await everywhere(waysOn)).toEqual(before.map(({ Dan: _, ...others }) => others));
    await allReceive();
  });
});

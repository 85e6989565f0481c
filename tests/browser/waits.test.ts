/** Round trips of a join: which requests a client sends, and how often it waits before media flows. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { Member } from '../../scripts/support/endpoint/Member.ts';
import { type Material, prepareMaterial } from '../../scripts/support/media/material.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { hasChromium, hasEquipment } from '../support/equipment.ts';
import { extent } from '../support/extent.ts';
import { received } from '../support/headlessMembers.ts';
import { eventually, Person, roomUrl } from '../support/people.ts';
import { statsOf } from '../support/tiles.ts';
import { holdBackAfterJoin, holdBackUntilMediaPath, watchRequests } from '../support/wire.ts';

/**
 * A new participant connects both transports, resumes its consumers, and publishes camera and microphone. Its track settings
 * are sent whenever they change, and nothing waits for their replies.
 */
const REQUESTS = ['connectTransport', 'connectTransport', 'join', 'produce', 'produce', 'resumeConsumers'];
/** The ping tells the server that the reply to `join` has come, so that the session can be resumed. */
const SAID = [...REQUESTS, 'ping'].toSorted();
/** Sizes of the room. What is said and waited for is the same in each; with two people it is so in every other test, too. */
const SIZES = extent([8], [2, 8]);
/** Large enough for all tiles on one page; participants on other pages are not received. */
const WINDOW = { width: 640, height: 480 };
const withoutViews = (requests: readonly string[]) =>
  requests.filter((name) => name !== 'updateTrackSettings').toSorted();

/** Pictures and voices of those without a browser are encoded with it. */
const hasFfmpeg = hasEquipment('ffmpeg', '/usr/bin/ffmpeg');

describe.skipIf(!hasChromium || !hasFfmpeg)('a join, counted', () => {
  const captures = new Captures();
  let server: TestServer;
  let material: Material;
  const crowd: Member[] = [];
  let newcomer: Person;

  beforeAll(async () => {
    // No heartbeat timeout while replies are held back.
    const patient = { WEIR_PING_SECONDS: '60', WEIR_SIGNALLING_TIMEOUT_SECONDS: '600' };
    // Everybody hears everybody, so that voices can be counted.
    server = await startServer({ ...patient, WEIR_MAX_AUDIBLE_SPEAKERS: String(Math.max(...SIZES)) });
    [material, newcomer] = await Promise.all([
      prepareMaterial({ video: '180p', audio: true, codec: 'vp8' }),
      Person.start('Newcomer', { colour: 'red', tone: 800 }, captures),
    ]);
  });
  afterEach(async () => {
    for (const member of crowd.splice(0)) member.leave();
    await newcomer.leaveAll();
  });
  afterAll(async () => {
    await newcomer?.[Symbol.asyncDispose]();
    await server?.close();
    captures[Symbol.dispose]();
  });

  /** Fills a room with all but the newcomer: members without a browser, whose pictures and voices can be decoded. */
  async function fill(room: string, size: number): Promise<Member[]> {
    const joins = Array.from({ length: size - 1 }, async (_, index) => {
      const name = `Member ${index + 1}`;
      const { member, ready } = await Member.join({ url: server.url, room, name, tracks: material });
      crowd.push(member);
      await ready;
    });
    await Promise.all(joins);
    return crowd;
  }

  /** Whether the newcomer's picture and voice come to everyone. */
  const heardBy = (others: readonly Member[], id = '') =>
    others.every((one) => received(one, id, 'camera') > 2 && received(one, id, 'microphone') > 10);

  /** How many pictures and voices come in and get decoded. */
  async function incoming(page: Page): Promise<{ films: number; voices: number }> {
    const tracks = (await statsOf(page)).filter(({ direction }) => direction === 'receive');
    return {
      films: tracks.filter(({ source, frames = 0 }) => source === 'camera' && frames > 2).length,
      voices: tracks.filter(({ source, packets }) => source === 'microphone' && packets > 10).length,
    };
  }

  test.each(SIZES)('in a room of %i the newcomer says the same few things', async (size) => {
    const room = `requests ${size}`;
    const others = await fill(room, size);
    const page = await newcomer.page();
    await page.setViewportSize(WINDOW);
    const requests = await watchRequests(page);
    await page.goto(roomUrl(server.url, room, newcomer.name));
    await eventually(() => incoming(page)).toEqual({ films: size - 1, voices: size - 1 });
    const id = await page.evaluate(() => window.weir?.peerId);
    await eventually(async () => heardBy(others, id)).toBe(true);
    expect(withoutViews(requests)).toEqual(SAID);
    expect(requests.length - SAID.length).toBeLessThanOrEqual(size + 2);
    expect(requests[0]).toBe('join');
  });

  test.each(SIZES)(
    'in a room of %i the newcomer waits twice before media: for `welcome` and for `join`',
    async (size) => {
      const room = `waits ${size}`;
      const others = await fill(room, size);
      const page = await newcomer.page();
      await page.setViewportSize(WINDOW);
      const log = await holdBackAfterJoin(page);
      await page.goto(roomUrl(server.url, room, newcomer.name));
      // Media flows in both directions although no further reply arrives.
      await eventually(() => incoming(page)).toEqual({ films: size - 1, voices: size - 1 });
      const id = await page.evaluate(() => window.weir?.peerId);
      await eventually(async () => heardBy(others, id)).toBe(true);
      expect(log.told).toEqual(['welcome', 'the reply to join']);
      expect(withoutViews(log.sent)).toEqual(REQUESTS);
      // The server has replied; the replies were held back.
      expect(log.heldBack.filter((name) => name === 'reply')).toHaveLength(log.sent.length - 1);
    },
  );

  test('media that is faster than signalling does no harm', async () => {
    const others = await fill('overtaking', 2);
    const page = await newcomer.page();
    const held = await holdBackUntilMediaPath(page);
    await page.goto(roomUrl(server.url, 'overtaking', newcomer.name));
    await eventually(() => incoming(page)).toEqual({ films: 1, voices: 1 });
    const id = await page.evaluate(() => window.weir?.peerId);
    await eventually(async () => heardBy(others, id)).toBe(true);
    expect(held).toContain('connectTransport');
  });
});

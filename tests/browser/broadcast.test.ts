/** A broadcast from end to end: host, guest and viewers, in Chromium and Firefox, over two workers. */
import type { Browser } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { launchFirefox } from '../../scripts/support/browsers/firefox.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { ownAddresses } from '../../server/common/ownAddresses.ts';
import { hasChromium } from '../support/equipment.ts';
import { hasFirefox } from '../support/firefox.ts';
import { eventually, Person } from '../support/people.ts';
import { type Drivable, peopleOn, receivedOf, tileOf } from '../support/tiles.ts';
import { button } from '../support/visit.ts';

/** The voices of the host and of the guest, in hertz. */
const HANA = 500;
const GUS = 700;

describe.skipIf(!hasChromium || !hasFirefox)('a broadcast over two workers', () => {
  const captures = new Captures();
  let server: TestServer;
  let firefox: Browser;
  /** Browsers of the host, and of a viewer and the guest. */
  let hana: Person;
  let gus: Person;
  /** Another one for each attempt: in that of a failed one the host is expected back. */
  let room: string;
  let attempts = 0;

  beforeAll(async () => {
    // Firefox does not pair loopback with its own address: media goes to the address that others would use.
    const [address = '127.0.0.1'] = ownAddresses();
    [server, firefox, hana, gus] = await Promise.all([
      startServer({ WEIR_RTC_HOST: address, WEIR_WORKERS: '2', WEIR_SPILLOVER_UTILIZATION: '0' }),
      launchFirefox({ tone: 900 }),
      Person.start('Hana', { colour: 'red', tone: HANA }, captures),
      Person.start('Gus', { colour: 'green', tone: GUS }, captures),
    ]);
  });
  beforeEach(() => {
    attempts += 1;
    room = `opening night ${attempts}`;
  });
  afterEach(async () => {
    const contexts = firefox.browserContexts().filter((context) => context !== firefox.defaultBrowserContext());
    await Promise.all([hana.leaveAll(), gus.leaveAll(), ...contexts.map((context) => context.close())]);
  });
  afterAll(async () => {
    await Promise.all([firefox?.close(), ...[hana, gus].map((person) => person?.[Symbol.asyncDispose]())]);
    await server?.close();
    captures[Symbol.dispose]();
  });

  const addressOf = (query: Record<string, string>) =>
    `${server.url}/b/${encodeURIComponent(room)}?${new URLSearchParams(query)}`;

  async function open(person: Person, name: string, query: Record<string, string> = {}) {
    const page = await person.page();
    await page.setViewportSize({ width: 1000, height: 720 });
    await page.goto(addressOf({ name, ...query }));
    return page;
  }

  /** The colour of somebody's face as a page shows it. */
  const face = (page: Drivable, name: string) => eventually(async () => (await tileOf(page, name))?.colour);
  /** Waits until so many more pictures of somebody have been decoded. */
  async function expectFilm(page: Drivable, name: string): Promise<void> {
    const frames = async () => {
      const peerId = (await tileOf(page, name))?.peerId ?? '';
      return (await receivedOf(page, peerId, 'camera'))?.frames ?? 0;
    };
    await eventually(frames).toBeGreaterThan(0);
    const before = await frames();
    await eventually(frames).toBeGreaterThan(before + 10);
  }

  test('host, guest and viewers see it begin, the guest come and go, and the end', async () => {
    const viewer = await open(gus, 'Vera');
    const fox = await (await firefox.createBrowserContext()).newPage();
    await fox.goto(addressOf({ name: 'Fox' }));
    const notice = () => fox.evaluate(() => document.querySelector('.player-overlay:not([hidden]) h1')?.textContent);
    await eventually(notice).toBe('The broadcast has not begun yet');
    const guest = await open(gus, 'Gus');
    const host = await open(hana, 'Hana', { role: 'host', join: '1' });

    // Live at once, for everyone, wherever their media comes in.
    await Promise.all([viewer, fox, guest].map((page) => face(page, 'Hana').toBe('red')));
    await Promise.all([viewer, fox, guest].map((page) => expectFilm(page, 'Hana')));
    await fox.click('.unmute');
    const voice = () =>
      fox.evaluate(() => {
        const { muted, paused } = document.querySelector('audio') ?? {};
        return { muted, paused };
      });
    await eventually(voice, 'the voice in Firefox').toEqual({ muted: false, paused: false });
    const opened = await server.app.rooms.find(room, 'broadcast');
    expect(opened?.routers.routers.length).toBe(2);
    const transports = await Promise.all((opened?.routers.routers ?? []).map(({ router }) => router.dump()));
    // The host's two transports, three of viewers', and a pipe at either end: neither worker has less than two.
    expect(transports.map(({ transportIds }) => transportIds.length >= 2)).toEqual([true, true]);
    await eventually(() => host.evaluate(() => window.weir?.broadcast.info?.viewers)).toBe(3);

    // A viewer comes onto the stage without joining anew.
    const stay = await guest.evaluate(() => window.weir?.peerId);
    await button(guest, 'Raise hand').click();
    await button(host, /^Invite/).click();
    await button(guest, 'Join the stage').click();
    await Promise.all([host, viewer, fox].map((page) => face(page, 'Gus').toBe('green')));
    await Promise.all([host, viewer, fox].map((page) => expectFilm(page, 'Gus')));
    expect(await guest.evaluate(() => window.weir?.peerId)).toBe(stay);
    await eventually(async () => (await peopleOn(host)).Gus?.tone, 'the voice of the guest at the host').toBe(GUS);
    await eventually(async () => (await peopleOn(guest)).Hana?.tone, 'the voice of the host at the guest').toBe(HANA);
    await eventually(() => host.evaluate(() => window.weir?.broadcast.info?.viewers)).toBe(2);

    // Back to the others who watch, still in the same stay.
    await button(host, /^Send back: Gus/).click();
    for (const page of [host, viewer, fox]) await eventually(() => tileOf(page, 'Gus')).toBeUndefined();
    await expectFilm(guest, 'Hana');
    expect(await guest.evaluate(() => [window.weir?.peerId, window.weir?.sources])).toEqual([stay, {}]);

    await button(host, 'End broadcast').click();
    await button(host.getByRole('dialog'), 'End broadcast').click();
    const words = (page: Drivable) => page.evaluate(() => document.body.textContent);
    for (const page of [viewer, fox, guest]) await eventually(() => words(page)).toContain('The broadcast has ended');
  });
});

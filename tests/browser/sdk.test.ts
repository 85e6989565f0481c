/** The README's example, pasted into a page of another origin; a browser that asks Weir's STUN server. */
import { pino } from 'pino';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { ownAddresses } from '../../server/common/ownAddresses.ts';
import { StunResponder } from '../../server/ice/StunResponder.ts';
import { hasChromium } from '../support/equipment.ts';
import { eventually, Person } from '../support/people.ts';
import { readmeExample, Site } from '../support/Site.ts';
import { tilesOn } from '../support/tiles.ts';

describe.skipIf(!hasChromium)("the SDK on somebody else's page", () => {
  const captures = new Captures();
  let allowed: Site;
  let foreign: Site;
  let server: TestServer;
  let ann: Person;
  let bob: Person;

  beforeAll(async () => {
    [allowed, foreign] = await Promise.all([Site.open(), Site.open()]);
    [server, ann, bob] = await Promise.all([
      startServer({ WEIR_ALLOWED_ORIGINS: allowed.origin }),
      Person.start('Ann', { colour: 'blue', tone: 1300 }, captures),
      Person.start('Bob', { colour: 'green', tone: 800 }, captures),
    ]);
  });
  afterEach(() => Promise.all([ann, bob].map((person) => person.leaveAll())));
  afterAll(async () => {
    await Promise.all([ann, bob, allowed, foreign].map((one) => one?.[Symbol.asyncDispose]()));
    await server?.close();
    captures[Symbol.dispose]();
  });

  /** Opens a page and notes what goes wrong on it. */
  async function open(person: Person, url: string): Promise<{ page: Page; complaints: string[] }> {
    const page = await person.page();
    const complaints: string[] = [];
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(url);
    return { page, complaints };
  }

  test("the README's example is a call with the normal page: pictures and voices both ways", async () => {
    const example = readmeExample('Embed');
    const room = /room: '([^']+)'/.exec(example)?.[1] ?? '';
    const name = /name: '([^']+)'/.exec(example)?.[1];
    expect(example).toContain('https://weir.example');
    allowed.html = example.replaceAll('https://weir.example', server.url);

    const { page: atAnn, complaints } = await open(ann, allowed.origin);
    const atBob = await bob.enter(server.url, room);
    await eventually(() => tilesOn(atBob)).toMatchObject([{ name, live: true, colour: 'blue', tone: 1300 }]);
    const playing = () =>
      atAnn.evaluate(() => ({
        films: [...document.querySelectorAll('video')].filter(
          (video) => video.getVideoPlaybackQuality().totalVideoFrames > 5,
        ).length,
        voices: [...document.querySelectorAll('audio')].filter((audio) => !audio.paused && audio.currentTime > 0.5)
          .length,
      }));
    await eventually(playing).toEqual({ films: 1, voices: 1 });
    await atBob.close();
    await eventually(playing).toEqual({ films: 0, voices: 0 });
    expect(complaints).toEqual([]);
  });

  test('a page of an origin that is not allowed cannot join: `unavailable`', async () => {
    const script = `
      import { RoomClient, WeirError } from '${server.url}/sdk.js';
      const result = document.querySelector('output');
      try {
        await new RoomClient().join({ room: 'lobby', name: 'Eve' });
        result.textContent = 'joined';
      } catch (error) {
        result.textContent = error instanceof WeirError ? error.code : String(error);
      }`;
    foreign.html = allowed.html = `<output></output><script type="module">${script}</script>`;
    const expectOutcome = async (site: Site, wanted: string) => {
      const { page, complaints } = await open(ann, site.origin);
      const output = page.locator('output');
      await eventually(async () => (await output.textContent()) || `nothing yet ${complaints.join(' ')}`).toBe(wanted);
    };
    await expectOutcome(foreign, 'unavailable');
    // The same page on a site that is allowed.
    await expectOutcome(allowed, 'joined');
  });

  test("a browser learns its address from Weir's STUN server", async () => {
    const [address = '127.0.0.1'] = ownAddresses();
    const responder = await StunResponder.start({ hosts: [address], port: 0, log: pino({ level: 'silent' }) });
    onTestFinished(() => responder?.close());
    const urls = responder?.urls([address]) ?? [];
    const page = await ann.page();
    // Own addresses are hidden from a page that may not use devices: what it learns comes from the server.
    const reflexive = await page.evaluate(async (stunUrls) => {
      const connection = new RTCPeerConnection({ iceServers: [{ urls: stunUrls }] });
      connection.createDataChannel('any');
      const found: (string | null)[] = [];
      const { promise: gathered, resolve } = Promise.withResolvers<void>();
      connection.onicecandidate = ({ candidate }) => {
        if (candidate === null) resolve();
        else if (candidate.type === 'srflx') found.push(candidate.address);
      };
      await connection.setLocalDescription(await connection.createOffer());
      await gathered;
      connection.close();
      return found;
    }, urls);
    expect(urls).toEqual([`stun:${address}:${responder?.port}`]);
    expect(reflexive).toEqual([address]);
  });
});

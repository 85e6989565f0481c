/** Security headers: no errors on the console and no violation of the content security policy. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { hasChromium } from '../support/equipment.ts';
import { eventually, expectToSee, Person, roomUrl } from '../support/people.ts';
import { tilesOn } from '../support/tiles.ts';

describe.skipIf(!hasChromium)('the page and its headers', () => {
  const captures = new Captures();
  let server: TestServer;
  let alice: Person;
  let bob: Person;

  beforeAll(async () => {
    server = await startServer();
    [alice, bob] = await Promise.all([
      Person.start('Alice', { colour: 'red', tone: 500 }, captures),
      Person.start('Bob', { colour: 'green', tone: 800 }, captures),
    ]);
  });
  afterEach(() => Promise.all([alice, bob].map((person) => person.leaveAll())));
  afterAll(async () => {
    await Promise.all([alice, bob].map((person) => person?.[Symbol.asyncDispose]()));
    await server?.close();
    captures[Symbol.dispose]();
  });

  /** A page, and everything that goes wrong on it from now on. */
  async function watchedPage(person: Person): Promise<{ page: Page; complaints: string[] }> {
    const page = await person.page();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('requestfailed', (request) => {
      const { errorText = 'no reason' } = request.failure() ?? {};
      // The page has given it up itself, as the lobby does with a look at the room when the call begins meanwhile.
      if (errorText !== 'net::ERR_ABORTED') complaints.push(`${request.url()} failed: ${errorText}`);
    });
    await page.exposeFunction('complain', (complaint: string) => complaints.push(complaint));
    await page.addInitScript(() => {
      addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
        if ('complain' in window && typeof window.complain === 'function') {
          window.complain(`policy: ${violatedDirective} ${blockedURI}`);
        }
      });
    });
    return { page, complaints };
  }

  test('start page, lobby and a whole call pass without a complaint', async () => {
    const [one, two] = await Promise.all([watchedPage(alice), watchedPage(bob)]);
    onTestFailed(() => console.warn('Complaints so far:', one.complaints, two.complaints));
    // A request that is pending when its page closes would count as failed.
    await one.page.goto(server.url, { waitUntil: 'networkidle' });
    await one.page.getByLabel('Room name').fill('quiet');
    await one.page.getByRole('button', { name: 'Open room' }).click();
    await one.page.getByLabel('Your name').fill('Alice');
    await one.page.getByRole('button', { name: 'Join' }).click();
    await two.page.goto(roomUrl(server.url, 'quiet', 'Bob'));
    await Promise.all([expectToSee(one.page, [bob]), expectToSee(two.page, [alice])]);
    const screens = async () => (await tilesOn(two.page)).filter(({ screen, live }) => screen && live).length;
    await one.page.locator('[data-control=screen]').click();
    await eventually(screens).toBe(1);
    for (const control of ['microphone', 'camera', 'screen']) {
      await one.page.locator(`[data-control=${control}]`).click();
    }
    await eventually(screens).toBe(0);
    await one.page.locator('[data-control=leave]').click();
    await expectToSee(two.page, []);
    expect([...one.complaints, ...two.complaints]).toEqual([]);
  });

  test('what the policy forbids is stopped and would have been noticed', async () => {
    const { page, complaints } = await watchedPage(alice);
    await page.goto(server.url);
    await page.evaluate(() => {
      const image = new Image();
      image.src = 'https://example.invalid/spy.png';
    });
    await eventually(async () => complaints).toContain('policy: img-src https://example.invalid/spy.png');
  });
});

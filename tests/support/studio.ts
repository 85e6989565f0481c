/** A studio in tests: its server, the browsers of its people, and what is seen and done there. */
import type { Browser, JSHandle, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { Member } from '../../scripts/support/endpoint/Member.ts';
import type { RoomClient } from '../../web/client/index.ts';
import { eventually } from './people.ts';
import { button, expectIn } from './visit.ts';
import { useServer } from './weir.ts';

declare global {
  interface Window {
    /** A viewer in an empty page, who joins the stage with a camera on request. */
    guest?: RoomClient;
  }
}

export const desk = { width: 1280, height: 800 };

/** One server and three browsers for all tests of a file; the pages and viewers of each test are closed after it. */
export function useStudio() {
  const captures = new Captures();
  const weir = useServer();
  /** With a red camera and a microphone. */
  let host: Browser;
  /** With a green camera. */
  let guests: Browser;
  /** With a camera and no microphone. */
  let silent: Browser;
  const viewers: Member[] = [];

  beforeAll(async () => {
    [host, guests, silent] = await Promise.all([
      launchChromium(captures.make({ colour: 'red', tone: 500 })),
      launchChromium(captures.make({ colour: 'green', tone: 800 })),
      launchChromium(captures.make({ colour: 'grey', tone: 0 })),
    ]);
  });
  afterEach(async () => {
    for (const viewer of viewers.splice(0)) viewer.leave();
    await Promise.all([host, guests, silent].flatMap((one) => one.contexts()).map((context) => context.close()));
  });
  afterAll(async () => {
    await Promise.all([host, guests, silent].map((one) => one?.close()));
    captures[Symbol.dispose]();
  });

  const studioUrl = (room: string, more = '', server = weir.url) =>
    `${server}/b/${encodeURIComponent(room)}?role=host&name=Ada${more}`;

  async function open(browser: Browser, url: string, viewport = desk): Promise<Page> {
    const page = await (await browser.newContext({ viewport })).newPage();
    await page.goto(url);
    return page;
  }

  /** Joins the studio through the lobby, off air, with a working camera. */
  async function enter(room: string, browser = host): Promise<Page> {
    return enterFrom(await (await browser.newContext({ viewport: desk })).newPage(), room);
  }

  async function enterFrom(page: Page, room: string): Promise<Page> {
    await page.goto(studioUrl(room));
    await button(page, 'Enter the studio').click();
    await expectIn(page);
    await eventually(() => page.evaluate(() => window.weir?.sources)).toMatchObject({ camera: 'live' });
    return page;
  }

  /** Goes on air, without the lobby. */
  async function onAir(room: string, browser = host): Promise<Page> {
    const page = await open(browser, studioUrl(room, '&join=1'));
    await page.getByText('On air', { exact: true }).waitFor();
    return page;
  }

  async function watch(room: string, url = weir.url): Promise<Member> {
    const { member, ready } = await Member.join({ url, room, name: 'Viewer', kind: 'broadcast', role: 'viewer' });
    viewers.push(member);
    await ready;
    return member;
  }

  /** A viewer with the SDK, who raises a hand and answers the invitation. */
  async function raise(room: string, name: string, accepts: boolean): Promise<Page> {
    const page = await open(guests, weir.url);
    const sdk: JSHandle<typeof import('../../web/client/index.ts')> = await page.evaluateHandle("import('/sdk.js')");
    await sdk.evaluate(
      async ({ RoomClient, openCamera }, who) => {
        const guest = new RoomClient({ url: location.origin });
        window.guest = guest;
        guest.on('invited', async () => {
          await guest.broadcast.answerInvite(who.accepts);
          if (who.accepts) await guest.publish('camera', await openCamera());
        });
        await guest.join({ room: who.room, name: who.name, kind: 'broadcast', role: 'viewer' });
        await guest.setHand(true);
      },
      { room, name, accepts },
    );
    return page;
  }

  /** Outcome of a request for screen capture. */
  const tried = (page: Page) =>
    page.evaluate(() => navigator.mediaDevices.getDisplayMedia().then(String, (error: Error) => error.name));
  const peerId = async (page: Page) => (await page.evaluate(() => window.weir?.peerId)) ?? '';
  const state = (page: Page) => page.evaluate(() => window.weir?.broadcast.info?.state);
  const scene = (page: Page) => page.locator('.segmented-control [data-scene][aria-pressed=true]').textContent();
  const chooseScene = (page: Page, name: string) => button(page.getByRole('group', { name: 'Scene' }), name).click();
  const end = async (page: Page) => {
    await button(page, 'End broadcast').click();
    await button(page.getByRole('dialog'), 'End broadcast').click();
  };

  return {
    weir,
    studioUrl,
    open,
    enter,
    enterFrom,
    onAir,
    watch,
    raise,
    tried,
    peerId,
    state,
    scene,
    chooseScene,
    end,
    get host() {
      return host;
    },
    get guests() {
      return guests;
    },
    get silent() {
      return silent;
    },
  };
}

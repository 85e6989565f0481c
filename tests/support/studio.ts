/** A studio in tests: its server, the pages of its people, and what is seen and done there. */
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { Member } from '../../scripts/support/endpoint/Member.ts';
import type { TestClient } from './client.ts';
import { fakeContext } from './fakeClient/fakeClient.ts';
import { eventually } from './people.ts';
import { appears, button, expectIn } from './visit.ts';
import { useServer } from './weir.ts';

export const desk = { width: 1280, height: 800 };

/** What carries the media of a page: WebRTC, or the fake client. */
type Media = 'real' | 'fake';

/** One server and one browser for all tests of a file; the pages and viewers of each test are closed after it. */
export function useStudio() {
  const captures = new Captures();
  // Tests put the clocks of pages forward: a connection must not count as lost for that.
  const weir = useServer({ WEIR_PING_SECONDS: '60', WEIR_SIGNALLING_TIMEOUT_SECONDS: '120' }, { broadcastNotify: 100 });
  /** With a red camera and a microphone. */
  let browser: Browser;
  const viewers: Member[] = [];

  beforeAll(async () => {
    browser = await launchChromium(captures.make({ colour: 'red', tone: 500 }));
  });
  afterEach(async () => {
    for (const viewer of viewers.splice(0)) viewer.leave();
    await Promise.all(browser.contexts().map((context) => context.close()));
  });
  afterAll(async () => {
    await browser?.close();
    captures[Symbol.dispose]();
  });

  const studioUrl = (room: string, more = '', server = weir.url) =>
    `${server}/b/${encodeURIComponent(room)}?role=host&name=Ada${more}`;

  function newContext(options: BrowserContextOptions, media: Media = 'fake'): Promise<BrowserContext> {
    return media === 'fake' ? fakeContext(browser, options) : browser.newContext(options);
  }

  async function newPage(media?: Media): Promise<Page> {
    return (await newContext({ viewport: desk }, media)).newPage();
  }

  async function open(url: string, viewport = desk): Promise<Page> {
    const page = await (await newContext({ viewport })).newPage();
    await page.goto(url);
    return page;
  }

  /** Joins the studio through the lobby, off air, with a working camera. */
  async function enter(room: string, page?: Page): Promise<Page> {
    const entered = page ?? (await newPage());
    await entered.goto(studioUrl(room));
    await button(entered, 'Enter the studio').click();
    await expectIn(entered);
    await eventually(() => entered.evaluate(() => window.weir?.sources)).toMatchObject({ camera: 'live' });
    return entered;
  }

  /** Goes on air, without the lobby. */
  async function onAir(room: string, page?: Page): Promise<Page> {
    const entered = page ?? (await newPage());
    await entered.goto(studioUrl(room, '&join=1'));
    await appears(entered.getByText('On air', { exact: true }));
    return entered;
  }

  /** A viewer who receives media, without a browser. */
  async function watch(room: string): Promise<Member> {
    const { member, ready } = await Member.join({
      url: weir.url,
      room,
      name: 'Viewer',
      kind: 'broadcast',
      role: 'viewer',
    });
    viewers.push(member);
    await ready;
    return member;
  }

  /** A viewer who is told of everything and receives no media. */
  async function follow(room: string, name = 'V'): Promise<TestClient> {
    const { client } = await weir.join({ room, name, kind: 'broadcast', role: 'viewer' });
    return client;
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
    newPage,
    open,
    enter,
    onAir,
    watch,
    follow,
    tried,
    peerId,
    state,
    scene,
    chooseScene,
    end,
  };
}

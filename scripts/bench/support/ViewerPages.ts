/** Viewers in Chromium, one page after another, each by one of three ways; and when they see something. */
import type { Browser, Page } from 'playwright-core';
import type { JanusEndpoint } from './Janus.ts';
import { readJanusReply } from './janusReply.ts';
import { installPlayback, joinBySdk, playByWhep, watchJanus } from './viewerPage.ts';

/** How somebody comes to see the publisher. */
export type Way = 'whep' | 'sdk' | 'janus';

/** Milliseconds until a frame was presented. */
export interface FrameTimes {
  readonly first: number;
  readonly tenth: number;
}

export interface ViewerPagesOptions {
  /** Weir's URL, and the room in which somebody publishes. */
  readonly url: string;
  readonly room: string;
  readonly janus: JanusEndpoint;
}

/** Timeout of a frame, in milliseconds. */
const TIMEOUT = 20_000;
/** With these, candidates have addresses: Janus cannot resolve names of mDNS. */
const permissions = ['camera', 'microphone'];

export class ViewerPages {
  readonly #browser: Browser;
  readonly #options: ViewerPagesOptions;

  constructor(browser: Browser, options: ViewerPagesOptions) {
    this.#browser = browser;
    this.#options = options;
  }

  /** Opens a page of the server, which has loaded what it needs. */
  async open(way: Way): Promise<Viewer> {
    const { url, room, janus } = this.#options;
    await using opening = new AsyncDisposableStack();
    const context = opening.adopt(await this.#browser.newContext({ permissions }), (opened) => opened.close());
    const page = await context.newPage();
    await page.goto(way === 'janus' ? `${janus.url}/info` : `${url}/health`);
    await page.evaluate(installPlayback, TIMEOUT);
    await page.evaluate(`window.readJanusReply = ${readJanusReply}`);
    if (way === 'sdk') await page.evaluate(`import('${url}/sdk.js').then((sdk) => { window.sdk = sdk; })`);
    const ways: Readonly<Record<Way, () => Promise<number>>> = {
      whep: () => page.evaluate(playByWhep, `${url}/whep/${room}`),
      sdk: () => page.evaluate(joinBySdk, { url, room }),
      janus: () => page.evaluate(watchJanus, { url: janus.url, mountpoint: janus.mountpoint }),
    };
    opening.move();
    return new Viewer(page, ways[way]);
  }
}

export class Viewer implements AsyncDisposable {
  readonly #page: Page;
  readonly #begin: () => Promise<number>;

  /** @param begin lets the page watch; resolves with the time of the page at which it began */
  constructor(page: Page, begin: () => Promise<number>) {
    this.#page = page;
    this.#begin = begin;
  }

  /** Lets it watch until it has had ten frames. @returns the times from the call that begins it */
  async watch(): Promise<FrameTimes> {
    const began = await this.#begin();
    await this.presented(10);
    const frames = await this.frames();
    return { first: (frames[0] ?? 0) - began, tenth: (frames[9] ?? 0) - began };
  }

  /** Waits until so many frames have been presented. */
  async presented(count: number): Promise<void> {
    await this.#page.evaluate((wanted) => window.playback?.presented(wanted), count);
  }

  /** When frames were presented, in milliseconds. */
  frames(): Promise<readonly number[]> {
    return this.#page.evaluate(() => window.playback?.times ?? []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#page.evaluate(async () => {
      await window.playback?.leave();
    });
    await this.#page.context().close();
  }
}

/** Somebody on Weir's own page in a real browser: enters by address, and counts the frames that are presented. */
import type { Browser, Page } from 'playwright-core';
import { until } from '../until.ts';

/** Somebody on the page. */
export class Visitor {
  readonly page: Page;
  readonly name: string;

  private constructor(page: Page, name: string) {
    this.page = page;
    this.name = name;
  }

  /**
   * @param token in the address, where the server needs one
   * @param query what else the address says
   */
  static async enter(
    browser: Browser,
    url: string,
    room: string,
    name: string,
    { token, query = {} }: { readonly token?: string | undefined; readonly query?: Record<string, string> } = {},
  ): Promise<Visitor> {
    const context = await browser.newContext({ viewport: { width: 640, height: 480 } });
    const page = await context.newPage();
    const fragment = token ? `#${new URLSearchParams({ token })}` : '';
    await page.goto(`${url}/r/${room}?${new URLSearchParams({ name, join: '1', ...query })}${fragment}`);
    return new Visitor(page, name);
  }

  /** What the page knows of the room: its own id, and the others, by name. */
  room(): Promise<{ state: string | undefined; peerId: string | undefined; others: string[] }> {
    return this.page.evaluate(() => ({
      state: window.weir?.state,
      peerId: window.weir?.peerId,
      others: (window.weir?.peers ?? []).map(({ name }) => name).sort(),
    }));
  }

  /** What this person may do now; undefined while the page is not in. */
  grants() {
    return this.page.evaluate(() => window.weir?.grants);
  }

  /** Takes from somebody else the right to publish anything. */
  async silence(name: string): Promise<void> {
    await this.page.evaluate(async (wanted) => {
      const peer = window.weir?.peers.find((one) => one.name === wanted);
      await window.weir?.setGrants(peer?.peerId ?? '', { canPublishSources: [] });
    }, name);
  }

  /** Frames that the tile of somebody has shown; -1 where there is none. */
  frames(of: string): Promise<number> {
    return this.page.evaluate((name) => {
      const video = document.querySelector(`section[aria-label="${name}"] video`);
      return video instanceof HTMLVideoElement ? video.getVideoPlaybackQuality().totalVideoFrames : -1;
    }, of);
  }
}

/** Waits until each shows new frames of the other. @param within milliseconds */
export async function seeEachOther(one: Visitor, other: Visitor, within: number): Promise<void> {
  const fresh = async (at: Visitor, of: Visitor) => {
    let least = Number.POSITIVE_INFINITY;
    await until(`frames of ${of.name} at ${at.name}`, within, async () => {
      const shown = await at.frames(of.name);
      // The counter of a new element starts at 0.
      least = Math.min(least, shown < 0 ? Number.POSITIVE_INFINITY : shown);
      return shown > least + 2;
    });
  };
  await Promise.all([fresh(one, other), fresh(other, one)]);
}

/** Owns people with real browsers under torture: Weir's own page, entered by address, and frames as it presents them. */

import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { until } from './until.ts';

const executablePath = '/usr/bin/chromium';

/**
 * A Chromium with a fake camera and microphone.
 * @param within the network namespace that it runs in
 * @param secure an origin whose pages may have devices although it is plain HTTP
 */
export async function startBrowser({
  within,
  secure,
}: {
  within?: string;
  secure?: string;
} = {}): Promise<AsyncDisposable & { browser: Browser }> {
  const directory = await mkdtemp(join(tmpdir(), 'weir-torture-'));
  const program = join(directory, 'chromium');
  await writeFile(program, `#!/bin/sh\nexec ${within ? `ip netns exec ${within} ` : ''}${executablePath} "$@"\n`);
  await chmod(program, 0o755);
  const browser = await chromium.launch({
    executablePath: program,
    args: [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
      ...['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
      // No click comes before the first sound.
      ...['--allow-loopback-in-peer-connection', '--autoplay-policy=no-user-gesture-required'],
      ...(secure ? [`--unsafely-treat-insecure-origin-as-secure=${secure}`] : []),
    ],
  });
  return {
    browser,
    async [Symbol.asyncDispose]() {
      await browser.close();
      await rm(directory, { recursive: true });
    },
  };
}

/** Somebody on the page. */
export class Visitor {
  readonly page: Page;
  readonly name: string;

  private constructor(page: Page, name: string) {
    this.page = page;
    this.name = name;
  }

  /** @param token in the address, where the server needs one */
  static async enter(browser: Browser, url: string, room: string, name: string, token?: string): Promise<Visitor> {
    const context = await browser.newContext({ viewport: { width: 640, height: 480 } });
    const page = await context.newPage();
    const fragment = token ? `#${new URLSearchParams({ token })}` : '';
    await page.goto(`${url}/r/${room}?${new URLSearchParams({ name, join: '1' })}${fragment}`);
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

/** Why there is no browser here, in words for people. */
export function whyNoBrowser(): string | undefined {
  return existsSync(executablePath) ? undefined : `${executablePath} is missing (the package chromium has it)`;
}

/** Waits until each shows new frames of the other. @param within milliseconds */
export async function seeEachOther(one: Visitor, other: Visitor, within: number): Promise<void> {
  const fresh = async (at: Visitor, of: Visitor) => {
    let least = Number.POSITIVE_INFINITY;
    await until(`frames of ${of.name} at ${at.name}`, within, async () => {
      const shown = await at.frames(of.name);
      // A tile that was made anew counts from nothing.
      least = Math.min(least, shown < 0 ? Number.POSITIVE_INFINITY : shown);
      return shown > least + 2;
    });
  };
  await Promise.all([fresh(one, other), fresh(other, one)]);
}

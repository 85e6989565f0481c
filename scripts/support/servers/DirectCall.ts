/** Two people in a room with the policy `auto`, on Weir's pages, who have gone direct. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { wav } from '../browsers/captures.ts';
import { launchChromium } from '../browsers/chromium.ts';
import { Visitor } from '../browsers/Visitor.ts';
import { until } from '../until.ts';

/** Settings of a server whose rooms go direct. */
export const direct = { WEIR_ROOM_POLICY: 'auto', WEIR_RESUME_SECONDS: '30' };

const TIMEOUT = 40_000;
/** Between two looks, in milliseconds: statistics of all connections take a page so long that it would miss frames of it. */
const INTERVAL = 100;
const SECONDS = 4;
/** A tone between 500 and 1500 Hz, twice a second up and down: two of them, a little apart in time, never cancel for long. */
const sweep = (at: number) =>
  Math.sin(2 * Math.PI * (1000 * at - (500 / (4 * Math.PI)) * Math.cos(4 * Math.PI * at))) / 2;

/** A browser whose microphone is never silent, with 30 frames a second. @param within the network namespace */
export async function launchSpeaker(url: string, within?: string): Promise<Browser> {
  const directory = mkdtempSync(join(tmpdir(), 'weir-sweep-'));
  const audio = join(directory, 'sweep.wav');
  writeFileSync(audio, wav(48_000, SECONDS, sweep));
  const browser = await launchChromium({ devices: 'fps=30', audio, secure: url, ...(within && { within }) });
  browser.on('disconnected', () => rmSync(directory, { recursive: true, force: true }));
  return browser;
}

/** Which sources of others come directly to a page. */
export function directSources({ page }: Visitor): Promise<string[]> {
  return page.evaluate(async () =>
    ((await window.weir?.getStats()) ?? [])
      .filter(({ direction, direct }) => direction === 'receive' && direct === true)
      .map(({ source }) => source),
  );
}

/** Waits until camera and microphone of the other come directly to each, or through the server. */
export async function untilDirect(visitors: readonly Visitor[], isDirect = true): Promise<void> {
  const wanted = isDirect ? 2 : 0;
  await Promise.all(
    visitors.map((visitor) =>
      until(
        isDirect ? `direct media at ${visitor.name}` : `media from the server at ${visitor.name}`,
        TIMEOUT,
        async () => {
          return (await directSources(visitor)).length === wanted;
        },
        INTERVAL,
      ),
    ),
  );
}

/**
 * What tells whether the tracks of the others have been replaced by those of the other way. Unlike statistics of all connections
 * it costs a page nothing, so that it misses no frames for it.
 * @returns what waits until camera and microphone of the other are new at each
 */
export async function watchTracks(visitors: readonly Visitor[]): Promise<() => Promise<void>> {
  const replaced = await Promise.all(
    visitors.map(async ({ page }) => {
      const before = await page.evaluate(tracksInPage);
      return () => page.waitForFunction(areReplaced, before, { polling: 50, timeout: TIMEOUT });
    }),
  );
  return async () => {
    await Promise.all(replaced.map((wait) => wait()));
  };
}

/** Runs in the page. */
function tracksInPage(): string[] {
  return (window.weir?.peers ?? []).flatMap(({ tracks }) => [...tracks.values()].map(({ id }) => id));
}

/** Runs in the page. */
function areReplaced(before: readonly string[]): boolean {
  const now = (window.weir?.peers ?? []).flatMap(({ tracks }) => [...tracks.values()].map(({ id }) => id));
  return now.length === before.length && now.every((id) => !before.includes(id));
}

/** Ada and Bob enter a room, each in a browser. */
export async function enterBoth(
  browsers: readonly [Browser, Browser],
  url: string,
  room: string,
): Promise<[Visitor, Visitor]> {
  const [ada, bob] = await Promise.all([
    Visitor.enter(browsers[0], url, room, 'Ada'),
    Visitor.enter(browsers[1], url, room, 'Bob'),
  ]);
  return [ada, bob];
}

export async function leaveAll(visitors: readonly Visitor[]): Promise<void> {
  await Promise.all(visitors.map(({ page }) => page.context().close()));
}

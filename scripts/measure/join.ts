/** Measures a join in Chromium: page load with `?join=1` to the first decoded remote frame. */
import { setTimeout } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { launchChromium } from '../support/browsers/chromium.ts';
import { fail, readOptions } from '../support/commandLine.ts';
import { startServer } from '../support/servers/startServer.ts';
import { distributionOf } from '../support/statistics/distribution.ts';

const usage = `Usage: npm run measure -- join [options]
  --runs N    how many joins (default 20)
  --pause MS  between two of them (default 1200): the server requests at most one key frame a second, so that joins
              closer together share it, and wait
  --help      print this`;

const values = readOptions(usage, { runs: { type: 'string' }, pause: { type: 'string' } });
const runs = Number(values.runs ?? 20);
const pause = Number(values.pause ?? 1200);
if (!(Number.isInteger(runs) && runs > 0 && pause >= 0)) fail(usage);

/**
 * Milliseconds from the start of the navigation until the page had joined, and until it showed the first remote frame.
 */
interface Times {
  readonly joined: number;
  readonly frame: number;
}

/** Runs in the page before its own scripts: records when a remote tile's video shows its first frame. */
function watch(): void {
  const seen = new WeakSet<Element>();
  new MutationObserver(() => {
    for (const video of document.querySelectorAll<HTMLVideoElement>('[data-peer-id] video')) {
      if (seen.has(video)) continue;
      seen.add(video);
      performance.mark('joined');
      video.requestVideoFrameCallback(() => performance.mark('frame'));
    }
  }).observe(document, { childList: true, subtree: true });
}

async function measure(page: Page, url: string): Promise<Times> {
  await page.addInitScript(watch);
  await page.goto(url);
  await page.waitForFunction(() => performance.getEntriesByName('frame').length > 0);
  return page.evaluate(() => {
    const at = (name: string) => performance.getEntriesByName(name)[0]?.startTime ?? Number.NaN;
    return { joined: at('joined'), frame: at('frame') };
  });
}

function report(name: string, times: readonly number[]): void {
  const { p50, p95, count } = distributionOf(times);
  process.stdout.write(`${name}: p50 ${Math.round(p50)} ms, p95 ${Math.round(p95)} ms (${count} runs)\n`);
}

await using server = await startServer();
const browser = await launchChromium();
try {
  const first = await browser.newPage();
  await first.goto(`${server.url}/r/measure?name=first&join=1`);
  await first.locator('[data-local].playing').waitFor();
  const results: Times[] = [];
  for (let run = 0; run < runs; run += 1) {
    await setTimeout(pause);
    // A context of its own, so that nothing is cached.
    const context = await browser.newContext();
    results.push(await measure(await context.newPage(), `${server.url}/r/measure?name=second&join=1`));
    await context.close();
    await first.locator('[data-peer-id]').waitFor({ state: 'detached' });
  }
  report(
    'navigation to being in the room',
    results.map(({ joined }) => joined),
  );
  report(
    'navigation to the first remote frame',
    results.map(({ frame }) => frame),
  );
} finally {
  await browser.close();
}

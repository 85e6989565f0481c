/** The cost of a first visit: bytes, requests, layout shift. */
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { hasChromium } from '../support/equipment.ts';
import { eventually, roomUrl } from '../support/people.ts';
import { appears, button, colourOf, expectIn, openLobby, tile, useChromium } from '../support/visit.ts';
import { useServer } from '../support/weir.ts';

/** What a page may weigh, gzipped, in bytes, and how far it may jump about (cumulative layout shift). */
const MOST = { bytes: 144_000, shift: 0.02 };

declare global {
  interface Window {
    /** How far things have moved, by themselves, since the page began. */
    shifts?: number[];
  }
}

interface Answer {
  readonly path: string;
  readonly encoding: string;
  /** Body and headers as they came, in bytes; 0 from the cache. */
  readonly wire: number;
  readonly gzipped: number;
}

describe.skipIf(!hasChromium)('a first visit in figures', () => {
  const captures = new Captures();
  const weir = useServer();
  const chromium = useChromium(() => launchChromium(captures.make({ colour: 'red', tone: 500 })), captures);

  /** A page that keeps count of what moves on it. */
  async function countingPage(viewport = { width: 1280, height: 800 }): Promise<Page> {
    const page = await (await chromium.browser.newContext({ viewport })).newPage();
    await page.addInitScript(() => {
      window.shifts = [];
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
          if ('hadRecentInput' in entry && entry.hadRecentInput) continue;
          if ('value' in entry && typeof entry.value === 'number') window.shifts?.push(entry.value);
        }
      }).observe({ type: 'layout-shift', buffered: true });
    });
    return page;
  }

  const shiftOf = (page: Page) =>
    page.evaluate(() => (window.shifts ?? [Number.NaN]).reduce((sum, value) => sum + value, 0));

  /** Everything that a page asks for from now on. */
  function watch(page: Page) {
    const answers: Promise<Answer>[] = [];
    const origins = new Set<string>();
    page.on('websocket', (socket) => origins.add(new URL(socket.url()).host));
    page.on('request', (request) => {
      // What is in the page itself is no request.
      if (!request.url().startsWith('data:')) origins.add(new URL(request.url()).host);
    });
    page.on('requestfinished', (request) => {
      const read = async (): Promise<Answer> => {
        const [response, sizes] = await Promise.all([request.response(), request.sizes()]);
        const body = (await response?.body()) ?? Buffer.alloc(0);
        return {
          path: new URL(request.url()).pathname,
          encoding: response?.headers()['content-encoding'] ?? 'none',
          wire: sizes.responseBodySize + sizes.responseHeadersSize,
          gzipped: gzipSync(body, { level: 9 }).length,
        };
      };
      if (request.url().startsWith('http')) answers.push(read());
    });
    return { origins, all: () => Promise.all(answers) };
  }

  /** The lobby, with all that comes to it after the first paint. */
  async function visitLobby(page: Page): Promise<void> {
    await openLobby(page, weir.url, 'figures');
    await eventually(() => colourOf(page.locator('video'))).toBe('red');
    await appears(page.getByText('Bert is here.'));
    await appears(page.getByLabel('Microphone', { exact: true }));
  }

  const sum = (answers: readonly Answer[], key: 'wire' | 'gzipped') =>
    answers.reduce((total, answer) => total + answer[key], 0);

  test('the lobby is light, compressed, from one origin, and stands still while it fills; a second visit takes next to nothing', async () => {
    await weir.join({ room: 'figures', name: 'Bert' });
    const page = await countingPage();
    const { origins, all } = watch(page);
    await visitLobby(page);
    const firstPaint = await page.evaluate(
      () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN,
    );
    const answers = await all();
    const code = answers.filter(({ path }) => !path.startsWith('/api/'));
    const shift = await shiftOf(page);
    console.info('a first visit to the lobby:', {
      requests: answers.length,
      bytesOnTheWire: sum(answers, 'wire'),
      codeGzipped: sum(code, 'gzipped'),
      firstContentfulPaint: `${Math.round(firstPaint)} ms`,
      cumulativeLayoutShift: Number(shift.toFixed(4)),
      code: code.map(({ path, encoding, wire, gzipped }) => `${path} ${encoding} ${wire} (gzipped ${gzipped})`),
    });
    expect(code.map(({ path }) => path)).toContain('/r/figures');
    expect(code.length).toBeGreaterThanOrEqual(3);
    expect(code.length).toBeLessThanOrEqual(7);
    expect(code.filter(({ path }) => /viewer|studio|start|diagnos|ko-/.test(path))).toEqual([]);
    expect(code.filter(({ path }) => path.includes('/callPage-'))).toHaveLength(1);
    // The document names all code, so that none is asked for by other code that had to come first.
    const scripts = await page.evaluate(() =>
      performance
        .getEntriesByType('resource')
        .filter((entry) => entry instanceof PerformanceResourceTiming && entry.name.endsWith('.js'))
        .map(({ name, startTime, duration }) => ({ name, startTime, end: startTime + duration })),
    );
    expect(scripts.length).toBeGreaterThanOrEqual(4);
    const largestEnd = Math.max(...scripts.filter(({ name }) => name.includes('/client-')).map(({ end }) => end));
    for (const { name, startTime } of scripts) expect(startTime, name).toBeLessThan(largestEnd);
    expect(sum(code, 'gzipped')).toBeLessThan(MOST.bytes);
    expect(sum(code, 'wire')).toBeLessThan(MOST.bytes);
    for (const { path, encoding } of code) expect(encoding, path).toMatch(/^(br|gzip)$/);
    expect(firstPaint).toBeGreaterThan(0);
    expect([...origins]).toEqual([new URL(weir.url).host]);
    expect(shift).toBeLessThan(MOST.shift);

    await page.goto('about:blank');
    const second = watch(page);
    await visitLobby(page);
    const cached = await second.all();
    console.info('a second visit:', { requests: cached.length, bytesOnTheWire: sum(cached, 'wire') });
    expect(cached.length).toBeGreaterThan(0);
    expect(sum(cached, 'wire')).toBeLessThan(10_000);
    const shiftThen = await shiftOf(page);
    expect(shiftThen).toBeLessThan(MOST.shift);

    // What jumps would have been counted.
    await page.evaluate(() => {
      const block = document.createElement('div');
      block.style.height = '200px';
      document.body.prepend(block);
    });
    await expect.poll(() => shiftOf(page)).toBeGreaterThan(shiftThen + 0.05);
  });

  test('on a phone the lobby stands still as well', async () => {
    await weir.join({ room: 'figures', name: 'Bert' });
    const page = await countingPage({ width: 360, height: 740 });
    await visitLobby(page);
    const shift = await shiftOf(page);
    console.info('the lobby on a phone:', { cumulativeLayoutShift: Number(shift.toFixed(4)) });
    expect(shift).toBeLessThan(MOST.shift);
  });

  test('a call asks nobody else either, and stands still while it starts', async () => {
    const page = await countingPage();
    const { origins } = watch(page);
    await page.goto(roomUrl(weir.url, 'call', 'Alice'));
    await expectIn(page);
    await eventually(() => colourOf(tile(page, 'You').locator('video'))).toBe('red');
    await appears(button(page, 'Mute'));
    const shift = await shiftOf(page);
    console.info('a call alone:', { cumulativeLayoutShift: Number(shift.toFixed(4)) });
    expect([...origins]).toEqual([new URL(weir.url).host]);
    expect(shift).toBeLessThan(MOST.shift);
  });
});

/** The page that tests camera, sound and connection: what it finds, says and reports, and what it leaves behind. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { violationsOn } from '../support/axe.ts';
import { hasChromium } from '../support/equipment.ts';
import { overflowOf } from '../support/overflow.ts';
import { eventually } from '../support/people.ts';
import { RefusingServer } from '../support/RefusingServer.ts';
import { appears, button } from '../support/visit.ts';
import { useServer } from '../support/weir.ts';

/** A whole run: up to eight seconds for each way that is blocked, ten for the throughput, on a busy machine. */
const RUN = 60_000;

const state = (page: Page, check: string) => page.locator(`[data-check=${check}]`).getAttribute('data-state');
const row = (page: Page, check: string) => page.locator(`[data-check=${check}]`);
const verdict = (page: Page) => page.locator('.verdict');

/** Waits until a check is in that state. */
const shows = (page: Page, check: string, wanted: string) =>
  page.locator(`[data-check=${check}][data-state=${wanted}]`).waitFor({ timeout: RUN });

async function open(context: BrowserContext, server: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${server}/diagnose`);
  await appears(button(page, 'Start the test'));
  return page;
}

/** Runs all tests. @returns the kind of the verdict */
async function run(page: Page, press = 'Start the test'): Promise<string | null> {
  await button(page, press).click();
  await verdict(page).waitFor({ timeout: RUN });
  return verdict(page).getAttribute('data-verdict');
}

/** Counts what the page has opened and not closed again. */
const watchOpened = (context: BrowserContext) =>
  context.addInitScript(() => {
    const connections: RTCPeerConnection[] = [];
    const sockets: WebSocket[] = [];
    const tracks: MediaStreamTrack[] = [];
    Object.assign(window, {
      opened: () => ({
        connections: connections.filter((one) => one.connectionState !== 'closed').length,
        sockets: sockets.filter((one) => one.readyState <= WebSocket.OPEN).length,
        tracks: tracks.filter((one) => one.readyState === 'live').length,
        ever: connections.length * sockets.length * tracks.length > 0,
      }),
    });
    const NativeConnection = RTCPeerConnection;
    const NativeSocket = WebSocket;
    window.RTCPeerConnection = class extends NativeConnection {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        connections.push(this);
      }
    };
    window.WebSocket = class extends NativeSocket {
      constructor(url: string | URL) {
        super(url);
        sockets.push(this);
      }
    };
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (constraints) => {
      const stream = await open(constraints);
      tracks.push(...stream.getTracks());
      return stream;
    };
  });
const opened = (page: Page): Promise<unknown> =>
  page.evaluate(() => {
    const count: unknown = Reflect.get(window, 'opened');
    return typeof count === 'function' ? count() : undefined;
  });
const NOTHING = { connections: 0, sockets: 0, tracks: 0, ever: true };

describe.skipIf(!hasChromium)('the diagnosis', () => {
  // It needs no token, where everything else does.
  const weir = useServer({ WEIR_API_KEY: 'key', WEIR_API_SECRET: 'a secret of at least 32 characters' });
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));
  afterAll(() => browser?.close());

  test('finds everything well, asks what only people know, and reports figures without a trace of anybody', async () => {
    const context = await browser.newContext({
      permissions: ['camera', 'microphone', 'clipboard-read', 'clipboard-write'],
      viewport: { width: 320, height: 640 },
    });
    await watchOpened(context);
    await context.addInitScript(() => localStorage.setItem('weir.name', 'Ada Lovelace'));
    const page = await open(context, weir.url);
    expect(await overflowOf(page)).toEqual([]);
    expect(await violationsOn(page)).toEqual([]);
    const kind = await run(page);
    for (const check of ['camera', 'browser', 'signalling', 'clock', 'udp', 'tcp']) {
      expect(await state(page, check), check).toBe('good');
    }
    for (const check of ['turnUdp', 'turnTcp', 'turnTls']) expect(await state(page, check), check).toBe('skipped');
    expect(await row(page, 'throughput').innerText()).toMatch(
      /Up: [\d.]+ Mbit\/s.*lost.*jitter.*\nDown: [\d.]+ Mbit\/s/s,
    );
    // A busy machine encodes less than the path carries.
    expect(['good', 'lossy', 'narrow']).toContain(kind);
    await eventually(() => opened(page)).toEqual(NOTHING);
    expect(await overflowOf(page)).toEqual([]);
    expect(await violationsOn(page)).toEqual([]);

    expect(await state(page, 'microphone')).toBe('open');
    expect(
      await page.locator('audio.recording').evaluate((audio) => audio instanceof HTMLAudioElement && audio.src),
    ).toMatch(/^blob:/);
    await button(row(page, 'microphone'), 'Yes').click();
    expect(await state(page, 'microphone')).toBe('good');
    await button(row(page, 'speaker'), 'No').click();
    expect(await state(page, 'speaker')).toBe('bad');
    await appears(verdict(page).getByText('You will not hear the others'));
    await button(row(page, 'speaker'), 'Yes').click();
    expect(await state(page, 'speaker')).toBe('good');

    const labels = await page.evaluate(async () =>
      (await navigator.mediaDevices.enumerateDevices()).flatMap(({ label, deviceId }) => [label, deviceId]),
    );
    expect(labels.join()).toMatch(/fake/i);
    for (const name of ['Copy report', 'Copy as JSON']) {
      await button(page, name).click();
      await appears(page.getByText('Report copied.').first());
      const report = await page.evaluate(() => navigator.clipboard.readText());
      expect(report).toContain('roundTripTime');
      for (const label of labels.filter((one) => one.length > 3)) expect(report).not.toContain(label);
      expect(report).not.toMatch(
        /Ada|Lovelace|127\.0|\d+\.\d+\.\d+\.\d+|([\da-f]{1,4}:){3}|localhost|\.local|[\da-f]{16}/i,
      );
    }
    const json: unknown = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
    expect(json).toMatchObject({
      weirDiagnosis: 1,
      browser: expect.stringMatching(/^Chrome \d+$/),
      checks: { udp: { grade: 'good', connected: true }, microphone: { grade: 'good', heard: true } },
    });
  }, 90_000);

  test('stops in the middle, leaves nothing open, and begins anew', async () => {
    const context = await browser.newContext();
    await watchOpened(context);
    const page = await open(context, weir.url);
    await button(page, 'Start the test').click();
    await shows(page, 'throughput', 'running');
    await eventually(() => opened(page)).toMatchObject({ sockets: 2 });
    await button(page, 'Stop').click();
    await appears(page.getByText('The test was stopped.'));
    await eventually(() => opened(page)).toEqual(NOTHING);
    expect(await state(page, 'throughput')).toBe('waiting');
    await expect.poll(() => weir.app.rooms.size).toBe(0);
    await button(page, 'Test again').click();
    await shows(page, 'udp', 'good');
  }, 90_000);

  test('is linked from the start page and the lobby, in a tab of its own', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    for (const path of ['/', '/r/team', '/b/team?role=host']) {
      await page.goto(weir.url + path);
      const link = page.getByRole('link', { name: 'Test camera, sound and connection' });
      await appears(link);
      const [opened] = await Promise.all([context.waitForEvent('page'), link.click()]);
      await appears(button(opened, 'Start the test'));
      expect(page.url()).toBe(weir.url + path);
      await opened.close();
    }
  });

  test('says what to do without permission, and why there is no live connection', async () => {
    const client = await weir.connect();
    await using refusing = await RefusingServer.start(weir.url, client.welcome);
    refusing.refuse('blocked');
    const strict = await launchChromium({ deny: true });
    try {
      const page = await open(await strict.newContext(), refusing.url);
      expect(await run(page)).toBe('unreachable');
      expect(await row(page, 'camera').innerText()).toMatch(/Problem.*Your camera is blocked\. Click the icon/s);
      expect(await row(page, 'microphone').innerText()).toMatch(/Problem.*Your microphone is blocked\./s);
      const text = await verdict(page).innerText();
      expect(text).toMatch(/no live connection to the server: calls will not work/);
      expect(text).toMatch(/lets neither WebSocket nor what replaces it through/);
      expect(text).toMatch(/The others will not see you/);
      expect(await state(page, 'udp')).toBe('skipped');
      expect(await page.locator('.report pre').innerText()).toContain('problem webSocketBlocked');
    } finally {
      await strict.close();
    }
  }, 90_000);
});

describe.skipIf(!hasChromium)('the diagnosis of a server that announces a wrong address', () => {
  // Another address of loopback, where nothing listens.
  const weir = useServer({ WEIR_ANNOUNCED_ADDRESS: '127.0.0.77' });

  test('says that media is blocked, and that the microphone is silent', async () => {
    using captures = new Captures();
    const browser = await launchChromium(captures.make({ colour: 'red', tone: 0 }));
    try {
      const page = await open(await browser.newContext(), weir.url);
      expect(await run(page)).toBe('blocked');
      expect(await verdict(page).innerText()).toMatch(
        /Media is blocked here: calls will not work.*announces an address.*cannot be reached.*Try another network.*tell whoever runs this server/s,
      );
      for (const check of ['udp', 'tcp']) expect(await row(page, check).innerText()).toMatch(/does not get through/);
      expect(await row(page, 'throughput').innerText()).toMatch(/needs a way for sound and picture/);
      expect(await row(page, 'microphone').innerText()).toMatch(/Problem.*We hear nothing from your microphone/s);
      expect(await verdict(page).innerText()).toContain('The others will not hear you');
      expect(await violationsOn(page)).toEqual([]);
    } finally {
      await browser.close();
    }
  }, 90_000);
});

/** The statistics panel of a call: its figures, its use by keyboard, small windows, and the log that it saves. */
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { violationsOn } from '../support/axe.ts';
import { camera, microphone } from '../support/broadcast.ts';
import { hasChromium } from '../support/equipment.ts';
import { fakeContext } from '../support/fakeClient/fakeClient.ts';
import { overflowOf } from '../support/overflow.ts';
import { eventually, roomUrl } from '../support/people.ts';
import { appears, button, disappears, enterQuietly, expectIn, hasFocus, useChromium } from '../support/visit.ts';
import { useServer } from '../support/weir.ts';

describe.skipIf(!hasChromium)('the statistics panel', () => {
  const captures = new Captures();
  const weir = useServer();
  const chromium = useChromium(() => launchChromium(captures.make({ colour: 'red', tone: 500 })), captures);

  const panel = (page: Page) => page.getByRole('complementary', { name: 'Connection statistics' });
  const openPanel = async (page: Page) => {
    await button(page, 'More').click();
    await button(page, 'Connection statistics').click();
    await appears(panel(page));
  };
  /** Bert, who publishes camera and microphone. */
  async function joinBert(room: string): Promise<void> {
    const { client } = await weir.join({ room, name: 'Bert' });
    await client.request('produce', microphone);
    await client.request('produce', camera);
  }
  /** The panel as texts: by heading and track, the figures by their names. */
  const shown = (page: Page) =>
    panel(page)
      .locator('section')
      .evaluateAll((sections) =>
        Object.fromEntries(
          sections.map((section) => [
            section.querySelector('h3')?.textContent ?? '',
            Object.fromEntries(
              [...section.querySelectorAll('.stats-track')].map((track) => [
                track.querySelector('h4')?.textContent ?? '',
                Object.fromEntries(
                  [...track.querySelectorAll('dt')].map((term) => [
                    term.textContent,
                    term.nextElementSibling?.textContent,
                  ]),
                ),
              ]),
            ),
          ]),
        ),
      );

  test('has the figures of each track and transport, takes the focus, and gives it back', async () => {
    const page = await (await fakeContext(chromium.browser)).newPage();
    await page.goto(roomUrl(weir.url, 'figures', 'Alice'));
    await expectIn(page);
    // Replies of the server that are later each time do not change the rates.
    await page.evaluate(() => {
      const client = window.weir;
      if (!client) throw new Error('no client');
      let late = 0;
      client.getConsumerLayers = async () => {
        late += 40;
        await new Promise((resolve) => setTimeout(resolve, late));
        return [];
      };
    });
    await joinBert('figures');
    await button(page, 'More').focus();
    await page.keyboard.press('Enter');
    await button(page, 'Connection statistics').press('Enter');
    await appears(panel(page));
    expect(await hasFocus(panel(page).getByRole('button', { name: 'Close' }))).toBe(true);
    const connection = { Path: 'direct, UDP', Candidates: 'host → host', 'Round trip': '1 ms' };
    const audio = { Codec: 'opus', Bitrate: '400 kbit/s', Loss: '0 %', Jitter: '4 ms', 'Round trip': '20 ms' };
    const video = { ...audio, Codec: 'VP8', Size: '320×180' };
    await eventually(() => shown(page)).toMatchObject({
      'Your connection': { Sending: connection, Receiving: connection, Signalling: { Path: 'WebSocket' } },
      You: { Camera: { ...video, 'Frames/s': '10' }, Microphone: audio },
      Bert: { Camera: video, Microphone: audio },
    });
    // Whoever leaves is gone from it as well, and what stays keeps its elements.
    const own = await panel(page).locator('section', { hasText: 'Camera' }).first().elementHandle();
    await weir.join({ room: 'figures', name: 'Cleo' });
    await eventually(async () => Object.keys(await shown(page))).toEqual(['Your connection', 'You', 'Bert']);
    expect(await own?.evaluate((element) => element.isConnected)).toBe(true);
    await page.keyboard.press('Escape');
    await disappears(panel(page));
    await eventually(() => hasFocus(button(page, 'More'))).toBe(true);
    await page.evaluate(() => window.weir?.leave());
  });

  test('measures only while it is open, and closes with the call', async () => {
    const page = await enterQuietly(await fakeContext(chromium.browser), roomUrl(weir.url, 'quiet', 'Alice'));
    await page.evaluate(() => {
      const client = window.weir;
      if (!client) throw new Error('no client');
      const getStats = client.getStats.bind(client);
      document.body.dataset.samples = '0';
      client.getStats = () => {
        document.body.dataset.samples = String(Number(document.body.dataset.samples) + 1);
        return getStats();
      };
    });
    const samples = () => page.evaluate(() => Number(document.body.dataset.samples));
    expect(await samples()).toBe(0);
    await openPanel(page);
    await eventually(samples).toBeGreaterThan(1);
    await button(page, 'Leave').click();
    await appears(page.getByRole('heading', { name: 'You left the call' }));
    expect(await panel(page).count()).toBe(0);
    expect(await button(page, 'Download log').count()).toBe(0);
  });

  test('the log has the signalling without names and room; a lost call offers it at its end', async () => {
    const page = await enterQuietly(await fakeContext(chromium.browser), roomUrl(weir.url, 'secret-room', 'Alice'));
    await joinBert('secret-room');
    await openPanel(page);
    const saved = async () => {
      const download = page.waitForEvent('download');
      await button(page, 'Download log').click();
      const file = await download;
      expect(file.suggestedFilename()).toMatch(/^weir-log-\d{4}-\d\d-\d\d-\d{4}\.json$/);
      return readFile(await file.path(), 'utf8');
    };
    const text = await saved();
    const log = JSON.parse(text);
    const values = log.PeerConnections.signalling.updateLog.map(({ value }: { value: string }) => value).join('\n');
    for (const method of ['welcome', 'join', 'newConsumers']) expect(values).toContain(`"${method}"`);
    for (const secret of ['secret-room', 'Alice', 'Bert', '127.0.0.1']) expect(text).not.toContain(secret);
    await panel(page).getByRole('checkbox', { name: 'Include IP addresses' }).check();
    expect(await saved()).toContain('127.0.0.1');
    const before = await page.evaluate(() => window.weir?.peerId);
    (await weir.app.rooms.find('secret-room', 'call'))?.close('mediaLost');
    await eventually(() => page.evaluate(() => window.weir?.peerId)).not.toBe(before);
    await expectIn(page);
    await button(page, 'Leave').click();
    await appears(page.getByRole('heading', { name: 'You left the call' }));
    expect(await saved()).toContain('newConsumers');
  });

  test.each([
    [{ width: 320, height: 568 }, 'ko'],
    [{ width: 1280, height: 800 }, 'en'],
  ] as const)('fits a window of %o, in %s, and has no serious barrier', async (viewport, language) => {
    const context = await fakeContext(chromium.browser, { viewport, locale: language });
    const page = await enterQuietly(context, roomUrl(weir.url, 'sizes', 'Alice'));
    await joinBert('sizes');
    await button(page, language === 'ko' ? '더 보기' : 'More').click();
    await button(page, language === 'ko' ? '연결 통계' : 'Connection statistics').click();
    await appears(page.locator('.stats-panel'));
    await eventually(() => page.locator('.stats-track dt').allTextContents()).toContain(
      language === 'ko' ? '비트레이트' : 'Bitrate',
    );
    expect(await overflowOf(page)).toEqual([]);
    for (const scheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme: scheme });
      expect(await violationsOn(page), scheme).toEqual([]);
    }
    const box = await page.locator('.stats-panel').boundingBox();
    expect(box && box.x >= 0 && box.x + box.width <= viewport.width).toBe(true);
    // Where the window is low, the panel scrolls.
    const download = page.locator('.stats-panel [data-action=download-log]');
    await download.scrollIntoViewIfNeeded();
    const last = await download.boundingBox();
    expect(last && last.y + last.height).toBeLessThanOrEqual(viewport.height);
  });
});

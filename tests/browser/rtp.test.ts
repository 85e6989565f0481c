/** A browser shows what ffmpeg sends by plain RTP and by RTMP, and ffmpeg records what a browser sends. */

import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { RtpAnswer } from '../../scripts/support/plainRtp.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { until } from '../../scripts/support/until.ts';
import { ffmpegArguments } from '../../server/gateways/rtp/ffmpegArguments.ts';
import { hasChromium, hasEquipment } from '../support/equipment.ts';
import { codecsInPage, hearsInPage, playedInPage, playInPage, publishInPage } from '../support/gatewayPage.ts';
import { RtpBridge } from '../support/RtpBridge.ts';
import { connectInPage, setSendingInPage } from '../support/recordedPage.ts';
import { freePortPair, Recorder } from '../support/recorder.ts';

/** Milliseconds. */
const WAIT = 20_000;
/** What the tests need of the answer to a request for egress. */
const Egress = z.object({ session: z.string(), video: z.object({ codec: z.string(), payloadType: z.number() }) });
const pattern = { width: 320, height: 180 };

describe.skipIf(!hasChromium || !hasEquipment('ffmpeg', '/usr/bin/ffmpeg'))('Chromium', () => {
  let server: TestServer;
  let chromium: Browser;
  const children = new Set<ChildProcess>();

  beforeAll(async () => {
    [server, chromium] = await Promise.all([
      startServer({ WEIR_RTMP_PORT: '0', WEIR_RTP_EGRESS_NETWORKS: '127.0.0.0/8' }),
      launchChromium(),
    ]);
  });
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL');
    children.clear();
  });
  afterAll(async () => {
    await chromium?.close();
    await server?.close();
  });

  function ffmpeg(args: readonly string[]): void {
    children.add(spawn('ffmpeg', args, { stdio: 'ignore' }));
  }

  /** A page of the server: a text, which loads nothing else. */
  async function open(): Promise<Page> {
    const page = await (await chromium.newContext()).newPage();
    await page.goto(`${server.url}/whep.js`);
    return page;
  }

  /** @returns the answer (201) */
  async function post(path: string, body: unknown): Promise<unknown> {
    const response = await fetch(new URL(path, server.url), {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
    const answer = await response.text();
    expect(response.status, answer).toBe(201);
    return JSON.parse(answer);
  }

  async function expectPlaying(page: Page): Promise<void> {
    const playing = async () => {
      const { framesDecoded, width } = await page.evaluate(playedInPage);
      return [framesDecoded >= 20, width];
    };
    await expect.poll(playing, { timeout: WAIT, interval: 50 }).toEqual([true, pattern.width]);
    await expect.poll(() => page.evaluate(hearsInPage), { timeout: WAIT }).toBe(true);
  }

  test.each(['VP8', 'VP9'])('shows %s and plays the sound of plain RTP', async (codec) => {
    const answer = await post(`/rtp/${codec}`, { video: { codec }, audio: {} });
    const { address, video, audio, session } = RtpAnswer.parse(answer);
    ffmpeg(ffmpegArguments({ pattern }, { address, video, audio }));
    const page = await open();
    await page.evaluate(playInPage, `/whep/${codec}`);
    await expectPlaying(page);
    await page.close();
    await fetch(new URL(session, server.url), { method: 'DELETE' });
  });

  test('shows H264 and plays AAC of RTMP', async () => {
    const sources = `-re -f lavfi -i testsrc2=size=${pattern.width}x${pattern.height}:rate=30 -re -f lavfi -i sine`;
    const codecs = '-c:v libx264 -preset veryfast -bf 0 -g 30 -pix_fmt yuv420p -c:a aac -f flv';
    ffmpeg([...sources.split(' '), ...codecs.split(' '), `rtmp://127.0.0.1:${server.app.rtmp?.port}/rtmp/Encoder`]);
    await expect.poll(async () => (await server.app.rooms.find('rtmp'))?.size, { timeout: WAIT }).toBe(1);
    const page = await open();
    await page.evaluate(playInPage, '/whep/rtmp');
    await expectPlaying(page);
    await page.close();
  });

  test.each(['AV1', 'VP9'] as const)(
    'shows %s of Chromium that left a room by plain RTP and came into another',
    async (codec) => {
      const [first, second] = [`${codec}-${randomUUID()}`, `${codec}-${randomUUID()}`];
      const [publisher, player] = await Promise.all([1, 2].map(async () => (await chromium.newContext()).newPage()));
      if (!publisher || !player) throw new Error('There is no page.');
      await Promise.all([publisher.goto(server.url), player.goto(server.url)]);
      const { location } = await publisher.evaluate(publishInPage, {
        endpoint: `/whip/${first}`,
        simulcast: false,
        codec,
      });
      using bridge = await RtpBridge.open();
      const out = await post(`/rtp/egress/${first}`, {
        address: '127.0.0.1',
        rtcpMux: true,
        video: { port: bridge.port },
      });
      const { session, video } = Egress.parse(out);
      expect(video.codec).toBe(codec);
      const { payloadType } = video;
      const request = { rtcpMux: true, video: { codec, payloadType, ssrc: await bridge.ssrc } };
      const into = RtpAnswer.parse(await post(`/rtp/${second}`, request));
      bridge.connect(into.video?.port ?? 0);
      await player.evaluate(playInPage, `/whep/${second}`);
      await expect
        // AV1 is encoded without hardware: where six others want the processor it took 22 s.
        .poll(async () => (await player.evaluate(playedInPage)).framesDecoded, { timeout: 3 * WAIT, interval: 50 })
        .toBeGreaterThanOrEqual(20);
      expect(await player.evaluate(codecsInPage)).toEqual([`video/${codec}`]);
      for (const path of [session, into.session, location])
        await fetch(new URL(path, server.url), { method: 'DELETE' });
      await Promise.all([publisher.close(), player.close()]);
    },
  );

  test('is recorded by ffmpeg, every frame that it sends', async () => {
    // Of its own, so that nobody is there who was left by an attempt that failed.
    const room = `record-${randomUUID()}`;
    const page = await open();
    // Nothing is sent before the recorder listens.
    const location = await page.evaluate(connectInPage, `/whip/${room}`);
    const port = await freePortPair();
    const { session } = Egress.parse(await post(`/rtp/egress/${room}`, { address: '127.0.0.1', video: { port } }));
    using recorder = Recorder.start(new URL(`${session}/sdp`, server.url).href);
    await until('the recorder to listen', WAIT, () => recorder.listensOn(port));
    await page.evaluate(setSendingInPage, true);
    await until('100 frames', WAIT, () => recorder.frames('video') >= 100);
    const sent = await page.evaluate(setSendingInPage, false);
    expect(sent).toBeGreaterThanOrEqual(100);
    await expect.poll(() => recorder.frames('video') / sent, { timeout: WAIT }).toBeGreaterThanOrEqual(0.99);
    await fetch(new URL(location, server.url), { method: 'DELETE' });
    await page.close();
  });
});

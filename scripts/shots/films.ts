/** Makes the fake camera and microphone files of the viewing page: a painted person and a voice. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { wav } from '../support/browsers/captures.ts';
import { installPainter, type Looks } from './figures.ts';

/** Writes a camera file (MJPEG) and a voice file (WAV). @returns their paths, as `launchChromium` takes them */
export async function makeFilms(
  browser: Browser,
  directory: string,
  looks: Looks,
): Promise<{ video: string; audio: string }> {
  const video = join(directory, 'camera.mjpeg');
  const audio = join(directory, 'voice.wav');
  const page = await browser.newPage();
  await page.addInitScript(installPainter);
  await page.goto('about:blank');
  const frames = await page.evaluate((whose) => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 1280, height: 720 });
    return Array.from({ length: 12 }, (_, index) => {
      window.painter.portrait(canvas, whose, 1 + Math.min(index, 12 - index) * 0.06);
      return canvas.toDataURL('image/jpeg', 0.92).split(',')[1] ?? '';
    });
  }, looks);
  await page.close();
  writeFileSync(video, Buffer.concat(frames.map((frame) => Buffer.from(frame, 'base64'))));
  writeFileSync(audio, voice());
  return { video, audio };
}

/** Two seconds with the envelope of syllables. */
function voice(): Buffer {
  return wav(48_000, 2, (at) => {
    const syllable = 0.55 + 0.45 * Math.sin(2 * Math.PI * 4 * at);
    const tone = Math.sin(2 * Math.PI * 180 * at) + 0.5 * Math.sin(2 * Math.PI * 360 * at);
    return tone * syllable * 0.2;
  });
}

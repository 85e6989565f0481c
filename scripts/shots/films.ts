/** Owns what plays as our own camera and microphone while pictures are taken: somebody painted, and a voice. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { installPainter, type Looks } from './figures.ts';

/** A camera's film (MJPEG) and a voice (WAV). @returns their paths, as `launchChromium` takes them */
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

/** Two seconds that rise and fall like syllables, 16 bits mono. */
function voice(): Buffer {
  const [rate, seconds] = [48_000, 2];
  const wav = Buffer.alloc(44 + rate * seconds * 2);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(rate, 24);
  wav.writeUInt32LE(rate * 2, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(wav.length - 44, 40);
  for (let sample = 0; sample < rate * seconds; sample += 1) {
    const at = sample / rate;
    const syllable = 0.55 + 0.45 * Math.sin(2 * Math.PI * 4 * at);
    const tone = Math.sin(2 * Math.PI * 180 * at) + 0.5 * Math.sin(2 * Math.PI * 360 * at);
    wav.writeInt16LE(Math.round(tone * syllable * 0.2 * 0x7fff), 44 + sample * 2);
  }
  return wav;
}

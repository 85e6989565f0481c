/** Whether tests run in Firefox, the size of its windows, and what it hears. */
import { type Page, ProtocolError } from 'puppeteer-core';
import { vi } from 'vitest';
import { firefoxPath } from '../../scripts/support/browsers/firefox.ts';
import { hasEquipment } from './equipment.ts';

/** Whether Firefox is installed; otherwise the test launcher has printed why not. */
export const hasFirefox = hasEquipment('firefox', firefoxPath);

/** Sets the viewport. Puppeteer also sets the screen orientation, which this Firefox does not support. */
export async function resizeTo(page: Page, size: { width: number; height: number }): Promise<void> {
  await page.setViewport(size).catch((error: unknown) => {
    if (!(error instanceof ProtocolError) || !error.message.includes('setScreenOrientationOverride')) throw error;
  });
  // Puppeteer's own waiting functions are blocked by the page's content security policy.
  const there = () => page.evaluate(({ width, height }) => innerWidth === width && innerHeight === height, size);
  await vi.waitUntil(there, { timeout: 5000, interval: 20 });
}

/**
 * The pitch of a person's audio in hertz, to the next ten; undefined in silence. Measured on half a second of
 * recording, since Firefox runs no AudioContext on a machine without a sound card.
 */
export async function recordedTone(page: Page, name: string): Promise<number | undefined> {
  const hertz = await page.evaluate(async (name) => {
    const tiles = [...document.querySelectorAll<HTMLElement>('[data-peer-id]')];
    const peerId = tiles.find((tile) => tile.querySelector('.label')?.textContent === name)?.dataset.peerId;
    const audio = document.querySelector<HTMLAudioElement>(`audio[data-audio-of="${peerId}"][data-source=microphone]`);
    if (!audio || audio.paused || !(audio.srcObject instanceof MediaStream)) return undefined;
    const recorder = new MediaRecorder(audio.srcObject);
    const recorded = Promise.withResolvers<Blob>();
    recorder.ondataavailable = ({ data }) => recorded.resolve(data);
    recorder.start(500);
    const blob = await recorded.promise;
    recorder.stop();
    const decoder = new OfflineAudioContext(1, 48_000, 48_000);
    const sound = await decoder.decodeAudioData(await blob.arrayBuffer());
    const samples = sound.getChannelData(0);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    if (power < 1e-5) return undefined;
    // A tone crosses zero upwards once a period.
    let periods = 0;
    samples.forEach((sample, index) => {
      if (sample >= 0 && (samples[index - 1] ?? 0) < 0) periods += 1;
    });
    return periods / sound.duration;
  }, name);
  return hertz && Math.round(hertz / 10) * 10;
}

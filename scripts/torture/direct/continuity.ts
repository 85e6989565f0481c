/** Watches in a page how steadily somebody is seen and heard: the moments of all presented frames, and a recording of the sound. */
import type { Page } from 'playwright-core';

declare global {
  interface Window {
    /** What `watch` leaves in the page. */
    continuity?: { stop(): Promise<Continuity> };
  }
}

/** The longest time without a new frame, and without sound, in milliseconds. */
export interface Continuity {
  readonly frames: number;
  readonly sound: number;
}

/** Begins to watch the tile of somebody, and everything that is heard. */
export async function watch(page: Page, name: string): Promise<void> {
  await page.evaluate(watchInPage, name);
}

/** @returns the longest gaps since `watch` */
export async function stopWatching(page: Page): Promise<Continuity> {
  return page.evaluate(async () => (await window.continuity?.stop()) ?? { frames: Number.NaN, sound: Number.NaN });
}

/** Runs in the page. */
function watchInPage(name: string): void {
  const video = document.querySelector(`section[aria-label="${name}"] video`);
  const sounds = document.querySelector('.remote-audio');
  if (!(video instanceof HTMLVideoElement) || !sounds) throw new Error(`${name} is not on this page.`);
  const frames = [performance.now()];
  let request = 0;
  const onFrame = (now: number) => {
    frames.push(now);
    request = video.requestVideoFrameCallback(onFrame);
  };
  request = video.requestVideoFrameCallback(onFrame);
  // All that is heard in one recording: an element counts from when it plays until it is removed.
  const audio = new AudioContext({ sampleRate: 48_000 });
  const mixed = audio.createMediaStreamDestination();
  const sources = new Map<Element, MediaStreamAudioSourceNode>();
  const connect = (element: Element) => {
    if (!(element instanceof HTMLAudioElement) || !(element.srcObject instanceof MediaStream)) return;
    if (sources.has(element) || !element.isConnected) return;
    const source = audio.createMediaStreamSource(element.srcObject);
    source.connect(mixed);
    sources.set(element, source);
  };
  const update = () => {
    for (const [element, source] of sources) {
      if (element.isConnected) continue;
      source.disconnect();
      sources.delete(element);
    }
    for (const element of sounds.children) {
      if (!(element instanceof HTMLAudioElement) || sources.has(element)) continue;
      if (element.currentTime > 0) connect(element);
      else element.addEventListener('playing', () => connect(element), { once: true });
    }
  };
  const observer = new MutationObserver(update);
  observer.observe(sounds, { childList: true });
  update();
  const chunks: Blob[] = [];
  const recorder = new MediaRecorder(mixed.stream, { audioBitsPerSecond: 128_000 });
  recorder.addEventListener('dataavailable', ({ data }) => chunks.push(data));
  recorder.start();
  const longestGap = (times: readonly number[]) =>
    times.slice(1).reduce((longest, time, index) => Math.max(longest, time - (times[index] ?? time)), 0);
  /** The longest run of silence, in milliseconds, without the edges of the recording. */
  const longestSilence = (samples: Float32Array): number => {
    // 5 ms each.
    const step = 240;
    const powers: number[] = [];
    for (let start = 0; start + step <= samples.length; start += step) {
      powers.push(samples.subarray(start, start + step).reduce((sum, sample) => sum + sample * sample, 0) / step);
    }
    const usual = powers.toSorted((a, b) => a - b)[Math.floor(powers.length / 2)] ?? 0;
    const loud = powers.flatMap((power, index) => (power > usual / 50 ? [index * 5] : []));
    return usual === 0 ? Number.NaN : longestGap(loud) - 5;
  };
  window.continuity = {
    async stop() {
      frames.push(performance.now());
      video.cancelVideoFrameCallback(request);
      observer.disconnect();
      const stopped = Promise.withResolvers<void>();
      recorder.addEventListener('stop', () => stopped.resolve());
      recorder.stop();
      await stopped.promise;
      const decoder = new OfflineAudioContext(1, 48_000, 48_000);
      const sound = await decoder.decodeAudioData(await new Blob(chunks).arrayBuffer());
      await audio.close();
      return { frames: longestGap(frames), sound: Math.max(0, longestSilence(sound.getChannelData(0))) };
    },
  };
}

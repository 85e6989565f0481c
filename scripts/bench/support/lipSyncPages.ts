/**
 * Lip-sync test pages in Chromium: a publisher that flashes and beeps at the same moment, and a viewer that records
 * both.
 */
import type { Browser, JSHandle } from 'playwright-core';

/** Milliseconds since 1970. */
export interface Moments {
  /** When a room's picture turned white, and when its sound began. */
  readonly flashes: readonly number[];
  readonly beeps: readonly number[];
}

type Face = Awaited<ReturnType<typeof enterPublisher>>;
type Watcher = Awaited<ReturnType<typeof enterViewer>>;

export interface InRooms {
  readonly url: string;
  readonly rooms: readonly string[];
}

export class LipSyncPublisher {
  readonly #inside: JSHandle<Face>;

  private constructor(inside: JSHandle<Face>) {
    this.#inside = inside;
  }

  /** Joins all of these rooms at once and publishes the same picture and sound in each. */
  static async enter(browser: Browser, options: InRooms): Promise<LipSyncPublisher> {
    const page = await browser.newPage();
    await page.goto(`${options.url}/health`);
    return new LipSyncPublisher(await page.evaluateHandle(enterPublisher, options));
  }

  /** Flashes and beeps once. @returns when, in milliseconds since 1970 */
  beep(): Promise<number> {
    return this.#inside.evaluate((publisher) => publisher.beep());
  }
}

export class LipSyncViewer {
  readonly #inside: JSHandle<Watcher>;

  private constructor(inside: JSHandle<Watcher>) {
    this.#inside = inside;
  }

  /** Joins all of these rooms at once. */
  static async enter(browser: Browser, options: InRooms): Promise<LipSyncViewer> {
    const page = await browser.newPage();
    await page.goto(`${options.url}/health`);
    return new LipSyncViewer(await page.evaluateHandle(enterViewer, options));
  }

  /** Flashes and beeps since the last call, by room. */
  moments(): Promise<Readonly<Record<string, Moments>>> {
    return this.#inside.evaluate((watcher) => watcher.moments());
  }
}

/** Runs in the page. */
async function enterPublisher({ url, rooms }: InRooms) {
  const FRAME = 33;
  const BEEP = 600;
  const canvas = document.createElement('canvas');
  canvas.width = 320;
  canvas.height = 180;
  document.body.append(canvas);
  const brush = canvas.getContext('2d');
  let brightUntil = 0;
  let tick = 0;
  const paint = () => {
    if (!brush) return;
    tick += 1;
    brush.fillStyle = performance.now() < brightUntil ? 'white' : 'black';
    brush.fillRect(0, 0, canvas.width, canvas.height);
    // Draw something that moves: a still canvas produces no frames.
    brush.fillStyle = 'grey';
    brush.fillRect((tick * 7) % canvas.width, 0, 8, 8);
  };
  setInterval(paint, FRAME);
  const context = new AudioContext({ latencyHint: 'interactive' });
  const gain = new GainNode(context, { gain: 0 });
  // A tone rich in harmonics, like a vowel: voice activity detection takes a pure sine for noise.
  const tone = new OscillatorNode(context, { type: 'sawtooth', frequency: 140 });
  const destination = context.createMediaStreamDestination();
  tone.connect(gain).connect(destination);
  tone.start();
  const [picture] = canvas.captureStream(30).getVideoTracks();
  const [sound] = destination.stream.getAudioTracks();
  if (!picture || !sound) throw new Error('There is nothing to publish.');
  const sdk: typeof import('../../../web/client/index.ts') = await import(`${url}/sdk.js`);
  for (const room of rooms) {
    const client = new sdk.RoomClient({ url });
    await client.join({ room, name: 'publisher', initialVideoLimit: 0 });
    await client.publish('camera', picture.clone());
    await client.publish('microphone', sound.clone());
  }
  return {
    beep() {
      const at = performance.now();
      brightUntil = at + BEEP;
      paint();
      gain.gain.setValueAtTime(0.5, context.currentTime);
      gain.gain.setValueAtTime(0, context.currentTime + BEEP / 1000);
      return performance.timeOrigin + at;
    },
  };
}

/** Runs in the page. */
async function enterViewer({ url, rooms }: InRooms) {
  const BRIGHT = 128;
  const LOUD = 0.05;
  const EVERY = 4;
  /** How long a picture has to be dark, or a sound silent, before the next onset counts; milliseconds. */
  const REST = 300;
  const now = () => performance.timeOrigin + performance.now();
  const sdk: typeof import('../../../web/client/index.ts') = await import(`${url}/sdk.js`);
  const context = new AudioContext({ latencyHint: 'interactive' });
  const found: Record<string, { flashes: number[]; beeps: number[] }> = {};
  const listen = (room: string, track: MediaStreamTrack) => {
    const stream = new MediaStream([track]);
    // Chromium feeds a remote track into an audio graph only while an element plays it.
    const audio = new Audio();
    audio.srcObject = stream;
    audio.muted = true;
    void audio.play();
    const ear = new AnalyserNode(context, { fftSize: 256 });
    context.createMediaStreamSource(stream).connect(ear);
    const samples = new Float32Array(ear.fftSize);
    let last = 0;
    const timer = setInterval(() => {
      ear.getFloatTimeDomainData(samples);
      if (Math.max(...samples) < LOUD) return;
      if (now() - last > REST) found[room]?.beeps.push(now());
      last = now();
    }, EVERY);
    track.addEventListener('ended', () => clearInterval(timer));
  };
  const watch = (room: string, track: MediaStreamTrack) => {
    const video = document.createElement('video');
    video.muted = true;
    video.style.cssText = 'position: fixed; left: 0; top: 0; width: 160px; height: 90px;';
    video.srcObject = new MediaStream([track]);
    document.body.append(video);
    const canvas = new OffscreenCanvas(1, 1);
    const brush = canvas.getContext('2d', { willReadFrequently: true });
    let last = 0;
    const onFrame = (_time: number, { expectedDisplayTime }: VideoFrameCallbackMetadata) => {
      brush?.drawImage(video, video.videoWidth / 2, video.videoHeight / 2, 1, 1, 0, 0, 1, 1);
      const at = performance.timeOrigin + expectedDisplayTime;
      if ((brush?.getImageData(0, 0, 1, 1).data[0] ?? 0) > BRIGHT) {
        if (at - last > REST) found[room]?.flashes.push(at);
        last = at;
      }
      video.requestVideoFrameCallback(onFrame);
    };
    video.requestVideoFrameCallback(onFrame);
    void video.play();
  };
  for (const room of rooms) {
    found[room] = { flashes: [], beeps: [] };
    const client = new sdk.RoomClient({ url });
    client.on('trackAdded', ({ peer, source, track }) => {
      if (peer.name !== 'publisher') return;
      if (source === 'camera') watch(room, track);
      if (source === 'microphone') listen(room, track);
    });
    client.on('audioSlotTrackAdded', ({ track }) => listen(room, track));
    await client.join({ room, name: 'viewer' });
  }
  return {
    moments() {
      const moments = structuredClone(found);
      for (const room of rooms) found[room] = { flashes: [], beeps: [] };
      return moments;
    },
  };
}

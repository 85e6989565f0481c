/**
 * A host page in Chromium that broadcasts the time as a picture, and a viewer page that records which frame it shows
 * when.
 */
import type { Browser, JSHandle, Page } from 'playwright-core';
import type { BroadcastProfile } from '../../../shared/protocol.ts';
import { recordConnections } from '../../support/browsers/recordConnections.ts';
import { blocksOf, GRID } from './timePattern.ts';

interface Where {
  readonly url: string;
  readonly room: string;
  /** Of a call in which both are; without it, the host broadcasts to the viewer. */
  readonly policy?: 'auto' | 'sfu';
}

/** A presented frame: its time in milliseconds since 1970, its width, and the brightness of each block (0 to 255). */
export interface SeenFrame {
  readonly at: number;
  readonly width: number;
  readonly blocks: readonly number[];
}

/** Playback statistics of the viewer's browser so far; times in milliseconds. */
export interface ViewerStats {
  readonly roundTrip: number;
  readonly buffered: number;
  readonly emitted: number;
  readonly decoding: number;
  readonly decoded: number;
  readonly freezeCount: number;
}

type Host = Awaited<ReturnType<typeof enterHost>>;
type Viewer = Awaited<ReturnType<typeof enterViewer>>;

/** Publishes 1280x720 at 30 frames a second; each frame encodes the time at which it was drawn. */
export class ClockHost implements AsyncDisposable {
  readonly #page: Page;
  readonly #inside: JSHandle<Host>;

  private constructor(page: Page, inside: JSHandle<Host>) {
    this.#page = page;
    this.#inside = inside;
  }

  /** Joins and publishes; goes live in a broadcast. */
  static async enter(browser: Browser, where: Where): Promise<ClockHost> {
    const page = await browser.newPage();
    await page.goto(`${where.url}/health`);
    const blocks: JSHandle<typeof blocksOf> = await page.evaluateHandle(`(${blocksOf})`);
    return new ClockHost(page, await page.evaluateHandle(enterHost, { ...where, ...GRID, blocks }));
  }

  /** Sets the latency profile. */
  async setProfile(profile: BroadcastProfile): Promise<void> {
    await this.#inside.evaluate((host, wanted) => host.setProfile(wanted), profile);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inside.evaluate((host) => host.leave());
    await this.#page.close();
  }
}

export class ClockViewer implements AsyncDisposable {
  readonly #page: Page;
  readonly #inside: JSHandle<Viewer>;

  private constructor(page: Page, inside: JSHandle<Viewer>) {
    this.#page = page;
    this.#inside = inside;
  }

  static async enter(browser: Browser, where: Where): Promise<ClockViewer> {
    const page = await browser.newPage();
    await page.goto(`${where.url}/health`);
    await page.evaluate(recordConnections);
    return new ClockViewer(page, await page.evaluateHandle(enterViewer, { ...where, ...GRID }));
  }

  /** Frames presented since the last call. */
  frames(): Promise<SeenFrame[]> {
    return this.#inside.evaluate((viewer) => viewer.frames());
  }

  stats(): Promise<ViewerStats> {
    return this.#inside.evaluate((viewer) => viewer.stats());
  }

  /** Whether the picture comes from the host's browser directly. */
  isDirect(): Promise<boolean> {
    return this.#inside.evaluate((viewer) => viewer.isDirect());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inside.evaluate((viewer) => viewer.leave());
    await this.#page.close();
  }
}

/** Runs in the page. */
async function enterHost(options: Where & { columns: number; rows: number; blocks: typeof blocksOf }) {
  const { url, room, policy, columns, rows, blocks } = options;
  const FRAMES_PER_SECOND = 30;
  const canvas = document.createElement('canvas');
  canvas.width = 1280;
  canvas.height = 720;
  document.body.append(canvas);
  const brush = canvas.getContext('2d');
  const [width, height] = [canvas.width / columns, canvas.height / rows];
  setInterval(() => {
    blocks(Date.now()).forEach((white, index) => {
      if (!brush) return;
      brush.fillStyle = white ? 'white' : 'black';
      brush.fillRect((index % columns) * width, Math.floor(index / columns) * height, width, height);
    });
  }, 1000 / FRAMES_PER_SECOND);
  const [track] = canvas.captureStream(FRAMES_PER_SECOND).getVideoTracks();
  if (!track) throw new Error('There is nothing to publish.');
  const sdk: typeof import('../../../web/client/index.ts') = await import(`${url}/sdk.js`);
  const client = new sdk.RoomClient({ url });
  await client.join({ room, name: 'host', ...(policy ? { policy } : { kind: 'broadcast', role: 'host' }) });
  await client.publish('camera', track);
  if (!policy) await client.broadcast.goLive();
  return {
    setProfile: (profile: BroadcastProfile) => client.broadcast.setProfile(profile),
    leave: () => client.leave(),
  };
}

/** Runs in the page. */
async function enterViewer({ url, room, policy, columns, rows }: Where & { columns: number; rows: number }) {
  /** Pixels of a sampled block, and of its middle, which is free of its neighbours' compression artefacts. */
  const BLOCK = 12;
  const MIDDLE = 4;
  const { peerConnections: connections = [] } = window;
  const sdk: typeof import('../../../web/client/index.ts') = await import(`${url}/sdk.js`);
  const client = new sdk.RoomClient({ url });
  const canvas = new OffscreenCanvas(columns * BLOCK, rows * BLOCK);
  const brush = canvas.getContext('2d', { willReadFrequently: true });
  const brightness = (pixels: ImageData, index: number) => {
    const edge = (BLOCK - MIDDLE) / 2;
    const [left, top] = [(index % columns) * BLOCK + edge, Math.floor(index / columns) * BLOCK + edge];
    let sum = 0;
    for (let y = top; y < top + MIDDLE; y += 1) {
      for (let x = left; x < left + MIDDLE; x += 1) sum += pixels.data[(y * pixels.width + x) * 4 + 1] ?? 0;
    }
    return sum / MIDDLE ** 2;
  };
  let seen: SeenFrame[] = [];
  client.on('trackAdded', ({ peer, source, track }) => {
    if (source !== 'camera') return;
    // A track that takes the place of another one is shown in its place.
    for (const former of document.querySelectorAll('video')) former.remove();
    const video = document.createElement('video');
    video.muted = true;
    video.style.cssText = 'position: fixed; left: 0; top: 0; width: 640px; height: 360px;';
    video.srcObject = new MediaStream([track]);
    document.body.append(video);
    const onFrame = (_now: number, { expectedDisplayTime, width }: VideoFrameCallbackMetadata) => {
      video.requestVideoFrameCallback(onFrame);
      if (!brush) return;
      // Wall-clock time, which both browsers share; `expectedDisplayTime` counts from the start of the page.
      const at = Date.now() - performance.now() + expectedDisplayTime;
      brush.drawImage(video, 0, 0, canvas.width, canvas.height);
      const pixels = brush.getImageData(0, 0, canvas.width, canvas.height);
      const blocks = Array.from({ length: columns * rows }, (_, index) => brightness(pixels, index));
      seen.push({ at, width, blocks });
    };
    video.requestVideoFrameCallback(onFrame);
    track.addEventListener('ended', () => video.remove());
    void video.play();
    client.updateTrackSettings(peer.peerId, 'camera', { width: 1280, height: 720 });
  });
  await client.join({ room, name: 'viewer', ...(policy ? { policy } : { kind: 'broadcast', role: 'viewer' }) });
  const number = (value: unknown) => (typeof value === 'number' ? value : 0);
  return {
    frames() {
      const frames = seen;
      seen = [];
      return frames;
    },
    async stats(): Promise<ViewerStats> {
      const reports = await Promise.all(connections.map((connection) => connection.getStats()));
      const rows: Record<string, unknown>[] = [];
      for (const report of reports) rows.push(...report.values());
      const sum = (name: string) =>
        rows
          .filter((row) => row.type === 'inbound-rtp' && row.kind === 'video' && row.mid !== 'probator')
          .reduce((so, row) => so + number(row[name]), 0);
      const trips = rows.flatMap((row) => (row.type === 'candidate-pair' ? number(row.currentRoundTripTime) : []));
      return {
        roundTrip: Math.max(0, ...trips) * 1000,
        buffered: sum('jitterBufferDelay') * 1000,
        emitted: sum('jitterBufferEmittedCount'),
        decoding: sum('totalDecodeTime') * 1000,
        decoded: sum('framesDecoded'),
        freezeCount: sum('freezeCount'),
      };
    },
    isDirect: async () =>
      (await client.getStats()).some(({ source, direct }) => source === 'camera' && direct === true),
    leave: () => client.leave(),
  };
}

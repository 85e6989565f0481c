/** A participant of a call on Weir's own page in Chromium, which records the layers it sends and the tiles it shows. */
import type { Browser, Page } from 'playwright-core';
import { recordConnections } from '../../support/browsers/recordConnections.ts';
import type { LayerCount, LayerSample } from './layerSamples.ts';

/** The tile of another participant. */
export interface ShownTile {
  readonly name: string;
  /** Device pixels. */
  readonly width: number;
  readonly height: number;
  /** Frames presented so far. */
  readonly frames: number;
}

export interface CallPageOptions {
  readonly url: string;
  readonly room: string;
  readonly name: string;
  readonly viewport: { readonly width: number; readonly height: number };
}

declare global {
  interface Window {
    /** Samples recorded by `recordLayers`. */
    layerSamples?: LayerSample[];
  }
}

/** Sample interval, in milliseconds. */
const INTERVAL = 500;

export class CallPage {
  readonly name: string;
  /** When the page was requested, in milliseconds since 1970. */
  readonly began: number;
  readonly #page: Page;

  private constructor(page: Page, name: string, began: number) {
    this.#page = page;
    this.name = name;
    this.began = began;
  }

  /** Opens a page that joins with camera and microphone; does not wait for the join. */
  static async open(browser: Browser, { url, room, name, viewport }: CallPageOptions): Promise<CallPage> {
    const context = await browser.newContext({ viewport });
    await context.addInitScript(recordConnections);
    await context.addInitScript(recordLayers, INTERVAL);
    const page = await context.newPage();
    const began = Date.now();
    await page.goto(`${url}/r/${room}?${new URLSearchParams({ name, join: '1' })}`);
    return new CallPage(page, name, began);
  }

  /** All samples since the page was loaded. */
  samples(): Promise<LayerSample[]> {
    return this.#page.evaluate(() => window.layerSamples ?? []);
  }

  /** The tiles of others that show video. */
  async tiles(): Promise<ShownTile[]> {
    const tiles = await this.#page.evaluate(() =>
      [...document.querySelectorAll('section.tile[aria-label]')].flatMap((tile) => {
        const video = tile.querySelector('video');
        const { width = 0, height = 0 } = video?.getBoundingClientRect() ?? {};
        if (!video || width === 0) return [];
        return {
          name: tile.getAttribute('aria-label') ?? '',
          width: Math.round(width * devicePixelRatio),
          height: Math.round(height * devicePixelRatio),
          frames: video.getVideoPlaybackQuality().totalVideoFrames,
        };
      }),
    );
    return tiles.filter(({ name }) => name !== this.name);
  }

  /** Unmutes or mutes this participant. */
  async setSpeaking(speaking: boolean): Promise<void> {
    await this.#page.evaluate(async (speaks) => window.weir?.[speaks ? 'unmute' : 'mute']('microphone'), speaking);
  }

  async close(): Promise<void> {
    await this.#page.context().close();
  }
}

/** Runs in the page before its own scripts. */
function recordLayers(interval: number): void {
  const samples: LayerSample[] = [];
  window.layerSamples = samples;
  const { peerConnections: connections = [] } = window;
  const number = (value: unknown) => (typeof value === 'number' ? value : 0);
  const count = async () => {
    const layers: LayerCount[] = [];
    for (const report of await Promise.all(connections.map((connection) => connection.getStats()))) {
      report.forEach((row: Record<string, unknown>) => {
        if (row.type !== 'outbound-rtp' || row.kind !== 'video') return;
        layers.push({
          rid: typeof row.rid === 'string' ? row.rid : '',
          framesEncoded: number(row.framesEncoded),
          bytes: number(row.bytesSent) + number(row.headerBytesSent),
        });
      });
    }
    layers.sort((a, b) => a.rid.localeCompare(b.rid));
    samples.push({ at: Date.now(), layers });
  };
  setInterval(() => void count(), interval);
}

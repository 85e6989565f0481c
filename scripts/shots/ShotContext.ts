/** Servers and browsers for screenshots, and the steps that bring a page into a lobby or a call. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { signToken } from '../../server/auth/tokens.ts';
import { launchChromium } from '../support/browsers/chromium.ts';
import { startServer, type TestServer } from '../support/servers/startServer.ts';
import { makeFilms } from './films.ts';
import { viewerLooks, viewerName } from './people.ts';
import { type ParticipantSpec, SceneParticipants } from './SceneParticipants.ts';

export const room = 'Monday coffee';
const keys = { apiKey: 'shots', apiSecret: 'a secret of the pictures, for nothing else' };

/** Kinds of server. `tokens` is for calls whose other participants can be denied subscribing. */
const kinds = {
  open: {},
  tokens: { WEIR_API_KEY: keys.apiKey, WEIR_API_SECRET: keys.apiSecret },
  full: { WEIR_MAX_PEERS: '1' },
  broadcast: {},
  // Nothing listens at that address of loopback.
  unreachable: { WEIR_ANNOUNCED_ADDRESS: '127.0.0.77' },
} as const;
export type Kind = keyof typeof kinds;

/** Viewport, colour scheme and language of a picture. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly scheme?: 'dark' | 'light';
  readonly language?: 'en' | 'ko';
  /** A phone's viewport with touch and without hover. */
  readonly phone?: boolean;
}

/** State of the camera and microphone of the viewing page. */
export type Devices = 'work' | 'denied' | 'none';

export class ShotContext implements AsyncDisposable {
  readonly #directory = mkdtempSync(join(tmpdir(), 'weir-shots-'));
  readonly #servers = new Map<Kind, Promise<TestServer>>();
  readonly #people: Browser;
  #viewers: Browser | undefined;
  /** A new identity for each call: a removed participant may not rejoin at once. */
  #calls = 0;
  readonly participants: SceneParticipants;

  private constructor(people: Browser) {
    this.#people = people;
    this.participants = new SceneParticipants(people);
  }

  static async open(): Promise<ShotContext> {
    const context = new ShotContext(await launchChromium());
    context.#viewers = await launchChromium(await makeFilms(context.#people, context.#directory, viewerLooks));
    return context;
  }

  /** The server of a kind, started on first use. */
  server(kind: Kind): Promise<TestServer> {
    const known = this.#servers.get(kind) ?? startServer({ ...kinds[kind], WEIR_MAX_CONNECTIONS_PER_IP: '1000' });
    this.#servers.set(kind, known);
    return known;
  }

  /** Kills a server as a machine failure would; the next use starts a new one. */
  async stop(kind: Kind): Promise<void> {
    const server = await this.#servers.get(kind);
    this.#servers.delete(kind);
    await server?.close();
  }

  /** An empty page without stored preferences. */
  async page(frame: Frame, devices: Devices): Promise<Page> {
    if (!this.#viewers) throw new Error('the screenshot context is not open');
    const context = await this.#viewers.newContext({
      viewport: { width: frame.width, height: frame.height },
      locale: frame.language === 'ko' ? 'ko-KR' : 'en-GB',
      isMobile: frame.phone ?? false,
      hasTouch: frame.phone ?? false,
      deviceScaleFactor: frame.phone ? 2 : 1,
    });
    await context.grantPermissions(['clipboard-write']);
    context.setDefaultTimeout(15_000);
    const page = await context.newPage();
    await page.addInitScript(pretendDevices, devices);
    return page;
  }

  /** Opens the lobby of the room on a server; fills in a name if `named`. */
  async lobby(page: Page, kind: Kind, named = true): Promise<void> {
    const { url } = await this.server(kind);
    const query = named ? `?${new URLSearchParams({ name: viewerName })}` : '';
    await page.goto(`${url}/r/${encodeURIComponent(room)}${query}`);
    await page.locator('.lobby').waitFor();
  }

  /** Joins a call with these others through the lobby. */
  async call(page: Page, parts: readonly ParticipantSpec[], { admin = false } = {}): Promise<void> {
    const server = await this.server('tokens');
    this.#calls += 1;
    await this.participants.show({
      server,
      room,
      participants: parts,
      tokenOf: (name) => tokenOf(name, { canSubscribe: false }),
    });
    await this.lobby(page, 'tokens');
    await page.locator('#token').fill(await tokenOf(this.#identity, { roomAdmin: admin }));
    await page.locator('button[type=submit]').click();
    const late = parts.filter(({ camera }) => camera === 'late').length;
    await page.waitForFunction(isComplete, { people: parts.length + 1, late });
  }

  /** Joins elsewhere with the page's own token, which ends the page's session. */
  async replace(): Promise<void> {
    const { url } = await this.server('tokens');
    const page = await this.#people.newPage();
    await page.goto(url);
    await page.evaluate(
      async ([where, token]) => {
        const sdk: typeof import('../../web/client/index.ts') = await import(new URL('/sdk.js', location.origin).href);
        await new sdk.RoomClient({ url: location.origin }).join({ room: where, token });
      },
      [room, await tokenOf(this.#identity, {})] as const,
    );
    await page.close();
  }

  /** The page's own identity in the current call. */
  get #identity(): string {
    return `viewer-${this.#calls}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#people.close(), this.#viewers?.close()]);
    await Promise.all([...this.#servers.values()].map(async (server) => (await server).close()));
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function tokenOf(identity: string, grants: { canSubscribe?: boolean; roomAdmin?: boolean }): Promise<string> {
  const video = { room, roomJoin: true, roomAdmin: true, ...grants };
  return signToken({ ...keys, identity, video });
}

/** Runs in the page: whether everybody is present, and every camera with frames shows one. */
function isComplete({ people, late }: { people: number; late: number }): boolean {
  const count = document.querySelector<HTMLElement>('.control-bar [data-control=participants]')?.dataset.count;
  const waiting = [...document.querySelectorAll('.tile.loading')].filter((tile) => !tile.classList.contains('playing'));
  const tiles = document.querySelectorAll('.call-layout .tile').length;
  return count === String(people) && waiting.length <= late && tiles >= Math.min(people, 2);
}

/** Runs in the page before its own scripts: fakes devices with realistic names, no devices, or denied permission. */
function pretendDevices(devices: Devices): void {
  const media = navigator.mediaDevices;
  if (!media) return;
  const fail = (name: string) => () => Promise.reject(new DOMException('', name));
  if (devices === 'denied') media.getUserMedia = fail('NotAllowedError');
  if (devices === 'none') {
    media.getUserMedia = fail('NotFoundError');
    media.enumerateDevices = () => Promise.resolve([]);
    return;
  }
  const real = media.enumerateDevices.bind(media);
  const labels: Record<string, string[]> = {
    videoinput: ['Integrated camera', 'Desk camera (USB)'],
    audioinput: ['Built-in microphone', 'Headset (USB)', 'Desk camera microphone'],
    audiooutput: ['Built-in speakers', 'Headset (USB)', 'Monitor'],
  };
  media.enumerateDevices = async () => {
    const seen: Record<string, number> = {};
    return (await real()).map((device) => {
      const index = seen[device.kind] ?? 0;
      seen[device.kind] = index + 1;
      const label = device.label && (labels[device.kind]?.[index] ?? device.label);
      return { ...device.toJSON(), label, toJSON: () => ({}) };
    });
  };
}

/**
 * Somebody in Chromium or Firefox who joins a room with the SDK, without Weir's pages, and reports the first frame and the
 * selected candidate pair of each transport.
 */
import type { Browser as Chromium } from 'playwright-core';
import type { Browser as Firefox } from 'puppeteer-core';
import type { ConnectionStats } from '../../../web/client/index.ts';
import { until } from '../until.ts';
import { recordConnections } from './recordConnections.ts';

/** The part of a page that Playwright and Puppeteer have in common. */
interface DrivenPage {
  goto(url: string): Promise<unknown>;
  evaluate<T>(inPage: () => T | Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface SdkVisitorOptions {
  readonly url: string;
  readonly room: string;
  readonly name: string;
  readonly iceTransportPolicy?: RTCIceTransportPolicy;
}

/** A selected candidate pair, in the terms of webrtc-stats; `address` and `port` where the browser tells them. */
export interface SelectedPair {
  readonly direction: 'send' | 'receive';
  readonly local: SelectedCandidate;
  readonly remote: SelectedCandidate;
}

export interface SelectedCandidate {
  readonly candidateType: string;
  readonly protocol: string;
  readonly address: string;
  readonly port: number;
  /** `udp`, `tcp` or `tls` towards the TURN server, of local relay candidates. */
  readonly relayProtocol: string;
}

declare global {
  interface Window {
    /** The SDK, which `SdkVisitor` loads. */
    sdk?: typeof import('../../../web/client/index.ts');
    /** What `enter` leaves in the page. */
    sdkVisitor?: {
      readonly peerId: string;
      /** Milliseconds from `join()` to the first presented frame of another's camera. */
      readonly firstFrame: () => number | undefined;
      readonly framesDecoded: () => Promise<number>;
      readonly pairs: () => Promise<SelectedPair[]>;
      readonly connectionStats: () => Promise<ConnectionStats[]>;
      /** The id of the session, while it goes on. */
      readonly joinedAs: () => string | undefined;
      readonly leave: () => void;
    };
  }
}

/** Timeout of the page, in milliseconds. */
const LOAD_TIMEOUT = 20_000;

export class SdkVisitor {
  readonly peerId: string;
  readonly #page: DrivenPage;

  private constructor(page: DrivenPage, peerId: string) {
    this.#page = page;
    this.peerId = peerId;
  }

  /** Joins with a small camera; does not wait for media. */
  static async enter(browser: Chromium | Firefox, options: SdkVisitorOptions): Promise<SdkVisitor> {
    const page = await browser.newPage();
    // Firefox aborts what it loads while addresses of its machine change.
    const tryToLoad = () => page.goto(`${options.url}/health`).catch(() => undefined);
    await until('a page', LOAD_TIMEOUT, async () => (await tryToLoad()) !== undefined);
    // As text: the tests' loader would replace the import in a function.
    const load = `import('${options.url}/sdk.js').then((sdk) => { window.sdk = sdk; })`;
    // The same calls, of two libraries.
    if ('waitForURL' in page) {
      await page.evaluate(recordConnections);
      await page.evaluate(load);
      return new SdkVisitor(page, await page.evaluate(enter, options));
    }
    await page.evaluate(recordConnections);
    await page.evaluate(load);
    return new SdkVisitor(page, await page.evaluate(enter, options));
  }

  /** Waits for the first frame. @returns milliseconds from `join()` to it @param within milliseconds */
  firstFrame(within: number): Promise<number> {
    return until('a first frame', within, () => this.#page.evaluate(() => window.sdkVisitor?.firstFrame()));
  }

  /** Frames of others' cameras that were decoded. */
  framesDecoded(): Promise<number> {
    return this.#page.evaluate(() => window.sdkVisitor?.framesDecoded() ?? 0);
  }

  /** The selected pairs of both transports; those that have none yet are missing. */
  pairs(): Promise<SelectedPair[]> {
    return this.#page.evaluate(() => window.sdkVisitor?.pairs() ?? []);
  }

  /** Whether the session in which it entered goes on. */
  async isSameSession(): Promise<boolean> {
    return (await this.#page.evaluate(() => window.sdkVisitor?.joinedAs())) === this.peerId;
  }

  /** The SDK's account of the same. */
  connectionStats(): Promise<ConnectionStats[]> {
    return this.#page.evaluate(() => window.sdkVisitor?.connectionStats() ?? []);
  }

  /** Leaves the room and closes the page. */
  async leave(): Promise<void> {
    await this.#page.evaluate(() => window.sdkVisitor?.leave());
    await this.#page.close();
  }
}

/** Runs in the page. @returns the id of the peer */
async function enter({ url, room, name, iceTransportPolicy }: SdkVisitorOptions): Promise<string> {
  const { peerConnections: connections = [] } = window;
  const { sdk } = window;
  if (!sdk) throw new Error('The SDK is not loaded.');
  const camera = await navigator.mediaDevices.getUserMedia({ video: { width: 320, height: 180, frameRate: 10 } });
  const client = new sdk.RoomClient({ url });
  let firstFrame: number | undefined;
  let began = 0;
  client.on('trackAdded', ({ source, track }) => {
    if (source !== 'camera') return;
    const video = document.createElement('video');
    video.muted = true;
    video.style.cssText = 'position: fixed; left: 0; top: 0; width: 160px; height: 90px;';
    video.srcObject = new MediaStream([track]);
    document.body.append(video);
    video.requestVideoFrameCallback((time) => {
      firstFrame ??= time - began;
    });
    void video.play();
  });
  type Report = Record<string, unknown>;
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  const number = (value: unknown) => (typeof value === 'number' ? value : 0);
  const reportsOf = async (connection: RTCPeerConnection) => {
    const reports = new Map<string, Report>();
    for (const [id, report] of await connection.getStats()) reports.set(id, report);
    return reports;
  };
  const candidateOf = (report: Report = {}): SelectedCandidate => ({
    candidateType: text(report.candidateType),
    protocol: text(report.protocol),
    address: text(report.address),
    port: number(report.port),
    relayProtocol: text(report.relayProtocol),
  });
  const open = () => connections.filter(({ signalingState }) => signalingState !== 'closed');
  const pairOf = async (connection: RTCPeerConnection): Promise<SelectedPair[]> => {
    const reports = await reportsOf(connection);
    const all = [...reports.values()];
    const selected = all.find(({ type }) => type === 'transport')?.selectedCandidatePairId;
    // Firefox marks the pair instead.
    const pair =
      reports.get(text(selected)) ?? all.find((one) => one.type === 'candidate-pair' && one.selected === true);
    if (!pair) return [];
    const sends = connection.getTransceivers().some(({ currentDirection }) => currentDirection === 'sendonly');
    return [
      {
        direction: sends ? 'send' : 'receive',
        local: candidateOf(reports.get(text(pair.localCandidateId))),
        remote: candidateOf(reports.get(text(pair.remoteCandidateId))),
      },
    ];
  };
  const framesDecoded = async () => {
    const counts = await Promise.all(
      open().map(async (connection) =>
        [...(await reportsOf(connection)).values()]
          .filter(({ type, kind }) => type === 'inbound-rtp' && kind === 'video')
          .reduce((sum, report) => sum + number(report.framesDecoded), 0),
      ),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  };
  began = performance.now();
  await client.join({ room, name, iceTransportPolicy });
  const [track] = camera.getVideoTracks();
  if (track) void client.publish('camera', track);
  const { peerId = '' } = client;
  window.sdkVisitor = {
    peerId,
    firstFrame: () => firstFrame,
    framesDecoded,
    pairs: async () => (await Promise.all(open().map(pairOf))).flat(),
    joinedAs: () => (client.state === 'joined' ? client.peerId : undefined),
    connectionStats: () => client.getConnectionStats(),
    leave() {
      client.leave();
      for (const track of camera.getTracks()) track.stop();
    },
  };
  return peerId;
}

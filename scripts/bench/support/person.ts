/**
 * A participant in Chromium that uses the SDK without Weir's page: joins, publishes, sets track settings and reads
 * statistics.
 */
import type { Browser, JSHandle } from 'playwright-core';
import { recordConnections } from '../../support/browsers/recordConnections.ts';

export interface PersonOptions {
  readonly url: string;
  readonly room: string;
  readonly name: string;
  /** How many videos to receive before any track settings are sent; default all. */
  readonly initialVideoLimit?: number;
}

/** A presented frame: its time in milliseconds since 1970, and its size in pixels. */
export interface ShownFrame {
  readonly at: number;
  readonly width: number;
}

/** One RTP stream in the browser's statistics; bytes are payload. */
export interface StreamCount {
  readonly direction: 'in' | 'out';
  readonly kind: string;
  /** The simulcast layer, on outbound streams. */
  readonly rid: string;
  readonly packets: number;
  readonly bytes: number;
  readonly headerBytes: number;
  /** Of those bytes, retransmitted ones. */
  readonly repeatedBytes: number;
  readonly freezeCount: number;
  /** Milliseconds. */
  readonly frozen: number;
  /** Probing packets, by which mediasoup estimates the available bandwidth. */
  readonly isProbe: boolean;
}

export interface Count {
  readonly at: number;
  readonly streams: readonly StreamCount[];
  /** All bytes received and sent on the transports: RTP with headers and retransmissions, RTCP, probes. */
  readonly received: number;
  readonly sent: number;
}

export interface TileSize {
  readonly peerId: string;
  readonly width: number;
  readonly height: number;
}

type InPage = Awaited<ReturnType<typeof enter>>;

export class Person {
  readonly peerId: string;
  readonly #inside: JSHandle<InPage>;

  private constructor(inside: JSHandle<InPage>, peerId: string) {
    this.#inside = inside;
    this.peerId = peerId;
  }

  /** Opens a page of its own and joins the room. */
  static async enter(browser: Browser, options: PersonOptions): Promise<Person> {
    const page = await browser.newPage();
    await page.goto(`${options.url}/health`);
    await page.evaluate(recordConnections);
    const inside = await page.evaluateHandle(enter, options);
    return new Person(inside, await inside.evaluate(({ peerId }) => peerId()));
  }

  /** Publishes a fake camera of 1280x720. */
  async publish(): Promise<void> {
    await this.#inside.evaluate((inside) => inside.publish());
  }

  /** Sends track settings for cameras. @returns when, in milliseconds since 1970 */
  updateTrackSettings(looks: readonly TileSize[]): Promise<number> {
    return this.#inside.evaluate((inside, views) => inside.look(views), looks);
  }

  /** Frames presented since the last call. */
  frames(): Promise<ShownFrame[]> {
    return this.#inside.evaluate((inside) => inside.frames());
  }

  /** State of the session and of the media connection. */
  state(): Promise<string> {
    return this.#inside.evaluate((inside) => inside.state());
  }

  count(): Promise<Count> {
    return this.#inside.evaluate((inside) => inside.count());
  }
}

/** Runs in the page. */
async function enter({ url, room, name, initialVideoLimit }: PersonOptions) {
  const now = () => performance.timeOrigin + performance.now();
  const { peerConnections: connections = [] } = window;
  const sdk: typeof import('../../../web/client/index.ts') = await import(`${url}/sdk.js`);
  const client = new sdk.RoomClient({ url });
  let shown: ShownFrame[] = [];
  client.on('trackAdded', ({ source, track }) => {
    if (source !== 'camera') return;
    const video = document.createElement('video');
    video.muted = true;
    // All videos at one place: browsers present no frames of elements outside the window.
    video.style.cssText = 'position: fixed; left: 0; top: 0; width: 160px; height: 90px;';
    video.srcObject = new MediaStream([track]);
    document.body.append(video);
    const onFrame = (_time: number, { width }: VideoFrameCallbackMetadata) => {
      shown.push({ at: now(), width });
      video.requestVideoFrameCallback(onFrame);
    };
    video.requestVideoFrameCallback(onFrame);
    track.addEventListener('ended', () => video.remove());
    void video.play();
  });
  await client.join({ room, name, ...(initialVideoLimit !== undefined && { initialVideoLimit }) });

  const number = (value: unknown) => (typeof value === 'number' ? value : 0);
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  const streamOf = (row: Record<string, unknown>): StreamCount => {
    const direction = row.type === 'inbound-rtp' ? 'in' : 'out';
    const [done, repeated] =
      direction === 'in' ? ['Received', 'retransmittedBytesReceived'] : ['Sent', 'retransmittedBytesSent'];
    return {
      direction,
      kind: text(row.kind),
      rid: text(row.rid),
      packets: number(row[`packets${done}`]),
      bytes: number(row[`bytes${done}`]),
      headerBytes: number(row[`headerBytes${done}`]),
      repeatedBytes: number(row[repeated]),
      freezeCount: number(row.freezeCount),
      frozen: number(row.totalFreezesDuration) * 1000,
      isProbe: row.mid === 'probator' || row.ssrc === 1234,
    };
  };
  return {
    peerId: () => client.peerId ?? '',
    state: () => `${client.state}, media ${client.mediaConnectionState}${client.reconnecting ? ', cut' : ''}`,
    async publish() {
      const media = await navigator.mediaDevices.getUserMedia({ video: { width: 1280, height: 720 } });
      const [track] = media.getVideoTracks();
      if (!track) throw new Error('There is no camera.');
      await client.publish('camera', track);
    },
    look(looks: readonly TileSize[]) {
      for (const { peerId, width, height } of looks) client.updateTrackSettings(peerId, 'camera', { width, height });
      return now();
    },
    frames() {
      const frames = shown;
      shown = [];
      return frames;
    },
    async count(): Promise<Count> {
      const reports = await Promise.all(connections.map((connection) => connection.getStats()));
      const rows: Record<string, unknown>[] = [];
      for (const report of reports) rows.push(...report.values());
      const transports = rows.filter(({ type }) => type === 'transport');
      return {
        at: now(),
        streams: rows.filter(({ type }) => type === 'inbound-rtp' || type === 'outbound-rtp').map(streamOf),
        received: transports.reduce((sum, { bytesReceived }) => sum + number(bytesReceived), 0),
        sent: transports.reduce((sum, { bytesSent }) => sum + number(bytesSent), 0),
      };
    },
  };
}

/**
 * Somebody in Chromium or Firefox who sends and receives files with the SDK, without Weir's pages; and the bare data channel
 * beneath, to compare with.
 */
import { z } from 'zod';
import type { RoomClient } from '../../../web/client/index.ts';
import { until } from '../until.ts';

/** The part of a page that Playwright and Puppeteer have in common. */
interface DrivenPage {
  goto(url: string): Promise<unknown>;
  reload(): Promise<unknown>;
  evaluate(inPage: string): Promise<unknown>;
  close(): Promise<void>;
}

/** A browser, or one of its contexts. */
interface Pages {
  newPage(): Promise<DrivenPage>;
}

export interface FileVisitorOptions {
  readonly url: string;
  readonly room: string;
  readonly name: string;
  /** Accepts every file. */
  readonly accepts?: boolean;
  /** Publishes the fake camera in this height, for calls beside transfers. */
  readonly cameraHeight?: number;
}

const Transfer = z.object({
  id: z.string(),
  direction: z.enum(['send', 'receive']),
  name: z.string(),
  size: z.number(),
  state: z.string(),
  transferred: z.number(),
  peer: z.string(),
  error: z.string(),
});
export type TransferInPage = z.infer<typeof Transfer>;

const Counted = z.object({ bytes: z.number(), firstAt: z.number(), at: z.number() });

declare global {
  interface Window {
    fileVisitor?: ReturnType<typeof install>;
  }
}

/** Timeout of the page, in milliseconds. */
const LOAD_TIMEOUT = 20_000;

export class FileVisitor {
  readonly #page: DrivenPage;
  readonly #options: FileVisitorOptions;

  private constructor(page: DrivenPage, options: FileVisitorOptions) {
    this.#page = page;
    this.#options = options;
  }

  static async enter(browser: Pages, options: FileVisitorOptions): Promise<FileVisitor> {
    const visitor = new FileVisitor(await browser.newPage(), options);
    const tryToLoad = () => visitor.#page.goto(`${options.url}/health`).catch(() => undefined);
    await until('a page', LOAD_TIMEOUT, async () => (await tryToLoad()) !== undefined);
    await visitor.#join();
    return visitor;
  }

  /** Reloads the page, and joins the room again, as somebody else. */
  async reload(): Promise<void> {
    await this.#page.reload();
    await this.#join();
  }

  /** Ends the session, and begins another one in the same page. */
  async rejoin(): Promise<void> {
    await this.#ask('rejoin', z.unknown(), this.#options);
  }

  /** Cuts the connection of the signalling, which is resumed. */
  async cutSignalling(): Promise<void> {
    await this.#ask('cutSignalling', z.unknown());
  }

  /** Makes a file of so many random bytes. */
  async prepare(name: string, size: number): Promise<void> {
    await this.#ask('prepare', z.unknown(), name, size);
  }

  /** Offers it to everyone. */
  async sendPrepared(name: string): Promise<void> {
    await this.#ask('sendPrepared', z.unknown(), name);
  }

  /** Makes a file of so many random bytes, and offers it to everyone. @returns its hash */
  async send(name: string, size: number): Promise<string> {
    await this.prepare(name, size);
    await this.sendPrepared(name);
    return this.sentHash(name);
  }

  /** SHA-256 over the SHA-256 of every 16 MiB, of a file that was prepared here. */
  sentHash(name: string): Promise<string> {
    return this.#ask('sentHash', z.string(), name);
  }

  /** The same, of a file that has arrived. */
  receivedHash(name: string): Promise<string> {
    return this.#ask('receivedHash', z.string(), name);
  }

  /** Chooses a file again, after a reload. @returns the code of the error; empty if there was none */
  provide(name: string, chosen = name): Promise<string> {
    return this.#ask('provide', z.string(), name, chosen);
  }

  /** Waits until a file has arrived and was checked; asks the page once. @param within milliseconds */
  async completed(name: string, within: number): Promise<void> {
    await this.#ask('completed', z.unknown(), name, within);
  }

  /** Cancels a transfer. */
  async cancelled(name: string): Promise<void> {
    const { id } = await this.transfer(name, LOAD_TIMEOUT, () => true);
    await this.call('cancel', id);
  }

  /** Removes a file, and its transfer once that is over. */
  async forget(name: string): Promise<void> {
    const over = ['completed', 'cancelled', 'declined', 'failed'];
    const { id } = await this.transfer(name, LOAD_TIMEOUT, ({ state }) => over.includes(state));
    await this.call('remove', id);
    await this.#ask('forget', z.unknown(), name);
  }

  /** One of the methods of `room.files`. @throws what it throws, as text */
  async call(method: 'accept' | 'decline' | 'pause' | 'resume' | 'cancel' | 'remove', id: string): Promise<void> {
    await this.#ask('call', z.unknown(), method, id);
  }

  /** The code of the error with which a file of so many bytes is refused; empty if it is not. */
  refusal(size: number): Promise<string> {
    return this.#ask('refusal', z.string(), size);
  }

  transfers(): Promise<TransferInPage[]> {
    return this.#ask('transfers', z.array(Transfer));
  }

  /** Names of events of transfers, in their order. */
  events(): Promise<string[]> {
    return this.#ask('events', z.array(z.string()));
  }

  /** Waits for a transfer of this name. */
  async transfer(
    name: string,
    within: number,
    isReady: (transfer: TransferInPage) => boolean,
  ): Promise<TransferInPage> {
    return until(`${name} at ${this.#options.name}`, within, async () =>
      (await this.transfers()).find((one) => one.name === name && isReady(one)),
    );
  }

  peers(): Promise<string[]> {
    return this.#ask('peers', z.array(z.string()));
  }

  /** Sends bytes over the bare data channel for a time, as fast as it takes them. @param milliseconds */
  async sendBare(milliseconds: number): Promise<void> {
    await this.#ask('sendBare', z.unknown(), milliseconds);
  }

  /** Bytes of the bare data channel that have arrived; when the first of the last burst and the last of them did. */
  receivedBare(): Promise<z.infer<typeof Counted>> {
    return this.#ask('receivedBare', Counted);
  }

  /** Frames of others' cameras that were decoded. */
  framesDecoded(): Promise<number> {
    return this.#ask('framesDecoded', z.number());
  }

  async close(): Promise<void> {
    await this.#page.close();
  }

  async #join(): Promise<void> {
    const { url } = this.#options;
    await this.#page.evaluate(`import('${url}/sdk.js').then((sdk) => { window.fileVisitor = (${install})(sdk); })`);
    await this.#ask('join', z.unknown(), this.#options);
  }

  async #ask<T>(method: string, reply: z.ZodType<T>, ...args: unknown[]): Promise<T> {
    const json = args.map((arg) => JSON.stringify(arg)).join(', ');
    return reply.parse(await this.#page.evaluate(`window.fileVisitor.${method}(${json})`));
  }
}

/** Runs in the page. */
function install({ RoomClient: Client }: typeof import('../../../web/client/index.ts')) {
  const SLICE = 16 * 1024 * 1024;
  const events: string[] = [];
  const prepared = new Map<string, File>();
  const connections: RTCPeerConnection[] = [];
  const sockets: WebSocket[] = [];
  let bulk: RTCDataChannel | undefined;
  let bare = { bytes: 0, firstAt: 0, at: 0 };
  let room: RoomClient | undefined;

  const NativeConnection = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends NativeConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      connections.push(this);
    }
    override createDataChannel(label: string, options?: RTCDataChannelInit): RTCDataChannel {
      const channel = super.createDataChannel(label, options);
      if (label !== 'bulk') return channel;
      bulk = channel;
      channel.addEventListener('message', ({ data }) => {
        // Version, sequence number, length of the topic, one peer id, and the topic `bare`.
        if (!(data instanceof ArrayBuffer) || data.byteLength < 40) return;
        const bytes = new Uint8Array(data);
        const topicAt = 8 + (bytes[7] ?? 0);
        if (bytes[5] !== 4 || bytes[topicAt] !== 98) return;
        const at = performance.now();
        // A pause begins another burst.
        bare = { bytes: bare.bytes + bytes.length, firstAt: at - bare.at > 1000 ? at : bare.firstAt, at };
      });
      return channel;
    }
  };
  const NativeSocket = window.WebSocket;
  window.WebSocket = class extends NativeSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      sockets.push(this);
    }
  };

  const hex = (digest: ArrayBuffer) =>
    Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
  const hashOf = async (blob: Blob) => {
    const parts: string[] = [];
    for (let start = 0; start < blob.size; start += SLICE) {
      parts.push(hex(await crypto.subtle.digest('SHA-256', await blob.slice(start, start + SLICE).arrayBuffer())));
    }
    return hex(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(parts.join())));
  };
  /**
   * A file that takes 4 MiB of memory: the browser keeps one part, and refers to it. The bytes are pseudo-random (xorshift),
   * and the same for each file of that name.
   */
  const fileOf = (name: string, size: number) => {
    let state = [...name].reduce((sum, character) => (sum * 31 + (character.codePointAt(0) ?? 0)) | 0, 1) || 1;
    const words = Uint32Array.from({ length: 1024 * 1024 }, () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state;
    });
    // Parts of another length than blocks, so that no two blocks are equal.
    const data = new Uint8Array(words.buffer, 0, Math.min(size, words.byteLength - 7));
    const part = new Blob([data]);
    const count = data.length === 0 ? 0 : Math.ceil(size / data.length);
    return new File([new Blob(Array.from({ length: count }, () => part)).slice(0, size)], name, { lastModified: 1 });
  };
  const codeOf = (attempt: Promise<unknown>) =>
    attempt.then(
      () => '',
      (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : String(error)),
    );
  const requireRoom = () => {
    if (!room) throw new Error('Nobody has joined.');
    return room;
  };
  const join = async (options: FileVisitorOptions) => {
    const client = new Client({ url: options.url });
    room = client;
    for (const event of ['fileOffered', 'fileCompleted', 'fileFailed'] as const) {
      client.on(event, ({ name }) => events.push(`${event} ${name}`));
    }
    client.on('fileOffered', ({ id }) => options.accepts && void client.files.accept(id));
    client.on('trackAdded', ({ track }) => {
      const video = document.createElement('video');
      video.muted = true;
      video.srcObject = new MediaStream([track]);
      document.body.append(video);
      void video.play();
    });
    await client.join({ room: options.room, name: options.name });
    if (options.cameraHeight === undefined) return;
    const height = options.cameraHeight;
    const camera = await navigator.mediaDevices.getUserMedia({ video: { height, width: (height * 16) / 9 } });
    const [track] = camera.getVideoTracks();
    if (track) await client.publish('camera', track);
  };

  return {
    join,
    async rejoin(options: FileVisitorOptions) {
      requireRoom().leave();
      await join(options);
    },
    cutSignalling() {
      sockets.at(-1)?.close(4000);
    },
    peers: () => requireRoom().peers.map(({ name }) => name),
    events: () => events,
    prepare(name: string, size: number) {
      prepared.set(name, fileOf(name, size));
    },
    async sendPrepared(name: string) {
      const file = prepared.get(name);
      if (file) await requireRoom().files.send(file);
    },
    sentHash: async (name: string) => hashOf(prepared.get(name) ?? new Blob()),
    async receivedHash(name: string) {
      const blob = requireRoom().files.transfers.find((one) => one.name === name)?.blob;
      return blob ? hashOf(blob) : '';
    },
    completed: (name: string, within: number) =>
      new Promise<void>((resolve, reject) => {
        const client = requireRoom();
        const late = setTimeout(() => reject(new Error(`${name} has not arrived.`)), within);
        const check = () => {
          if (!client.files.transfers.some((one) => one.name === name && one.state === 'completed')) return;
          clearTimeout(late);
          resolve();
        };
        client.on('fileCompleted', check);
        check();
      }),
    async provide(name: string, chosen: string) {
      const { files } = requireRoom();
      const transfer = files.transfers.find((one) => one.name === name);
      if (!transfer) return 'notFound';
      return codeOf(files.provide(transfer.id, fileOf(chosen, transfer.size)));
    },
    forget: (name: string) => prepared.delete(name),
    async call(method: 'accept' | 'decline' | 'pause' | 'resume' | 'cancel' | 'remove', id: string) {
      await requireRoom().files[method](id);
    },
    refusal: (size: number) => codeOf(requireRoom().files.send(fileOf('refused', size))),
    transfers: () =>
      requireRoom().files.transfers.map(({ id, direction, name, size, state, transferred, peer, error }) => ({
        ...{ id, direction, name, size, state, transferred },
        ...{ peer: peer.name, error: error?.message ?? '' },
      })),
    async sendBare(milliseconds: number) {
      const [to] = requireRoom().peers;
      const channel = bulk;
      if (!channel || !to) throw new Error('There is no data channel yet.');
      const peerId = new TextEncoder().encode(to.peerId);
      const header = [1, 0, 0, 0, 0, 4, 1, peerId.length, ...peerId, ...new TextEncoder().encode('bare')];
      const message = new Uint8Array(header.length + 16 * 1024);
      message.set(header);
      channel.bufferedAmountLowThreshold = 256 * 1024;
      const end = performance.now() + milliseconds;
      while (performance.now() < end) {
        while (channel.bufferedAmount < 1024 * 1024) channel.send(message);
        await new Promise((resolve) => channel.addEventListener('bufferedamountlow', resolve, { once: true }));
      }
    },
    receivedBare: () => bare,
    async framesDecoded() {
      let frames = 0;
      for (const connection of connections) {
        if (connection.connectionState === 'closed') continue;
        (await connection.getStats()).forEach((report: Record<string, unknown>) => {
          const isVideo = report.type === 'inbound-rtp' && report.kind === 'video';
          if (isVideo && typeof report.framesDecoded === 'number') frames += report.framesDecoded;
        });
      }
      return frames;
    },
  };
}

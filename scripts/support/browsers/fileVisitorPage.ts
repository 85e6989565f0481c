/** What `FileVisitor` installs in its page: the SDK's files, and the bare data channel beneath. */
import type { RoomClient } from '../../../web/client/index.ts';

export interface FileVisitorOptions {
  readonly url: string;
  readonly room: string;
  readonly name: string;
  /** Accepts every file. */
  readonly accepts?: boolean;
  /** Publishes the fake camera in this height, for calls beside transfers. */
  readonly cameraHeight?: number;
}

declare global {
  interface Window {
    fileVisitor?: ReturnType<typeof installFileVisitor>;
  }
}

/** Runs in the page, and knows nothing of this module there. */
export function installFileVisitor({ RoomClient: Client }: typeof import('../../../web/client/index.ts')) {
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
    async sendKept(name: string, size: number) {
      const folder = await navigator.storage.getDirectory();
      const handle = await folder.getFileHandle(name, { create: true });
      const writable = await handle.createWritable();
      await writable.write(fileOf(name, size));
      await writable.close();
      const file = await handle.getFile();
      prepared.set(name, file);
      await requireRoom().files.send(file, { handle });
    },
    async acceptTo(id: string, chosen: string) {
      const folder = await navigator.storage.getDirectory();
      const handle = await folder.getFileHandle(chosen, { create: true });
      await requireRoom().files.accept(id, { handle });
    },
    async savedHash(chosen: string) {
      const folder = await navigator.storage.getDirectory();
      return hashOf(await (await folder.getFileHandle(chosen)).getFile());
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

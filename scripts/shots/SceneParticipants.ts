/** The other participants in the pictures: one page with many room clients, each with a painted camera. */
import type { Browser, Page } from 'playwright-core';
import type { Reaction, Role, RoomClient, RoomKind } from '../../web/client/index.ts';
import type { TestServer } from '../support/servers/startServer.ts';
import { type Document, installPainter, type Looks } from './figures.ts';

/** One participant of a scene. */
export interface ParticipantSpec {
  readonly name: string;
  readonly looks: Looks;
  /** `late` is a camera whose first frame never arrives. */
  readonly camera?: 'on' | 'off' | 'late';
  readonly microphone?: 'speaks' | 'silent' | 'muted';
  readonly hand?: boolean;
  readonly screen?: Document;
  /** In a broadcast. Viewers publish nothing. */
  readonly role?: Role;
}

interface JoinSpec extends ParticipantSpec {
  readonly room: string;
  readonly kind: RoomKind;
  readonly token: string | undefined;
  readonly size: { width: number; height: number };
}

interface PageParticipants {
  join(part: JoinSpec): Promise<void>;
  leave(name: string): void;
  react(name: string, reaction: Reaction): Promise<void>;
  raise(name: string): Promise<void>;
  /** Writes into the chat. @param to the name of the one whom it is for */
  write(name: string, text: string, to?: string): Promise<void>;
  /** Offers a file to one of the others. */
  sendFile(name: string, file: string, size: number, to: string): Promise<void>;
  /** Removes a stranger by name, as an administrator would. */
  remove(name: string, whom: string): Promise<void>;
  /** A host goes live, or ends the broadcast. */
  setLive(name: string, live: boolean): Promise<void>;
  /** Makes a host invite the first raised hand; raises one if there is none. */
  invite(name: string): Promise<void>;
  /** Stops the frames of somebody's camera. */
  freeze(name: string): void;
}

declare global {
  interface Window {
    pageParticipants: PageParticipants;
  }
}

/** The participants of a room on a server. */
export interface Scene {
  readonly server: TestServer;
  readonly room: string;
  readonly kind?: RoomKind;
  readonly participants: readonly ParticipantSpec[];
  /** Token for a participant of this name, where the server requires one. */
  readonly tokenOf?: (name: string) => Promise<string>;
}

export class SceneParticipants {
  readonly #browser: Browser;
  #page: Page | undefined;
  #scene: Scene | undefined;

  constructor(browser: Browser) {
    this.#browser = browser;
  }

  /** Sets up the scene, unless it is set up already. */
  async show(scene: Scene): Promise<void> {
    const now = this.#scene;
    if (now && now.server === scene.server && now.room === scene.room && now.participants === scene.participants)
      return;
    await this.leaveAll();
    this.#scene = scene;
    const page = await this.#browser.newPage();
    this.#page = page;
    await page.addInitScript(installPainter);
    await page.goto(scene.server.url);
    await page.evaluate(installParticipants);
    // Join one after another, so that tiles follow the order of the list.
    for (const part of scene.participants) await this.join(part);
  }

  /** All participants leave. */
  async leaveAll(): Promise<void> {
    await this.#page?.close();
    this.#page = undefined;
    this.#scene = undefined;
  }

  /** Marks the scene as changed, so that the next one is set up anew. */
  invalidate(): void {
    if (this.#scene) this.#scene = { ...this.#scene, participants: [] };
  }

  async join(part: ParticipantSpec): Promise<void> {
    const { room, kind = 'call', participants, tokenOf } = this.#requireScene().scene;
    const token = await tokenOf?.(part.name);
    const size = participants.length > 6 ? { width: 480, height: 270 } : { width: 1280, height: 720 };
    await this.#requireScene().page.evaluate((entrance) => window.pageParticipants.join(entrance), {
      ...part,
      room,
      kind,
      token,
      size,
    });
  }

  /** Runs a function in the page, where `window.pageParticipants` holds the participants. */
  async run(inPage: () => unknown): Promise<void>;
  async run<T>(inPage: (argument: T) => unknown, argument: T): Promise<void>;
  async run(inPage: (argument?: unknown) => unknown, argument?: unknown): Promise<void> {
    await this.#requireScene().page.evaluate(inPage, argument);
  }

  #requireScene(): { page: Page; scene: Scene } {
    if (!this.#page || !this.#scene) throw new Error('there is no scene');
    return { page: this.#page, scene: this.#scene };
  }
}

/** Runs in the page; it may use nothing from outside except the painter. */
async function installParticipants(): Promise<void> {
  const sdk: typeof import('../../web/client/index.ts') = await import(new URL('/sdk.js', location.origin).href);
  const frames = new Map<string, (time: number) => void>();
  const clients = new Map<string, RoomClient>();
  const audio = new AudioContext();
  const paintAll = () => {
    for (const paint of frames.values()) paint(performance.now() / 1000);
  };
  let painting = setInterval(paintAll, 200);

  const film = (
    key: string,
    size: { width: number; height: number },
    paint: (on: HTMLCanvasElement, t: number) => void,
  ) => {
    const canvas = Object.assign(document.createElement('canvas'), size);
    frames.set(key, (time) => paint(canvas, time));
    const [track] = canvas.captureStream().getVideoTracks();
    if (!track) throw new Error('a canvas without a track');
    return track;
  };
  const voice = (speaks: boolean) => {
    const out = audio.createMediaStreamDestination();
    const tone = new OscillatorNode(audio, { frequency: 180 });
    tone.connect(new GainNode(audio, { gain: speaks ? 0.3 : 0 })).connect(out);
    tone.start();
    const [track] = out.stream.getAudioTracks();
    if (!track) throw new Error('a voice without a track');
    return track;
  };
  const clientOf = (name: string) => {
    const client = clients.get(name);
    if (!client) throw new Error(`${name} is not here`);
    return client;
  };

  window.pageParticipants = {
    async join({ name, looks, camera = 'on', microphone = 'silent', hand, screen, role, room, kind, token, size }) {
      const client = new sdk.RoomClient({ url: location.origin });
      clients.set(name, client);
      await client.join({ room, kind, name, ...(role && { role }), ...(token && { token }) });
      if (hand) await client.setHand(true);
      // Viewers receive the broadcast's statistics.
      if (kind === 'broadcast') {
        clearInterval(painting);
        painting = setInterval(paintAll, 60);
      }
      if (role === 'viewer') return;
      if (camera !== 'off') {
        const track = film(name, size, (canvas, time) => window.painter.portrait(canvas, looks, time));
        if (camera === 'late') frames.delete(name);
        await client.publish('camera', track);
      }
      const muted = microphone === 'muted';
      await client.publish('microphone', voice(microphone === 'speaks'), { muted });
      if (!screen) return;
      const share = film(`${name} shares`, { width: 1280, height: 720 }, (canvas, time) =>
        window.painter.document(canvas, screen, time),
      );
      share.contentHint = 'detail';
      await client.publish('screen', share);
    },
    leave(name) {
      clientOf(name).leave();
      clients.delete(name);
      frames.delete(name);
    },
    react: (name, reaction) => clientOf(name).react(reaction),
    raise: (name) => clientOf(name).setHand(true),
    async write(name, text, to) {
      const { chat, peers } = clientOf(name);
      const peer = peers.find((one) => one.name === to);
      await chat.send(text, peer && { to: peer.peerId });
    },
    async sendFile(name, file, size, to) {
      const { files, peers } = clientOf(name);
      const target = peers.find((one) => one.name === to);
      if (target) await files.send(new File([new Uint8Array(size)], file), { to: [target.peerId] });
    },
    async remove(name, whom) {
      const peer = clientOf(name).peers.find((one) => one.name === whom);
      if (peer) await clientOf(name).kick(peer.peerId);
    },
    setLive: (name, live) => (live ? clientOf(name).broadcast.goLive() : clientOf(name).broadcast.end()),
    async invite(name) {
      const client = clientOf(name);
      if (client.broadcast.hands.total === 0) await new Promise((resolve) => client.on('handsChanged', resolve));
      const [first] = client.broadcast.hands.first;
      if (first) await client.broadcast.invite(first.peerId);
    },
    freeze: (name) => void frames.delete(name),
  };
  await audio.resume();
}

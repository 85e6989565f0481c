/** Somebody in a browser who sends and receives data messages with the SDK alone, without camera and microphone. */
import type { Browser as Chromium } from 'playwright-core';
import type { Browser as Firefox } from 'puppeteer-core';
import type { JoinOptions, RoomClient } from '../../web/client/index.ts';

/** What somebody was sent: `length` in bytes, `first` the first byte. */
export interface Received {
  /** Null for a peer that is hidden. */
  readonly from: string | null;
  readonly topic: string;
  readonly reliable: boolean;
  readonly length: number;
  readonly first: number;
  readonly text: string;
}

declare global {
  interface Window {
    dataRoom?: RoomClient;
    received?: Received[];
    /** How often the connection for data has been negotiated. */
    dataOffers?: number;
    /** Codes and messages of `dataFailed`. */
    failures?: string[];
    /** Why the session has ended. */
    endings?: string[];
    /** The peer connections for data. */
    dataConnections?: RTCPeerConnection[];
  }
}

/** The part of a page that Playwright and Puppeteer have in common. */
interface DrivenPage {
  goto(url: string): Promise<unknown>;
  evaluate(script: string): Promise<unknown>;
}

export class DataVisitor {
  readonly #page: DrivenPage;
  readonly #url: string;
  peerId = '';

  private constructor(page: DrivenPage, url: string) {
    this.#page = page;
    this.#url = url;
  }

  static async enter(browser: Chromium | Firefox, url: string, options: JoinOptions): Promise<DataVisitor> {
    const visitor = new DataVisitor(await browser.newPage(), url);
    await visitor.#page.goto(`${url}/health`);
    await visitor.run(`
      Object.assign(window, { received: [], failures: [], endings: [], dataOffers: 0, dataConnections: [] });
      const { setLocalDescription } = RTCPeerConnection.prototype;
      RTCPeerConnection.prototype.setLocalDescription = function (description) {
        if (/^m=application/m.test(description?.sdp)) {
          window.dataOffers++;
          if (!window.dataConnections.includes(this)) window.dataConnections.push(this);
        }
        return setLocalDescription.call(this, description);
      };`);
    await visitor.join(options);
    return visitor;
  }

  /** Joins with another `RoomClient`; what was received before stays. */
  async join(options: JoinOptions): Promise<void> {
    const peerId = await this.run(`
      const { RoomClient } = await import('${this.#url}/sdk.js');
      const room = new RoomClient({ url: '${this.#url}' });
      window.dataRoom = room;
      const text = new TextDecoder();
      room.on('dataReceived', ({ peer, data, topic, reliable }) => received.push({
        from: peer?.peerId ?? null, topic, reliable, length: data.length, first: data[0], text: text.decode(data.subarray(0, 40)),
      }));
      room.on('dataFailed', ({ code, message }) => failures.push(code + ': ' + message));
      room.on('closed', ({ reason }) => endings.push(reason));
      await room.join(${JSON.stringify(options)});
      return room.peerId;`);
    this.peerId = String(peerId);
  }

  /** Runs statements in the page, in which `dataRoom` is the room. */
  run(statements: string): Promise<unknown> {
    return this.#page.evaluate(`(async () => { ${statements} })()`);
  }

  /** Sends a message. @returns the code of the error, if it is refused */
  send(data: string, options: Record<string, unknown> = {}): Promise<unknown> {
    return this.run(
      `return dataRoom.sendData(${data}, ${JSON.stringify(options)}).then(() => undefined, ({ code }) => code);`,
    );
  }

  async received(): Promise<Received[]> {
    const script = 'JSON.stringify(received)';
    return JSON.parse(String(await this.#page.evaluate(script)));
  }

  async texts(): Promise<string[]> {
    return (await this.received()).map(({ text }) => text);
  }

  forget(): Promise<unknown> {
    return this.run('received.length = 0; failures.length = 0;');
  }
}

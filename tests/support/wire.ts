/** A page's signalling as a test sees it: the requests that were sent, and messages that are held back. */
import type { Page } from 'playwright-core';
import { z } from 'zod';

const Message = z.object({ id: z.int().optional(), method: z.string().optional(), event: z.string().optional() });

declare global {
  interface Window {
    /** How many media paths of this page (ICE) have come up. */
    mediaPaths?: number;
  }
}

/** The name of a request or event, or `reply`. */
function nameOf(text: string): { name: string; id: number | undefined } {
  const { id, method, event } = Message.parse(JSON.parse(text));
  return { name: method ?? event ?? 'reply', id };
}

/** The names of all requests that a page sends, in order, as the browser's own network log has them. */
export async function watchRequests(page: Page): Promise<string[]> {
  const requests: string[] = [];
  const log = await page.context().newCDPSession(page);
  log.on('Network.webSocketFrameSent', ({ response }) => {
    const { name } = nameOf(response.payloadData);
    if (name !== 'reply') requests.push(name);
  });
  await log.send('Network.enable');
  return requests;
}

/** A connection on which the server is heard until it has answered `join`, and never again. */
export interface HeldBack {
  /** What the page has sent: names of requests, in order. */
  readonly sent: string[];
  /** What the page has been told by the server. */
  readonly told: string[];
  /** What the server has said since, and the page does not know. */
  readonly heldBack: string[];
}

/** Holds back everything that the server says to this page after its answer to `join`. Call it before the page loads. */
export async function holdBackAfterJoin(page: Page): Promise<HeldBack> {
  const log: HeldBack = { sent: [], told: [], heldBack: [] };
  await page.routeWebSocket(/\/ws$/, (client) => {
    const server = client.connectToServer();
    let join: number | undefined;
    let answered = false;
    client.onMessage((message) => {
      const { name, id } = nameOf(message.toString());
      if (name === 'join') join = id;
      // It is alive; it only answers nothing else.
      if (answered && name === 'ping') {
        client.send(JSON.stringify({ id, data: {} }));
        return;
      }
      if (name !== 'reply') log.sent.push(name);
      server.send(message);
    });
    server.onMessage((message) => {
      const { name, id } = nameOf(message.toString());
      if (answered) {
        log.heldBack.push(name);
        return;
      }
      answered = name === 'reply' && id === join;
      log.told.push(answered ? 'the reply to join' : name);
      client.send(message);
    });
  });
  return log;
}

/**
 * Holds back everything that the page says to the server after `join`, until both of its media paths are up: signalling
 * and media travel separately, and media may be faster. Call it before the page loads.
 * @returns the names of the requests that were held back
 */
export async function holdBackUntilMediaPath(page: Page): Promise<string[]> {
  const held: string[] = [];
  await page.addInitScript(() => {
    window.mediaPaths = 0;
    const Original = window.RTCPeerConnection;
    window.RTCPeerConnection = class extends Original {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        this.addEventListener('iceconnectionstatechange', () => {
          if (this.iceConnectionState === 'connected') window.mediaPaths = (window.mediaPaths ?? 0) + 1;
        });
      }
    };
  });
  await page.routeWebSocket(/\/ws$/, (client) => {
    const server = client.connectToServer();
    const pathsUp = page.waitForFunction(() => window.mediaPaths === 2, undefined, { timeout: 0 });
    // The page may have gone before its media path came up.
    pathsUp.catch(() => {});
    let joined = false;
    client.onMessage((message) => {
      if (!joined) {
        joined = nameOf(message.toString()).name === 'join';
        server.send(message);
        return;
      }
      held.push(nameOf(message.toString()).name);
      pathsUp.then(
        () => server.send(message),
        () => {},
      );
    });
  });
  return held;
}

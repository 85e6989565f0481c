/** A page's signalling as a test sees it: the requests that were sent, and messages that are held back. */
import type { Page } from 'playwright-core';
import { z } from 'zod';

const Message = z.object({ id: z.int().optional(), method: z.string().optional(), event: z.string().optional() });

declare global {
  interface Window {
    /** Number of ICE connections of this page that have been established. */
    mediaPaths?: number;
  }
}

/** The name of a request or event, or `reply`. */
function nameOf(text: string): { name: string; id: number | undefined } {
  const { id, method, event } = Message.parse(JSON.parse(text));
  return { name: method ?? event ?? 'reply', id };
}

/** Names of all requests that a page sends, in order, from the browser's network log. */
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

/** A connection whose server messages are withheld after the reply to `join`. */
export interface HeldBack {
  /** Names of requests that the page has sent, in order. */
  readonly sent: string[];
  /** Messages that the page has received. */
  readonly told: string[];
  /** Messages that are withheld. */
  readonly heldBack: string[];
}

/** Withholds all server messages to this page after the reply to `join`. Call it before the page loads. */
export async function holdBackAfterJoin(page: Page): Promise<HeldBack> {
  const log: HeldBack = { sent: [], told: [], heldBack: [] };
  await page.routeWebSocket(/\/ws$/, (client) => {
    const server = client.connectToServer();
    let join: number | undefined;
    let answered = false;
    client.onMessage((message) => {
      const { name, id } = nameOf(message.toString());
      if (name === 'join') join = id;
      // Answer pings, so that the connection counts as alive.
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
 * Withholds all client messages after `join` until both ICE connections are established, because media may be faster
 * than signalling. Call it before the page loads.
 * @returns the names of the withheld requests
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
    // The page may close before its ICE connections are established.
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

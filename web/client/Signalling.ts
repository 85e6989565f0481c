/** Owns the client's WebSocket: opens it, hears `welcome`, notices when the server has gone silent, and closes it. */
import { Channel, type Handlers, type Listeners } from '../../shared/Channel.ts';
import { type CloseReason, closeReason, closings } from '../../shared/closing.ts';
import { WeirError } from '../../shared/errors.ts';
import {
  type ClientTable,
  clientTable,
  PROTOCOL_VERSION,
  type ServerTable,
  SIGNALLING_PATH,
  serverTable,
  type Welcome,
} from '../../shared/protocol.ts';

export interface SignallingOptions {
  /** Where the server is: an http(s) or ws(s) URL; only its origin counts. */
  readonly url: string;
  readonly listeners: Omit<Listeners<ServerTable>, 'welcome'>;
  /** The connection has ended, for whatever reason, once. */
  onClose(reason: CloseReason): void;
}

/** How long connecting may take until `welcome`, in milliseconds. */
const CONNECT_TIMEOUT = 10_000;

export class Signalling {
  readonly channel: Channel<ClientTable, ServerTable>;
  readonly #socket: WebSocket;
  readonly #options: SignallingOptions;
  readonly #welcome = Promise.withResolvers<Welcome>();
  #watchdog: ReturnType<typeof setInterval> | undefined;
  #heardAt = performance.now();
  #closed = false;

  private constructor(options: SignallingOptions, url: URL) {
    this.#options = options;
    this.#socket = new WebSocket(url);
    this.channel = new Channel<ClientTable, ServerTable>({
      outgoing: clientTable,
      incoming: serverTable,
      tolerant: true,
      handlers: { ping: () => ({}) } satisfies Handlers<ServerTable>,
      listeners: { ...options.listeners, welcome: (welcome) => this.#welcomed(welcome) },
      send: (message) => this.#socket.readyState === WebSocket.OPEN && this.#socket.send(message),
    });
    this.#socket.onmessage = ({ data }) => {
      this.#heardAt = performance.now();
      if (typeof data === 'string') this.channel.receive(data);
    };
    this.#socket.onclose = ({ code }) => this.#end(closeReason(code));
  }

  /**
   * Connects.
   * @throws {WeirError} `unavailable` when there is no Weir server, `incapable` when it speaks another version
   */
  static async open(options: SignallingOptions): Promise<{ signalling: Signalling; welcome: Welcome }> {
    const signalling = new Signalling(options, signallingUrl(options.url));
    const timer = setTimeout(() => signalling.#end('disconnected'), CONNECT_TIMEOUT);
    try {
      const welcome = await signalling.#welcome.promise;
      return { signalling, welcome };
    } finally {
      clearTimeout(timer);
    }
  }

  /** Tells the server why and ends the connection. */
  leave(reason: 'left' | 'mediaFailed' = 'left'): void {
    // A closing handshake with a reason is all that the server needs, whatever else is under way.
    if (!this.#closed) this.#socket.close(closings[reason].code, reason);
    this.#end(reason);
  }

  #welcomed(welcome: Welcome): void {
    if (welcome.protocol !== PROTOCOL_VERSION) {
      this.#welcome.reject(
        new WeirError('incapable', `The server speaks version ${welcome.protocol} of the protocol; reload the page.`),
      );
      this.#socket.close();
      return;
    }
    const { pingSeconds, silenceSeconds } = welcome.limits;
    this.#watchdog = setInterval(() => {
      if (performance.now() - this.#heardAt > silenceSeconds * 1000) this.#end('unresponsive');
    }, pingSeconds * 1000);
    this.#welcome.resolve(welcome);
  }

  #end(reason: CloseReason): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#watchdog);
    this.channel.close();
    this.#socket.close();
    this.#welcome.reject(
      new WeirError('unavailable', 'The server cannot be reached; check the connection and try again.'),
    );
    this.#options.onClose(reason);
  }
}

/** @throws {WeirError} `badRequest` when `base` is no http(s) or ws(s) URL */
function signallingUrl(base: string): URL {
  const url = URL.canParse(base) ? new URL(SIGNALLING_PATH, base) : undefined;
  if (!url || !/^(https?|wss?):$/.test(url.protocol)) {
    throw new WeirError('badRequest', `"${base}" is not the address of a Weir server, such as https://weir.example.`);
  }
  url.protocol = url.protocol.replace('http', 'ws');
  return url;
}

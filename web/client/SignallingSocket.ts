/** Owns one WebSocket of the client's: opens it, hears `welcome`, notices when the server has gone silent, closes it. */
import { z } from 'zod';
import { type CloseReason, closeReason, closeReasons } from '../../shared/closeReasons.ts';
import { WeirError } from '../../shared/errors.ts';
import {
  type ClientMessages,
  clientMessages,
  PROTOCOL_VERSION,
  type ServerMessages,
  serverMessages,
  type Welcome,
} from '../../shared/protocol.ts';
import { type Handlers, type Listeners, RpcChannel } from '../../shared/RpcChannel.ts';
import { signallingUrl } from './base.ts';

export interface SignallingSocketOptions {
  /** Where the server is: an http(s) or ws(s) URL, with the path that it is under. */
  readonly url: string;
  readonly listeners: Omit<Listeners<ServerMessages>, 'welcome'>;
  /** The connection has ended, for whatever reason, once. Its channel is suspended: another one can take over. */
  onClose(reason: CloseReason): void;
  /** How long connecting may take until `welcome`, in milliseconds. */
  readonly timeout?: number;
  /** Gives up connecting. */
  readonly signal?: AbortSignal;
  /** The id of the first request. */
  readonly firstId?: number;
}

/** How long connecting may take until `welcome`, in milliseconds. */
const CONNECT_TIMEOUT = 10_000;
/** How soon the server must answer when it is asked whether it is there, in milliseconds. */
const PROBE_TIMEOUT = 1000;
/** A timer that is so late says that this page did not run, in milliseconds. */
const SUSPEND_THRESHOLD = 250;
/** How often the silence is looked at, and by how much a `ping` may be late before it is asked for, in milliseconds. */
const WATCHDOG_INTERVAL = 1000;

/** The version that a welcome in JSON names. */
const VersionOf = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue('is no JSON');
      return z.NEVER;
    }
  })
  .pipe(z.object({ event: z.literal('welcome'), data: z.object({ protocol: z.number() }) }))
  .transform(({ data }) => data.protocol);

export class SignallingSocket {
  readonly channel: RpcChannel<ClientMessages, ServerMessages>;
  readonly #socket: WebSocket;
  readonly #options: SignallingSocketOptions;
  readonly #welcome = Promise.withResolvers<Welcome>();
  #watchdog: ReturnType<typeof setInterval> | undefined;
  #heardAt = performance.now();
  #probing: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  private constructor(options: SignallingSocketOptions, url: URL) {
    this.#options = options;
    this.#socket = new WebSocket(url);
    this.channel = new RpcChannel<ClientMessages, ServerMessages>({
      outgoing: clientMessages,
      incoming: serverMessages,
      ignoreUnknown: true,
      firstId: options.firstId,
      handlers: { ping: () => ({}) } satisfies Handlers<ServerMessages>,
      listeners: { ...options.listeners, welcome: (welcome) => this.#welcomed(welcome) },
      send: (message) => this.#socket.readyState === WebSocket.OPEN && this.#socket.send(message),
    });
    this.#socket.onmessage = ({ data }) => {
      this.#heardAt = performance.now();
      clearTimeout(this.#probing);
      this.#probing = undefined;
      if (typeof data !== 'string') return;
      if (!this.#watchdog) this.#checkVersion(data);
      this.channel.receive(data);
    };
    this.#socket.onclose = ({ code, reason }) => this.#end(endOf(code, reason));
  }

  /**
   * Connects.
   * @throws {WeirError} `unavailable` when there is no Weir server, `unsupported` when it speaks another version
   */
  static async open(options: SignallingSocketOptions): Promise<{ signalling: SignallingSocket; welcome: Welcome }> {
    const signalling = new SignallingSocket(options, signallingUrl(options.url));
    const giveUp = () => signalling.#end('disconnected');
    const timer = setTimeout(giveUp, options.timeout ?? CONNECT_TIMEOUT);
    options.signal?.addEventListener('abort', giveUp);
    try {
      const welcome = await signalling.#welcome.promise;
      return { signalling, welcome };
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', giveUp);
    }
  }

  /** Whether nothing was heard for so long, in milliseconds. */
  silentFor(time: number): boolean {
    return performance.now() - this.#heardAt >= time;
  }

  /**
   * Asks whether the server is there, which must say so at once, or the connection counts as lost.
   * @param limit milliseconds; a second, unless there are other signs as well
   */
  probe(limit = PROBE_TIMEOUT): void {
    if (this.#closed || this.#probing) return;
    this.#startWatchdog(limit);
    // Whatever it answers, it is there.
    this.channel.request('ping', {}).catch(() => {});
  }

  /** Tells the server why and ends the connection; `abandoned` is no leaving. */
  leave(reason: 'left' | 'mediaFailed' | 'abandoned' = 'left'): void {
    // A closing handshake with a reason is all that the server needs, whatever else is under way.
    if (!this.#closed) this.#socket.close(closeReasons[reason].code, reason);
    this.#end(reason);
  }

  /** Tells the server that the page goes away; nothing else is done here any more. */
  closeOnPageHide(): void {
    this.#socket.close(closeReasons.left.code, 'left');
  }

  /** The welcome of another version may have another form, of which nothing is certain but its version. */
  #checkVersion(message: string): void {
    const { data: version } = VersionOf.safeParse(message);
    if (version === undefined || version === PROTOCOL_VERSION) return;
    const words = `The server speaks version ${version} of the protocol; reload the page.`;
    this.#welcome.reject(new WeirError('unsupported', words, { reason: 'protocolVersion' }));
    this.#socket.close();
  }

  #welcomed(welcome: Welcome): void {
    if (welcome.protocol !== PROTOCOL_VERSION) return;
    const late = welcome.limits.pingSeconds * 1000 + WATCHDOG_INTERVAL;
    this.#watchdog = setInterval(() => this.silentFor(late) && this.probe(), WATCHDOG_INTERVAL);
    this.#welcome.resolve(welcome);
  }

  #startWatchdog(limit: number): void {
    const due = performance.now() + limit;
    this.#probing = setTimeout(() => {
      // We were busy or asleep ourselves: what has come meanwhile is yet to be read.
      if (performance.now() - due > SUSPEND_THRESHOLD) this.#startWatchdog(limit);
      else this.#end('unresponsive');
    }, limit);
  }

  #end(reason: CloseReason): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#watchdog);
    clearTimeout(this.#probing);
    this.channel.suspend();
    // Whoever has not said that it leaves may come back.
    this.#socket.close(closeReasons.abandoned.code, 'abandoned');
    this.#welcome.reject(
      new WeirError('unavailable', 'The server cannot be reached; check the connection and try again.'),
    );
    this.#options.onClose(reason);
  }
}

/** A proxy that restarts may close with 1000 as well, but does not give our reason. */
function endOf(code: number, text: string): CloseReason {
  const reason = closeReason(code);
  return reason === 'left' && text !== 'left' ? 'disconnected' : reason;
}

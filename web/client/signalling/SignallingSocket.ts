/** One connection of the client: opens its socket, awaits `welcome`, detects a server that no longer answers, closes it. */
import { z } from 'zod';
import { type CloseReason, closeReason, closeReasons } from '../../../shared/closeReasons.ts';
import { WeirError } from '../../../shared/errors.ts';
import {
  type ClientMessages,
  clientMessages,
  PROTOCOL_VERSION,
  type ServerMessages,
  serverMessages,
  type Welcome,
} from '../../../shared/protocol.ts';
import { type Handlers, type Listeners, RpcChannel } from '../../../shared/RpcChannel.ts';
import type { LogSignalling } from '../diagnostics/DiagnosticLog.ts';
import type { SignallingKind } from '../Signalling.ts';
import type { MessageSocket, SocketKind } from './MessageSocket.ts';

export interface SignallingSocketOptions {
  /** What carries the messages. */
  readonly kind: SocketKind;
  /** Where the server is: an http(s) or ws(s) URL, with the path that it is under. */
  readonly url: string;
  readonly listeners: Omit<Listeners<ServerMessages>, 'welcome'>;
  /** The connection has ended. Called once. Its channel is suspended, so that another one can take over its requests. */
  onClose(reason: CloseReason): void;
  /** Records the messages. */
  readonly log?: LogSignalling | undefined;
  /** How long connecting may take until `welcome`, in milliseconds. */
  readonly timeout?: number;
  /** Gives up connecting. */
  readonly signal?: AbortSignal;
  /** The id of the first request. */
  readonly firstId?: number;
}

/** How long connecting may take until `welcome`, in milliseconds. */
const CONNECT_TIMEOUT = 10_000;
/** How soon the server must answer a probe, in milliseconds. */
const PROBE_TIMEOUT = 1000;
/** A timer that fires so much too late, in milliseconds, means that the page was suspended or busy. */
const SUSPEND_THRESHOLD = 250;
/** How often the time since the last message is checked, and how much too late a `ping` may be before a probe: milliseconds. */
const WATCHDOG_INTERVAL = 1000;

/** The protocol version of a `welcome` in JSON. */
const WelcomeVersion = z
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
  readonly #socket: MessageSocket;
  readonly #options: SignallingSocketOptions;
  readonly #welcome = Promise.withResolvers<Welcome>();
  #watchdog: ReturnType<typeof setInterval> | undefined;
  #lastMessageAt = performance.now();
  #probing: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  private constructor(options: SignallingSocketOptions) {
    this.#options = options;
    this.#socket = options.kind.open(options.url, {
      onOpen: () => options.log?.('open', options.kind.name),
      onMessage: (message) => this.#received(message),
      onClose: (code, reason) => {
        options.log?.('close', `${code} ${reason}`);
        this.#end(reasonOf(code, reason));
      },
    });
    this.channel = new RpcChannel<ClientMessages, ServerMessages>({
      outgoing: clientMessages,
      incoming: serverMessages,
      ignoreUnknown: true,
      firstId: options.firstId,
      handlers: { ping: () => ({}) } satisfies Handlers<ServerMessages>,
      listeners: { ...options.listeners, welcome: (welcome) => this.#welcomed(welcome) },
      send: (message) => {
        if (this.#socket.send(message)) options.log?.('send', message);
      },
    });
  }

  /**
   * Connects. A socket of a kind that may be buffered counts as open when a reply has arrived.
   * @throws {WeirError} `unavailable` if there is no Weir server, `unsupported` if it uses another protocol version
   */
  static async open(options: SignallingSocketOptions): Promise<{ socket: SignallingSocket; welcome: Welcome }> {
    const socket = new SignallingSocket(options);
    const giveUp = () => socket.#end('disconnected');
    const timer = setTimeout(giveUp, options.timeout ?? CONNECT_TIMEOUT);
    options.signal?.addEventListener('abort', giveUp);
    if (options.signal?.aborted) giveUp();
    try {
      const welcome = await socket.#welcome.promise;
      return { socket, welcome };
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', giveUp);
    }
  }

  get kind(): SignallingKind {
    return this.#options.kind.name;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether nothing has arrived for so many milliseconds. */
  silentFor(time: number): boolean {
    return performance.now() - this.#lastMessageAt >= time;
  }

  /**
   * Sends a `ping`; the connection counts as lost (`unresponsive`) if nothing arrives within `limit`.
   * @param limit milliseconds
   */
  probe(limit = PROBE_TIMEOUT): void {
    if (this.#closed || this.#probing) return;
    this.#startProbeTimer(limit);
    // Any reply, an error included, proves that the server is there.
    this.channel.request('ping', {}).catch(() => {});
  }

  /** Closes the connection with a reason for the server. After `abandoned` the session can still be resumed. */
  leave(reason: 'left' | 'mediaFailed' | 'abandoned' = 'left'): void {
    // The close frame carries the reason, so that no request has to be answered first.
    if (!this.#closed) this.#socket.close(closeReasons[reason].code, reason);
    this.#end(reason);
  }

  /** Closes the connection of a page that is being unloaded: no listener is called. */
  closeOnPageHide(): void {
    this.#closed = true;
    this.#socket.close(closeReasons.left.code, 'left');
  }

  #received(message: string): void {
    this.#lastMessageAt = performance.now();
    clearTimeout(this.#probing);
    this.#probing = undefined;
    this.#options.log?.('receive', message);
    if (!this.#watchdog) this.#checkVersion(message);
    this.channel.receive(message);
  }

  /** A `welcome` of another protocol version may have another form, so that only its version is parsed. */
  #checkVersion(text: string): void {
    const { data: version } = WelcomeVersion.safeParse(text);
    if (version === undefined || version === PROTOCOL_VERSION) return;
    const message = `The server uses version ${version} of the protocol, this client ${PROTOCOL_VERSION}. Reload the page.`;
    this.#welcome.reject(new WeirError('unsupported', message, { reason: 'protocolVersion' }));
    this.#end('disconnected');
  }

  #welcomed(welcome: Welcome): void {
    if (welcome.protocol !== PROTOCOL_VERSION) return;
    const late = welcome.limits.pingSeconds * 1000 + WATCHDOG_INTERVAL;
    this.#watchdog = setInterval(() => this.silentFor(late) && this.probe(), WATCHDOG_INTERVAL);
    const opened = () => this.#welcome.resolve(welcome);
    if (!this.#options.kind.mayBeBuffered) opened();
    // A small message shows that messages arrive as they are sent, and that those of the client arrive at all.
    else this.channel.request('ping', {}).then(opened, opened);
  }

  #startProbeTimer(limit: number): void {
    const due = performance.now() + limit;
    this.#probing = setTimeout(() => {
      // The page itself was busy or suspended: what has arrived meanwhile is still to be read.
      if (performance.now() - due > SUSPEND_THRESHOLD) this.#startProbeTimer(limit);
      else this.#end('unresponsive');
    }, limit);
  }

  #end(reason: CloseReason): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#watchdog);
    clearTimeout(this.#probing);
    this.channel.suspend();
    // Unless `leave` has closed it with a reason before, the session can be resumed.
    this.#socket.close(closeReasons.abandoned.code, 'abandoned');
    this.#welcome.reject(
      new WeirError('unavailable', 'The server cannot be reached; check the connection and try again.'),
    );
    this.#options.onClose(reason);
  }
}

/** A proxy that restarts may close with 1000, too, but without the reason text `left`. */
function reasonOf(code: number, text: string): CloseReason {
  const reason = closeReason(code);
  return reason === 'left' && text !== 'left' ? 'disconnected' : reason;
}

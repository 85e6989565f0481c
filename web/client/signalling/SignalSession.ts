/** The signalling of one session: replaces a lost connection for as long as the server keeps the session. */

import type { CloseReason } from '../../../shared/closeReasons.ts';
import { WeirError } from '../../../shared/errors.ts';
import type { JoinReply, ResumeReply, Welcome } from '../../../shared/protocol.ts';
import type { Request, Signalling, SignallingKind, SignallingOptions } from '../Signalling.ts';
import { openConnection } from './openConnection.ts';
import { raceAttempts } from './raceAttempts.ts';
import type { SignallingSocket } from './SignallingSocket.ts';

/**
 * The timeout of one attempt to connect, in milliseconds: `times` the time that the first connection took, within these
 * limits.
 */
const ATTEMPT_TIMEOUT = { least: 1000, times: 4, most: 5000 };
/**
 * In milliseconds: a connection that was lost longer ago than `after` has attempts that take up to `time` longer. When many have
 * failed, Chromium delays each by up to five seconds: given up before, it would count as another one that has failed.
 */
const ATTEMPT_DELAY = { after: 3000, time: 5000 };
/** Between the starts of two attempts, in milliseconds; each gap is up to a third shorter or longer. */
const ATTEMPT_GAP = { first: 60, most: 370 };
/**
 * Attempts to reconnect use the kind of connection that has worked, which is quicker than trying each. Every so many, all are
 * tried: another network may block what this one let through, or let through what this one blocks.
 */
const ALL_KINDS_EVERY = 3;
/** A server to which connecting took less than `pace` must answer a probe within `limit` if media has stopped, too: milliseconds. */
const FAST_PROBE = { pace: 250, limit: 500 };
/** The session goes on after these. `resumed`: an attempt that was already given up has succeeded at the server. */
const resumableReasons: ReadonlySet<CloseReason> = new Set([
  'disconnected',
  'unresponsive',
  'sendBufferFull',
  'resumed',
]);
/** An attempt to reconnect that ends with one of these ends the session: another attempt would fail, too. */
const finalReasons: ReadonlySet<CloseReason> = new Set([
  'kicked',
  'roomEnded',
  'replaced',
  'serverClosing',
  'originNotAllowed',
]);
/** For how long another connection is tried while we wait to be let in, in milliseconds: the server keeps our place for half of it. */
const WAITING_WINDOW = 60_000;
/** Request ids reserved for requests made without a connection: those of the next connection begin after them. */
const REQUEST_ID_GAP = 1000;
/** A request without a reply for so long, in milliseconds, starts a probe if nothing else has arrived meanwhile. */
const REQUEST_TIMEOUT = 2000;
/** How long a join may take, without the time in the server's join queue, in milliseconds. */
const JOIN_TIMEOUT = 15_000;

export class SignalSession implements Signalling {
  readonly #options: SignallingOptions;
  readonly #ended = new AbortController();
  /** How long the first connection took until `welcome`, in milliseconds. */
  readonly #pace: number;
  #socket: SignallingSocket;
  /** How long the server keeps a session without a connection, in milliseconds. */
  #resumeWindow: number;
  /** How long the server may keep a join in its queue, in milliseconds. */
  readonly #queueTimeout: number;
  #resumeKey: string | undefined;
  #reconnecting = false;
  /** The server has said that an administrator has to let us in: until the reply to `join`, lost connections are replaced. */
  #waiting = false;

  private constructor(options: SignallingOptions, socket: SignallingSocket, welcome: Welcome, pace: number) {
    this.#options = options;
    this.#socket = socket;
    this.#resumeWindow = welcome.limits.resumeSeconds * 1000;
    this.#queueTimeout = welcome.limits.queueSeconds * 1000;
    this.#pace = pace;
  }

  /**
   * Connects.
   * @throws {WeirError} `unavailable` if there is no Weir server, `unsupported` if it uses another protocol version
   */
  static async open(options: SignallingOptions): Promise<{ signalling: SignalSession; welcome: Welcome }> {
    const startedAt = performance.now();
    let session: SignalSession | undefined;
    const listeners: SignallingOptions['listeners'] = {
      ...options.listeners,
      waiting: (state) => {
        if (session) session.#keepWaiting();
        options.listeners.waiting?.(state);
      },
    };
    const { socket, welcome } = await openConnection({
      url: options.url,
      kinds: options.kinds,
      listeners,
      log: options.log,
      onClose: (reason) => {
        if (session) session.#onConnectionLost(socket, reason);
        else options.onClose(reason);
      },
    });
    session = new SignalSession({ ...options, listeners }, socket, welcome, performance.now() - startedAt);
    return { signalling: session, welcome };
  }

  get kind(): SignallingKind {
    return this.#socket.kind;
  }

  get reconnecting(): boolean {
    return this.#reconnecting;
  }

  readonly request: Request = (method, data, timeout) => {
    const { channel } = this.#socket;
    const reply = channel.request(method, data, timeout);
    const timer = setTimeout(() => this.#socket.silentFor(REQUEST_TIMEOUT) && this.probe(), REQUEST_TIMEOUT);
    const stop = () => clearTimeout(timer);
    reply.then(stop, stop);
    return reply;
  };

  async join(data: Parameters<Signalling['join']>[0]): Promise<JoinReply> {
    const reply = await this.request('join', data, this.#queueTimeout + JOIN_TIMEOUT).finally(() => {
      this.#waiting = false;
    });
    this.#resumeKey = reply.resumeKey;
    // Any message tells the server that the reply, which has the key, has arrived: until then it keeps no session without a connection.
    this.request('ping', {}).catch(() => {});
    return reply;
  }

  probe(suspected = false): void {
    this.#socket.probe(suspected && this.#pace < FAST_PROBE.pace ? FAST_PROBE.limit : undefined);
  }

  leave(reason: 'left' | 'mediaFailed' = 'left'): void {
    this.#socket.leave(reason);
    this.#close(reason);
  }

  closeOnPageHide(): void {
    this.#socket.closeOnPageHide();
  }

  #onConnectionLost(former: SignallingSocket, reason: CloseReason): void {
    if (this.#ended.signal.aborted) return;
    const mayGoOn = this.#waiting || (this.#resumeKey !== undefined && this.#resumeWindow > 0);
    if (!resumableReasons.has(reason) || !mayGoOn) {
      this.#close(reason);
      return;
    }
    this.#reconnecting = true;
    this.#options.onReconnecting?.();
    this.#reconnect(former).catch(() => {
      // The session has expired, or no attempt succeeded within the resume window.
      this.#close(reason);
    });
  }

  /** Resumes the session over a new connection. @throws {WeirError} `sessionExpired`; any other error after the resume window */
  async #reconnect(former: SignallingSocket): Promise<void> {
    const lostAt = performance.now();
    const key = this.#resumeKey;
    const until = lostAt + (key === undefined ? WAITING_WINDOW : this.#resumeWindow);
    const { signal } = this.#ended;
    let count = 0;
    const connect = (aborted: AbortSignal) => {
      count += 1;
      const kinds = count % ALL_KINDS_EVERY === 0 ? this.#options.kinds : [former.kind];
      return this.#connect(former, { kinds, lostAt }, aborted);
    };
    for (let first = ATTEMPT_GAP.first; ; first = Math.min(ATTEMPT_GAP.most, first * 2)) {
      const attempts = { gap: { ...ATTEMPT_GAP, first }, until, signal };
      const next = await raceAttempts(connect, attempts);
      if (key === undefined) {
        signal.throwIfAborted();
        this.#adopt(next, former);
        return;
      }
      const snapshot = await this.#resume(next, key);
      // `leave` was called meanwhile: the server has just resumed the session and must end it.
      if (snapshot && signal.aborted) next.leave();
      signal.throwIfAborted();
      if (!snapshot) continue;
      this.#adopt(next, former);
      this.#options.onResumed?.(snapshot);
      return;
    }
  }

  /** Uses another connection from now on, and sends on it what has no reply: while we wait, that is the join. */
  #adopt(next: SignallingSocket, former: SignallingSocket): void {
    this.#reconnecting = false;
    this.#socket = next;
    next.channel.transferPending(former.channel);
  }

  #keepWaiting(): void {
    this.#waiting = true;
    this.#socket.channel.keepWaiting('join');
  }

  /** @param lostAt when the connection was lost, as `performance.now()` */
  async #connect(
    former: SignallingSocket,
    { kinds, lostAt }: { kinds: SignallingOptions['kinds']; lostAt: number },
    aborted: AbortSignal,
  ): Promise<SignallingSocket> {
    let opened: SignallingSocket | undefined;
    const { socket, welcome } = await openConnection({
      url: this.#options.url,
      kinds,
      listeners: this.#options.listeners,
      log: this.#options.log,
      onClose: (reason) => {
        if (opened && this.#socket === opened) this.#onConnectionLost(opened, reason);
        else if (finalReasons.has(reason)) this.#close(reason);
        // No other connection takes over the requests of one that was never used.
        else opened?.channel.close();
      },
      timeout: this.#attemptTimeout(lostAt),
      signal: aborted,
      firstId: former.channel.nextId + REQUEST_ID_GAP,
    });
    opened = socket;
    // Another attempt has succeeded in the same turn of the event loop.
    if (aborted.aborted) socket.leave('abandoned');
    aborted.throwIfAborted();
    this.#resumeWindow = welcome.limits.resumeSeconds * 1000;
    return socket;
  }

  /** @param lostAt when the connection was lost, as `performance.now()` @returns milliseconds */
  #attemptTimeout(lostAt: number): number {
    const { least, times, most } = ATTEMPT_TIMEOUT;
    const delay = performance.now() - lostAt > ATTEMPT_DELAY.after ? ATTEMPT_DELAY.time : 0;
    return Math.min(most, Math.max(least, times * this.#pace)) + delay;
  }

  /** @returns the current state, or undefined if this connection was lost as well @throws {WeirError} `sessionExpired` */
  async #resume(next: SignallingSocket, key: string): Promise<ResumeReply | undefined> {
    next.probe();
    try {
      return await next.channel.request('resume', { key });
    } catch (error) {
      next.leave('abandoned');
      if (error instanceof WeirError && error.code === 'sessionExpired') throw error;
      return undefined;
    }
  }

  #close(reason: CloseReason): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    this.#reconnecting = false;
    this.#socket.channel.close();
    this.#options.onClose(reason);
  }
}

/** Owns the way to the server for a whole stay: one connection after another, with cuts bridged as long as the stay lives. */

import type { CloseReason } from '../../shared/closeReasons.ts';
import { WeirError } from '../../shared/errors.ts';
import type { ClientMessages, JoinReply, ResumeReply, ServerMessages, Welcome } from '../../shared/protocol.ts';
import type { RpcChannel } from '../../shared/RpcChannel.ts';
import { raceAttempts } from './raceAttempts.ts';
import { SignallingSocket, type SignallingSocketOptions } from './SignallingSocket.ts';

/** Asks the server; a request that a cut leaves without its answer is asked again after it, and runs once. */
export type Request = RpcChannel<ClientMessages, ServerMessages>['request'];

export interface SignalSessionOptions {
  /** Where the server is: an http(s) or ws(s) URL, with the path that it is under. */
  readonly url: string;
  readonly listeners: SignallingSocketOptions['listeners'];
  /** The connection was cut, and the line tries to get another. */
  onReconnecting?(): void;
  /** The stay goes on: this is what there is now. */
  onResumed?(snapshot: ResumeReply): void;
  /** The stay is over, for whatever reason, once. */
  onClose(reason: CloseReason): void;
}

/** How long one attempt may take, in milliseconds: so much, or so many times what the first connection took, and no more. */
const ATTEMPT = { least: 1000, times: 4, most: 5000 };
/** Between the beginnings of two attempts, in milliseconds; each is up to a third shorter or longer. */
const GAP = { first: 60, most: 370 };
/** A server that was connected to so quickly has so long to answer, in milliseconds, when media has stopped as well. */
const FAST_PROBE = { pace: 250, limit: 500 };
/** Ends of a connection after which the stay goes on. `resumed`: an attempt that we had given up came through after all. */
const resumableReasons: ReadonlySet<CloseReason> = new Set([
  'disconnected',
  'unresponsive',
  'sendBufferFull',
  'resumed',
]);
/** Ends of an attempt that end the stay: somebody meant them, or it can only get worse. */
const finalReasons: ReadonlySet<CloseReason> = new Set(['kicked', 'replaced', 'serverClosing', 'originNotAllowed']);
/** Ids that are left to requests which are made while there is no connection: those of the next one come after them. */
const REQUEST_ID_GAP = 1000;
/** A request that is not answered in so long, in milliseconds, asks whether the server is there at all. */
const REQUEST_TIMEOUT = 2000;
/** How long a join may take beside the waiting in line, in milliseconds. */
const JOIN_TIME = 15_000;

export class SignalSession {
  readonly #options: SignalSessionOptions;
  readonly #onEnded = new AbortController();
  /** How long the first connection took until `welcome`, in milliseconds. */
  readonly #pace: number;
  #signalling: SignallingSocket;
  /** How long a stay outlives its connection, in milliseconds, and what opens it again. */
  #window: number;
  /** How long the server may let us wait in line, in milliseconds. */
  readonly #queueTime: number;
  #key: string | undefined;
  #reconnecting = false;

  private constructor(options: SignalSessionOptions, signalling: SignallingSocket, welcome: Welcome, pace: number) {
    this.#options = options;
    this.#signalling = signalling;
    this.#window = welcome.limits.resumeSeconds * 1000;
    this.#queueTime = welcome.limits.queueSeconds * 1000;
    this.#pace = pace;
  }

  /**
   * Connects.
   * @throws {WeirError} `unavailable` when there is no Weir server, `unsupported` when it speaks another version
   */
  static async open(options: SignalSessionOptions): Promise<{ line: SignalSession; welcome: Welcome }> {
    const began = performance.now();
    let line: SignalSession | undefined;
    const { signalling, welcome } = await SignallingSocket.open({
      url: options.url,
      listeners: options.listeners,
      onClose: (reason) => {
        if (line) line.#onConnectionLost(signalling, reason);
        else options.onClose(reason);
      },
    });
    line = new SignalSession(options, signalling, welcome, performance.now() - began);
    return { line, welcome };
  }

  /** Whether there is no connection just now. */
  get reconnecting(): boolean {
    return this.#reconnecting;
  }

  /** As `Channel.request`. @throws {WeirError} also `closed`, when the stay ends before there is an answer */
  readonly request: Request = (method, data, timeout) => {
    const { channel } = this.#signalling;
    const answer = channel.request(method, data, timeout);
    const impatience = setTimeout(() => this.#signalling.silentFor(REQUEST_TIMEOUT) && this.probe(), REQUEST_TIMEOUT);
    const settled = () => clearTimeout(impatience);
    answer.then(settled, settled);
    return answer;
  };

  /** Enters a room; from then on cuts are bridged. @throws {WeirError} what the server refuses it for */
  async join(wish: Parameters<typeof this.request<'join'>>[1]): Promise<JoinReply> {
    const reply = await this.request('join', wish, this.#queueTime + JOIN_TIME);
    this.#key = reply.resumeKey;
    return reply;
  }

  /**
   * Asks whether the server is there: it answers within a second, or the connection counts as cut.
   * @param suspected there are signs already that it is not: a server that is near has half of that
   */
  probe(suspected = false): void {
    this.#signalling.probe(suspected && this.#pace < FAST_PROBE.pace ? FAST_PROBE.limit : undefined);
  }

  /** Tells the server why and ends the line. */
  leave(reason: 'left' | 'mediaFailed' = 'left'): void {
    this.#signalling.leave(reason);
    this.#close(reason);
  }

  /** As `leave`, where the page goes away and nobody is left to hear of it. */
  closeOnPageHide(): void {
    this.#signalling.closeOnPageHide();
  }

  #onConnectionLost(former: SignallingSocket, reason: CloseReason): void {
    if (this.#onEnded.signal.aborted) return;
    if (!resumableReasons.has(reason) || this.#key === undefined || this.#window === 0) {
      this.#close(reason);
      return;
    }
    this.#reconnecting = true;
    this.#options.onReconnecting?.();
    this.#reconnect(former, this.#key).catch(() => {
      // The stay is gone, or we were not let in for as long as the server keeps our place.
      this.#close(reason);
    });
  }

  /** Goes on over a new connection. @throws {WeirError} `gone`; any other when the window is over */
  async #reconnect(former: SignallingSocket, key: string): Promise<void> {
    const until = performance.now() + this.#window;
    const { signal } = this.#onEnded;
    for (let first = GAP.first; ; first = Math.min(GAP.most, first * 2)) {
      const attempts = { gap: { ...GAP, first }, until, signal };
      const next = await raceAttempts((aborted) => this.#connect(former, aborted), attempts);
      const snapshot = await this.#resume(next, key);
      // Whoever left meanwhile is back for a moment, and leaves.
      if (snapshot && signal.aborted) next.leave();
      signal.throwIfAborted();
      if (!snapshot) continue;
      this.#reconnecting = false;
      this.#signalling = next;
      next.channel.transferPending(former.channel);
      this.#options.onResumed?.(snapshot);
      return;
    }
  }

  async #connect(former: SignallingSocket, aborted: AbortSignal): Promise<SignallingSocket> {
    let opened: SignallingSocket | undefined;
    const { signalling, welcome } = await SignallingSocket.open({
      url: this.#options.url,
      listeners: this.#options.listeners,
      onClose: (reason) => {
        if (opened && this.#signalling === opened) this.#onConnectionLost(opened, reason);
        else if (finalReasons.has(reason)) this.#close(reason);
        // Nobody takes over from one that has not become ours.
        else opened?.channel.close();
      },
      timeout: Math.min(ATTEMPT.most, Math.max(ATTEMPT.least, ATTEMPT.times * this.#pace)),
      signal: aborted,
      firstId: former.channel.nextId + REQUEST_ID_GAP,
    });
    opened = signalling;
    // Another attempt was quicker, by less than a turn.
    if (aborted.aborted) signalling.leave('abandoned');
    aborted.throwIfAborted();
    this.#window = welcome.limits.resumeSeconds * 1000;
    return signalling;
  }

  /** @returns what there is now, or undefined when this connection was lost as well @throws {WeirError} `gone` */
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
    if (this.#onEnded.signal.aborted) return;
    this.#onEnded.abort();
    this.#signalling.channel.close();
    this.#options.onClose(reason);
  }
}

/** Owns the way to the server for a whole stay: one connection after another, with cuts bridged as long as the stay lives. */
import type { Channel } from '../../shared/Channel.ts';
import type { CloseReason } from '../../shared/closing.ts';
import { WeirError } from '../../shared/errors.ts';
import type { ClientTable, JoinReply, ResumeReply, ServerTable, Welcome } from '../../shared/protocol.ts';
import { firstOf } from './firstOf.ts';
import { Signalling, type SignallingOptions } from './Signalling.ts';

/** Asks the server; a request that a cut leaves without its answer is asked again after it, and runs once. */
export type Request = Channel<ClientTable, ServerTable>['request'];

export interface LineOptions {
  /** Where the server is: an http(s) or ws(s) URL, with the path that it is under. */
  readonly url: string;
  readonly listeners: SignallingOptions['listeners'];
  /** The connection was cut, and the line tries to get another. */
  onCut?(): void;
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
const NEAR = { pace: 250, limit: 500 };
/** Ends of a connection after which the stay goes on. `resumed`: an attempt that we had given up came through after all. */
const cuts: ReadonlySet<CloseReason> = new Set(['disconnected', 'unresponsive', 'slowReader', 'resumed']);
/** Ends of an attempt that end the stay: somebody meant them, or it can only get worse. */
const final: ReadonlySet<CloseReason> = new Set(['kicked', 'replaced', 'serverClosing', 'originNotAllowed']);
/** Ids that are left to requests which are made while there is no connection: those of the next one come after them. */
const SPARE = 1000;
/** A request that is not answered in so long, in milliseconds, asks whether the server is there at all. */
const PATIENCE = 2000;
/** How long a join may take beside the waiting in line, in milliseconds. */
const JOIN_TIME = 15_000;

export class Line {
  readonly #options: LineOptions;
  readonly #ended = new AbortController();
  /** How long the first connection took until `welcome`, in milliseconds. */
  readonly #pace: number;
  #signalling: Signalling;
  /** How long a stay outlives its connection, in milliseconds, and what opens it again. */
  #window: number;
  /** How long the server may let us wait in line, in milliseconds. */
  readonly #queueTime: number;
  #key: string | undefined;
  #cut = false;

  private constructor(options: LineOptions, signalling: Signalling, welcome: Welcome, pace: number) {
    this.#options = options;
    this.#signalling = signalling;
    this.#window = welcome.limits.resumeSeconds * 1000;
    this.#queueTime = welcome.limits.queueSeconds * 1000;
    this.#pace = pace;
  }

  /**
   * Connects.
   * @throws {WeirError} `unavailable` when there is no Weir server, `incapable` when it speaks another version
   */
  static async open(options: LineOptions): Promise<{ line: Line; welcome: Welcome }> {
    const began = performance.now();
    let line: Line | undefined;
    const { signalling, welcome } = await Signalling.open({
      url: options.url,
      listeners: options.listeners,
      onClose: (reason) => {
        if (line) line.#lost(signalling, reason);
        else options.onClose(reason);
      },
    });
    line = new Line(options, signalling, welcome, performance.now() - began);
    return { line, welcome };
  }

  /** Whether there is no connection just now. */
  get cut(): boolean {
    return this.#cut;
  }

  /** As `Channel.request`. @throws {WeirError} also `closed`, when the stay ends before there is an answer */
  readonly request: Request = (method, data, timeout) => {
    const { channel } = this.#signalling;
    const answer = channel.request(method, data, timeout);
    const impatience = setTimeout(() => this.#signalling.silentFor(PATIENCE) && this.probe(), PATIENCE);
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
    this.#signalling.probe(suspected && this.#pace < NEAR.pace ? NEAR.limit : undefined);
  }

  /** Tells the server why and ends the line. */
  leave(reason: 'left' | 'mediaFailed' = 'left'): void {
    this.#signalling.leave(reason);
    this.#close(reason);
  }

  /** As `leave`, where the page goes away and nobody is left to hear of it. */
  farewell(): void {
    this.#signalling.farewell();
  }

  #lost(former: Signalling, reason: CloseReason): void {
    if (this.#ended.signal.aborted) return;
    if (!cuts.has(reason) || this.#key === undefined || this.#window === 0) {
      this.#close(reason);
      return;
    }
    this.#cut = true;
    this.#options.onCut?.();
    this.#return(former, this.#key).catch(() => {
      // The stay is gone, or we were not let in for as long as the server keeps our place.
      this.#close(reason);
    });
  }

  /** Goes on over a new connection. @throws {WeirError} `gone`; any other when the window is over */
  async #return(former: Signalling, key: string): Promise<void> {
    const until = performance.now() + this.#window;
    const { signal } = this.#ended;
    for (let first = GAP.first; ; first = Math.min(GAP.most, first * 2)) {
      const attempts = { gap: { ...GAP, first }, until, signal };
      const next = await firstOf((aborted) => this.#connect(former, aborted), attempts);
      const snapshot = await this.#resume(next, key);
      // Whoever left meanwhile is back for a moment, and leaves.
      if (snapshot && signal.aborted) next.leave();
      signal.throwIfAborted();
      if (!snapshot) continue;
      this.#cut = false;
      this.#signalling = next;
      next.channel.takeOver(former.channel);
      this.#options.onResumed?.(snapshot);
      return;
    }
  }

  async #connect(former: Signalling, aborted: AbortSignal): Promise<Signalling> {
    let opened: Signalling | undefined;
    const { signalling, welcome } = await Signalling.open({
      url: this.#options.url,
      listeners: this.#options.listeners,
      onClose: (reason) => {
        if (opened && this.#signalling === opened) this.#lost(opened, reason);
        else if (final.has(reason)) this.#close(reason);
        // Nobody takes over from one that has not become ours.
        else opened?.channel.close();
      },
      timeout: Math.min(ATTEMPT.most, Math.max(ATTEMPT.least, ATTEMPT.times * this.#pace)),
      signal: aborted,
      firstId: former.channel.nextId + SPARE,
    });
    opened = signalling;
    // Another attempt was quicker, by less than a turn.
    if (aborted.aborted) signalling.leave('abandoned');
    aborted.throwIfAborted();
    this.#window = welcome.limits.resumeSeconds * 1000;
    return signalling;
  }

  /** @returns what there is now, or undefined when this connection was lost as well @throws {WeirError} `gone` */
  async #resume(next: Signalling, key: string): Promise<ResumeReply | undefined> {
    next.probe();
    try {
      return await next.channel.request('resume', { key });
    } catch (error) {
      next.leave('abandoned');
      if (error instanceof WeirError && error.code === 'gone') throw error;
      return undefined;
    }
  }

  #close(reason: CloseReason): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    this.#signalling.channel.close();
    this.#options.onClose(reason);
  }
}

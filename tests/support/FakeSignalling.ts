/** A session's signalling without a server: records requests, and emits events on behalf of a test. */
import type { CloseReason } from '../../shared/closeReasons.ts';
import { WeirError } from '../../shared/errors.ts';
import type { JoinReply, ResumeReply } from '../../shared/protocol.ts';
import type { Request, Signalling, SignallingOptions } from '../../web/client/Signalling.ts';

export class FakeSignalling implements Signalling {
  readonly options: SignallingOptions;
  /** Methods and data of all requests, in order, including `join`. */
  readonly requests: [method: string, data: unknown][] = [];
  /** The arguments of the calls of `probe`. */
  readonly probes: boolean[] = [];
  readonly joinReply = Promise.withResolvers<JoinReply>();
  readonly kind = 'webSocket';
  reconnecting = false;
  /** The reason that `leave` was called with. */
  left: 'left' | 'mediaFailed' | undefined;
  #closed = false;

  constructor(options: SignallingOptions) {
    this.options = options;
  }

  /** Requests are never answered. */
  readonly request: Request = (method, data) => {
    this.requests.push([method, data]);
    return new Promise(() => {});
  };

  join(data: unknown): Promise<JoinReply> {
    this.requests.push(['join', data]);
    return this.joinReply.promise;
  }

  probe(suspected = false): void {
    this.probes.push(suspected);
  }

  leave(reason: 'left' | 'mediaFailed' = 'left'): void {
    this.left ??= reason;
    this.close(reason);
  }

  closeOnPageHide(): void {}

  /** Loses the connection. */
  reconnect(): void {
    this.reconnecting = true;
    this.options.onReconnecting?.();
  }

  /** Resumes the session. */
  resume(snapshot: ResumeReply): void {
    this.reconnecting = false;
    this.options.onResumed?.(snapshot);
  }

  /** Ends the session, as the server does. */
  close(reason: CloseReason): void {
    if (this.#closed) return;
    this.#closed = true;
    this.joinReply.promise.catch(() => {});
    this.joinReply.reject(new WeirError('closed'));
    this.options.onClose(reason);
  }
}

/** The interface of the signalling of one session: `SignalSession` implements it, and tests replace it. */
import type { CloseReason } from '../../shared/closeReasons.ts';
import type { ClientMessages, JoinReply, ResumeReply, ServerMessages, Welcome } from '../../shared/protocol.ts';
import type { Listeners, RequestData, RpcChannel } from '../../shared/RpcChannel.ts';
import type { LogSignalling } from './diagnostics/DiagnosticLog.ts';

/** Sends a request. One whose reply is lost with its connection is sent again on the next one, and runs once. */
export type Request = RpcChannel<ClientMessages, ServerMessages>['request'];

/** What carries the messages: a WebSocket, or HTTP requests with server-sent events or long polling. */
export type SignallingKind = 'webSocket' | 'sse' | 'polling';

export interface SignallingOptions {
  /** Where the server is: an http(s) or ws(s) URL, with the path that it is under. */
  readonly url: string;
  readonly listeners: Omit<Listeners<ServerMessages>, 'welcome'>;
  /** The connection was lost, and another one is being opened. */
  onReconnecting?(): void;
  /** The session goes on over another connection. @param snapshot the current state of the room */
  onResumed?(snapshot: ResumeReply): void;
  /** The kinds of connection that are tried, in the order of preference; all by default. */
  readonly kinds?: readonly SignallingKind[] | undefined;
  /** Records the messages. */
  readonly log?: LogSignalling | undefined;
  /** The session has ended. Called once. */
  onClose(reason: CloseReason): void;
}

export interface Signalling {
  /** What carries the messages of the latest connection. */
  readonly kind: SignallingKind;
  /** Whether there is no connection at present. */
  readonly reconnecting: boolean;
  /** As `RpcChannel.request`. @throws {WeirError} also `closed`, if the session ends before the reply */
  readonly request: Request;
  /** Enters a room; from then on lost connections are replaced. @throws {WeirError} the server's refusal */
  join(data: RequestData<ClientMessages, 'join'>): Promise<JoinReply>;
  /**
   * Checks whether the server still answers: the connection counts as lost if it does not within a second.
   * @param suspected there are other signs that it is lost: a server with a short round trip has half a second
   */
  probe(suspected?: boolean): void;
  /** Sends the server the reason and ends the session. */
  leave(reason?: 'left' | 'mediaFailed'): void;
  /** As `leave`, for a page that is being unloaded: no listener is called. */
  closeOnPageHide(): void;
}

/** A session that is connected and has not joined yet, and what the server sent first. */
export interface ConnectedSignalling {
  readonly signalling: Signalling;
  readonly welcome: Welcome;
}

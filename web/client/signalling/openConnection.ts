/** Opens a connection by WebSocket or, where that is blocked, by server-sent events or long polling, in one attempt. */
import type { CloseReason } from '../../../shared/closeReasons.ts';
import { WeirError } from '../../../shared/errors.ts';
import type { Welcome } from '../../../shared/protocol.ts';
import type { SignallingKind } from '../Signalling.ts';
import { loadHttpSockets } from './loadHttpSockets.ts';
import type { SocketKind } from './MessageSocket.ts';
import { openByPreference } from './openByPreference.ts';
import { SignallingSocket, type SignallingSocketOptions } from './SignallingSocket.ts';
import { webSocket } from './webSocket.ts';

/**
 * How long each kind may take until the next one is tried as well, in milliseconds. A WebSocket that is slow is still
 * waited for; one that is blocked usually fails at once.
 */
const HEAD_STARTS: Readonly<Record<SignallingKind, number>> = { webSocket: 700, sse: 800, polling: 0 };
/** When the code of the other kinds is loaded, so that it is there when it is needed: in milliseconds. */
const PRELOAD_AFTER = 350;
/** How long a connection of another kind waits for the WebSocket at most, in milliseconds. */
const MAX_WAIT = 2000;

/** In the order of preference. */
const allKinds: readonly SignallingKind[] = ['webSocket', 'sse', 'polling'];

export interface OpenConnectionOptions extends Omit<SignallingSocketOptions, 'kind'> {
  /** The kinds that are tried, in the order of preference; all by default. */
  readonly kinds?: readonly SignallingKind[] | undefined;
}

/** What became of an attempt whose connection is not used: `unanswered` in the time that it had. */
export type AttemptOutcome = 'failed' | 'unanswered';

export interface OpenConnection {
  readonly socket: SignallingSocket;
  readonly welcome: Welcome;
  /** The kinds that were tried besides. */
  readonly others: ReadonlyMap<SignallingKind, AttemptOutcome>;
}

/** The attempt with one kind of connection has failed. */
class AttemptFailed extends Error {
  readonly reason: CloseReason;

  constructor(cause: unknown, reason: CloseReason) {
    super('No connection of that kind could be opened.', { cause });
    this.reason = reason;
  }
}

/**
 * Opens the best kind of connection that works. `onClose` is called for that connection only, or once if none opens.
 * @throws {WeirError} as `SignallingSocket.open`
 */
export async function openConnection({ kinds = allKinds, ...options }: OpenConnectionOptions): Promise<OpenConnection> {
  let chosen: SignallingSocket | undefined;
  const outcomes = new Map<SignallingKind, AttemptOutcome>();
  const open = async (name: SignallingKind, lost: AbortSignal) => {
    outcomes.set(name, 'unanswered');
    let reason: CloseReason = 'disconnected';
    let socket: SignallingSocket | undefined;
    const onClose = (why: CloseReason) => {
      if (socket && socket === chosen) options.onClose(why);
      else reason = why;
    };
    try {
      const signal = options.signal ? AbortSignal.any([options.signal, lost]) : lost;
      const opened = await SignallingSocket.open({ ...options, kind: await loadKind(name), signal, onClose });
      socket = opened.socket;
      return opened;
    } catch (error) {
      if (!lost.aborted) outcomes.set(name, 'failed');
      throw new AttemptFailed(error, reason);
    }
  };
  const preloading = kinds.length > 1 ? setTimeout(() => loadHttpSockets().catch(() => {}), PRELOAD_AFTER) : undefined;
  try {
    const opened = await openByPreference({
      attempts: kinds.map((name) => ({ open: (signal) => open(name, signal), headStart: HEAD_STARTS[name] })),
      maxWait: MAX_WAIT,
      isFinal: (error) => options.signal?.aborted === true || isFinal(error),
      discard: ({ socket }) => socket.leave('abandoned'),
    });
    // It may have closed while it waited for a better one.
    if (opened.socket.closed) throw new AttemptFailed(new WeirError('unavailable'), 'disconnected');
    chosen = opened.socket;
    outcomes.delete(chosen.kind);
    return { ...opened, others: outcomes };
  } catch (error) {
    if (!(error instanceof AttemptFailed)) throw error;
    options.onClose(error.reason);
    throw error.cause;
  } finally {
    clearTimeout(preloading);
  }
}

/** How an attempt ends of which the server has said nothing: what is in between may let another kind pass. */
const blockedReasons: ReadonlySet<CloseReason> = new Set(['disconnected', 'unresponsive']);

/** Whether the server itself has refused, or the address is none: another kind of connection would change nothing. */
function isFinal(error: unknown): boolean {
  if (!(error instanceof AttemptFailed) || !blockedReasons.has(error.reason)) return true;
  return WeirError.from(error.cause).code !== 'unavailable';
}

async function loadKind(name: SignallingKind): Promise<SocketKind> {
  if (name === 'webSocket') return webSocket;
  try {
    return (await loadHttpSockets())[name];
  } catch (cause) {
    throw new WeirError('unavailable', 'What replaces a WebSocket could not be loaded.', { cause });
  }
}

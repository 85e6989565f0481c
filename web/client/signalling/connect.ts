/** Opens the first connection of a session, and finds out why that fails. */
import type { CloseReason } from '../../../shared/closeReasons.ts';
import { WeirError } from '../../../shared/errors.ts';
import { signallingUrl } from '../base.ts';
import type { ConnectedSignalling, SignallingOptions } from '../Signalling.ts';
import { connectFailure } from './connectFailure.ts';
import { SignalSession } from './SignalSession.ts';

/** An attempt that failed within this time, in milliseconds, is repeated once if the server then answers over HTTP. */
const QUICK_FAILURE = 1000;

/**
 * @param signal after it is aborted, no further attempt is made
 * @throws {WeirError} the server's reason for closing the connection; `unavailable`, with one of `connectReasons`, if none
 *   could be opened; `unsupported` if the server uses another protocol version
 */
export async function connect(options: SignallingOptions, signal: AbortSignal): Promise<ConnectedSignalling> {
  for (let attempt = 1; ; attempt += 1) {
    const startedAt = performance.now();
    let closeReason: CloseReason | undefined;
    const onClose = (reason: CloseReason) => {
      closeReason = reason;
      options.onClose(reason);
    };
    try {
      return await SignalSession.open({ ...options, onClose });
    } catch (error) {
      // The server has sent a reason, or the caller has left.
      if (signal.aborted || WeirError.from(error).code !== 'unavailable' || closeReason !== 'disconnected') throw error;
      const failure = await connectFailure(signallingUrl(options.url), error);
      // A server that has started between the two requests does not block WebSockets.
      const isRepeated =
        failure.reason === 'webSocketBlocked' && attempt === 1 && performance.now() - startedAt < QUICK_FAILURE;
      if (!isRepeated || signal.aborted) throw failure;
    }
  }
}

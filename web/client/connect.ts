/** Opens the first connection of a stay, and finds out why where that fails. */
import type { CloseReason } from '../../shared/closeReasons.ts';
import { WeirError } from '../../shared/errors.ts';
import { signallingUrl } from './base.ts';
import { connectFailure } from './connectFailure.ts';
import { SignalSession, type SignalSessionOptions } from './SignalSession.ts';

/** A connection that failed so quickly is tried once more where the server answers over HTTP, in milliseconds. */
const QUICK = 1000;

/**
 * @param isWanted whether it still has a purpose after a failed attempt
 * @throws {WeirError} what the server closes the connection with; `unavailable`, with one of `connectReasons`, where none
 *   could be opened; `unsupported` when the server speaks another version
 */
export async function connect(
  options: SignalSessionOptions,
  isWanted: () => boolean,
): ReturnType<typeof SignalSession.open> {
  for (let attempt = 1; ; attempt += 1) {
    const began = performance.now();
    let ended: CloseReason | undefined;
    const onClose = (reason: CloseReason) => {
      ended = reason;
      options.onClose(reason);
    };
    try {
      return await SignalSession.open({ ...options, onClose });
    } catch (error) {
      // The server has said why, or it is not wanted any more.
      if (!isWanted() || WeirError.from(error).code !== 'unavailable' || ended !== 'disconnected') throw error;
      const failure = await connectFailure(signallingUrl(options.url), error);
      // A server that has started between the two is not blocked.
      const again = failure.reason === 'webSocketBlocked' && attempt === 1 && performance.now() - began < QUICK;
      if (!again || !isWanted()) throw failure;
    }
  }
}

/** What a single transfer needs of its room, and what it sends: for tests of one end without another. */
import type { ControlMessage } from '../../../web/client/files/fileMessages.ts';
import type { TransferContext, TransferDelays } from '../../../web/client/files/transfers.ts';

/** @returns the context, and every message that was posted with it */
export function transferContext(delays: TransferDelays): { context: TransferContext; posted: ControlMessage[] } {
  const posted: ControlMessage[] = [];
  const context: TransferContext = {
    delays,
    post: (_, message) => void posted.push(message),
    onChanged: () => {},
    onProgress: () => {},
    onReady: () => {},
    hasMedia: () => false,
  };
  return { context, posted };
}

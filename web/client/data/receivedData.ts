/** What an application is given of a data frame, whichever way it came. */
import type { DataChannelLabel, DataFrame } from '../../../shared/dataFrame.ts';
import type { ReceivedData } from '../MediaLink.ts';

/** @returns the message, with a copy of its bytes: `data.buffer` holds nothing else, and nobody else writes to it */
export function receivedDataOf(
  peerId: string | undefined,
  channel: DataChannelLabel,
  { topic, data }: DataFrame,
): ReceivedData {
  return { peerId, channel, topic, data: data.slice() };
}

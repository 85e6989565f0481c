/**
 * What a later page needs to go on with a file that is sent: a handle to it where the browser has given one, otherwise what is
 * needed to recognize the same file when it is chosen again.
 */
import { z } from 'zod';
import { TransferRecord } from './TransferRecord.ts';

export const SentRecord = TransferRecord.extend({
  /** Identity and name of the receiver. */
  identity: z.string(),
  peerName: z.string(),
  name: z.string(),
  size: z.int().min(0),
  lastModified: z.number(),
  /** SHA-256 of the first block. */
  firstBlock: z.string(),
  handle: z.custom<FileSystemFileHandle>((value) => value instanceof FileSystemFileHandle).optional(),
});
export type SentRecord = z.infer<typeof SentRecord>;

/**
 * What a later page needs to ask for a file again that was offered to this one: only its id, which its sender knows. And where it is
 * to be saved, as a handle cannot be kept beside the blocks.
 */
import { z } from 'zod';
import { TransferRecord } from './TransferRecord.ts';

export const OfferRecord = TransferRecord.extend({
  handle: z.custom<FileSystemFileHandle>((value) => value instanceof FileSystemFileHandle).optional(),
});

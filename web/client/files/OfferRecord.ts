/**
 * What a later page needs to ask for a file again that was offered to this one: only its id, which its sender knows. And where it is
 * to be saved, as a handle cannot be kept beside the blocks.
 */
import { z } from 'zod';

export const OfferRecord = z.object({
  id: z.string().regex(/^[0-9a-f]{32}$/),
  /** Server and room. */
  room: z.string(),
  startedAt: z.number(),
  handle: z.custom<FileSystemFileHandle>((value) => value instanceof FileSystemFileHandle).optional(),
});

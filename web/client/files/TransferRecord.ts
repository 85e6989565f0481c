/** What each record of a transfer has that is kept for a later page. */
import { z } from 'zod';

export const TransferRecord = z.object({
  /** Of the transfer. */
  id: z.string().regex(/^[0-9a-f]{32}$/),
  /** Server and room. */
  room: z.string(),
  /** As `Date.now()`. */
  startedAt: z.number(),
});
export type TransferRecord = z.infer<typeof TransferRecord>;

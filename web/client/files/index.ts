/** File transfers, which `Files` loads when the first file is sent or offered. */
import { FileTransfers } from './FileTransfers.ts';

/** Those of rooms that this page has been in, so that a rejoin goes on with them. */
const rooms = new Map<string, FileTransfers>();

/** The transfers of a room. @param key server and room */
export function transfersOf(key: string): FileTransfers {
  const known = rooms.get(key);
  if (known) return known;
  const transfers = new FileTransfers(key);
  rooms.set(key, transfers);
  return transfers;
}

export type { FileTransfers };

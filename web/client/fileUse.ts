/** When this browser has last sent or received a file: pages that never had one load nothing for it. */
import { PARTIAL_FILE_LIFETIME } from './fileTopic.ts';

/** In milliseconds since the epoch. */
const USED_AT = 'weir-files';

/** A file was sent, offered or accepted. */
export function markFilesUsed(): void {
  try {
    localStorage.setItem(USED_AT, String(Date.now()));
  } catch {
    // Without storage, nothing is found after a reload.
  }
}

/** Whether a former page may have left something. */
export function wereFilesUsed(): boolean {
  try {
    return localStorage.getItem(USED_AT) !== null;
  } catch {
    return false;
  }
}

/** Call it once everything that former pages have left was found: removes the record of their use if all of it was too old. */
export function removeOldFileUse(): void {
  if (Date.now() - Number(localStorage.getItem(USED_AT) ?? 0) > PARTIAL_FILE_LIFETIME) localStorage.removeItem(USED_AT);
}

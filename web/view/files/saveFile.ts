/** Saves a received file: as a download from where the browser keeps it, so that nothing is read into memory. */
import { element } from '../common/dom.ts';

/** For how long a download may take to begin, in milliseconds. */
const BEGIN_TIMEOUT = 60_000;

export function saveFile(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  element('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), BEGIN_TIMEOUT);
}

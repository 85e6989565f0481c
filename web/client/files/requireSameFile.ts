/** Whether a file that was chosen again, after a reload of the page, is the one that was sent. */
import { WeirError } from '../../../shared/errors.ts';
import { safeFileName } from './fileName.ts';
import type { SentFile } from './SentFile.ts';
import type { SentRecord } from './SentRecord.ts';

/** Compares name, size, time of the last change, and the first block. @throws {WeirError} `badRequest` */
export async function requireSameFile(record: SentRecord, file: File, sent: SentFile): Promise<void> {
  const { name, size, lastModified, firstBlock } = record;
  const isSame = safeFileName(file.name) === name && file.size === size && file.lastModified === lastModified;
  if (isSame && (size === 0 || (await sent.readBlock(0)).sha256 === firstBlock)) return;
  throw new WeirError('badRequest', `This is another file than "${name}", or it was changed. Choose the same one.`);
}

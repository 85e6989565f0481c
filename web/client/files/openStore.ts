/** Chooses where a file is kept while it arrives. */
import { WeirError } from '../../../shared/errors.ts';
import { type BlockStore, HandleBlockStore, MEMORY_LIMIT, MemoryBlockStore } from './BlockStore.ts';
import { BLOCK_BYTES } from './fileMessages.ts';
import { OpfsBlockStore, type ReceivedRecord } from './OpfsBlockStore.ts';

/**
 * In the browser's storage, which a reload does not lose; where that has no room, in the file that the user has chosen, otherwise in
 * memory.
 * @param handle a file that the user has chosen to save it to
 * @throws {WeirError} `badRequest` when there is no room
 */
export async function openStore(record: ReceivedRecord, handle?: FileSystemFileHandle): Promise<BlockStore> {
  const store = await OpfsBlockStore.create(record, handle);
  if (store) return store;
  if (handle) return HandleBlockStore.open(handle, BLOCK_BYTES);
  if (record.size <= MEMORY_LIMIT) return new MemoryBlockStore();
  const limit = `${MEMORY_LIMIT / 1024 / 1024} MB`;
  throw new WeirError(
    'badRequest',
    `This browser has no room on disk for "${record.name}", and takes up to ${limit} without. Free some space, or use another browser.`,
  );
}

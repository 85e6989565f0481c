/** Chooses where a file is kept while it arrives. */
import { WeirError } from '../../../shared/errors.ts';
import { type BlockStore, HandleBlockStore, MEMORY_LIMIT, MemoryBlockStore } from './BlockStore.ts';
import { BLOCK_BYTES } from './fileMessages.ts';
import { OpfsBlockStore, type ReceivedRecord } from './OpfsBlockStore.ts';

/**
 * On disk where the browser can, otherwise in memory.
 * @param handle a file that the user has chosen to save it to
 * @throws {WeirError} `badRequest` when there is no room
 */
export async function openStore(record: ReceivedRecord, handle?: FileSystemFileHandle): Promise<BlockStore> {
  if (handle) return HandleBlockStore.open(handle, BLOCK_BYTES);
  const store = await OpfsBlockStore.create(record);
  if (store) return store;
  if (record.size <= MEMORY_LIMIT) return new MemoryBlockStore();
  const limit = `${MEMORY_LIMIT / 1024 / 1024} MB`;
  throw new WeirError(
    'badRequest',
    `This browser has no room on disk for "${record.name}", and takes up to ${limit} without. Free some space, or use another browser.`,
  );
}

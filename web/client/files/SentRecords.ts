/**
 * What this page sends, kept in IndexedDB so that it can go on after a reload: with a handle to the file where the browser has
 * given one, otherwise with what is needed to recognize the same file when it is chosen again.
 */
import { z } from 'zod';
import { PARTIAL_FILE_LIFETIME } from '../fileTopic.ts';

const DATABASE = 'weir-files';
const STORE = 'sent';

const SentRecord = z.object({
  id: z.string().regex(/^[0-9a-f]{32}$/),
  /** Server and room. */
  room: z.string(),
  /** Identity and name of the receiver. */
  identity: z.string(),
  peerName: z.string(),
  name: z.string(),
  size: z.int().min(0),
  lastModified: z.number(),
  /** SHA-256 of the first block. */
  firstBlock: z.string(),
  startedAt: z.number(),
  handle: z.custom<FileSystemFileHandle>((value) => value instanceof FileSystemFileHandle).optional(),
});
export type SentRecord = z.infer<typeof SentRecord>;

/** Keeps a record. Without IndexedDB nothing is kept, and a reload ends the transfer. */
export async function keepSent(record: SentRecord): Promise<void> {
  await withStore('readwrite', (store) => store.put(record, record.id));
}

export async function removeSent(id: string): Promise<void> {
  await withStore('readwrite', (store) => store.delete(id));
}

/** The records of a room; deletes those that are too old. */
export async function findSent(room: string): Promise<SentRecord[]> {
  const all: unknown = await withStore('readonly', (store) => store.getAll());
  const records = (Array.isArray(all) ? all : []).flatMap((one) => SentRecord.safeParse(one).data ?? []);
  const old = records.filter(({ startedAt }) => Date.now() - startedAt > PARTIAL_FILE_LIFETIME);
  for (const { id } of old) await removeSent(id);
  return records.filter((record) => record.room === room && !old.includes(record));
}

/** @returns undefined where the browser has no IndexedDB for this page */
async function withStore<T>(
  mode: IDBTransactionMode,
  request: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T | undefined> {
  try {
    const database = await open();
    try {
      return await resultOf(request(database.transaction(STORE, mode).objectStore(STORE)));
    } finally {
      database.close();
    }
  } catch {
    return undefined;
  }
}

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return resultOf(request);
}

function resultOf<T>(request: IDBRequest<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
  return promise;
}

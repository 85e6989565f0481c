/** What a later page needs to know of transfers, kept in IndexedDB; each record is locked by the page that works on it. */
import type { z } from 'zod';
import { PARTIAL_FILE_LIFETIME } from '../fileTopic.ts';
import type { TransferRecord } from './TransferRecord.ts';
import { lockTransfer } from './transferLock.ts';

const DATABASE = 'weir-files';
const VERSION = 2;
/** What is sent, and what others have offered. */
const stores = ['sent', 'offered'] as const;
type Store = (typeof stores)[number];

interface Kept<T> {
  readonly record: T;
  /** Lets another page have it. */
  unlock(): void;
}

export class TransferRecords<T extends TransferRecord> {
  readonly #store: Store;
  readonly #schema: z.ZodType<T>;
  /** Those that this page works on, by id. */
  readonly #kept = new Map<string, Kept<T>>();

  constructor(store: Store, schema: z.ZodType<T>) {
    this.#store = store;
    this.#schema = schema;
  }

  /** Ids of those that this page works on. */
  get ids(): string[] {
    return [...this.#kept.keys()];
  }

  get(id: string): T | undefined {
    return this.#kept.get(id)?.record;
  }

  /** Keeps a new record, or changes one. Without IndexedDB nothing is kept, and a reload ends the transfer. */
  keep(record: T): void {
    const known = this.#kept.get(record.id);
    if (known) {
      this.#kept.set(record.id, { ...known, record });
      void this.#write(record);
    } else void this.#keepNew(record);
  }

  /** No later page needs it. */
  remove(id: string): void {
    const kept = this.#kept.get(id);
    if (!kept) return;
    this.#kept.delete(id);
    void withStore(this.#store, 'readwrite', (store) => store.delete(id)).then(() => kept.unlock());
  }

  /** Takes over the records of a room that a former page has left, the latest first; deletes those that are too old. */
  async find(room: string, most = Number.POSITIVE_INFINITY): Promise<T[]> {
    const all: unknown = await withStore(this.#store, 'readonly', (store) => store.getAll());
    const records = (Array.isArray(all) ? all : [])
      .flatMap((one) => this.#schema.safeParse(one).data ?? [])
      .sort((one, other) => other.startedAt - one.startedAt);
    const now = Date.now();
    const old = records.filter(({ startedAt }) => now - startedAt > PARTIAL_FILE_LIFETIME);
    const ofRoom = records.filter((record) => record.room === room && !old.includes(record));
    for (const { id } of old) await withStore(this.#store, 'readwrite', (store) => store.delete(id));
    const taken = await Promise.all(ofRoom.map((record) => this.#take(record)));
    const found = taken.flatMap((record) => record ?? []);
    for (const { id } of found.slice(most)) this.remove(id);
    return found.slice(0, most);
  }

  /** @returns undefined if another page works on it, or this one does already */
  async #take(record: T): Promise<T | undefined> {
    const { id } = record;
    if (this.#kept.has(id)) return undefined;
    const unlock = await lockTransfer(`${this.#store}-${id}`);
    if (!unlock) return undefined;
    this.#kept.set(id, { record, unlock });
    return record;
  }

  async #keepNew(record: T): Promise<void> {
    const { id } = record;
    const lock = lockTransfer(`${this.#store}-${id}`);
    this.#kept.set(id, { record, unlock: () => void lock.then((unlock) => unlock?.()) });
    await lock;
    // It is stored only once it is locked, so that no other page takes it over. Until then it may have changed, or be needless.
    const kept = this.#kept.get(id);
    if (kept) await this.#write(kept.record);
  }

  async #write(record: T): Promise<void> {
    await withStore(this.#store, 'readwrite', (store) => store.put(record, record.id));
  }
}

/** @returns undefined where the browser has no IndexedDB for this page */
async function withStore<T>(
  name: Store,
  mode: IDBTransactionMode,
  request: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T | undefined> {
  try {
    const database = await open();
    try {
      return await resultOf(request(database.transaction(name, mode).objectStore(name)));
    } finally {
      database.close();
    }
  } catch {
    return undefined;
  }
}

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, VERSION);
  request.onupgradeneeded = () => {
    const { result: database } = request;
    for (const name of stores) if (!database.objectStoreNames.contains(name)) database.createObjectStore(name);
  };
  return resultOf(request);
}

function resultOf<T>(request: IDBRequest<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
  return promise;
}

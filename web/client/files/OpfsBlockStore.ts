/**
 * Keeps a file that arrives in the origin private file system, one file per block, so that a reloaded page continues after the
 * last good one. A block that is closed is on disk; one file for all would be lost with the page, since `createWritable`
 * replaces it at its end only, and synchronous access needs a worker, which the SDK cannot have on foreign origins.
 */
import { z } from 'zod';
import { PARTIAL_FILE_LIFETIME } from '../fileTopic.ts';
import { type BlockStore, NEUTRAL_TYPE } from './BlockStore.ts';
import { BLOCK_BYTES } from './fileMessages.ts';
import { TransferRecord } from './TransferRecord.ts';
import { lockTransfer } from './transferLock.ts';
import type { FilePeer } from './transfers.ts';

const FOLDER = 'weir-files';
const RECORD = 'record.json';
/** What a file may take of the free space. */
const SHARE = 0.9;

/** What a reloaded page needs to know of a partial file. */
export const ReceivedRecord = TransferRecord.extend({
  /** Identity and name of the sender. */
  identity: z.string(),
  peerName: z.string(),
  name: z.string(),
  size: z.int().min(0),
  isComplete: z.boolean().optional(),
});
export type ReceivedRecord = z.infer<typeof ReceivedRecord>;

/** A partial file that a former page has left. */
export interface FoundPartial {
  readonly record: ReceivedRecord;
  readonly store: OpfsBlockStore;
}

/** What a store is opened with. */
interface Opened {
  readonly record: ReceivedRecord;
  readonly blocks: number;
  /** Where the file is copied to once it is complete. */
  readonly handle: FileSystemFileHandle | undefined;
  unlock(): void;
}

export class OpfsBlockStore implements BlockStore {
  readonly blocks: number;
  readonly #parent: FileSystemDirectoryHandle;
  readonly #directory: FileSystemDirectoryHandle;
  #record: ReceivedRecord;
  readonly #handle: FileSystemFileHandle | undefined;
  readonly #unlock: () => void;
  readonly #discarded = new AbortController();

  private constructor(
    parent: FileSystemDirectoryHandle,
    directory: FileSystemDirectoryHandle,
    { record, blocks, handle, unlock }: Opened,
  ) {
    this.#parent = parent;
    this.#directory = directory;
    this.#record = record;
    this.blocks = blocks;
    this.#handle = handle;
    this.#unlock = unlock;
  }

  get hasHandle(): boolean {
    return this.#handle !== undefined;
  }

  /**
   * @param handle where the file is copied to once it is complete
   * @returns undefined where the browser has no such storage, or too little of it
   */
  static async create(record: ReceivedRecord, handle?: FileSystemFileHandle): Promise<OpfsBlockStore | undefined> {
    const parent = await openFolder();
    if (!parent || !(await hasRoom(record.size))) return undefined;
    const unlock = await lockTransfer(record.id);
    if (!unlock) return undefined;
    try {
      const directory = await parent.getDirectoryHandle(record.id, { create: true });
      await writeRecord(directory, record);
      return new OpfsBlockStore(parent, directory, { record, blocks: 0, handle, unlock });
    } catch {
      unlock();
      return undefined;
    }
  }

  /**
   * The partial files of a room that no other page is working on. Deletes what is too old.
   * @param handleOf where the file of this id is to be saved, if its user has chosen that
   */
  static async find(room: string, handleOf: (id: string) => FileSystemFileHandle | undefined): Promise<FoundPartial[]> {
    const parent = await openFolder();
    if (!parent) return [];
    const names: string[] = [];
    for await (const name of parent.keys()) names.push(name);
    const found = await Promise.all(names.map((name) => openPartial(parent, name, room, handleOf(name))));
    return found.flatMap((one) => one ?? []);
  }

  /** One of `find`. */
  static async open(
    parent: FileSystemDirectoryHandle,
    directory: FileSystemDirectoryHandle,
    opened: Omit<Opened, 'blocks'>,
  ): Promise<OpfsBlockStore> {
    const blocks = await countBlocks(directory, opened.record.size);
    return new OpfsBlockStore(parent, directory, { ...opened, blocks });
  }

  async write(index: number, data: Uint8Array<ArrayBuffer>): Promise<void> {
    await writeFile(this.#directory, String(index), data);
  }

  async read(index: number): Promise<Uint8Array> {
    const file = await fileOf(this.#directory, index);
    return new Uint8Array(await file.arrayBuffer());
  }

  async keepPeer({ identity, name }: FilePeer): Promise<void> {
    this.#record = { ...this.#record, identity, peerName: name };
    await writeRecord(this.#directory, this.#record);
  }

  /** Copies it to the handle, if there is one and it can be written. Otherwise a reference to what is on disk: nothing is read. */
  async finish(): Promise<Blob | undefined> {
    const blob = await this.#blob();
    if (this.#handle && (await this.#copyTo(this.#handle, blob))) {
      await this.discard();
      return undefined;
    }
    // A later page has no use for it, and deletes it.
    this.#record = { ...this.#record, isComplete: true };
    await writeRecord(this.#directory, this.#record);
    return blob;
  }

  async discard(): Promise<void> {
    this.#discarded.abort();
    await remove(this.#parent, this.#directory.name);
    this.#unlock();
  }

  async #blob(): Promise<Blob> {
    const parts: File[] = [];
    const count = Math.ceil(this.#record.size / BLOCK_BYTES);
    for (let index = 0; index < count; index += 1) parts.push(await fileOf(this.#directory, index));
    return new Blob(parts, { type: NEUTRAL_TYPE });
  }

  /** @returns false if the user does not permit it any more, or there is no room, or no such folder, any more */
  async #copyTo(handle: FileSystemFileHandle, blob: Blob): Promise<boolean> {
    try {
      const { signal } = this.#discarded;
      await blob.stream().pipeTo(await handle.createWritable(), { signal });
      return true;
    } catch {
      return false;
    }
  }
}

async function openFolder(): Promise<FileSystemDirectoryHandle | undefined> {
  if (!navigator.storage?.getDirectory || !('createWritable' in FileSystemFileHandle.prototype)) return undefined;
  try {
    return await (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create: true });
  } catch {
    // Some browsers refuse it in private windows.
    return undefined;
  }
}

async function hasRoom(size: number): Promise<boolean> {
  const { quota, usage }: StorageEstimate = await navigator.storage.estimate().catch(() => ({}));
  return quota === undefined || size < SHARE * (quota - (usage ?? 0));
}

async function openPartial(
  parent: FileSystemDirectoryHandle,
  name: string,
  room: string,
  handle: FileSystemFileHandle | undefined,
): Promise<FoundPartial | undefined> {
  const seen = await readPartialRecord(parent, name).catch(() => undefined);
  // Not locked even for a moment: a page of that room may be looking for it.
  if (seen && seen.room !== room) return undefined;
  const unlock = await lockTransfer(name);
  // Another page is working on it.
  if (!unlock) return undefined;
  try {
    const record = await readPartialRecord(parent, name);
    const directory = await parent.getDirectoryHandle(name);
    return { record, store: await OpfsBlockStore.open(parent, directory, { record, handle, unlock }) };
  } catch {
    await remove(parent, name);
    unlock();
    return undefined;
  }
}

/** @throws {Error} if there is none, or a later page has no use for it */
async function readPartialRecord(parent: FileSystemDirectoryHandle, name: string): Promise<ReceivedRecord> {
  const directory = await parent.getDirectoryHandle(name);
  const text = await (await (await directory.getFileHandle(RECORD)).getFile()).text();
  const record = ReceivedRecord.parse(JSON.parse(text));
  if (record.isComplete || Date.now() - record.startedAt > PARTIAL_FILE_LIFETIME)
    throw new Error('It is complete, or too old.');
  return record;
}

/** How many blocks there are without a gap. */
async function countBlocks(directory: FileSystemDirectoryHandle, size: number): Promise<number> {
  for (let index = 0; ; index += 1) {
    const expected = Math.min(BLOCK_BYTES, size - index * BLOCK_BYTES);
    if (expected <= 0) return index;
    const file = await fileOf(directory, index).catch(() => undefined);
    if (file?.size !== expected) return index;
  }
}

async function fileOf(directory: FileSystemDirectoryHandle, index: number): Promise<File> {
  return (await directory.getFileHandle(String(index))).getFile();
}

async function writeFile(
  directory: FileSystemDirectoryHandle,
  name: string,
  data: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const writable = await (await directory.getFileHandle(name, { create: true })).createWritable();
  await writable.write(data);
  await writable.close();
}

async function writeRecord(directory: FileSystemDirectoryHandle, record: ReceivedRecord): Promise<void> {
  await writeFile(directory, RECORD, new TextEncoder().encode(JSON.stringify(record)));
}

async function remove(parent: FileSystemDirectoryHandle, name: string): Promise<void> {
  // It may be gone already, or a browser may still be reading it: the next page deletes it then.
  await parent.removeEntry(name, { recursive: true }).catch(() => {});
}

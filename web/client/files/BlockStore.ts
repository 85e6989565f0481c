/** Where the blocks of a file are kept while it arrives. */

import type { FilePeer } from './transfers.ts';

export interface BlockStore {
  /** How many blocks it has from before, without a gap from the first one on. */
  readonly blocks: number;
  /** Whether the application has chosen a place for the file. */
  readonly hasHandle: boolean;
  /** Keeps a block, also after the page has gone, where it can. @throws when there is no room */
  write(index: number, data: Uint8Array<ArrayBuffer>): Promise<void>;
  read(index: number): Promise<Uint8Array>;
  /** The sender is somebody else now: kept for a later page, where blocks are. */
  keepPeer?(peer: FilePeer): Promise<void>;
  /** The file, once it has all blocks; undefined if it is in the place that the application has chosen. */
  finish(): Promise<Blob | undefined>;
  /** Deletes everything, unless the application has chosen its place and it is complete. */
  discard(): Promise<void>;
}

/** No browser runs a file of this type as a page of this origin. */
export const NEUTRAL_TYPE = 'application/octet-stream';
/** Maximum size of a file where the browser has no storage, in bytes. */
export const MEMORY_LIMIT = 256 * 1024 * 1024;

/** Keeps blocks as Blobs, which browsers may move to disk. */
export class MemoryBlockStore implements BlockStore {
  readonly blocks = 0;
  readonly hasHandle = false;
  readonly #parts: Blob[] = [];

  async write(index: number, data: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#parts[index] = new Blob([data]);
  }

  async read(index: number): Promise<Uint8Array> {
    return new Uint8Array((await this.#parts[index]?.arrayBuffer()) ?? []);
  }

  async finish(): Promise<Blob> {
    return new Blob(this.#parts, { type: NEUTRAL_TYPE });
  }

  async discard(): Promise<void> {
    this.#parts.length = 0;
  }
}

/** Writes to a file that the application has chosen. The browser shows it there when it is complete, and a reload loses it. */
export class HandleBlockStore implements BlockStore {
  readonly blocks = 0;
  readonly hasHandle = true;
  readonly #writable: FileSystemWritableFileStream;
  readonly #blockBytes: number;
  #isFinished = false;

  private constructor(writable: FileSystemWritableFileStream, blockBytes: number) {
    this.#writable = writable;
    this.#blockBytes = blockBytes;
  }

  /** @throws {DOMException} if the user or the system does not permit writing */
  static async open(handle: FileSystemFileHandle, blockBytes: number): Promise<HandleBlockStore> {
    return new HandleBlockStore(await handle.createWritable(), blockBytes);
  }

  async write(index: number, data: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#writable.write({ type: 'write', position: index * this.#blockBytes, data });
  }

  /** Never called: it has no blocks from before. */
  async read(): Promise<Uint8Array> {
    return new Uint8Array();
  }

  async finish(): Promise<undefined> {
    this.#isFinished = true;
    await this.#writable.close();
  }

  async discard(): Promise<void> {
    if (this.#isFinished) return;
    this.#isFinished = true;
    await this.#writable.abort();
  }
}

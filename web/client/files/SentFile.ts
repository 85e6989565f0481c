/** A file that is sent, to one peer or several: reads its blocks, and hashes it once for all of them. */
import { blockHash, FileDigest } from './FileDigest.ts';
import { BLOCK_BYTES } from './fileMessages.ts';

/** One block, read and hashed. */
export interface SentBlock {
  readonly index: number;
  readonly data: Uint8Array<ArrayBuffer>;
  readonly sha256: string;
}

export class SentFile {
  readonly file: Blob;
  readonly #digest = new FileDigest();
  #hash: Promise<string> | undefined;

  constructor(file: Blob) {
    this.file = file;
  }

  get blocks(): number {
    return Math.ceil(this.file.size / BLOCK_BYTES);
  }

  /** @throws if the file was changed, moved or deleted */
  async readBlock(index: number): Promise<SentBlock> {
    const start = index * BLOCK_BYTES;
    const data = new Uint8Array(await this.file.slice(start, start + BLOCK_BYTES).arrayBuffer());
    if (data.length !== Math.min(BLOCK_BYTES, this.file.size - start)) throw new Error('The file has become shorter.');
    return { index, data, sha256: await blockHash(data) };
  }

  /** Hashes a piece that is about to be sent, if it is the next one of the file. */
  hashPiece(position: number, data: Uint8Array): void {
    if (this.#hash === undefined && position === this.#digest.bytes) this.#digest.update(data);
  }

  /** SHA-256 of the whole file; reads what was not sent from its beginning. @throws as `readBlock` */
  sha256(): Promise<string> {
    this.#hash ??= this.#hashRest();
    return this.#hash;
  }

  async #hashRest(): Promise<string> {
    while (this.#digest.bytes < this.file.size) {
      const start = this.#digest.bytes;
      const data = new Uint8Array(await this.file.slice(start, start + BLOCK_BYTES).arrayBuffer());
      if (data.length === 0) throw new Error('The file has become shorter.');
      this.#digest.update(data);
    }
    return this.#digest.hex();
  }
}

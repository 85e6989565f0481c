/** SHA-256 of a file that is read in pieces: WebCrypto hashes only what is in memory as a whole. */
import { sha256 } from '@noble/hashes/sha2.js';
import { hex } from './fileMessages.ts';

export class FileDigest {
  readonly #hash: ReturnType<typeof sha256.create>;
  #bytes: number;

  constructor(hash = sha256.create(), bytes = 0) {
    this.#hash = hash;
    this.#bytes = bytes;
  }

  /** How many bytes it has hashed. */
  get bytes(): number {
    return this.#bytes;
  }

  update(data: Uint8Array): void {
    this.#hash.update(data);
    this.#bytes += data.length;
  }

  /** Another digest of the same bytes, to return to. */
  clone(): FileDigest {
    return new FileDigest(this.#hash.clone(), this.#bytes);
  }

  /** The hash, in hexadecimal digits; more can be added afterwards. */
  hex(): string {
    return hex(this.#hash.clone().digest());
  }
}

/** SHA-256 of one block, in hexadecimal digits, by the browser's own code and off the page's thread. */
export async function blockHash(data: Uint8Array<ArrayBuffer>): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', data)));
}

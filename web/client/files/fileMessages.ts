/** The messages of file transfers, on the topic `file` of the data channel `bulk`: their schemas and their wire format. */
import { z } from 'zod';
import { WeirError } from '../../../shared/errors.ts';
import { SEEK_KIND } from '../fileTopic.ts';

/** Bytes of a file in one message. */
export const CHUNK_BYTES = 16 * 1024;
/** Bytes of a file that have one hash, and that are requested again if it does not match. */
export const BLOCK_BYTES = 1024 * 1024;

const CONTROL = 0;
const CHUNK = 1;
/** Kind (1 byte), transfer id (16), round (uint32), position (float64), all big endian. */
const CHUNK_HEADER_BYTES = 1 + 16 + 4 + 8;
/** Bytes of a control message: an offer with the longest name. */
const MAX_CONTROL_BYTES = 8 * 1024;

const SHA256_BYTES = 32;
/** Hashes in one message of kind `SEEK_KIND`. */
export const MAX_SEEK_HASHES = 64;

const TransferId = z.string().regex(/^[0-9a-f]{32}$/);
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const Bytes = z.int().min(0);
const Round = z.int().min(0).max(0xffff_ffff);

/** Why one end has ended a transfer. */
export const EndReason = z.enum([
  'cancelled',
  'declined',
  'tooLarge',
  'corrupted',
  'storage',
  'unreadable',
  'forbidden',
  'unsupported',
  'unknown',
]);
export type EndReason = z.infer<typeof EndReason>;

export const Offer = z.object({
  type: z.literal('offer'),
  /** 128 random bits that only the two ends know: who has it continues the transfer, under any identity. */
  id: TransferId,
  name: z.string().min(1).max(1024),
  size: Bytes,
});
export type Offer = z.infer<typeof Offer>;

export const ControlMessage = z.discriminatedUnion('type', [
  Offer,
  /** The receiver accepts, or continues: send from `position` (the start of a block) on, as round `round`. */
  z.object({ type: z.literal('request'), id: TransferId, round: Round, position: Bytes }),
  /** The receiver has everything of this round before `position`. Round 0: it has received the offer. */
  z.object({ type: z.literal('ack'), id: TransferId, round: Round, position: Bytes }),
  /** Follows the last chunk of a block. */
  z.object({ type: z.literal('block'), id: TransferId, round: Round, index: Bytes, sha256: Sha256 }),
  /** Follows the last block: the hash of the whole file. */
  z.object({ type: z.literal('complete'), id: TransferId, sha256: Sha256 }),
  /** The receiver has the whole file, and its hash matches. */
  z.object({ type: z.literal('done'), id: TransferId }),
  z.object({ type: z.literal('pause'), id: TransferId, paused: z.boolean() }),
  z.object({ type: z.literal('end'), id: TransferId, reason: EndReason.catch('unknown') }),
]);
export type ControlMessage = z.infer<typeof ControlMessage>;

/** A part of a file. */
export interface Chunk {
  readonly type: 'chunk';
  readonly id: string;
  readonly round: number;
  /** Of its first byte in the file. */
  readonly position: number;
  readonly data: Uint8Array;
}

/**
 * Asks a peer for the other ends of transfers: whoever has one of them knows its id, and nobody else learns it. The sender's peer
 * id is part of the hashes, so that nobody can repeat them as their own.
 */
export interface Seek {
  readonly type: 'seek';
  /** SHA-256 of `transfer id`, a space, and `peer id of the sender`. */
  readonly hashes: readonly string[];
}

export type FileMessage = ControlMessage | Chunk | Seek;

/** A random id for a transfer. */
export function createTransferId(): string {
  return hex(crypto.getRandomValues(new Uint8Array(16)));
}

export function encodeMessage(message: FileMessage): Uint8Array {
  if (message.type === 'chunk') return encodeChunk(message);
  if (message.type === 'seek') return ofKind(SEEK_KIND, bytesOf(message.hashes.join('')));
  return ofKind(CONTROL, new TextEncoder().encode(JSON.stringify(message)));
}

function ofKind(kind: number, content: Uint8Array): Uint8Array {
  const encoded = new Uint8Array(1 + content.length);
  encoded[0] = kind;
  encoded.set(content, 1);
  return encoded;
}

function encodeChunk(message: Chunk): Uint8Array {
  const encoded = new Uint8Array(CHUNK_HEADER_BYTES + message.data.length);
  const view = new DataView(encoded.buffer);
  view.setUint8(0, CHUNK);
  encoded.set(bytesOf(message.id), 1);
  view.setUint32(17, message.round);
  view.setFloat64(21, message.position);
  encoded.set(message.data, CHUNK_HEADER_BYTES);
  return encoded;
}

/** @throws {WeirError} `badMessage` for anything that no client of Weir sends */
export function decodeMessage(encoded: Uint8Array): FileMessage {
  if (encoded[0] === CHUNK) return decodeChunk(encoded);
  if (encoded[0] === SEEK_KIND) return decodeSeek(encoded.subarray(1));
  if (encoded[0] !== CONTROL || encoded.length > MAX_CONTROL_BYTES) throw malformed();
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(encoded.subarray(1)));
  } catch {
    throw malformed();
  }
  const parsed = ControlMessage.safeParse(json);
  if (!parsed.success) throw malformed();
  return parsed.data;
}

/** Bytes as lower-case hexadecimal digits. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The reverse of `hex`. */
function bytesOf(digits: string): Uint8Array {
  return Uint8Array.from({ length: digits.length / 2 }, (_, index) =>
    Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16),
  );
}

function decodeSeek(bytes: Uint8Array): Seek {
  const count = bytes.length / SHA256_BYTES;
  if (!Number.isInteger(count) || count < 1 || count > MAX_SEEK_HASHES) throw malformed();
  const hashes = Array.from({ length: count }, (_, index) =>
    hex(bytes.subarray(index * SHA256_BYTES, (index + 1) * SHA256_BYTES)),
  );
  return { type: 'seek', hashes };
}

function decodeChunk(encoded: Uint8Array): Chunk {
  const length = encoded.length - CHUNK_HEADER_BYTES;
  if (length < 1 || length > CHUNK_BYTES) throw malformed();
  const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  const position = view.getFloat64(21);
  if (!Number.isSafeInteger(position) || position < 0) throw malformed();
  return {
    type: 'chunk',
    id: hex(encoded.subarray(1, 17)),
    round: view.getUint32(17),
    position,
    data: encoded.subarray(CHUNK_HEADER_BYTES),
  };
}

function malformed(): WeirError {
  return new WeirError('badMessage', 'A message of a file transfer is malformed.');
}

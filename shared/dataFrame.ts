/** The binary frame of data channels, through the SFU and between two clients alike: a small header, then the payload. */
import { WeirError } from './errors.ts';

export { type DataChannelLabel, dataChannelLabels, dataChannels } from './dataChannels.ts';

/** The largest payload of one message, in bytes. */
export const MAX_DATA_BYTES = 65_536;
/** The longest topic, in UTF-16 code units. */
export const MAX_TOPIC = 64;
/** How many peers a message can be addressed to by name. */
export const MAX_DESTINATIONS = 100;
/** The longest peer id in a frame, in bytes of UTF-8. */
const MAX_PEER_ID_BYTES = 64;

const VERSION = 1;
/** Version, sequence number, length of the topic, number of peers. */
const FIXED_BYTES = 7;
/** A code unit of UTF-16 becomes at most three bytes of UTF-8. */
const MAX_HEADER_BYTES = FIXED_BYTES + 3 * MAX_TOPIC + MAX_DESTINATIONS * (1 + MAX_PEER_ID_BYTES);
/** The largest frame, in bytes. */
export const MAX_FRAME_BYTES = MAX_HEADER_BYTES + MAX_DATA_BYTES;

/**
 * A message on a data channel. In the frame, all integers are unsigned and big-endian:
 *
 * | bytes | what |
 * |---|---|
 * | 1 | version, 1 |
 * | 4 | sequence number |
 * | 1 | length of the topic in bytes |
 * | 1 | number of peer ids |
 * | 1 + n each | peer ids: length in bytes, then UTF-8 |
 * | n | topic, UTF-8 |
 * | the rest | payload |
 */
export interface DataFrame {
  /** Counts the messages of a sender on one channel, from 0, modulo 2^32; a message to others leaves a gap. */
  readonly sequence: number;
  readonly topic: string;
  /**
   * To the server: whom it is for, everyone if empty, except on `bulk`. From the server: who sent it, nobody if the sender is hidden.
   * Between two clients: empty.
   */
  readonly peerIds: readonly string[];
  readonly data: Uint8Array;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws {WeirError} `badRequest` if a limit is exceeded */
export function encodeDataFrame({ sequence, topic, peerIds, data }: DataFrame): Uint8Array<ArrayBuffer> {
  assertDataLimits(topic, peerIds, data.length);
  const topicBytes = encoder.encode(topic);
  const ids = peerIds.map(encodePeerId);
  const headerBytes = FIXED_BYTES + topicBytes.length + ids.reduce((sum, id) => sum + 1 + id.length, 0);
  const frame = new Uint8Array(headerBytes + data.length);
  const view = new DataView(frame.buffer);
  view.setUint8(0, VERSION);
  view.setUint32(1, sequence);
  view.setUint8(5, topicBytes.length);
  view.setUint8(6, ids.length);
  let offset = FIXED_BYTES;
  for (const id of ids) {
    view.setUint8(offset, id.length);
    frame.set(id, offset + 1);
    offset += 1 + id.length;
  }
  frame.set(topicBytes, offset);
  frame.set(data, headerBytes);
  return frame;
}

/** @returns a frame whose `data` is a view of `bytes` @throws {WeirError} `badMessage` if it is malformed or too large */
export function decodeDataFrame(bytes: Uint8Array): DataFrame {
  if (bytes.length < FIXED_BYTES || bytes[0] !== VERSION) throw malformed('has no header of a known version');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const peerIds: string[] = [];
  let offset = FIXED_BYTES;
  const take = (length: number) => {
    if (offset + length > bytes.length) throw malformed('ends within its header');
    offset += length;
    return bytes.subarray(offset - length, offset);
  };
  for (let left = view.getUint8(6); left > 0; left--) peerIds.push(decodeText(take(take(1)[0] ?? 0)));
  const topic = decodeText(take(view.getUint8(5)));
  const data = bytes.subarray(offset);
  try {
    assertDataLimits(topic, peerIds, data.length);
  } catch (cause) {
    throw new WeirError('badMessage', WeirError.from(cause).message, { cause });
  }
  return { sequence: view.getUint32(1), topic, peerIds, data };
}

/** @throws {WeirError} `badRequest` */
export function assertDataLimits(topic: string, peerIds: readonly string[], dataBytes: number): void {
  if (dataBytes > MAX_DATA_BYTES) throw refused(`has ${dataBytes} bytes; at most ${MAX_DATA_BYTES} are allowed`);
  if (topic.length > MAX_TOPIC)
    throw refused(`has a topic of ${topic.length} characters; at most ${MAX_TOPIC} are allowed`);
  if (!topic.isWellFormed()) throw refused('has a topic that is not valid Unicode (lone surrogate)');
  if (peerIds.length > MAX_DESTINATIONS)
    throw refused(`names ${peerIds.length} peers; at most ${MAX_DESTINATIONS} are allowed`);
}

function encodePeerId(peerId: string): Uint8Array {
  const bytes = encoder.encode(peerId);
  if (bytes.length === 0 || bytes.length > MAX_PEER_ID_BYTES) throw refused('names a peer that cannot exist');
  return bytes;
}

function decodeText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw malformed('has text that is not UTF-8', cause);
  }
}

function refused(what: string): WeirError {
  return new WeirError('badRequest', `The data message ${what}.`);
}

function malformed(what: string, cause?: unknown): WeirError {
  return new WeirError('badMessage', `The data frame ${what}.`, { cause });
}

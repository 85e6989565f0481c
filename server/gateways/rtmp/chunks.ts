/** The chunk stream of RTMP (specification 1.0, section 5.3): bytes to messages, and messages to bytes. */

export const messageType = {
  setChunkSize: 1,
  abort: 2,
  acknowledgement: 3,
  userControl: 4,
  windowAcknowledgementSize: 5,
  setPeerBandwidth: 6,
  audio: 8,
  video: 9,
  data: 18,
  command: 20,
} as const;

export interface RtmpMessage {
  readonly type: number;
  readonly streamId: number;
  /** Milliseconds, modulo 2^32. */
  readonly timestamp: number;
  readonly payload: Buffer;
}

/** The bytes are no chunk stream, or more than an encoder sends. */
export class ChunkError extends Error {
  override readonly name = 'ChunkError';
}

/** Bytes of a command, and of a frame of video; and how many chunk streams there may be. */
const LIMITS = { command: 64 * 1024, frame: 4 * 1024 * 1024, streams: 8 };
/** Bytes of the chunks that a client may choose; the least is what the specification asks for, and what they begin with. */
const CHUNK_SIZES = { least: 128, most: 1024 * 1024 };
/** A time of 24 bits that says: the time follows in 32 bits. */
const EXTENDED = 0xff_ffff;
/** Of a message that the server sends, so that each is one chunk. */
const SENT_CHUNK_SIZE = 4096;
/** Bytes of the message header, by the format of the chunk. */
const HEADER_LENGTHS = [11, 7, 3, 0] as const;

/** What a chunk stream remembers from one chunk to the next. */
interface ChunkStream {
  timestamp: number;
  delta: number;
  hasExtendedTime: boolean;
  length: number;
  type: number;
  streamId: number;
  /** The message that has begun: of its whole length, of which the first `received` bytes have come. */
  payload: Buffer;
  received: number;
}

/** A chunk whose header has come. */
interface OpenChunk {
  readonly stream: ChunkStream;
  /** Bytes that have not come. */
  left: number;
}

/** Makes messages of bytes, whatever pieces these come in. Keeps no more than the messages that have begun. */
export class ChunkReader {
  readonly #streams = new Map<number, ChunkStream>();
  /** The beginning of a header. */
  #rest: Buffer = Buffer.alloc(0);
  #chunk: OpenChunk | undefined;
  #chunkSize = CHUNK_SIZES.least;
  #maxLength = LIMITS.command;

  /** Messages may be as long as a frame of video from now on. */
  takeFrames(): void {
    this.#maxLength = LIMITS.frame;
  }

  /** All messages that are complete with these bytes, without those of no bytes. @throws {ChunkError} */
  read(bytes: Buffer): RtmpMessage[] {
    let rest = this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes;
    const messages: RtmpMessage[] = [];
    for (;;) {
      if (!this.#chunk) {
        const begun = this.#readHeader(rest);
        if (!begun) break;
        rest = rest.subarray(begun.headerLength);
        this.#chunk = begun.chunk;
      }
      const { stream, left } = this.#chunk;
      const taken = rest.copy(stream.payload, stream.received, 0, left);
      rest = rest.subarray(taken);
      stream.received += taken;
      this.#chunk.left -= taken;
      if (this.#chunk.left > 0) break;
      this.#chunk = undefined;
      if (stream.received < stream.length) continue;
      const { type, streamId, timestamp, payload } = stream;
      forget(stream);
      messages.push(...this.#apply({ type, streamId, timestamp, payload }));
    }
    this.#rest = rest;
    return messages;
  }

  /** Handles what is about the chunk stream itself. */
  #apply(message: RtmpMessage): RtmpMessage[] {
    const { type, payload } = message;
    if (type !== messageType.setChunkSize && type !== messageType.abort) return payload.length > 0 ? [message] : [];
    if (payload.length < 4) throw new ChunkError('A control message is too short.');
    const value = payload.readUInt32BE() & 0x7fff_ffff;
    if (type === messageType.abort) {
      const stream = this.#streams.get(value);
      if (stream) forget(stream);
      return [];
    }
    if (value < CHUNK_SIZES.least || value > CHUNK_SIZES.most)
      throw new ChunkError(`Chunks of ${value} bytes are not taken.`);
    this.#chunkSize = value;
    return [];
  }

  /** Begins the next chunk. @returns undefined where its header is not complete yet */
  #readHeader(bytes: Buffer): { readonly headerLength: number; readonly chunk: OpenChunk } | undefined {
    const basic = readBasicHeader(bytes);
    if (!basic) return undefined;
    const { format, chunkStreamId } = basic;
    const known = this.#streams.get(chunkStreamId);
    if (!known && format !== 0) throw new ChunkError('A chunk continues a message that there is not.');
    if (!known && this.#streams.size >= LIMITS.streams) throw new ChunkError('There are too many chunk streams.');
    const isStart = !known || known.received === 0;
    if (!isStart && format !== 3) throw new ChunkError('A message begins before the one before it has ended.');
    const headerEnd = basic.length + HEADER_LENGTHS[format];
    if (bytes.length < headerEnd) return undefined;
    const stream: ChunkStream = known ? { ...known } : newStream();
    const time = format < 3 ? bytes.readUIntBE(basic.length, 3) : 0;
    if (format < 3) stream.hasExtendedTime = time === EXTENDED;
    if (format < 2) {
      stream.length = bytes.readUIntBE(basic.length + 3, 3);
      stream.type = bytes.readUInt8(basic.length + 6);
    }
    if (format === 0) stream.streamId = bytes.readUInt32LE(basic.length + 7);
    if (stream.length > this.#maxLength) throw new ChunkError(`A message of ${stream.length} bytes is not taken.`);
    const dataStart = headerEnd + (stream.hasExtendedTime ? 4 : 0);
    if (bytes.length < dataStart) return undefined;
    if (isStart) {
      setTime(stream, format, stream.hasExtendedTime ? bytes.readUInt32BE(headerEnd) : time);
      this.#assertRoomFor(stream.length);
      stream.payload = Buffer.allocUnsafe(stream.length);
    }
    this.#streams.set(chunkStreamId, stream);
    const left = Math.min(this.#chunkSize, stream.length - stream.received);
    return { headerLength: dataStart, chunk: { stream, left } };
  }

  /** All messages that have begun are twice as long as one may be, at most. @throws {ChunkError} */
  #assertRoomFor(length: number): void {
    let begun = length;
    for (const { payload } of this.#streams.values()) begun += payload.length;
    if (begun > 2 * this.#maxLength) throw new ChunkError('Too many long messages have begun.');
  }
}

/** A message of the server, on a chunk stream that nothing else uses. */
export function writeMessage({ type, streamId, timestamp, payload }: RtmpMessage): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt8(type === messageType.command ? 3 : 2);
  header.writeUIntBE(timestamp, 1, 3);
  header.writeUIntBE(payload.length, 4, 3);
  header.writeUInt8(type, 7);
  header.writeUInt32LE(streamId, 8);
  if (payload.length > SENT_CHUNK_SIZE) throw new ChunkError('The server sends short messages only.');
  return Buffer.concat([header, payload]);
}

/** Tells the client how large the server's chunks are; before any message that is longer than 128 bytes. */
export function writeChunkSize(): Buffer {
  return writeControl(messageType.setChunkSize, SENT_CHUNK_SIZE);
}

/** A control message with one number. */
export function writeControl(type: number, value: number): Buffer {
  const payload = Buffer.alloc(type === messageType.setPeerBandwidth ? 5 : 4);
  payload.writeUInt32BE(value);
  // The limit of the bandwidth is dynamic.
  if (type === messageType.setPeerBandwidth) payload.writeUInt8(2, 4);
  return writeMessage({ type, streamId: 0, timestamp: 0, payload });
}

const none = Buffer.alloc(0);

function newStream(): ChunkStream {
  const message = { length: 0, type: 0, streamId: 0, payload: none, received: 0 };
  return { timestamp: 0, delta: 0, hasExtendedTime: false, ...message };
}

/** Drops the message that has begun; what is known about the next one stays. */
function forget(stream: ChunkStream): void {
  [stream.payload, stream.received] = [none, 0];
}

/** Format 0 has the time itself, 1 and 2 the difference to the message before; 3 repeats that difference. */
function setTime(stream: ChunkStream, format: number, time: number): void {
  if (format === 0) [stream.timestamp, stream.delta] = [time, 0];
  else {
    if (format < 3) stream.delta = time;
    stream.timestamp = (stream.timestamp + stream.delta) >>> 0;
  }
}

function readBasicHeader(bytes: Buffer) {
  if (bytes.length < 1) return undefined;
  const first = bytes.readUInt8();
  const low = first & 0x3f;
  const length = low === 0 ? 2 : low === 1 ? 3 : 1;
  if (bytes.length < length) return undefined;
  const chunkStreamId = low > 1 ? low : 64 + bytes.readUInt8(1) + (low === 1 ? 256 * bytes.readUInt8(2) : 0);
  const format = first >> 6;
  if (format !== 0 && format !== 1 && format !== 2 && format !== 3) throw new ChunkError('Unreachable.');
  return { format, chunkStreamId, length } as const;
}

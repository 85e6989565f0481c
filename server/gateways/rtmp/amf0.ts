/** Reads and writes values of AMF 0 (Action Message Format), in which RTMP has its commands. */

export type AmfValue = number | boolean | string | null | undefined | AmfObject | readonly AmfValue[];
export interface AmfObject {
  readonly [name: string]: AmfValue;
}

/** A message is no AMF 0, or more of it than a command of an encoder has. */
export class AmfError extends Error {
  override readonly name = 'AmfError';
}

const marker = {
  number: 0,
  boolean: 1,
  string: 2,
  object: 3,
  null: 5,
  undefined: 6,
  ecmaArray: 8,
  objectEnd: 9,
  strictArray: 10,
  date: 11,
  longString: 12,
} as const;

const LIMITS = { depth: 8, values: 512 };

/** All values of a message. @throws {AmfError} */
export function readAmf(bytes: Buffer): AmfValue[] {
  const reader = new AmfReader(bytes);
  const values: AmfValue[] = [];
  while (!reader.atEnd) values.push(reader.value());
  return values;
}

/** The values of a message, one after another. */
export function writeAmf(values: readonly AmfValue[]): Buffer {
  return Buffer.concat(values.map(written));
}

class AmfReader {
  readonly #bytes: Buffer;
  #offset = 0;
  #values = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#offset >= this.#bytes.length;
  }

  value(depth = 0): AmfValue {
    this.#values += 1;
    if (depth > LIMITS.depth || this.#values > LIMITS.values)
      throw new AmfError('It is nested too deeply, or too long.');
    const type = this.#take(1).readUInt8();
    switch (type) {
      case marker.number:
        return this.#take(8).readDoubleBE();
      case marker.boolean:
        return this.#take(1).readUInt8() !== 0;
      case marker.string:
        return this.#text(this.#take(2).readUInt16BE());
      case marker.longString:
        return this.#text(this.#take(4).readUInt32BE());
      case marker.null:
        return null;
      case marker.undefined:
        return undefined;
      case marker.date:
        return this.#take(10).readDoubleBE();
      case marker.ecmaArray:
        // How many entries it has is a hint only.
        this.#take(4);
        return this.#object(depth);
      case marker.object:
        return this.#object(depth);
      case marker.strictArray: {
        const values: AmfValue[] = [];
        for (let left = this.#take(4).readUInt32BE(); left > 0; left -= 1) values.push(this.value(depth + 1));
        return values;
      }
      default:
        throw new AmfError(`It has a value of type ${type}, which is unknown.`);
    }
  }

  #object(depth: number): AmfObject {
    const entries: [string, AmfValue][] = [];
    for (;;) {
      const name = this.#text(this.#take(2).readUInt16BE());
      if (name === '' && this.#bytes[this.#offset] === marker.objectEnd) {
        this.#offset += 1;
        // Names such as `__proto__` become fields like any other.
        return Object.fromEntries(entries);
      }
      entries.push([name, this.value(depth + 1)]);
    }
  }

  #text(length: number): string {
    return this.#take(length).toString('utf8');
  }

  #take(length: number): Buffer {
    const end = this.#offset + length;
    if (end > this.#bytes.length) throw new AmfError('It is cut off.');
    const part = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return part;
  }
}

function written(value: AmfValue): Buffer {
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(9);
    bytes.writeDoubleBE(value, 1);
    return bytes;
  }
  if (typeof value === 'boolean') return Buffer.from([marker.boolean, value ? 1 : 0]);
  if (typeof value === 'string') return Buffer.concat([Buffer.from([marker.string]), name(value)]);
  if (value === undefined) return Buffer.from([marker.undefined]);
  if (value === null) return Buffer.from([marker.null]);
  if (isList(value)) {
    const head = Buffer.alloc(5);
    head.writeUInt8(marker.strictArray);
    head.writeUInt32BE(value.length, 1);
    return Buffer.concat([head, ...value.map(written)]);
  }
  const fields = Object.entries(value).flatMap(([key, field]) => [name(key), written(field)]);
  return Buffer.concat([Buffer.from([marker.object]), ...fields, Buffer.from([0, 0, marker.objectEnd])]);
}

function isList(value: AmfObject | readonly AmfValue[]): value is readonly AmfValue[] {
  return Array.isArray(value);
}

/** Text with its length in two bytes before it. */
function name(text: string): Buffer {
  const bytes = Buffer.from(text).subarray(0, 0xffff);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

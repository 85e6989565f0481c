/** STUN messages (RFC 8489): parses and encodes what a server or client of plain Binding requests needs. */
import { crc32 } from 'node:zlib';
import { ipBytes, ipText } from '../common/ipAddress.ts';

/** Types of messages: the method Binding in each class (RFC 8489, section 5). */
export const BINDING = { request: 0x0001, indication: 0x0011, success: 0x0101, error: 0x0111 } as const;

/** Types of attributes (RFC 8489, section 18.3). */
export const ATTRIBUTE = {
  mappedAddress: 0x0001,
  username: 0x0006,
  messageIntegrity: 0x0008,
  errorCode: 0x0009,
  unknownAttributes: 0x000a,
  realm: 0x0014,
  nonce: 0x0015,
  messageIntegritySha256: 0x001c,
  passwordAlgorithm: 0x001d,
  userhash: 0x001e,
  xorMappedAddress: 0x0020,
  fingerprint: 0x8028,
} as const;

/** Attributes of types below this have to be understood (RFC 8489, section 14). */
const COMPREHENSION_OPTIONAL = 0x8000;
const MAGIC_COOKIE = 0x2112_a442;
const HEADER_LENGTH = 20;
export const TRANSACTION_ID_LENGTH = 12;
const FINGERPRINT_LENGTH = 8;
const FINGERPRINT_XOR = 0x5354_554e;
const FAMILY = { ipv4: 1, ipv6: 2 } as const;

export interface StunAttribute {
  readonly type: number;
  readonly value: Buffer;
}

export interface StunMessage {
  /** Method and class. */
  readonly type: number;
  /** 12 bytes. */
  readonly transactionId: Buffer;
  /** In their order, without FINGERPRINT. */
  readonly attributes: readonly StunAttribute[];
  /** Whether it ends with a FINGERPRINT. */
  readonly fingerprint: boolean;
}

export interface TransportAddress {
  /** An IP address. */
  readonly address: string;
  readonly port: number;
}

/**
 * Parses a datagram.
 * @returns undefined for what is not a STUN message of RFC 5389 or later, is malformed, or has a wrong FINGERPRINT
 */
export function parseStunMessage(data: Buffer): StunMessage | undefined {
  if (data.length < HEADER_LENGTH || data.readUInt32BE(4) !== MAGIC_COOKIE) return undefined;
  const type = data.readUInt16BE(0);
  const length = data.readUInt16BE(2);
  if (type >= 0x4000 || length % 4 !== 0 || length !== data.length - HEADER_LENGTH) return undefined;
  const attributes: StunAttribute[] = [];
  let fingerprint = false;
  for (let offset = HEADER_LENGTH; offset < data.length; ) {
    // FINGERPRINT is the last one.
    if (fingerprint) return undefined;
    const attribute = { type: data.readUInt16BE(offset), length: data.readUInt16BE(offset + 2) };
    const end = offset + 4 + attribute.length;
    if (end > data.length) return undefined;
    const value = data.subarray(offset + 4, end);
    if (attribute.type === ATTRIBUTE.fingerprint) {
      if (value.length !== 4 || value.readUInt32BE(0) !== fingerprintOf(data.subarray(0, offset))) return undefined;
      fingerprint = true;
    } else attributes.push({ type: attribute.type, value });
    offset = end + padding(attribute.length);
  }
  return { type, transactionId: data.subarray(8, HEADER_LENGTH), attributes, fingerprint };
}

/** @param message its transaction id must have 12 bytes; all attributes together less than 64 KiB */
export function encodeStunMessage({ type, transactionId, attributes, fingerprint }: StunMessage): Buffer {
  const body = attributes.flatMap(({ type: attributeType, value }) => {
    const header = Buffer.alloc(4);
    header.writeUInt16BE(attributeType, 0);
    header.writeUInt16BE(value.length, 2);
    return [header, value, Buffer.alloc(padding(value.length))];
  });
  const header = Buffer.alloc(8);
  header.writeUInt16BE(type, 0);
  header.writeUInt32BE(MAGIC_COOKIE, 4);
  const message = Buffer.concat([header, transactionId, ...body]);
  message.writeUInt16BE(message.length - HEADER_LENGTH + (fingerprint ? FINGERPRINT_LENGTH : 0), 2);
  if (!fingerprint) return message;
  const last = Buffer.alloc(FINGERPRINT_LENGTH);
  last.writeUInt16BE(ATTRIBUTE.fingerprint, 0);
  last.writeUInt16BE(4, 2);
  last.writeUInt32BE(fingerprintOf(message), 4);
  return Buffer.concat([message, last]);
}

/** The attribute XOR-MAPPED-ADDRESS (RFC 8489, section 14.2), or another one of that form. @param address an IP address */
export function xorAddress(
  { address, port }: TransportAddress,
  transactionId: Buffer,
  type: number = ATTRIBUTE.xorMappedAddress,
): StunAttribute {
  const bytes = ipBytes(address);
  const value = Buffer.alloc(4 + bytes.length);
  value.writeUInt8(bytes.length === 4 ? FAMILY.ipv4 : FAMILY.ipv6, 1);
  value.writeUInt16BE(port ^ (MAGIC_COOKIE >>> 16), 2);
  xorWithKey(bytes, transactionId).copy(value, 4);
  return { type, value };
}

/** The address in an attribute of that type; undefined where there is none that is well formed. */
export function xorAddressOf({ attributes, transactionId }: StunMessage, type: number): TransportAddress | undefined {
  const found = addressIn(attributes.find((attribute) => attribute.type === type)?.value);
  if (!found) return undefined;
  return { address: ipText(xorWithKey(found.bytes, transactionId)), port: found.port ^ (MAGIC_COOKIE >>> 16) };
}

/** The address that a response says the request came from; undefined where it has none that is well formed. */
export function mappedAddressOf(message: StunMessage): TransportAddress | undefined {
  const xored = message.attributes.some(({ type }) => type === ATTRIBUTE.xorMappedAddress);
  if (xored) return xorAddressOf(message, ATTRIBUTE.xorMappedAddress);
  const found = addressIn(message.attributes.find(({ type }) => type === ATTRIBUTE.mappedAddress)?.value);
  return found && { address: ipText(found.bytes), port: found.port };
}

function addressIn(value: Buffer | undefined): { bytes: Buffer; port: number } | undefined {
  if (value === undefined || value.length < 8) return undefined;
  const length = { [FAMILY.ipv4]: 4, [FAMILY.ipv6]: 16 }[value.readUInt8(1)];
  if (length === undefined || value.length !== 4 + length) return undefined;
  return { port: value.readUInt16BE(2), bytes: value.subarray(4) };
}

/** The attribute ERROR-CODE without a reason phrase (RFC 8489, section 14.8). */
export function errorCode(code: number): StunAttribute {
  return { type: ATTRIBUTE.errorCode, value: Buffer.from([0, 0, Math.floor(code / 100), code % 100]) };
}

/** The code of an error response; undefined where it has none. */
export function errorCodeOf({ attributes }: StunMessage): number | undefined {
  const value = attributes.find(({ type }) => type === ATTRIBUTE.errorCode)?.value;
  if (value === undefined || value.length < 4) return undefined;
  return (value.readUInt8(2) & 7) * 100 + value.readUInt8(3);
}

/** The attribute UNKNOWN-ATTRIBUTES (RFC 8489, section 14.9). */
export function unknownAttributes(types: readonly number[]): StunAttribute {
  const value = Buffer.alloc(2 * types.length);
  types.forEach((type, index) => {
    value.writeUInt16BE(type, 2 * index);
  });
  return { type: ATTRIBUTE.unknownAttributes, value };
}

/**
 * The types of a message's attributes that have to be understood and are not known to RFC 8489, each once. Whatever follows
 * MESSAGE-INTEGRITY is ignored (section 14.5).
 */
export function unknownTypes({ attributes }: StunMessage): number[] {
  const known = new Set<number>(Object.values(ATTRIBUTE));
  const integrity = attributes.findIndex(
    ({ type }) => type === ATTRIBUTE.messageIntegrity || type === ATTRIBUTE.messageIntegritySha256,
  );
  const heeded = integrity === -1 ? attributes : attributes.slice(0, integrity);
  const required = heeded.map(({ type }) => type).filter((type) => type < COMPREHENSION_OPTIONAL && !known.has(type));
  return [...new Set(required)];
}

/** Attributes begin at multiples of 4 bytes. */
const padding = (length: number): number => -length & 3;

/** CRC-32 of the message up to the FINGERPRINT (RFC 8489, section 14.7). */
const fingerprintOf = (message: Buffer): number => (crc32(message) ^ FINGERPRINT_XOR) >>> 0;

function xorWithKey(bytes: Buffer, transactionId: Buffer): Buffer {
  const key = Buffer.alloc(4 + transactionId.length);
  key.writeUInt32BE(MAGIC_COOKIE, 0);
  transactionId.copy(key, 4);
  return Buffer.from(bytes.map((byte, index) => byte ^ (key[index] ?? 0)));
}

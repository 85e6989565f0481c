/** STUN messages as TURN clients write and read them (RFC 8489, RFC 8656): attributes, addresses, integrity. */
import { createHmac } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';

export const METHOD = { allocate: 3, refresh: 4, send: 6, data: 7, createPermission: 8, channelBind: 9 } as const;
export const CLASS = { request: 0x000, indication: 0x010, success: 0x100, error: 0x110 } as const;
export const ATTRIBUTE = {
  username: 0x0006,
  messageIntegrity: 0x0008,
  errorCode: 0x0009,
  channelNumber: 0x000c,
  lifetime: 0x000d,
  xorPeerAddress: 0x0012,
  data: 0x0013,
  realm: 0x0014,
  nonce: 0x0015,
  xorRelayedAddress: 0x0016,
  requestedAddressFamily: 0x0017,
  requestedTransport: 0x0019,
} as const;

const MAGIC_COOKIE = 0x2112_a442;
const HEADER = 20;
const INTEGRITY = 20;

export interface Address {
  /** An IPv4 or IPv6 address, in any notation. */
  readonly address: string;
  readonly port: number;
}

export interface Attribute {
  readonly type: number;
  readonly value: Buffer;
}

export interface TurnMessage {
  /** Method and class. */
  readonly type: number;
  /** 12 bytes. */
  readonly transactionId: Buffer;
  readonly attributes: readonly Attribute[];
}

/** @param key of MESSAGE-INTEGRITY, which comes last; without it there is none */
export function encodeMessage({ type, transactionId, attributes }: TurnMessage, key?: Buffer): Buffer {
  const body = Buffer.concat(attributes.map(encodeAttribute));
  const header = Buffer.alloc(HEADER);
  header.writeUInt16BE(type, 0);
  header.writeUInt16BE(body.length + (key ? INTEGRITY + 4 : 0), 2);
  header.writeUInt32BE(MAGIC_COOKIE, 4);
  transactionId.copy(header, 8);
  const message = Buffer.concat([header, body]);
  if (!key) return message;
  const value = createHmac('sha1', key).update(message).digest();
  return Buffer.concat([message, encodeAttribute({ type: ATTRIBUTE.messageIntegrity, value })]);
}

function encodeAttribute({ type, value }: Attribute): Buffer {
  const bytes = Buffer.alloc(4 + paddedLength(value.length));
  bytes.writeUInt16BE(type, 0);
  bytes.writeUInt16BE(value.length, 2);
  value.copy(bytes, 4);
  return bytes;
}

/** @returns undefined for what is no STUN message, or is cut off */
export function decodeMessage(bytes: Buffer): TurnMessage | undefined {
  if (bytes.length < HEADER || (bytes[0] ?? 0) > 3 || bytes.readUInt32BE(4) !== MAGIC_COOKIE) return undefined;
  const end = HEADER + bytes.readUInt16BE(2);
  if (end > bytes.length) return undefined;
  const attributes: Attribute[] = [];
  for (let at = HEADER; at + 4 <= end; ) {
    const length = bytes.readUInt16BE(at + 2);
    if (at + 4 + length > end) return undefined;
    attributes.push({ type: bytes.readUInt16BE(at), value: Buffer.from(bytes.subarray(at + 4, at + 4 + length)) });
    at += 4 + paddedLength(length);
  }
  return { type: bytes.readUInt16BE(0), transactionId: Buffer.from(bytes.subarray(8, HEADER)), attributes };
}

/** The length of values and of frames on TCP: a multiple of four bytes. */
export function paddedLength(length: number): number {
  return length + ((4 - (length % 4)) % 4);
}

/** The first attribute of that type. */
export function attributeOf({ attributes }: TurnMessage, type: number): Buffer | undefined {
  return attributes.find((one) => one.type === type)?.value;
}

/** The error of an error response; 0 without one. */
export function errorOf(message: TurnMessage): { code: number; reason: string } {
  const value = attributeOf(message, ATTRIBUTE.errorCode);
  if (!value || value.length < 4) return { code: 0, reason: '' };
  return { code: (value[2] ?? 0) * 100 + (value[3] ?? 0), reason: value.toString('utf8', 4) };
}

function encodeAddress({ address, port }: Address, transactionId: Buffer): Buffer {
  const bytes = bytesOf(address);
  const value = Buffer.alloc(4 + bytes.length);
  value.writeUInt8(bytes.length === 4 ? 1 : 2, 1);
  value.writeUInt16BE(port ^ (MAGIC_COOKIE >>> 16), 2);
  xored(bytes, transactionId).copy(value, 4);
  return value;
}

/** Names a peer in a request with that transaction id. @throws {RangeError} for an address that is none */
export function peerAttribute(peer: Address, transactionId: Buffer): Attribute {
  return { type: ATTRIBUTE.xorPeerAddress, value: encodeAddress(peer, transactionId) };
}

/** @returns undefined for what is no address */
export function decodeAddress(value: Buffer, transactionId: Buffer): Address | undefined {
  const family = value[1];
  const length = family === 1 ? 4 : 16;
  if ((family !== 1 && family !== 2) || value.length !== 4 + length) return undefined;
  const bytes = xored(value.subarray(4), transactionId);
  const groups = Array.from({ length: 8 }, (_, group) =>
    length === 16 ? bytes.readUInt16BE(group * 2).toString(16) : '',
  );
  const address = length === 4 ? bytes.join('.') : new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
  return { address, port: value.readUInt16BE(2) ^ (MAGIC_COOKIE >>> 16) };
}

function xored(bytes: Buffer, transactionId: Buffer): Buffer {
  const mask = Buffer.alloc(16);
  mask.writeUInt32BE(MAGIC_COOKIE, 0);
  transactionId.copy(mask, 4);
  return Buffer.from(bytes.map((byte, index) => byte ^ (mask[index] ?? 0)));
}

function bytesOf(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  if (!isIPv6(address) || address.includes('%')) throw new RangeError(`"${address}" is not an IP address.`);
  // Turns a dotted end into two groups.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string) =>
    text
      .split(':')
      .filter(Boolean)
      .map((group) => Number.parseInt(group, 16));
  const before = groups(head);
  const after = groups(tail ?? '');
  const zeros = Array<number>(8 - before.length - after.length).fill(0);
  const bytes = Buffer.alloc(16);
  for (const [index, group] of [...before, ...zeros, ...after].entries()) bytes.writeUInt16BE(group, index * 2);
  return bytes;
}

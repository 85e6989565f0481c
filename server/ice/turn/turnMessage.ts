/** What TURN adds to STUN messages (RFC 8656): methods, attributes, and integrity by a long-term credential. */
import { createHmac } from 'node:crypto';
import { isIP } from 'node:net';
import {
  encodeStunMessage,
  errorCodeOf,
  ATTRIBUTE as STUN_ATTRIBUTE,
  type StunAttribute,
  type StunMessage,
  type TransportAddress,
  xorAddress,
} from '../stunMessage.ts';

export const METHOD = { allocate: 3, refresh: 4, send: 6, data: 7, createPermission: 8, channelBind: 9 } as const;
export const CLASS = { request: 0x000, indication: 0x010, success: 0x100, error: 0x110 } as const;
export const ATTRIBUTE = {
  channelNumber: 0x000c,
  lifetime: 0x000d,
  xorPeerAddress: 0x0012,
  data: 0x0013,
  xorRelayedAddress: 0x0016,
  requestedAddressFamily: 0x0017,
  requestedTransport: 0x0019,
} as const;

/** Type and length of an attribute, and an HMAC-SHA1. */
const INTEGRITY_LENGTH = 4 + 20;

/** @param key of MESSAGE-INTEGRITY, which comes last; without it there is none */
export function encodeMessage(
  type: number,
  transactionId: Buffer,
  attributes: readonly StunAttribute[],
  key?: Buffer,
): Buffer {
  if (!key) return encodeStunMessage({ type, transactionId, attributes, fingerprint: false });
  const integrity = { type: STUN_ATTRIBUTE.messageIntegrity, value: Buffer.alloc(20) };
  // The length in the header counts the attribute, the HMAC leaves it out (RFC 8489, section 14.5).
  const all = [...attributes, integrity];
  const bytes = encodeStunMessage({ type, transactionId, attributes: all, fingerprint: false });
  createHmac('sha1', key)
    .update(bytes.subarray(0, -INTEGRITY_LENGTH))
    .digest()
    .copy(bytes, bytes.length - 20);
  return bytes;
}

/** Names a peer in a request with that transaction id. @throws {RangeError} for an address that is none */
export function peerAttribute(peer: TransportAddress, transactionId: Buffer): StunAttribute {
  if (isIP(peer.address) === 0) throw new RangeError(`"${peer.address}" is not an IP address.`);
  return xorAddress(peer, transactionId, ATTRIBUTE.xorPeerAddress);
}

/** The value of the first attribute of that type. */
export function attributeOf({ attributes }: StunMessage, type: number): Buffer | undefined {
  return attributes.find((one) => one.type === type)?.value;
}

/** The error of an error response; 0 without one. */
export function errorOf(message: StunMessage): { code: number; reason: string } {
  const reason = attributeOf(message, STUN_ATTRIBUTE.errorCode)?.toString('utf8', 4) ?? '';
  return { code: errorCodeOf(message) ?? 0, reason };
}

/** The length of values and of frames on TCP: a multiple of four bytes. */
export function paddedLength(length: number): number {
  return length + (-length & 3);
}

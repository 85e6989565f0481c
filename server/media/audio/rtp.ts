/** RTP packets as bytes (RFC 3550, RFC 8285, RFC 6464): reading their fields, and copying them with another header. */

/** Length of the fixed header, before the contributing sources, in bytes. */
const FIXED_HEADER = 12;
/** Profile of a header extension with one-byte elements; two-byte elements have 0x100x (RFC 8285). */
const ONE_BYTE_PROFILE = 0xbede;

/**
 * The ids of the header extensions that are used here in a publisher's packets; undefined where it does not send them.
 */
export interface ExtensionIds {
  readonly level: number | undefined;
  readonly captureTime: number | undefined;
}

/** The header fields of a copy. */
export interface NewHeader {
  readonly ssrc: number;
  readonly payloadType: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly marker: boolean;
}

/**
 * The header extensions of every packet that `rewrite` returns. The ids are those of the copy, not of the original's
 * sender: one stream carries many senders, and its ids are negotiated once.
 */
export const EXTENSIONS = [
  { uri: 'urn:ietf:params:rtp-hdrext:ssrc-audio-level', id: 1 },
  { uri: 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time', id: 2 },
] as const;
const [LEVEL, CAPTURE_TIME] = EXTENSIONS;

/**
 * The index of the payload's first byte, or -1 for a packet that is not RTP or is truncated. All functions below
 * require a packet that has one.
 */
export function payloadStart(packet: Buffer): number {
  const first = packet[0] ?? 0;
  if (packet.length < FIXED_HEADER || first >> 6 !== 2) return -1;
  let start = FIXED_HEADER + 4 * (first & 0x0f);
  if (first & 0x10) {
    if (start + 4 > packet.length) return -1;
    start += 4 + 4 * packet.readUInt16BE(start + 2);
  }
  return start > packet.length ? -1 : start;
}

/** The index after the payload's last byte, without padding; `start` at least. */
export function payloadEnd(packet: Buffer, start: number): number {
  const padding = (packet[0] ?? 0) & 0x20 ? (packet.at(-1) ?? 0) : 0;
  return Math.max(start, packet.length - padding);
}

export function payloadTypeOf(packet: Buffer): number {
  return (packet[1] ?? 0) & 0x7f;
}

export function markerOf(packet: Buffer): boolean {
  return ((packet[1] ?? 0) & 0x80) !== 0;
}

export function sequenceOf(packet: Buffer): number {
  return packet.readUInt16BE(2);
}

/** In units of the codec's clock. */
export function timestampOf(packet: Buffer): number {
  return packet.readUInt32BE(4);
}

export function ssrcOf(packet: Buffer): number {
  return packet.readUInt32BE(8);
}

/** How far `to` is ahead of `from`, negative where behind, modulo 16 bits. */
export function sequenceDistance(from: number, to: number): number {
  return ((to - from) << 16) >> 16;
}

/** How far `to` is ahead of `from`, negative where behind, modulo 32 bits. */
export function timestampDistance(from: number, to: number): number {
  return (to - from) | 0;
}

/** The value of the header extension of that id, as a view of the packet; undefined where the packet has none. */
export function extensionOf(packet: Buffer, id: number): Buffer | undefined {
  const found = findExtension(packet, id);
  return found < 0 ? undefined : packet.subarray(found >> 8, (found >> 8) + (found & 0xff));
}

/**
 * The byte of ssrc-audio-level (RFC 6464): the level in -dBov, 0 to 127, plus 128 where the sender has detected voice;
 * -1 where the packet has none. Allocates nothing, because it is called for every packet of a room.
 */
export function levelByteOf(packet: Buffer, id: number | undefined): number {
  if (id === undefined) return -1;
  const found = findExtension(packet, id);
  return found < 0 || (found & 0xff) === 0 ? -1 : (packet[found >> 8] ?? -1);
}

/**
 * A copy with another header. Of the header extensions, audio level and capture time are copied, under the ids of
 * `EXTENSIONS`; all others belong to the publisher's transport (MID, transport-wide sequence numbers) and would be
 * wrong in another stream, as would be contributing sources. Padding is not copied.
 * @param ids of the extensions in the original
 */
export function rewrite(packet: Buffer, ids: ExtensionIds, header: NewHeader): Buffer {
  const start = payloadStart(packet);
  const end = payloadEnd(packet, start);
  const level = valueLength(packet, ids.level, 1);
  const captureTime = valueLength(packet, ids.captureTime, 16);
  const elements = (level && 1 + level) + (captureTime && 1 + captureTime);
  const words = (elements + 3) >> 2;
  const bodyStart = FIXED_HEADER + (words && 4 + 4 * words);

  const copy = Buffer.allocUnsafe(bodyStart + end - start);
  copy[0] = words ? 0x90 : 0x80;
  copy[1] = (header.marker ? 0x80 : 0) | header.payloadType;
  copy.writeUInt16BE(header.sequence, 2);
  copy.writeUInt32BE(header.timestamp, 4);
  copy.writeUInt32BE(header.ssrc, 8);
  if (words) {
    copy.writeUInt16BE(ONE_BYTE_PROFILE, FIXED_HEADER);
    copy.writeUInt16BE(words, FIXED_HEADER + 2);
    let at = FIXED_HEADER + 4;
    if (level) at = writeExtension(copy, at, LEVEL.id, packet, ids.level, level);
    if (captureTime) at = writeExtension(copy, at, CAPTURE_TIME.id, packet, ids.captureTime, captureTime);
    copy.fill(0, at, bodyStart);
  }
  packet.copy(copy, bodyStart, start, end);
  return copy;
}

/** Length of an extension's value; 0 where there is none, or where it is too long to be valid. */
function valueLength(packet: Buffer, id: number | undefined, maxLength: number): number {
  const found = id === undefined ? -1 : findExtension(packet, id);
  const length = found < 0 ? 0 : found & 0xff;
  return length > maxLength ? 0 : length;
}

function writeExtension(
  copy: Buffer,
  at: number,
  newId: number,
  packet: Buffer,
  id: number | undefined,
  length: number,
): number {
  const found = id === undefined ? -1 : findExtension(packet, id);
  copy[at] = (newId << 4) | (length - 1);
  packet.copy(copy, at + 1, found >> 8, (found >> 8) + length);
  return at + 1 + length;
}

/** Index and length of an extension's value as one number (index * 256 + length), or -1. */
function findExtension(packet: Buffer, id: number): number {
  const first = packet[0] ?? 0;
  if ((first & 0x10) === 0 || packet.length < FIXED_HEADER) return -1;
  const block = FIXED_HEADER + 4 * (first & 0x0f);
  if (block + 4 > packet.length) return -1;
  const profile = packet.readUInt16BE(block);
  const short = profile === ONE_BYTE_PROFILE;
  if (!short && profile >> 4 !== 0x100) return -1;
  // A block that claims to be longer than the packet is read to the packet's end.
  const end = Math.min(packet.length, block + 4 + 4 * packet.readUInt16BE(block + 2));
  for (let at = block + 4; at < end; ) {
    const byte = packet[at] ?? 0;
    const elementId = short ? byte >> 4 : byte;
    if (elementId === 0) {
      // Padding between elements is one byte, whatever its length bits are.
      at += 1;
      continue;
    }
    if (short && elementId === 15) return -1;
    const length = short ? (byte & 0x0f) + 1 : (packet[at + 1] ?? 0);
    const value = at + (short ? 1 : 2);
    if (value + length > end) return -1;
    if (elementId === id) return (value << 8) | length;
    at = value + length;
  }
  return -1;
}

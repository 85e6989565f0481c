/**
 * Packetises encoded frames into RTP payloads: VP8 (RFC 7741), H264 (RFC 6184, packetization-mode 1), Opus (RFC 7587).
 */

/** Bytes: with RTP, SRTP, UDP and IP headers, a packet stays below every usual MTU. */
export const payloadLimit = 1100;

/**
 * Bytes of the VP8 payload descriptor: X with I, L and T, a PictureID of 15 bits, TL0PICIDX, TID.
 * mediasoup renumbers pictures when it switches the simulcast layer, but only with PictureID and TL0PICIDX.
 */
export const vp8DescriptorBytes = 6;

const stapA = 24;
const fuA = 28;

/**
 * @param pictureId taken modulo 2^15
 * @param limit bytes of a payload, descriptor included
 */
export function packetiseVp8(frame: Buffer, pictureId: number, limit = payloadLimit): Buffer[] {
  return cut(frame, limit - vp8DescriptorBytes).map((part, index) => {
    const start = index === 0 ? 0x10 : 0;
    const payload = Buffer.concat([Buffer.from([0x80 | start, 0xe0, 0, 0, 0, 0]), part]);
    setPictureId(payload, pictureId);
    return payload;
  });
}

/**
 * Renumbers a payload of `packetiseVp8`, in place: senders of a stream share its payloads, so each renumbers its own
 * copy. Consecutive pictures have consecutive numbers, also where a stream loops or restarts at a key frame; receivers
 * take a jump for lost pictures. All pictures are of the base layer, so TL0PICIDX advances equally.
 * @param offset where the payload begins, bytes
 */
export function setPictureId(packet: Buffer, pictureId: number, offset = 0): void {
  packet.writeUInt16BE(0x8000 | (pictureId & 0x7fff), offset + 2);
  packet.writeUInt8(pictureId & 0xff, offset + 4);
}

/**
 * Small consecutive NAL units share a STAP-A, as SPS and PPS do; large ones are split into FU-A.
 * @param units the NAL units of one access unit, without start codes
 * @param limit bytes of a payload
 */
export function packetiseH264(units: readonly Buffer[], limit = payloadLimit): Buffer[] {
  const payloads: Buffer[] = [];
  let small: Buffer[] = [];
  let size = 1;
  const flush = () => {
    const [first] = small;
    if (first) payloads.push(small.length === 1 ? first : aggregate(small));
    small = [];
    size = 1;
  };
  for (const unit of units) {
    if (unit.length === 0) throw new RangeError('H264: a NAL unit is empty');
    if (size + 2 + unit.length > limit) flush();
    if (unit.length > limit) {
      payloads.push(...fragment(unit, limit));
    } else {
      small.push(unit);
      size += 2 + unit.length;
    }
  }
  flush();
  return payloads;
}

/** The payload is the Opus packet unchanged. */
export function packetiseOpus(packet: Buffer, limit = payloadLimit): Buffer[] {
  if (packet.length === 0 || packet.length > limit) {
    throw new RangeError(`Opus: a packet of ${packet.length} bytes; 1 to ${limit} fit into a payload`);
  }
  return [packet];
}

function aggregate(units: readonly Buffer[]): Buffer {
  // The forbidden bit is set if any unit has it; nal_ref_idc is the maximum.
  const headers = units.map((unit) => unit.readUInt8(0));
  const forbidden = headers.some((header) => header & 0x80) ? 0x80 : 0;
  const importance = Math.max(...headers.map((header) => header & 0x60));
  const parts: Buffer[] = [Buffer.from([forbidden | importance | stapA])];
  for (const unit of units) {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(unit.length);
    parts.push(length, unit);
  }
  return Buffer.concat(parts);
}

function fragment(unit: Buffer, limit: number): Buffer[] {
  const header = unit.readUInt8(0);
  const parts = cut(unit.subarray(1), limit - 2);
  return parts.map((part, index) => {
    const edge = (index === 0 ? 0x80 : 0) | (index === parts.length - 1 ? 0x40 : 0);
    return Buffer.concat([Buffer.from([(header & 0xe0) | fuA, edge | (header & 0x1f)]), part]);
  });
}

/** Splits data into parts of nearly equal size, `most` bytes at most. */
function cut(data: Buffer, most: number): Buffer[] {
  if (data.length === 0) throw new RangeError('a frame is empty');
  if (most < 1) throw new RangeError('a payload has no room for anything but its header');
  const count = Math.ceil(data.length / most);
  const bound = (index: number) => Math.floor((data.length * index) / count);
  return Array.from({ length: count }, (_, index) => data.subarray(bound(index), bound(index + 1)));
}

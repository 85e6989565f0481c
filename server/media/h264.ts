/** H.264 in RTP (RFC 6184), as far as the types of its slices: reads the first bytes of packets, and decodes nothing. */

/** Types of NAL units, and of the RTP payloads that carry several of them or parts of one. */
const SLICE = 1;
const AGGREGATION = 24;
const FRAGMENT = 28;
/** `slice_type` modulo 5 of a B slice (ITU-T H.264, table 7-6). */
const B_SLICE = 1;
/** Two Exp-Golomb numbers are shorter, in bytes. */
const SLICE_HEADER = 12;

/**
 * Whether a B slice begins in this payload: one that refers to later pictures. Pictures with such slices are shown in another
 * order than they are sent in.
 * @param payload of one RTP packet, in packetization mode 0 or 1
 * @returns undefined where no slice begins that could be one, such as in the middle of a fragmented picture
 */
export function hasBSlice(payload: Buffer): boolean | undefined {
  const slices = unitsOf(payload).filter((unit) => typeOf(unit) === SLICE);
  if (slices.length === 0) return undefined;
  return slices.some((slice) => sliceTypeOf(slice) % 5 === B_SLICE);
}

/** The NAL units that begin in a payload; of a fragmented one as much as there is. */
function unitsOf(payload: Buffer): Buffer[] {
  const type = typeOf(payload);
  if (type === AGGREGATION) return aggregated(payload);
  if (type !== FRAGMENT) return [payload];
  const header = payload[1] ?? 0;
  // Only the first fragment has the header of the slice; the type is in the header of the fragment.
  return (header & 0x80) === 0
    ? []
    : [Buffer.concat([Buffer.of(header & 0x1f), payload.subarray(2, 2 + SLICE_HEADER)])];
}

function aggregated(payload: Buffer): Buffer[] {
  const units: Buffer[] = [];
  for (let start = 1; start + 2 < payload.length; ) {
    const end = start + 2 + payload.readUInt16BE(start);
    units.push(payload.subarray(start + 2, end));
    start = end;
  }
  return units;
}

function typeOf(unit: Buffer): number {
  return (unit[0] ?? 0) & 0x1f;
}

/** The second number of a slice header (section 7.3.3); the first one is the place of the slice. */
function sliceTypeOf(slice: Buffer): number {
  const bits = bitsOf(slice.subarray(1, 1 + SLICE_HEADER));
  readNumber(bits);
  return readNumber(bits);
}

function* bitsOf(bytes: Buffer): Generator<number, undefined> {
  for (const byte of bytes) for (let bit = 7; bit >= 0; bit -= 1) yield (byte >> bit) & 1;
}

/** An unsigned Exp-Golomb number (section 9.1); 0 where the bits have ended. */
function readNumber(bits: Generator<number, undefined>): number {
  let zeros = 0;
  for (let bit = bits.next().value; bit === 0; bit = bits.next().value) zeros += 1;
  let value = 1;
  for (; zeros > 0; zeros -= 1) value = 2 * value + (bits.next().value ?? 0);
  return value - 1;
}

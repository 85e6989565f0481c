/** Parses the files that ffmpeg writes: IVF, H264 in Annex B form, and Opus in Ogg. */

export interface IvfFile {
  /** Such as `VP80`. */
  readonly codec: string;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  readonly frames: readonly Buffer[];
}

export interface OggOpusFile {
  readonly channels: number;
  /** Samples at 48 kHz that a decoder drops at the beginning. */
  readonly preSkip: number;
  readonly packets: readonly Buffer[];
}

interface OggPage {
  readonly flags: number;
  /** Packets, or parts of them; `whole` tells whether the last one ends here. */
  readonly parts: readonly Buffer[];
  readonly whole: boolean;
}

/** @throws {Error} for another format, or a truncated frame */
export function parseIvf(file: Buffer): IvfFile {
  if (file.length < 32 || file.toString('latin1', 0, 4) !== 'DKIF') throw new Error('IVF: there is no header');
  const frames: Buffer[] = [];
  for (let at = file.readUInt16LE(6); at < file.length; ) {
    const end = at + 12 <= file.length ? at + 12 + file.readUInt32LE(at) : Number.POSITIVE_INFINITY;
    if (end > file.length) throw new Error(`IVF: the file ends within frame ${frames.length}`);
    if (end === at + 12) throw new Error(`IVF: frame ${frames.length} is empty`);
    frames.push(file.subarray(at + 12, end));
    at = end;
  }
  return {
    codec: file.toString('latin1', 8, 12),
    width: file.readUInt16LE(12),
    height: file.readUInt16LE(14),
    frames,
  };
}

/**
 * Access units as lists of NAL units without start codes. Each must begin with an access unit delimiter, which is left
 * out. A truncated last NAL unit goes unnoticed: compare the number of frames.
 * @throws {Error} for another format
 */
export function parseAnnexB(file: Buffer): Buffer[][] {
  const units: Buffer[][] = [];
  for (const unit of nalUnits(file)) {
    const header = unit.readUInt8(0);
    if (header & 0x80) throw new Error(`Annex B: the NAL unit at byte ${unit.byteOffset - file.byteOffset} is damaged`);
    if ((header & 0x1f) === 9) units.push([]);
    else if (units.length === 0) throw new Error('Annex B: the file does not begin with an access unit delimiter');
    else units.at(-1)?.push(unit);
  }
  const bare = units.findIndex((unit) => !unit.some((nal) => isSlice(nal.readUInt8(0) & 0x1f)));
  if (bare >= 0) throw new Error(`Annex B: access unit ${bare} has no picture`);
  return units;
}

function* nalUnits(file: Buffer): Generator<Buffer> {
  const mark = Buffer.from([0, 0, 1]);
  let at = file.indexOf(mark);
  if (at < 0 || file.subarray(0, at).some((byte) => byte !== 0)) {
    throw new Error('Annex B: the file does not begin with a start code');
  }
  while (at >= 0) {
    const begin = at + mark.length;
    at = file.indexOf(mark, begin);
    let end = at < 0 ? file.length : at;
    // A NAL unit never ends in zeros: they belong to the next start code.
    while (end > begin && file[end - 1] === 0) end -= 1;
    if (end === begin) throw new Error(`Annex B: the NAL unit at byte ${begin} is empty`);
    yield file.subarray(begin, end);
  }
}

function isSlice(type: number): boolean {
  return type === 1 || type === 5;
}

/** @throws {Error} for another format, a damaged or missing page, or a truncated file */
export function parseOggOpus(file: Buffer): OggOpusFile {
  const packets: Buffer[] = [];
  let begun: Buffer[] = [];
  let last: OggPage | undefined;
  for (const page of oggPages(file)) {
    for (const [index, part] of page.parts.entries()) {
      begun.push(part);
      if (index === page.parts.length - 1 && !page.whole) continue;
      packets.push(Buffer.concat(begun));
      begun = [];
    }
    last = page;
  }
  // The last page is flagged, which reveals a file that was truncated between pages.
  if (!last || !(last.flags & 4) || begun.length > 0) throw new Error('Ogg: the end of the file is missing');
  const [head, tags, ...rest] = packets;
  if (!head || head.length < 19 || head.toString('latin1', 0, 8) !== 'OpusHead') throw new Error('Ogg: it is no Opus');
  if (tags?.toString('latin1', 0, 8) !== 'OpusTags') throw new Error('Ogg: the Opus tags are missing');
  return { channels: head.readUInt8(9), preSkip: head.readUInt16LE(10), packets: rest };
}

function* oggPages(file: Buffer): Generator<OggPage> {
  for (let at = 0, index = 0; at < file.length; index += 1) {
    if (file.toString('latin1', at, at + 4) !== 'OggS') throw new Error(`Ogg: at byte ${at} there is no page`);
    const cut = new Error(`Ogg: the file ends within page ${index}`);
    if (at + 27 > file.length) throw cut;
    const body = at + 27 + file.readUInt8(at + 26);
    if (body > file.length) throw cut;
    const lacing = file.subarray(at + 27, body);
    const end = lacing.reduce((sum, size) => sum + size, body);
    if (end > file.length) throw cut;
    if (file.readUInt32LE(at + 18) !== index) throw new Error(`Ogg: page ${index} is missing`);
    if (oggChecksum(file.subarray(at, end)) !== file.readUInt32LE(at + 22)) {
      throw new Error(`Ogg: page ${index} is damaged`);
    }
    yield {
      flags: file.readUInt8(at + 5),
      parts: laced(file.subarray(body, end), lacing),
      whole: lacing.at(-1) !== 255,
    };
    at = end;
  }
}

/** Splits a page into packets: a packet is a run of 255-byte segments, ended by a shorter one. */
function laced(body: Buffer, lacing: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  let begin = 0;
  let end = 0;
  for (const [index, size] of lacing.entries()) {
    end += size;
    if (size === 255 && index < lacing.length - 1) continue;
    parts.push(body.subarray(begin, end));
    begin = end;
  }
  return parts;
}

/** CRC-32 with the polynomial 04c11db7, not reflected, initial value 0; its own field counts as 0. */
function oggChecksum(page: Buffer): number {
  let sum = 0;
  for (const [index, byte] of page.entries()) {
    sum ^= index >= 22 && index < 26 ? 0 : byte << 24;
    for (let bit = 0; bit < 8; bit += 1) sum = sum < 0 ? (sum << 1) ^ 0x04c11db7 : sum << 1;
  }
  return sum >>> 0;
}

/**
 * Duration of an Opus packet (RFC 6716, section 3.1), in ticks of 48 kHz.
 * @throws {Error} for an invalid packet
 */
export function opusTicks(packet: Buffer): number {
  const [toc, second] = packet;
  if (toc === undefined) throw new Error('Opus: a packet is empty');
  const mode = toc >> 3;
  const sizes = mode < 12 ? [480, 960, 1920, 2880] : mode < 16 ? [480, 960] : [120, 240, 480, 960];
  const code = toc & 3;
  const frames = code === 0 ? 1 : code < 3 ? 2 : (second ?? 0) & 0x3f;
  const ticks = frames * (sizes[mode % sizes.length] ?? 0);
  if (ticks === 0 || ticks > 5760) throw new Error('Opus: a packet has no frames, or more than 120 ms of them');
  return ticks;
}

/** What SDP from outside may be at most, checked before it is parsed. */
import { WeirError } from '../../../shared/errors.ts';

/** Browsers send up to 12 KB in 400 lines for one audio and one video. */
export const SDP_LIMITS = {
  /** UTF-8. */
  bytes: 64 * 1024,
  lines: 2000,
  /** Characters. */
  line: 4096,
  /** m-lines. */
  media: 16,
  /** In all m-lines together. */
  candidates: 256,
  /** In one m-line. */
  payloadTypes: 96,
  headerExtensions: 64,
  ssrcs: 64,
  rids: 8,
} as const;

/** A line: one letter, an equals sign, and a value without control characters. */
const LINE = /^[a-z]=\P{Cc}*$/u;

/**
 * Checks text that is to be parsed as SDP or as a fragment of it (RFC 8866, section 5). Lines may end with LF alone.
 * @throws {WeirError} `badRequest`
 */
export function assertWithinLimits(text: string): void {
  if (Buffer.byteLength(text) > SDP_LIMITS.bytes) throw malformed(`is larger than ${SDP_LIMITS.bytes} bytes`);
  if (!text.isWellFormed()) throw malformed('is not valid Unicode');
  // At most two parts more than there may be lines: a million line breaks are not split.
  const lines = text.split(/\r\n|\n/, SDP_LIMITS.lines + 2);
  if (lines.at(-1) === '') lines.pop();
  if (lines.length > SDP_LIMITS.lines) throw malformed(`has more than ${SDP_LIMITS.lines} lines`);
  const [media, candidates] = ['m=', 'a=candidate:'].map(
    (start) => lines.filter((line) => line.startsWith(start)).length,
  );
  if ((media ?? 0) > SDP_LIMITS.media) throw malformed(`has more than ${SDP_LIMITS.media} media sections`);
  if ((candidates ?? 0) > SDP_LIMITS.candidates) throw malformed(`has more than ${SDP_LIMITS.candidates} candidates`);
  for (const [index, line] of lines.entries()) {
    if (line.length > SDP_LIMITS.line) throw malformed(`has a line of more than ${SDP_LIMITS.line} characters`);
    if (!LINE.test(line)) throw malformed(`has a malformed line ${index + 1}`);
  }
}

/** The error for SDP that is not SDP. @param what continues the sentence "The SDP ..." */
export function malformed(what: string): WeirError {
  return new WeirError('badRequest', `The SDP ${what}.`);
}

/** The error for SDP that is well-formed, and cannot be served. @param sentence says what is wanted instead */
export function unsupported(sentence: string): WeirError {
  return new WeirError('unsupported', sentence);
}

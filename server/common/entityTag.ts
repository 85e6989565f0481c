/** Entity tags (RFC 9110, section 8.8.3): each names one ICE session, so that no trickled candidate reaches another one. */
import { randomBytes } from 'node:crypto';

/** A new strong tag, with its quotes. */
export function newEntityTag(): string {
  return `"${randomBytes(12).toString('base64url')}"`;
}

/**
 * Compares `If-Match` with the current tag (RFC 9110, section 13.1.1). Weak tags never match. RFC 9725 shows the asterisk in
 * quotes, so that some clients send it so.
 */
export function matchEntityTag(ifMatch: string | undefined, current: string): 'missing' | 'any' | 'match' | 'mismatch' {
  if (ifMatch === undefined) return 'missing';
  const tags = ifMatch.split(',').map((tag) => tag.trim());
  if (tags.includes('*') || tags.includes('"*"')) return 'any';
  return tags.includes(current) ? 'match' : 'mismatch';
}

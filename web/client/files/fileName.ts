/** Names of files that come from outside, made safe to show and to save. */
import { displayName, graphemes } from '../../../shared/names.ts';

/** Maximum length of a file name in bytes of UTF-8: what common file systems take, less room for " (1)". */
const MAX_BYTES = 240;
/** An extension up to this many characters survives when a name is shortened. */
const MAX_EXTENSION = 16;
const FALLBACK = 'file';
/** What Windows and POSIX refuse in a name. Path separators are handled before. */
const reserved = /["*:<>?|]/g;
/** Devices of Windows. */
const device = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/** The last part of a path, without characters that are invisible, turn the direction of text, or no file system takes. */
export function safeFileName(name: string): string {
  const last = name.split(/[/\\]/).findLast((part) => part.trim() !== '') ?? '';
  const clean = displayName(last)
    .replace(reserved, '_')
    .replace(/^[.\s]+|[.\s]+$/g, '');
  if (clean === '') return FALLBACK;
  return shortened(device.test(clean) ? `_${clean}` : clean);
}

function shortened(name: string): string {
  if (bytesOf(name) <= MAX_BYTES) return name;
  const dot = name.lastIndexOf('.');
  const extension = dot > 0 && name.length - dot <= MAX_EXTENSION ? name.slice(dot) : '';
  const room = MAX_BYTES - bytesOf(extension);
  let stem = '';
  let used = 0;
  for (const character of graphemes(name.slice(0, name.length - extension.length))) {
    used += bytesOf(character);
    if (used > room) break;
    stem += character;
  }
  return `${stem.trimEnd()}${extension}`;
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

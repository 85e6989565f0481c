/** The name of a codec as a label: that of the server's routers, however a client writes it. */
import { mediaCodecs } from '../../media/options.ts';

const names = new Map(mediaCodecs.map(({ mimeType }) => [mimeType.toLowerCase(), mimeType.split('/')[1] ?? '']));

/** @returns such as `VP8`; `other` for what no router has */
export function codecName(mimeType: string): string {
  return names.get(mimeType.toLowerCase()) ?? 'other';
}

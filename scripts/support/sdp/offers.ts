/** The collection of offers of real WebRTC clients in `offers/`: each file says in its first lines where it comes from. */
import { readdirSync, readFileSync } from 'node:fs';

const directory = new URL('offers/', import.meta.url);

/** `obs-30.2`, for example. */
export const offerNames: readonly string[] = readdirSync(directory)
  .filter((file) => file.endsWith('.sdp'))
  .map((file) => file.replace(/\.sdp$/, ''))
  .sort();

/** The SDP, with the line ends that clients send, and without the lines about it. */
export function offerNamed(name: string): string {
  const lines = readFileSync(new URL(`${name}.sdp`, directory), 'utf8')
    .trimEnd()
    .split('\n');
  return lines
    .filter((line) => !line.startsWith('#'))
    .map((line) => `${line}\r\n`)
    .join('');
}

/** What `--lan` prints: addresses for other devices, a QR code, and how to go on after the browser's warning. */
import { isIPv6 } from 'node:net';
import { renderUnicodeCompact } from 'uqr';
import type { Lan } from './withLan.ts';

export interface LanTextOptions {
  readonly port: number;
  readonly basePath: string;
  /** Columns of the terminal; undefined where there is none, and so nobody to scan a code. */
  readonly columns: number | undefined;
  readonly colours: boolean;
}

/** Modules of white around the code, which scanners need. */
const QUIET_ZONE = 2;

/** Lines for standard output. The first address is that of the code. */
export function lanText({ addresses, fingerprint, made }: Lan, options: LanTextOptions): string {
  const urls = addresses.map((address) => urlOf(address, options));
  return [
    `For other devices in this network: ${urls.join('  ')}`,
    ...code(urls[0] ?? '', options),
    "The certificate is Weir's own, so each browser warns once. Go on with:",
    '  Chrome, Edge: Advanced, Continue to ... (unsafe)',
    '  Firefox: Advanced, Accept the Risk and Continue',
    '  Safari: Show Details, visit this website',
    `Who wants to be sure compares its SHA-256 fingerprint${made ? ', which is new' : ''}: ${fingerprint}`,
  ].join('\n');
}

function urlOf(address: string, { port, basePath }: LanTextOptions): string {
  const host = isIPv6(address) ? `[${address}]` : address;
  return `https://${host}:${port}${basePath}/`;
}

/** The QR code, where the terminal is wide enough for it. */
function code(url: string, { columns, colours }: LanTextOptions): string[] {
  const lines = renderUnicodeCompact(url, { border: QUIET_ZONE }).split('\n');
  if (columns === undefined || columns < (lines[0]?.length ?? 0)) return [];
  // Light modules are drawn: bright white on black, whatever the colours of the terminal are.
  return colours ? lines.map((line) => `\x1b[97;40m${line}\x1b[0m`) : lines;
}

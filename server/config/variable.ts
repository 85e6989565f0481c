/** The kinds of configuration variable. Each schema reads the text of the environment. */
import { isIP, isIPv6 } from 'node:net';
import { z } from 'zod';
import { CodecChoice } from '../../shared/protocol.ts';
import { parseHostPort } from '../common/hostPort.ts';
import { parseNetwork } from '../common/IpNetworks.ts';

export interface Variable<T extends z.ZodType = z.ZodType> {
  readonly schema: T;
  /** What it accepts, for the README's table and for error messages. */
  readonly form: string;
  /** Its default, for the README's table. */
  readonly fallback: string;
  /** What it sets, for the README's table. */
  readonly meaning: string;
}

export const number = (min: number, max: number, fallback: number, meaning: string, unit = 'number') => ({
  schema: z.coerce.number().min(min).max(max).default(fallback),
  form: `${unit}, ${min} to ${max}`,
  fallback: String(fallback),
  meaning,
});

export const integer = (min: number, max: number, fallback: number, meaning: string, unit = 'whole number') => ({
  schema: z.coerce.number().int().min(min).max(max).default(fallback),
  form: `${unit}, ${min} to ${max}`,
  fallback: String(fallback),
  meaning,
});

export const codec = (meaning: string) => ({
  schema: CodecChoice.default('VP8'),
  form: '`VP8`, `H264`, `VP9` or `AV1`',
  fallback: '`VP8`',
  meaning,
});

export const flag = (meaning: string, fallback: 'true' | 'false' = 'false') => ({
  schema: z
    .enum(['true', 'false', '1', '0'])
    .default(fallback)
    .transform((value) => value === 'true' || value === '1'),
  form: '`true` or `false`',
  fallback: `\`${fallback}\``,
  meaning,
});

export const optional = <T extends z.ZodType>(schema: T, form: string, fallback: string, meaning: string) => ({
  schema: schema.optional(),
  form,
  fallback,
  meaning,
});

/** A comma-separated list. */
export const list = (entry: z.ZodType<string, string>) =>
  z
    .string()
    .transform((value) =>
      value
        .split(',')
        .map((item) => item.trim())
        .filter(Boolean),
    )
    .pipe(z.array(entry));

/** An IP address, without the zone of a link-local one. */
export const ipAddress = z.string().refine((value) => isIP(value) !== 0 && !value.includes('%'));

/** An IP address, or a network in CIDR notation. */
export const network = z.string().refine((value) => parseNetwork(value) !== undefined);

/** An IP address or a DNS name; a name whose last label begins with a digit would be a mistyped IPv4 address. */
export const announcedAddress = z.union([
  ipAddress,
  z
    .string()
    .max(253)
    .regex(/^([0-9A-Za-z_-]{1,63}\.)*[A-Za-z_][0-9A-Za-z_-]{0,62}\.?$/),
]);

/** An IP address or a host name. */
export const address = z.string().regex(/^[0-9A-Za-z.:_-]{1,253}$/);

/** `turn:` or `turns:`, host (name, IPv4 or bracketed IPv6), optional port, optional transport (RFC 7065, section 3.1). */
const TURN_URI = /^(turns?):([0-9a-z.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::(\d{1,5}))?(?:\?transport=(udp|tcp))?$/i;

export interface TurnUri {
  /** `turns` is TLS over TCP. */
  readonly scheme: 'turn' | 'turns';
  /** Host name or IP address, without brackets. */
  readonly host: string;
  readonly port: number;
  readonly transport: 'udp' | 'tcp';
}

/** @returns undefined for what browsers do not accept: they have TURN over TLS over TCP only */
export function parseTurnUri(value: string): TurnUri | undefined {
  const [, scheme = '', bracketed = '', port, transport] = TURN_URI.exec(value.toLowerCase()) ?? [];
  const host = bracketed.replace(/^\[(.*)\]$/, '$1');
  if (host === '' || (host !== bracketed && !isIPv6(host))) return undefined;
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65535)) return undefined;
  if (scheme === 'turn')
    return { scheme, host, port: Number(port ?? 3478), transport: transport === 'tcp' ? 'tcp' : 'udp' };
  return transport === 'udp' ? undefined : { scheme: 'turns', host, port: Number(port ?? 5349), transport: 'tcp' };
}

/** A URI of a TURN server that browsers accept. */
export const turnUri = z.string().refine((value) => parseTurnUri(value) !== undefined);

/** Most keys that one server accepts: the signature of a token is compared with each of them. */
const MAX_API_KEYS = 16;
const API_KEYS_RULE = `is not 1 to ${MAX_API_KEYS} pairs of a key and a secret`;

/**
 * Keys and their secrets, `key: secret`, one a line or separated by commas, as LiveKit's `LIVEKIT_KEYS`; each key once. The
 * message of a problem has no part of a secret.
 */
export const apiKeys = z.string().transform((value, context) => {
  const entries = value.split(/[,\n]/).filter((entry) => entry.trim() !== '');
  const keys = entries.map((entry) => {
    const [, apiKey = '', apiSecret = ''] = /^([^:]*):(.*)$/.exec(entry) ?? [];
    return { apiKey: apiKey.trim(), apiSecret: apiSecret.trim() };
  });
  const isValid = keys.every(({ apiKey, apiSecret }) => /^[^\p{Cc}]{1,256}$/u.test(apiKey) && apiSecret.length >= 32);
  const differ = new Set(keys.map(({ apiKey }) => apiKey)).size === keys.length;
  if (isValid && differ && keys.length > 0 && keys.length <= MAX_API_KEYS) return keys;
  context.addIssue({ code: 'custom', message: API_KEYS_RULE });
  return z.NEVER;
});

/** Two ports, the lower one first. */
export const portRange = z
  .string()
  .regex(/^\d{4,5}-\d{4,5}$/)
  .transform((text): [number, number] => {
    const [first = 0, last = 0] = text.split('-').map(Number);
    return [first, last];
  })
  .refine(([first, last]) => first >= 1024 && first <= last && last <= 65_535);

/** First segments of paths that Weir itself serves. A proxy may or may not strip the base path, so it must not be one of these. */
const ownSegments = new Set([
  'r',
  'b',
  'api',
  'diagnose',
  'ws',
  'signalling',
  'whip',
  'whep',
  'rtp',
  'twirp',
  'watch',
  'assets',
  'sdk.js',
  'whep.js',
  'player.html',
  'health',
  'ready',
  'metrics',
]);

/** Where webhooks are sent. Credentials in a URL would be in every log of a proxy; a signature says who sends it. */
export const webhookUrl = z.string().refine((value) => {
  const url = URL.parse(value);
  return url !== null && /^https?:$/.test(url.protocol) && url.username + url.password + url.hash === '';
});

/** `host:port`; an IPv6 address in brackets. */
export const hostPort = (defaultPort: number) =>
  z.string().transform((value, context) => {
    const parsed = parseHostPort(value, defaultPort);
    if (parsed) return parsed;
    context.addIssue({ code: 'custom', message: 'is not a host and port' });
    return z.NEVER;
  });

/** A URL path, without a slash at its end. */
export const basePath = z
  .string()
  .regex(/^(\/[\w~-][\w.~-]*)*\/?$/)
  .refine((path) => !ownSegments.has(path.split('/')[1]?.toLowerCase() ?? ''))
  .transform((path) => path.replace(/\/$/, ''));

/** `*`, or an origin as browsers send it; the default port of its scheme may be written. */
export const origin = z.string().transform((value, context) => {
  if (value === '*') return value;
  const canonical = URL.canParse(value) ? new URL(value).origin : undefined;
  if (canonical !== undefined && value.replace(/(?<=^http:.*):80$|(?<=^https:.*):443$/, '') === canonical) {
    return canonical;
  }
  context.addIssue({ code: 'custom', message: 'is not an origin' });
  return z.NEVER;
});

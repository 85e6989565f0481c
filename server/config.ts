/** Owns the configuration: environment variables `WEIR_*` in, one frozen, validated Config out. */
import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { CodecChoice } from '../shared/protocol.ts';
import { ConfigError } from './ConfigError.ts';
import type { LoadLimits } from './media/WorkerPool.ts';
import type { RoomDelays } from './room/Room.ts';
import { certificateWarning, readTls, type Tls } from './tls.ts';

export { ConfigError } from './ConfigError.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** One variable: its schema reads the text of the environment; the rest is what the README's table says of it. */
interface Variable<T extends z.ZodType = z.ZodType> {
  readonly schema: T;
  readonly form: string;
  readonly fallback: string;
  readonly meaning: string;
}

const number = (min: number, max: number, fallback: number, meaning: string, unit = 'number') => ({
  schema: z.coerce.number().min(min).max(max).default(fallback),
  form: `${unit}, ${min} to ${max}`,
  fallback: String(fallback),
  meaning,
});

const integer = (min: number, max: number, fallback: number, meaning: string, unit = 'whole number') => ({
  schema: z.coerce.number().int().min(min).max(max).default(fallback),
  form: `${unit}, ${min} to ${max}`,
  fallback: String(fallback),
  meaning,
});

const codec = (meaning: string) => ({
  schema: CodecChoice.default('VP8'),
  form: '`VP8`, `H264`, `VP9` or `AV1`',
  fallback: '`VP8`',
  meaning,
});

const flag = (meaning: string) => ({
  schema: z
    .enum(['true', 'false', '1', '0'])
    .default('false')
    .transform((value) => value === 'true' || value === '1'),
  form: '`true` or `false`',
  fallback: '`false`',
  meaning,
});

const optional = <T extends z.ZodType>(schema: T, form: string, fallback: string, meaning: string) => ({
  schema: schema.optional(),
  form,
  fallback,
  meaning,
});

const list = (entry: z.ZodType<string, string>) =>
  z
    .string()
    .transform((value) =>
      value
        .split(',')
        .map((item) => item.trim())
        .filter(Boolean),
    )
    .pipe(z.array(entry));

const address = z.string().regex(/^[0-9A-Za-z.:_-]{1,253}$/);
/** First parts of paths that Weir serves: a proxy may or may not take the base path away, so it must not look like one. */
const ownParts = new Set(['r', 'b', 'api', 'ws', 'assets', 'sdk.js', 'health', 'ready']);
const basePath = z
  .string()
  .regex(/^(\/[\w~-][\w.~-]*)*\/?$/)
  .refine((path) => !ownParts.has(path.split('/')[1]?.toLowerCase() ?? ''))
  .transform((path) => path.replace(/\/$/, ''));
/** As browsers send it; a port that is the scheme's default may be written. */
const origin = z.string().transform((value, context) => {
  if (value === '*') return value;
  const own = URL.canParse(value) ? new URL(value).origin : undefined;
  if (own !== undefined && value.replace(/(?<=^http:.*):80$|(?<=^https:.*):443$/, '') === own) return own;
  context.addIssue({ code: 'custom', message: 'is no origin' });
  return z.NEVER;
});

/** Every variable that Weir reads. `npm run docs` writes this table into the README. */
export const variables = {
  WEIR_HOST: {
    schema: address.default('0.0.0.0'),
    form: 'IP address or host name',
    fallback: '`0.0.0.0`',
    meaning: 'Where the page, the API and the signalling listen.',
  },
  WEIR_BASE_PATH: {
    schema: basePath.default(''),
    form: "path such as `/meet`, whose first part is none of Weir's own (`r`, `b`, `api`, `ws`, `assets`, ...)",
    fallback: '`/`',
    meaning:
      'The path under which browsers find Weir where it shares its host with others; the proxy may take it away.',
  },
  WEIR_PORT: integer(0, 65535, 3000, 'Their TCP port; 0 takes any free one.', 'port'),
  WEIR_TLS_CERT: optional(
    z.string().min(1),
    'path',
    'none',
    'Certificate chain (PEM). With it and the key Weir serves HTTPS; browsers give no camera on plain HTTP but on localhost.',
  ),
  WEIR_TLS_KEY: optional(z.string().min(1), 'path', 'none', 'Private key (PEM) of the certificate.'),
  WEIR_RTC_HOST: {
    schema: address.refine((value) => isIP(value) !== 0).default('0.0.0.0'),
    form: 'IP address',
    fallback: '`0.0.0.0`',
    meaning: 'The local address that media is received on.',
  },
  WEIR_RTC_PORT: integer(
    0,
    65000,
    44400,
    'The first media port, UDP and TCP; worker n takes the n-th one after it. 0 takes any free ones.',
    'port',
  ),
  WEIR_ANNOUNCED_ADDRESS: optional(
    list(address),
    'IP addresses or host names, comma-separated',
    "this machine's own addresses",
    'Where browsers find the media ports; name the public address when Weir is behind NAT or in a container.',
  ),
  WEIR_WORKERS: integer(1, 256, availableParallelism(), 'How many media workers; each uses up to one core.'),
  WEIR_API_KEY: optional(
    z.string().min(1).max(256),
    'text',
    'none',
    'The `iss` of tokens. With the secret, rooms need tokens.',
  ),
  WEIR_API_SECRET: optional(
    z.string().min(32),
    'text, at least 32 characters',
    'none',
    'What tokens are signed with (HS256).',
  ),
  WEIR_ALLOW_ANONYMOUS: flag(
    'Under `NODE_ENV=production`: run without tokens all the same, so that anyone may enter any room.',
  ),
  WEIR_TOKEN_LEEWAY_SECONDS: number(0, 600, 60, 'How far the clock of a token may be off.', 'seconds'),
  WEIR_TOKEN_MAX_SECONDS: number(
    1,
    2_592_000,
    86_400,
    'A token that lives longer than this, from when it was made or from now, is refused.',
    'seconds',
  ),
  WEIR_ALLOWED_ORIGINS: optional(
    list(origin),
    'origins such as `https://example.com`, comma-separated, or `*`',
    'the page that Weir serves itself',
    'Further pages that may connect, exactly as browsers send their Origin.',
  ),
  WEIR_TRUST_PROXY: {
    schema: z
      .union([z.enum(['true', 'false']), z.coerce.number().int().min(0).max(10)])
      .default('false')
      .transform((value) => (typeof value === 'number' ? value : value === 'true' ? 1 : 0)),
    form: '`false`, `true` (one), or how many proxies, 0 to 10',
    fallback: '`false`',
    meaning: 'Believe what so many proxies in front of Weir say in `X-Forwarded-For`, `-Proto` and `-Host`.',
  },
  WEIR_LOG_LEVEL: {
    schema: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
    form: '`fatal`, `error`, `warn`, `info`, `debug`, `trace` or `silent`',
    fallback: '`info`',
    meaning: 'How much is logged, to stdout: JSON, one object a line, or lines for people on a terminal.',
  },
  WEIR_CAMERA_CODEC: codec(
    'Codec that cameras are sent in where the browser has it: VP8 and H264 as simulcast, VP9 and AV1 as SVC.',
  ),
  WEIR_SCREEN_CODEC: codec('The same for shared screens.'),
  WEIR_MAX_AUDIBLE_SPEAKERS: integer(
    1,
    20,
    5,
    'How many others are heard at once where there are more microphones than that and one: who speaks takes turns.',
  ),
  WEIR_WORKER_MAX_PPS: integer(
    100,
    10_000_000,
    100_000,
    'Packets a second that a media worker is taken to be full with; its share of a core counts as well.',
    'a second',
  ),
  WEIR_SPILLOVER_UTILIZATION: number(
    0,
    2,
    0.5,
    'How full a media worker is (1 is full) when rooms go on to another one; with 0 everyone goes where there is least to do.',
    'share',
  ),
  WEIR_ROOM_ADMISSION_LIMIT: number(0, 10, 0.8, 'How full all media workers are when no new room is opened.', 'share'),
  WEIR_JOIN_ADMISSION_LIMIT: number(
    0,
    10,
    0.9,
    'How full all media workers are when whoever joins has to wait.',
    'share',
  ),
  WEIR_MAX_CONCURRENT_JOINS: integer(
    1,
    10_000,
    32,
    'How many may be joining at once; others wait in line, room by room.',
  ),
  WEIR_JOIN_QUEUE_LENGTH: integer(0, 100_000, 1000, 'How many may wait to join.'),
  WEIR_JOIN_QUEUE_TIMEOUT_SECONDS: number(
    0.1,
    600,
    8,
    'How long somebody waits to join before being told to try later.',
    'seconds',
  ),
  WEIR_MAX_PEERS: integer(1, 10_000, 80, 'Peers a call.'),
  WEIR_MAX_VIEWERS: integer(1, 100_000, 2000, 'Peers a broadcast, nearly all of whom watch.'),
  WEIR_MAX_CONNECTIONS_PER_IP: integer(
    1,
    1_000_000,
    400,
    'Connections an IP address, or an IPv6 /64, that have not joined with a token: enough for rooms full of people in one office to come back at once.',
  ),
  WEIR_MAX_INCOMING_BITRATE: integer(50_000, 1_000_000_000, 6_000_000, 'What a peer may send.', 'bit/s'),
  WEIR_MAX_MESSAGE_BYTES: integer(4096, 16_777_216, 65_536, 'The largest signalling message.', 'bytes'),
  WEIR_MAX_SEND_BUFFER_BYTES: integer(
    65_536,
    1_073_741_824,
    1_048_576,
    'Unsent signalling at which a slow reader is dropped.',
    'bytes',
  ),
  WEIR_MESSAGES_PER_SECOND: number(1, 100_000, 20, 'Messages a peer, in the long run.', 'a second'),
  WEIR_MESSAGE_BURST: integer(10, 1_000_000, 100, 'Messages a peer, at once.'),
  WEIR_JOIN_SECONDS: number(0.1, 600, 10, 'How soon a connection must join a room.', 'seconds'),
  WEIR_PING_SECONDS: number(0.25, 600, 5, 'How often each connection is asked whether it is alive.', 'seconds'),
  WEIR_SIGNALLING_TIMEOUT_SECONDS: number(0.5, 1800, 15, 'A connection silent for so long is closed.', 'seconds'),
  WEIR_RESUME_SECONDS: number(
    0,
    600,
    30,
    'How long a peer whose connection was cut keeps its place; its media flows on.',
    'seconds',
  ),
  WEIR_DRAIN_SECONDS: number(
    0,
    86_400,
    5,
    'After SIGTERM: how long calls may go on before Weir ends. Nobody is let in meanwhile. Ctrl-C does not wait.',
    'seconds',
  ),
  WEIR_WORKER_RESPONSE_TIMEOUT_SECONDS: number(
    0.5,
    60,
    5,
    'How long a media worker may take to answer before it counts as frozen, and is killed and replaced.',
    'seconds',
  ),
} as const satisfies Record<string, Variable>;

/** Read by the launcher or by tests; not a mistake, though not ours. */
const otherwiseUsed = /^WEIR_(TEST|SKIP|SERVICE|PORT)_/;

/** The schemas of all variables; `Object.fromEntries` forgets which key has which, hence the one cast. */
const Environment = z.object({
  NODE_ENV: z.string().optional(),
  ...(Object.fromEntries(Object.entries(variables).map(([name, { schema }]) => [name, schema])) as {
    [N in keyof typeof variables]: (typeof variables)[N]['schema'];
  }),
});

/** Weir's configuration. Durations are in milliseconds, sizes in bytes, rates in bit/s. */
export interface Config {
  readonly host: string;
  readonly port: number;
  /** Such as `/meet`; empty where Weir has its host for itself. */
  readonly basePath: string;
  readonly tls: Tls | undefined;
  readonly rtcHost: string;
  /** First media port, or 0 for any. */
  readonly rtcPort: number;
  /** As configured; empty when Weir has to find them itself. */
  readonly announcedAddresses: readonly string[];
  readonly workers: number;
  /** Undefined when Weir runs open. */
  readonly auth: { readonly apiKey: string; readonly apiSecret: string } | undefined;
  readonly tokenLeeway: number;
  readonly tokenMaxLifetime: number;
  readonly allowedOrigins: readonly string[];
  /** How many proxies in front of Weir are believed; 0 for none. */
  readonly trustProxy: number;
  readonly logLevel: string;
  readonly cameraCodec: CodecChoice;
  readonly screenCodec: CodecChoice;
  /** Others that are heard at once in a room of many. */
  readonly maxAudibleSpeakers: number;
  readonly load: LoadLimits;
  /** Of those who join. */
  readonly joinQueue: { readonly concurrency: number; readonly length: number; readonly timeout: number };
  /** Of one call, and of one broadcast. */
  readonly maxPeers: { readonly call: number; readonly broadcast: number };
  readonly maxConnectionsPerIp: number;
  readonly maxIncomingBitrate: number;
  readonly maxMessageBytes: number;
  readonly maxSendBuffer: number;
  readonly messagesPerSecond: number;
  readonly messageBurst: number;
  readonly joinTimeout: number;
  readonly pingInterval: number;
  readonly signallingTimeout: number;
  readonly resumeWindow: number;
  readonly drainTime: number;
  readonly workerResponseTimeout: number;
  /** No variable sets these: they are for tests, which have no ten seconds to wait for what ends by itself. */
  readonly delays?: RoomDelays;
}

/**
 * Reads the environment.
 * @returns the configuration, and what whoever starts Weir should know of it though it can be used
 * @throws {ConfigError} for the first variable that is wrong, or for a combination that cannot work
 */
export function readConfig(environment: Environment): { config: Config; warnings: string[] } {
  // An empty value means "not set", as in compose files and unit files.
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value?.trim() !== ''));
  const parsed = Environment.safeParse(given);
  if (!parsed.success) {
    const name = String(parsed.error.issues[0]?.path[0]);
    const accepted = isVariable(name) ? variables[name].form : 'another value';
    const shown = name.includes('SECRET') ? '(hidden)' : JSON.stringify(given[name]);
    throw new ConfigError(`${name}=${shown} is not usable: it takes ${accepted}.`);
  }
  const env = parsed.data;
  const warnings = Object.keys(given)
    .filter((name) => name.startsWith('WEIR_') && !isVariable(name) && !otherwiseUsed.test(name))
    .map((name) => `${name} is not a variable of Weir's; the README lists those that are`);
  const config: Config = Object.freeze({
    host: env.WEIR_HOST,
    port: env.WEIR_PORT,
    basePath: env.WEIR_BASE_PATH,
    tls: readCertificate(env.WEIR_TLS_CERT, env.WEIR_TLS_KEY),
    rtcHost: env.WEIR_RTC_HOST,
    rtcPort: env.WEIR_RTC_PORT,
    announcedAddresses: env.WEIR_ANNOUNCED_ADDRESS ?? [],
    workers: env.WEIR_WORKERS,
    auth: readAuth(env.WEIR_API_KEY, env.WEIR_API_SECRET, env.WEIR_ALLOW_ANONYMOUS || env.NODE_ENV !== 'production'),
    tokenLeeway: env.WEIR_TOKEN_LEEWAY_SECONDS * 1000,
    tokenMaxLifetime: env.WEIR_TOKEN_MAX_SECONDS * 1000,
    allowedOrigins: env.WEIR_ALLOWED_ORIGINS ?? [],
    trustProxy: env.WEIR_TRUST_PROXY,
    logLevel: env.WEIR_LOG_LEVEL,
    cameraCodec: env.WEIR_CAMERA_CODEC,
    screenCodec: env.WEIR_SCREEN_CODEC,
    maxAudibleSpeakers: env.WEIR_MAX_AUDIBLE_SPEAKERS,
    load: {
      packets: env.WEIR_WORKER_MAX_PPS,
      spillover: env.WEIR_SPILLOVER_UTILIZATION,
      rooms: env.WEIR_ROOM_ADMISSION_LIMIT,
      peers: env.WEIR_JOIN_ADMISSION_LIMIT,
    },
    joinQueue: {
      concurrency: env.WEIR_MAX_CONCURRENT_JOINS,
      length: env.WEIR_JOIN_QUEUE_LENGTH,
      timeout: env.WEIR_JOIN_QUEUE_TIMEOUT_SECONDS * 1000,
    },
    maxPeers: { call: env.WEIR_MAX_PEERS, broadcast: env.WEIR_MAX_VIEWERS },
    maxConnectionsPerIp: env.WEIR_MAX_CONNECTIONS_PER_IP,
    maxIncomingBitrate: env.WEIR_MAX_INCOMING_BITRATE,
    maxMessageBytes: env.WEIR_MAX_MESSAGE_BYTES,
    maxSendBuffer: env.WEIR_MAX_SEND_BUFFER_BYTES,
    messagesPerSecond: env.WEIR_MESSAGES_PER_SECOND,
    messageBurst: env.WEIR_MESSAGE_BURST,
    joinTimeout: env.WEIR_JOIN_SECONDS * 1000,
    pingInterval: env.WEIR_PING_SECONDS * 1000,
    signallingTimeout: env.WEIR_SIGNALLING_TIMEOUT_SECONDS * 1000,
    resumeWindow: env.WEIR_RESUME_SECONDS * 1000,
    drainTime: env.WEIR_DRAIN_SECONDS * 1000,
    workerResponseTimeout: env.WEIR_WORKER_RESPONSE_TIMEOUT_SECONDS * 1000,
  });
  if (config.rtcHost === '::' && config.announcedAddresses.length === 0) {
    throw new ConfigError(
      'WEIR_RTC_HOST="::" needs WEIR_ANNOUNCED_ADDRESS: name the IPv6 addresses at which browsers find it.',
    );
  }
  if (config.signallingTimeout <= config.pingInterval) {
    throw new ConfigError(
      'WEIR_SIGNALLING_TIMEOUT_SECONDS must be more than WEIR_PING_SECONDS, or every connection would be closed.',
    );
  }
  if (config.announcedAddresses.some((announced) => announced === '0.0.0.0' || announced === '::')) {
    throw new ConfigError(
      'WEIR_ANNOUNCED_ADDRESS takes addresses at which browsers find this machine: 0.0.0.0 and :: stand for none.',
    );
  }
  if (portsCollide(config)) {
    throw new ConfigError(
      `WEIR_PORT=${config.port} is one of the media ports, ${config.rtcPort} to ${config.rtcPort + config.workers - 1} (WEIR_RTC_PORT, one a worker): choose another.`,
    );
  }
  const expired = config.tls && certificateWarning(config.tls);
  if (expired !== undefined) warnings.push(expired);
  return { config, warnings };
}

function isVariable(name: string): name is keyof typeof variables {
  return Object.hasOwn(variables, name);
}

function readCertificate(cert: string | undefined, key: string | undefined): Config['tls'] {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    throw new ConfigError('WEIR_TLS_CERT and WEIR_TLS_KEY go together: set both for HTTPS, or neither.');
  }
  return readTls(cert, key);
}

/** Media ports and the port of the page are opened on addresses that overlap. */
function portsCollide({ host, port, rtcHost, rtcPort, workers }: Config): boolean {
  const everywhere = (address: string) => address === '0.0.0.0' || address === '::';
  const sameAddress = host === rtcHost || everywhere(host) || everywhere(rtcHost);
  return sameAddress && port !== 0 && rtcPort !== 0 && port >= rtcPort && port < rtcPort + workers;
}

function readAuth(apiKey: string | undefined, apiSecret: string | undefined, mayBeOpen: boolean): Config['auth'] {
  if (apiKey !== undefined && apiSecret !== undefined) return { apiKey, apiSecret };
  if (apiKey !== undefined || apiSecret !== undefined) {
    throw new ConfigError('WEIR_API_KEY and WEIR_API_SECRET go together: set both to ask for tokens, or neither.');
  }
  if (mayBeOpen) return undefined;
  throw new ConfigError(
    'In production Weir does not run open by accident: set WEIR_API_KEY and WEIR_API_SECRET, or WEIR_ALLOW_ANONYMOUS=true to let anyone enter any room.',
  );
}

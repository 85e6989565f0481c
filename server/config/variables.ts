/** Every configuration variable that Weir reads. `npm run docs` writes this table into the README. */
import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { RoomPolicy } from '../../shared/protocol.ts';
import { loggedEventTypes } from '../api/events/LoggedEvent.ts';
import {
  address,
  announcedAddress,
  apiKeys,
  basePath,
  codec,
  flag,
  hostPort,
  integer,
  ipAddress,
  list,
  network,
  number,
  optional,
  origin,
  portRange,
  turnUri,
  type Variable,
  webhookUrl,
} from './variable.ts';

/** Refused joins are no events of a room, and anybody can cause them. */
const defaultWebhookEvents = loggedEventTypes.filter((type) => type !== 'join_refused');

/** RFC 8489, section 18.6. */
const STUN_PORT = 3478;

export const variables = {
  WEIR_HOST: {
    schema: address.default('0.0.0.0'),
    form: 'IP address or host name',
    fallback: '`0.0.0.0`',
    meaning: 'Address on which page, API and signalling listen.',
  },
  WEIR_BASE_PATH: {
    schema: basePath.default(''),
    form: "path such as `/meet`, whose first segment is not one of Weir's own (`r`, `b`, `api`, `ws`, `assets`, ...)",
    fallback: '`/`',
    meaning: 'Path under which browsers reach Weir, where it shares its host name; a proxy may strip it or not.',
  },
  WEIR_PORT: integer(0, 65535, 3000, 'TCP port of page, API and signalling; 0 chooses a free one.', 'port'),
  WEIR_TLS_CERT: optional(
    z.string().min(1),
    'path',
    'none',
    'Certificate chain (PEM). With it and the key Weir serves HTTPS. Browsers allow cameras on HTTPS and `localhost` only.',
  ),
  WEIR_TLS_KEY: optional(z.string().min(1), 'path', 'none', 'Private key (PEM) of the certificate.'),
  WEIR_RTC_HOST: {
    schema: list(ipAddress).optional(),
    form: 'IP addresses, comma-separated',
    fallback: '`0.0.0.0`, and `::` where this machine has a global IPv6 address',
    meaning:
      'Local addresses on which media is received, IPv4 and IPv6, all with the same ports. `::` takes IPv6 only.',
  },
  WEIR_RTC_PORT: integer(
    0,
    65000,
    44400,
    'First media port, UDP and TCP; each further worker uses the next one. 0 chooses free ones.',
    'port',
  ),
  WEIR_ANNOUNCED_ADDRESS: optional(
    list(announcedAddress),
    'IP addresses or host names, comma-separated',
    "this machine's own addresses",
    'Addresses at which browsers reach the media ports, best first. Set it to the public address behind NAT or in a container. Weir resolves names itself, every minute.',
  ),
  WEIR_TURN_URLS: optional(
    list(turnUri).pipe(z.array(z.string()).min(1).max(8)),
    '1 to 8 URIs such as `turn:turn.example.com:3478?transport=udp` or `turns:turn.example.com:443?transport=tcp`, comma-separated; `turns:` goes over TCP only',
    'none',
    'TURN servers, which relay the media of browsers that cannot reach the media ports.',
  ),
  WEIR_TURN_SECRET: optional(
    z.string().min(32),
    'text, at least 32 characters',
    'none',
    "Secret that the TURN servers share with Weir (coturn's `static-auth-secret`); each client gets a credential made from it.",
  ),
  WEIR_TURN_SECONDS: number(
    1,
    86_400,
    300,
    'For how long after joining or restarting ICE a TURN credential can be used to allocate. Calls that have begun go on.',
    'seconds',
  ),
  WEIR_TURN_HOST: optional(
    list(ipAddress).pipe(z.array(z.string()).min(1).max(8)),
    '1 to 8 IP addresses, comma-separated',
    'all of this machine',
    '`npm run turn`: addresses on which coturn listens, and from which it relays.',
  ),
  WEIR_TURN_RELAY_PORTS: {
    schema: portRange.default([49_152, 65_535]),
    form: 'two ports from 1024 on, such as `50000-51999`',
    fallback: '`49152-65535`',
    meaning: '`npm run turn`: UDP ports from which coturn relays; each allocation takes one.',
  },
  WEIR_TURN_TLS_CERT: optional(
    z.string().min(1),
    'path',
    '`WEIR_TLS_CERT`',
    '`npm run turn`: certificate chain (PEM) of `turns:`, for the host name in its URL.',
  ),
  WEIR_TURN_TLS_KEY: optional(
    z.string().min(1),
    'path',
    '`WEIR_TLS_KEY`',
    '`npm run turn`: private key (PEM) of that.',
  ),
  WEIR_STUN_PORT: {
    schema: z.union([z.literal('off'), z.coerce.number().int().min(0).max(65_535)]).default(STUN_PORT),
    form: 'port, 0 to 65535, or `off`',
    fallback: '3478',
    meaning: "UDP port of Weir's own STUN server, on the addresses of `WEIR_RTC_HOST`; 0 chooses a free one.",
  },
  WEIR_STUN_SERVER: optional(
    hostPort(STUN_PORT),
    'host name or IP address, and port',
    'none',
    'STUN server elsewhere, such as `stun.example.com:3478`, that Weir asks which address it has outside, to check the announced ones.',
  ),
  WEIR_RTP_PORTS: {
    schema: z.union([z.literal('off'), portRange]).default([45_000, 45_999]),
    form: 'two ports from 1024 on, such as `45000-45999`, or `off`',
    fallback: '`45000-45999`',
    meaning:
      'UDP ports of plain RTP (`POST /rtp/<room>`), on the addresses of `WEIR_RTC_HOST`; each track takes two. They are open while a session uses them.',
  },
  WEIR_RTP_EGRESS_NETWORKS: {
    schema: z.union([z.literal('off').transform((): string[] => []), list(network)]).default([]),
    form: 'networks such as `10.0.0.0/8` or `192.0.2.7`, comma-separated, or `off`',
    fallback: '`off`',
    meaning:
      'Where plain RTP may be sent to (`POST /rtp/egress/<room>`), such as `127.0.0.0/8,::1` for programs on this machine. Whoever may receive in a room can have its media sent to any address in here, wanted there or not.',
  },
  WEIR_RTP_IDLE_SECONDS: number(
    0.5,
    3600,
    30,
    'A source of plain RTP that sends nothing for this long is ended, at the beginning too.',
    'seconds',
  ),
  WEIR_RTMP_PORT: {
    schema: z.union([z.literal('off'), z.coerce.number().int().min(0).max(65_535)]).default('off'),
    form: 'port, 0 to 65535, or `off`',
    fallback: '`off`',
    meaning:
      'TCP port of RTMP (usually 1935) for encoders that have nothing else: `rtmp://<server>/<room>`, with a token as stream key. Needs ffmpeg; nothing is encrypted. 0 chooses a free one.',
  },
  WEIR_FFMPEG: {
    schema: z.string().min(1).default('ffmpeg'),
    form: 'path or name',
    fallback: '`ffmpeg`',
    meaning: 'The ffmpeg that RTMP uses.',
  },
  WEIR_METRICS_PORT: {
    schema: z.union([z.literal('off'), z.coerce.number().int().min(0).max(65_535)]).default('off'),
    form: 'port, 0 to 65535, or `off`',
    fallback: '`off`',
    meaning:
      'TCP port on which Prometheus reads `/metrics`, by HTTP, and which has nothing else. 0 chooses a free one.',
  },
  WEIR_METRICS_HOST: {
    schema: address.default('127.0.0.1'),
    form: 'IP address or host name',
    fallback: '`127.0.0.1`',
    meaning: 'Address on which that port listens; `0.0.0.0` for all.',
  },
  WEIR_METRICS_TOKEN: optional(
    z.string().regex(/^[!-~]{32,1024}$/),
    'text without spaces, at least 32 characters',
    'none',
    'With it, `/metrics` is also on the port of the pages, and every request for it has to bear this token (`Authorization: Bearer`).',
  ),
  WEIR_WORKERS: integer(1, 256, availableParallelism(), 'Number of media workers; each uses up to one core.'),
  WEIR_API_KEY: optional(
    z.string().min(1).max(256),
    'text',
    'none',
    'Issuer (`iss`) of tokens. With key and secret, joining a room requires a token, and the [API](docs/api.md) is open to tokens.',
  ),
  WEIR_API_SECRET: optional(
    z.string().min(32),
    'text, at least 32 characters',
    'none',
    'Secret that tokens are signed with (HS256).',
  ),
  WEIR_API_KEYS: optional(
    apiKeys,
    '1 to 16 pairs such as `key1:secret1,key2:secret2`, separated by commas or lines; each secret has at least 32 characters',
    'none',
    'Several keys at once, so that they can be replaced without a gap: tokens of all of them are accepted, and Weir signs with `WEIR_API_KEY`, or else the first of these.',
  ),
  WEIR_ALLOW_ANONYMOUS: flag(
    'Under `NODE_ENV=production`: run without API key and secret, so that anyone may enter any room.',
  ),
  WEIR_WEBHOOK_URLS: {
    schema: list(webhookUrl).pipe(z.array(z.string()).max(8)).default([]),
    form: 'up to 8 URLs of http or https, comma-separated, without user and password',
    fallback: 'none',
    meaning:
      'Where events are sent: who joins, leaves, publishes, signed as LiveKit does. Private addresses are allowed. See docs/webhooks.md.',
  },
  WEIR_WEBHOOK_KEY: optional(
    z.string().min(1).max(256),
    'API key',
    '`WEIR_API_KEY`, or the first of `WEIR_API_KEYS`',
    'The API key whose secret signs webhooks.',
  ),
  WEIR_WEBHOOK_EVENTS: {
    schema: list(z.string())
      .pipe(z.array(z.enum(loggedEventTypes)))
      .default([])
      .transform((types) => (types.length > 0 ? types : defaultWebhookEvents)),
    form: 'event types, comma-separated',
    fallback: 'all but `join_refused`',
    meaning: 'Which events are sent.',
  },
  WEIR_WEBHOOK_TIMEOUT_SECONDS: number(0.1, 60, 10, 'How long a receiver of webhooks may take to answer.', 'seconds'),
  WEIR_WEBHOOK_MAX_AGE_SECONDS: number(
    1,
    2_592_000,
    86_400,
    'An event that could not be delivered for this long is given up.',
    'seconds',
  ),
  WEIR_WEBHOOK_QUEUE_EVENTS: integer(
    1,
    1_000_000,
    50_000,
    'How many events may wait for each URL. Above it, those of the rooms that have waited longest are dropped.',
  ),
  WEIR_WEBHOOK_QUEUE_BYTES: integer(
    65_536,
    1_073_741_824,
    67_108_864,
    'Maximum size of the events that wait for each URL.',
    'bytes',
  ),
  WEIR_DATA_DIR: {
    schema: z.string().min(1).default('data'),
    form: 'path',
    fallback: '`data`',
    meaning:
      'Directory of what has to survive a restart: webhooks that are not delivered yet. Created when something is written; one process at a time uses it.',
  },
  WEIR_TOKEN_LEEWAY_SECONDS: number(
    0,
    600,
    60,
    "Accepted difference between a token issuer's clock and this machine's.",
    'seconds',
  ),
  WEIR_TOKEN_MAX_SECONDS: number(
    1,
    2_592_000,
    86_400,
    'Maximum lifetime of a token, from when it was issued and from now; a longer one is refused.',
    'seconds',
  ),
  WEIR_ALLOWED_ORIGINS: optional(
    list(origin),
    'origins such as `https://example.com`, comma-separated, or `*`',
    'the page that Weir serves itself',
    'Origins of further pages that may connect, exactly as browsers send them.',
  ),
  WEIR_TRUST_PROXY: {
    schema: z
      .union([z.enum(['true', 'false']), z.coerce.number().int().min(0).max(10)])
      .default('false')
      .transform((value) => (typeof value === 'number' ? value : value === 'true' ? 1 : 0)),
    form: '`false`, `true` (one), or how many proxies, 0 to 10',
    fallback: '`false`',
    meaning: 'Number of proxies in front of Weir whose `X-Forwarded-For`, `-Proto` and `-Host` are trusted.',
  },
  WEIR_LOG_LEVEL: {
    schema: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
    form: '`fatal`, `error`, `warn`, `info`, `debug`, `trace` or `silent`',
    fallback: '`info`',
    meaning: 'Log level. The log goes to stdout: JSON, one object a line; readable lines on a terminal.',
  },
  WEIR_CAMERA_CODEC: codec(
    'Codec of cameras, where the browser has it. VP8 and H264 are sent as simulcast, VP9 and AV1 as SVC.',
  ),
  WEIR_SCREEN_CODEC: codec('Codec of shared screens, where the browser has it.'),
  WEIR_ROOM_POLICY: {
    schema: RoomPolicy.default('sfu'),
    form: '`sfu`, `auto` or `p2p`',
    fallback: '`sfu`',
    meaning:
      'How media travels in a call: through Weir; directly between two who are alone (`auto`), which shows each the IP address of the other; or directly between all, at most six (`p2p`). A token may say otherwise.',
  },
  WEIR_MAX_AUDIBLE_SPEAKERS: integer(
    1,
    20,
    5,
    'How many others are heard at once in a room that has more than one microphone above this number.',
  ),
  WEIR_WORKER_MAX_PPS: integer(
    100,
    10_000_000,
    100_000,
    'Packets per second at which a media worker counts as full; its CPU utilization counts too.',
    'per second',
  ),
  WEIR_SPILLOVER_UTILIZATION: number(
    0,
    2,
    0.5,
    'Utilization of a media worker (1 is full) above which its rooms extend to another one. 0: each peer goes to the least busy worker.',
    'share',
  ),
  WEIR_ROOM_ADMISSION_LIMIT: number(
    0,
    10,
    0.8,
    'No new room is opened while the utilization of every media worker is above this.',
    'share',
  ),
  WEIR_JOIN_ADMISSION_LIMIT: number(
    0,
    10,
    0.9,
    'Joins wait while the utilization of every media worker is above this.',
    'share',
  ),
  WEIR_MAX_CONCURRENT_JOINS: integer(
    1,
    10_000,
    32,
    'How many joins run at once; others wait in a queue, fair by room.',
  ),
  WEIR_JOIN_QUEUE_LENGTH: integer(0, 100_000, 1000, 'How many joins may wait.'),
  WEIR_JOIN_QUEUE_TIMEOUT_SECONDS: number(
    0.1,
    600,
    8,
    'How long a join waits before it is refused with `busy` and a time to retry.',
    'seconds',
  ),
  WEIR_MAX_PEERS: integer(1, 10_000, 80, 'Maximum number of peers in a call.'),
  WEIR_MAX_VIEWERS: integer(1, 100_000, 2000, 'Maximum number of peers in a broadcast, viewers included.'),
  WEIR_CHAT_HISTORY: integer(
    0,
    10_000,
    500,
    'How many chat messages a room keeps in memory, for those who join late or were away; 0 keeps none.',
  ),
  WEIR_CHAT_SLOW_SECONDS: number(
    0,
    3600,
    5,
    'Time between two chat messages of a viewer of a broadcast; 0 without slow mode.',
    'seconds',
  ),
  WEIR_CHAT_VIEWERS: flag(
    'Whether viewers of a broadcast may write in its chat. Everybody else needs the grant `canPublishData`.',
    'true',
  ),
  WEIR_DIAGNOSE: flag(
    'Serve `/diagnose`, where anybody can test camera, microphone and connection, and admit the tests of that page without a token.',
    'true',
  ),
  WEIR_MAX_CONNECTIONS_PER_IP: integer(
    1,
    1_000_000,
    400,
    'Maximum number of connections from an IPv4 address or an IPv6 /64 that have not joined with a token. An office full of people reconnects at once.',
  ),
  WEIR_MAX_INCOMING_BITRATE: integer(50_000, 1_000_000_000, 6_000_000, 'Maximum bitrate that a peer sends.', 'bit/s'),
  WEIR_DATA_BITRATE: integer(
    10_000,
    1_000_000_000,
    2_000_000,
    'Maximum bitrate of the data messages of a peer, without files.',
    'bit/s',
  ),
  WEIR_FILE_MAX_BYTES: integer(
    0,
    68_719_476_736,
    2_147_483_648,
    'Maximum size of a file that peers send one another; 0 turns files off. Nothing of them is kept on the server.',
    'bytes',
  ),
  WEIR_FILE_BITRATE: integer(
    100_000,
    1_000_000_000,
    40_000_000,
    'Maximum bitrate of the files that a peer sends through the server.',
    'bit/s',
  ),
  WEIR_HTTP_SIGNALLING: flag(
    'Let clients whose WebSocket is blocked use server-sent events and POST, or long polling.',
    'true',
  ),
  WEIR_MAX_MESSAGE_BYTES: integer(4096, 16_777_216, 65_536, 'Maximum size of a signalling message.', 'bytes'),
  WEIR_MAX_SEND_BUFFER_BYTES: integer(
    65_536,
    1_073_741_824,
    1_048_576,
    'Unsent signalling data above which the connection of a slow reader is closed.',
    'bytes',
  ),
  WEIR_MESSAGES_PER_SECOND: number(1, 100_000, 20, 'Sustained rate of messages that a peer may send.', 'per second'),
  WEIR_MESSAGE_BURST: integer(10, 1_000_000, 100, 'Messages that a peer may send at once.'),
  WEIR_JOIN_SECONDS: number(0.1, 600, 10, 'Time within which a connection must join a room.', 'seconds'),
  WEIR_PING_SECONDS: number(0.25, 600, 5, 'Interval of the heartbeat on each connection.', 'seconds'),
  WEIR_SIGNALLING_TIMEOUT_SECONDS: number(
    0.5,
    1800,
    15,
    'A connection on which nothing was received for this long is closed.',
    'seconds',
  ),
  WEIR_RESUME_SECONDS: number(
    0,
    600,
    30,
    'How long a peer that has lost its connection stays in the room, and its media flows, so that it can resume.',
    'seconds',
  ),
  WEIR_DRAIN_SECONDS: number(
    0,
    86_400,
    5,
    'After SIGTERM: how long calls may continue, while nobody new is admitted, before Weir ends. Ctrl-C does not wait.',
    'seconds',
  ),
  WEIR_WORKER_RESPONSE_TIMEOUT_SECONDS: number(
    0.5,
    60,
    5,
    'A media worker that does not respond for this long is killed and replaced.',
    'seconds',
  ),
  WEIR_SELF_TEST: flag(
    'Whether Weir tests itself after its start: every announced address and port, TURN, signalling, certificate, clock. `npm run doctor` does it at any time.',
    'true',
  ),
} as const satisfies Record<string, Variable>;

export function isVariable(name: string): name is keyof typeof variables {
  return Object.hasOwn(variables, name);
}

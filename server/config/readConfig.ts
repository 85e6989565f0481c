/** Reads the environment variables `WEIR_*` into one frozen, validated Config. */
import { isIP, isIPv6 } from 'node:net';
import { z } from 'zod';
import { familyName, familyOf, isAnnounceable, isWildcard } from '../common/ipAddress.ts';
import { ownAddresses } from '../common/ownAddresses.ts';
import type { ApiKey, Config } from './Config.ts';
import { ConfigError } from './ConfigError.ts';
import { certificateWarning, readTls } from './tls.ts';
import { isVariable, variables } from './variables.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Variables of the launcher and of tests, which are not reported as unknown. */
const ignored = /^WEIR_(TEST|SKIP|SERVICE|PORT)_/;

/** A page that tests its connection sends with one peer, and receives with another. */
const DIAGNOSIS_PEERS = 2;

/** The schemas of all variables. `Object.fromEntries` loses which key has which type, hence the cast. */
const Environment = z.object({
  NODE_ENV: z.string().optional(),
  ...(Object.fromEntries(Object.entries(variables).map(([name, { schema }]) => [name, schema])) as {
    [N in keyof typeof variables]: (typeof variables)[N]['schema'];
  }),
});

/**
 * Reads the environment.
 * @returns the configuration, and warnings for whoever starts Weir
 * @throws {ConfigError} for the first invalid variable, or for a combination that cannot work
 */
export function readConfig(environment: Environment): { config: Config; warnings: string[] } {
  // Compose files and unit files write an empty value for "not set".
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value?.trim() !== ''));
  const parsed = Environment.safeParse(given);
  if (!parsed.success) {
    const name = String(parsed.error.issues[0]?.path[0]);
    const accepted = isVariable(name) ? variables[name].form : 'another value';
    // The URL of a webhook may have a secret in it.
    const shown = /SECRET|_TOKEN$|_KEYS$|WEBHOOK_URLS$/.test(name) ? '(hidden)' : JSON.stringify(given[name]);
    throw new ConfigError(`${name}=${shown} is invalid: it takes ${accepted}.`);
  }
  const env = parsed.data;
  const warnings = Object.keys(given)
    .filter((name) => name.startsWith('WEIR_') && !isVariable(name) && !ignored.test(name))
    .map((name) => `${name} is not a variable of Weir; the README lists all of them`);
  const auth = readAuth(env, env.WEIR_ALLOW_ANONYMOUS || env.NODE_ENV !== 'production');
  const config: Config = Object.freeze({
    host: env.WEIR_HOST,
    port: env.WEIR_PORT,
    basePath: env.WEIR_BASE_PATH,
    tls: readCertificate(env.WEIR_TLS_CERT, env.WEIR_TLS_KEY),
    rtcHosts: readRtcHosts(env.WEIR_RTC_HOST),
    rtcPort: env.WEIR_RTC_PORT,
    announcedAddresses: [...new Set(env.WEIR_ANNOUNCED_ADDRESS ?? [])],
    turn: readTurn(env.WEIR_TURN_URLS, env.WEIR_TURN_SECRET, env.WEIR_TURN_SECONDS * 1000),
    stunPort: env.WEIR_STUN_PORT === 'off' ? undefined : env.WEIR_STUN_PORT,
    stunServer: env.WEIR_STUN_SERVER,
    rtpPorts: env.WEIR_RTP_PORTS === 'off' ? undefined : env.WEIR_RTP_PORTS,
    rtpEgressNetworks: env.WEIR_RTP_EGRESS_NETWORKS,
    rtpIdleTimeout: env.WEIR_RTP_IDLE_SECONDS * 1000,
    rtmpPort: env.WEIR_RTMP_PORT === 'off' ? undefined : env.WEIR_RTMP_PORT,
    ffmpeg: env.WEIR_FFMPEG,
    metrics: readMetrics(env.WEIR_METRICS_PORT, env.WEIR_METRICS_HOST, env.WEIR_METRICS_TOKEN),
    workers: env.WEIR_WORKERS,
    auth,
    webhooks: readWebhooks(env, auth),
    dataDir: env.WEIR_DATA_DIR,
    tokenLeeway: env.WEIR_TOKEN_LEEWAY_SECONDS * 1000,
    tokenMaxLifetime: env.WEIR_TOKEN_MAX_SECONDS * 1000,
    allowedOrigins: env.WEIR_ALLOWED_ORIGINS ?? [],
    trustProxy: env.WEIR_TRUST_PROXY,
    logLevel: env.WEIR_LOG_LEVEL,
    cameraCodec: env.WEIR_CAMERA_CODEC,
    screenCodec: env.WEIR_SCREEN_CODEC,
    roomPolicy: env.WEIR_ROOM_POLICY,
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
    maxPeers: { call: env.WEIR_MAX_PEERS, broadcast: env.WEIR_MAX_VIEWERS, diagnosis: DIAGNOSIS_PEERS },
    chat: {
      history: env.WEIR_CHAT_HISTORY,
      slowMode: env.WEIR_CHAT_SLOW_SECONDS * 1000,
      viewersMayWrite: env.WEIR_CHAT_VIEWERS,
    },
    diagnose: env.WEIR_DIAGNOSE,
    maxConnectionsPerIp: env.WEIR_MAX_CONNECTIONS_PER_IP,
    maxIncomingBitrate: env.WEIR_MAX_INCOMING_BITRATE,
    dataBitrate: env.WEIR_DATA_BITRATE,
    fileBitrate: env.WEIR_FILE_BITRATE,
    fileMaxBytes: env.WEIR_FILE_MAX_BYTES,
    httpSignalling: env.WEIR_HTTP_SIGNALLING,
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
    selfTest: env.WEIR_SELF_TEST,
  });
  if (config.signallingTimeout <= config.pingInterval) {
    throw new ConfigError(
      'WEIR_SIGNALLING_TIMEOUT_SECONDS must be greater than WEIR_PING_SECONDS: otherwise every connection would time out.',
    );
  }
  assertAnnounceable(config);
  if (isMediaPort(config.stunPort ?? 0, config)) {
    throw new ConfigError(
      `WEIR_STUN_PORT=${config.stunPort} is one of the media ports, ${config.rtcPort} to ${config.rtcPort + config.workers - 1} (WEIR_RTC_PORT, one per worker): choose another port.`,
    );
  }
  if (portsCollide(config)) {
    throw new ConfigError(
      `WEIR_PORT=${config.port} is one of the media ports, ${config.rtcPort} to ${config.rtcPort + config.workers - 1} (WEIR_RTC_PORT, one per worker): choose another port.`,
    );
  }
  assertRtpPorts(config);
  if (config.port !== 0 && config.metrics?.port === config.port) {
    throw new ConfigError(
      `WEIR_METRICS_PORT=${config.port} is the port of the pages, too (WEIR_PORT): choose another port, or set WEIR_METRICS_TOKEN alone to have metrics there.`,
    );
  }
  const warning = config.tls && certificateWarning(config.tls);
  if (warning !== undefined) warnings.push(warning);
  return { config, warnings };
}

function readCertificate(cert: string | undefined, key: string | undefined): Config['tls'] {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    throw new ConfigError('WEIR_TLS_CERT and WEIR_TLS_KEY belong together: set both for HTTPS, or neither.');
  }
  return readTls(cert, key);
}

/** All IPv4 addresses, and all IPv6 ones where the machine has one that the Internet reaches. */
function readRtcHosts(given: readonly string[] | undefined): string[] {
  if (given === undefined) return ownAddresses().some(isIPv6) ? ['0.0.0.0', '::'] : ['0.0.0.0'];
  const hosts = [...new Set(given)];
  for (const wildcard of hosts.filter(isWildcard)) {
    const other = hosts.find((host) => host !== wildcard && familyOf(host) === familyOf(wildcard));
    if (other !== undefined) {
      throw new ConfigError(
        `WEIR_RTC_HOST=${hosts.join(',')} names ${other} twice: ${wildcard} is every ${familyName(wildcard)} address of this machine. Leave one of them out.`,
      );
    }
  }
  return hosts;
}

/** @throws {ConfigError} for an address that no browser can use, or that no listener serves */
function assertAnnounceable({ announcedAddresses, rtcHosts }: Config): void {
  for (const address of announcedAddresses.filter((entry) => isIP(entry) !== 0)) {
    if (!isAnnounceable(address)) {
      throw new ConfigError(
        `WEIR_ANNOUNCED_ADDRESS takes addresses at which browsers reach this machine: ${address} is not such an address.`,
      );
    }
    if (!rtcHosts.some((host) => familyOf(host) === familyOf(address))) {
      const wildcard = isIPv6(address) ? '::' : '0.0.0.0';
      throw new ConfigError(
        `WEIR_ANNOUNCED_ADDRESS has ${address}, but nothing listens on ${familyName(address)}: add ${wildcard} to WEIR_RTC_HOST (it is ${rtcHosts.join(',')}), or leave the address out.`,
      );
    }
  }
}

/** Whether the HTTP port is among the media ports, on addresses that overlap. */
function portsCollide(config: Config): boolean {
  const { host, port, rtcHosts } = config;
  // An HTTP host `::` takes IPv4 too; a media host of one family leaves the other free.
  const overlaps = (rtcHost: string) =>
    host === rtcHost ||
    host === '::' ||
    ((isWildcard(host) || isWildcard(rtcHost)) && (isIP(host) === 0 || familyOf(host) === familyOf(rtcHost)));
  return rtcHosts.some(overlaps) && isMediaPort(port, config);
}

/** Whether a media worker listens on that port; 0 is any free one. */
function isMediaPort(port: number, { rtcPort, workers }: Config): boolean {
  return port !== 0 && rtcPort !== 0 && port >= rtcPort && port < rtcPort + workers;
}

/** @throws {ConfigError} where a media worker that starts again could find its port taken by plain RTP */
function assertRtpPorts({ rtpPorts, rtcPort, workers }: Config): void {
  if (!rtpPorts || rtcPort === 0) return;
  const [first, last] = rtpPorts;
  const lastMedia = rtcPort + workers - 1;
  if (first > lastMedia || last < rtcPort) return;
  throw new ConfigError(
    `WEIR_RTP_PORTS=${first}-${last} contains media ports, ${rtcPort} to ${lastMedia} (WEIR_RTC_PORT, one per worker): choose others.`,
  );
}

function readMetrics(port: number | 'off', host: string, token: string | undefined): Config['metrics'] {
  if (port === 'off' && token === undefined) return undefined;
  return { port: port === 'off' ? undefined : port, host, token };
}

function readTurn(urls: readonly string[] | undefined, secret: string | undefined, lifetime: number): Config['turn'] {
  if (urls === undefined && secret === undefined) return undefined;
  if (urls === undefined || secret === undefined) {
    throw new ConfigError(
      "WEIR_TURN_URLS and WEIR_TURN_SECRET belong together: set both to use TURN servers (the secret is coturn's static-auth-secret), or neither.",
    );
  }
  return { urls, secret, lifetime };
}

/** @throws {ConfigError} where nothing can sign them */
function readWebhooks(env: z.infer<typeof Environment>, auth: Config['auth']): Config['webhooks'] {
  const urls = [...new Set(env.WEIR_WEBHOOK_URLS)].map((url) => new URL(url));
  if (urls.length === 0) return undefined;
  if (!auth) {
    throw new ConfigError(
      'WEIR_WEBHOOK_URLS needs WEIR_API_KEY and WEIR_API_SECRET (or WEIR_API_KEYS): webhooks are signed with them, so that receivers can tell them from others.',
    );
  }
  const { WEIR_WEBHOOK_KEY: name = auth.apiKey } = env;
  const key = [auth, ...auth.furtherKeys].find(({ apiKey }) => apiKey === name);
  if (!key) {
    throw new ConfigError(
      'WEIR_WEBHOOK_KEY is not an API key of this server: set it to one of WEIR_API_KEY and WEIR_API_KEYS, or leave it out.',
    );
  }
  return {
    urls,
    key: { apiKey: key.apiKey, apiSecret: key.apiSecret },
    events: env.WEIR_WEBHOOK_EVENTS,
    limits: { events: env.WEIR_WEBHOOK_QUEUE_EVENTS, bytes: env.WEIR_WEBHOOK_QUEUE_BYTES },
    timeout: env.WEIR_WEBHOOK_TIMEOUT_SECONDS * 1000,
    maxAge: env.WEIR_WEBHOOK_MAX_AGE_SECONDS * 1000,
  };
}

interface AuthVariables {
  readonly WEIR_API_KEY?: string | undefined;
  readonly WEIR_API_SECRET?: string | undefined;
  readonly WEIR_API_KEYS?: readonly ApiKey[] | undefined;
}

function readAuth(
  { WEIR_API_KEY: apiKey, WEIR_API_SECRET: apiSecret, WEIR_API_KEYS: keys = [] }: AuthVariables,
  allowAnonymous: boolean,
): Config['auth'] {
  if ((apiKey === undefined) !== (apiSecret === undefined)) {
    throw new ConfigError('WEIR_API_KEY and WEIR_API_SECRET belong together: set both to require tokens, or neither.');
  }
  const own = apiKey !== undefined && apiSecret !== undefined ? [{ apiKey, apiSecret }] : [];
  if (keys.some((key) => key.apiKey === apiKey)) {
    throw new ConfigError('WEIR_API_KEYS contains the key of WEIR_API_KEY: name each key once.');
  }
  const [signing, ...furtherKeys] = [...own, ...keys];
  if (signing) return { ...signing, furtherKeys };
  if (allowAnonymous) return undefined;
  throw new ConfigError(
    'In production Weir requires authentication: set WEIR_API_KEY and WEIR_API_SECRET (or WEIR_API_KEYS), or set WEIR_ALLOW_ANONYMOUS=true to let anyone enter any room.',
  );
}

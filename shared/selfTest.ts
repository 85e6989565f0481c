/** Schemas of what a self-test of the server finds: `GET /api/self-test` and `npm run doctor -- --json` answer with them. */
import { z } from 'zod';

/** What a row is about. */
export const SelfTestCheck = z.enum([
  'media',
  'address',
  'stun',
  'turn',
  'signalling',
  'proxy',
  'certificate',
  'clock',
]);
export type SelfTestCheck = z.infer<typeof SelfTestCheck>;

/**
 * What was found. `reachable`, `unreachable` and `unknown` are about connections, `unknown` meaning that it cannot be told
 * from inside; `ok`, `warning` and `failed` are about everything else.
 */
export const SelfTestState = z.enum(['reachable', 'ok', 'warning', 'unknown', 'unreachable', 'failed']);
export type SelfTestState = z.infer<typeof SelfTestState>;

/** Why a row is in its state, for programs. */
export const SelfTestReason = z.enum([
  'noAnswer',
  'refused',
  'noRoute',
  'handshakeFailed',
  'mediaLost',
  'workerFailed',
  'hairpin',
  'interrupted',
  'privateAddress',
  'bridgeAddress',
  'foreignAddress',
  'wrongInterface',
  'stunDiffers',
  'unresolved',
  'credentialRefused',
  'relayFailed',
  'tlsFailed',
  'certificateExpired',
  'certificateEndsSoon',
  'certificateNotYetValid',
  'certificateName',
  'certificateUntrusted',
  'clockOff',
  'clockUnsynchronised',
  'httpFailed',
  'noUpgrade',
  'originRefused',
  'proxyUntrusted',
]);
export type SelfTestReason = z.infer<typeof SelfTestReason>;

export const SelfTestRow = z.object({
  check: SelfTestCheck,
  /** What was tested: an address, a URL, a host. */
  target: z.string(),
  state: SelfTestState,
  /** Absent where nothing is wrong. */
  reason: SelfTestReason.optional(),
  /** What was found, in a sentence. */
  message: z.string(),
  /** What to do about it, in a sentence or two; absent where nothing has to be done. */
  remedy: z.string().optional(),
  /** Of a media row. */
  protocol: z.enum(['udp', 'tcp']).optional(),
  port: z.int().optional(),
  /** Milliseconds, of what was reached: of RTP, of a request. */
  roundTripTime: z.number().optional(),
});
export type SelfTestRow = z.infer<typeof SelfTestRow>;

export const SelfTestReport = z.object({
  /** ISO 8601. */
  startedAt: z.string(),
  /** Milliseconds. */
  duration: z.number(),
  rows: z.array(SelfTestRow),
});
export type SelfTestReport = z.infer<typeof SelfTestReport>;

/** Whether a row is red: something does not work. */
export function isFailure({ state }: SelfTestRow): boolean {
  return state === 'unreachable' || state === 'failed';
}

/** Whether a row has something to say: it is red, or somebody should look at it. */
export function needsAttention({ state }: SelfTestRow): boolean {
  return state !== 'reachable' && state !== 'ok';
}

/** How a request reached the server: the answer to `GET /api/connection`. */
export const ConnectionInfo = z.object({
  /** The client's address, as limits count it. */
  address: z.string(),
  /** As browsers see it, if the proxies before Weir are trusted. */
  protocol: z.enum(['http', 'https']),
  host: z.string(),
  /** What proxies have added, whether it is trusted or not. */
  forwarded: z.object({
    for: z.array(z.string()),
    proto: z.string().optional(),
    host: z.string().optional(),
  }),
  trustedProxies: z.int(),
});
export type ConnectionInfo = z.infer<typeof ConnectionInfo>;

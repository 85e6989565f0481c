/** Tests every TURN server as a browser uses it: allocate with a fresh credential, and reach a media port through the relay. */
import type { IceCandidate, IceServer } from '../../../shared/media.ts';
import type { SelfTestRow } from '../../../shared/selfTest.ts';
import { errorCode } from '../../common/errno.ts';
import type { OpenIcePath } from '../probe/IcePath.ts';
import type { ProbeResult } from '../probe/probe.ts';
import { TurnError } from '../turn/TurnClient.ts';
import type { TurnServer } from '../turn/TurnConnection.ts';
import { openTurnPath } from '../turn/TurnPath.ts';
import { parseTurnUri } from './turnUri.ts';

export interface TurnTestOptions {
  readonly iceServers: readonly IceServer[];
  /** The candidates that the relay is to reach. */
  readonly candidates: readonly Pick<IceCandidate, 'address' | 'port' | 'protocol'>[];
  /** Tests a media port over a path. */
  readonly test: (openPath: OpenIcePath) => Promise<ProbeResult>;
  readonly signal: AbortSignal;
}

type Finding = Pick<SelfTestRow, 'state' | 'reason' | 'message' | 'remedy' | 'roundTripTime'>;

/** How long one request to a TURN server may take, in milliseconds. */
const REQUEST_TIMEOUT = 2500;
/** Error codes of STUN and TURN (RFC 8489, RFC 8656). */
const STUN_ERROR = { unauthenticated: 401, forbidden: 403, quota: 486 } as const;
/** Codes of the system and of OpenSSL for a TLS connection that is not trusted, or is none. */
const TLS_ERROR = /CERT|TLS|SSL|SIGNED|VERIFY|EPROTO/;

/** One row for each URL; none without TURN servers. Never rejects. */
export async function turnRows(options: TurnTestOptions): Promise<SelfTestRow[]> {
  const { candidates, iceServers } = options;
  const udp = candidates.filter(({ protocol }) => protocol === 'udp');
  // Few TURN servers relay IPv6.
  const candidate = udp.find(({ address }) => !address.includes(':')) ?? udp[0];
  if (!candidate) return [];
  const tests = iceServers.flatMap(({ urls, username, credential }) =>
    username === undefined || credential === undefined
      ? []
      : urls.filter((url) => /^turns?:/i.test(url)).map((url) => ({ url, credentials: { username, credential } })),
  );
  return Promise.all(
    tests.map(async ({ url, credentials }) => ({
      check: 'turn' as const,
      target: url,
      ...(await testServer(url, credentials, candidate, options)),
    })),
  );
}

async function testServer(
  url: string,
  credentials: { username: string; credential: string },
  candidate: TurnTestOptions['candidates'][number],
  { test, signal }: TurnTestOptions,
): Promise<Finding> {
  const server = parseTurnUri(url);
  if (!server) {
    return { state: 'unknown', message: 'TURN over DTLS cannot be tested here; few browsers use it.' };
  }
  let opened = false;
  const openPath: OpenIcePath = async (events, aborted) => {
    const within = AbortSignal.any([aborted, AbortSignal.timeout(REQUEST_TIMEOUT)]);
    const options = { server, credentials, timeout: REQUEST_TIMEOUT, signal: within };
    const path = await openTurnPath(candidate, events, options);
    opened = true;
    return path;
  };
  const result = await test(openPath).catch((error: unknown) => ({ error }));
  if (signal.aborted) {
    return { state: 'unknown', reason: 'interrupted', message: 'The test ended before there was an answer.' };
  }
  if ('reached' in result) {
    return {
      state: 'reachable',
      message: 'It accepts the credential, and relays media to Weir and back.',
      roundTripTime: result.roundTripTime,
    };
  }
  return opened ? relayFailed(candidate.address) : failure(result.error, candidate.address, server);
}

/** It has allocated and permitted, and nothing came back. */
function relayFailed(peer: string): Finding {
  return {
    state: 'failed',
    reason: 'relayFailed',
    message: `It accepts the credential, but nothing comes back through it from ${peer}.`,
    remedy: `The TURN server has to reach the media ports at ${peer} by UDP: compare its firewall and its relay address (external-ip).`,
  };
}

function failure(error: unknown, peer: string, { transport }: TurnServer): Finding {
  if (error instanceof TurnError) return refusal(error, peer);
  const code = errorCode(error);
  if (transport === 'tls' && code !== undefined && TLS_ERROR.test(code)) {
    return {
      state: 'failed',
      reason: 'tlsFailed',
      message: `Its certificate is not accepted (${code}): browsers do not connect either.`,
      remedy:
        'Give the TURN server a certificate for the name in this URL, with the whole chain, that has not expired.',
    };
  }
  if (code === 'ENOTFOUND' || code?.startsWith('EAI_')) {
    return {
      state: 'unreachable',
      reason: 'unresolved',
      message: `Its name is not known (${code}).`,
      remedy: 'Correct WEIR_TURN_URLS, or the DNS.',
    };
  }
  const refused = code === 'ECONNREFUSED';
  return {
    state: 'unreachable',
    reason: refused ? 'refused' : 'noAnswer',
    message: refused
      ? 'Nothing listens there.'
      : `It does not answer${code && code !== 'ABORT_ERR' ? ` (${code})` : ''}.`,
    remedy: 'Look whether the TURN server runs, and open its port in the firewalls; or correct WEIR_TURN_URLS.',
  };
}

function refusal({ code, message }: TurnError, peer: string): Finding {
  switch (code) {
    case STUN_ERROR.unauthenticated:
      return {
        state: 'failed',
        reason: 'credentialRefused',
        message: 'It refuses the credential that Weir has just made.',
        remedy:
          'WEIR_TURN_SECRET has to be the static-auth-secret of the TURN server; if it is, compare the clocks of both machines.',
      };
    case STUN_ERROR.forbidden:
      return {
        state: 'failed',
        reason: 'relayFailed',
        message: `It accepts the credential, but does not relay to ${peer}.`,
        remedy: `Allow the address in the configuration of the TURN server: allowed-peer-ip=${peer}.`,
      };
    case STUN_ERROR.quota:
      return {
        state: 'failed',
        reason: 'relayFailed',
        message: 'It has no allocation left (486).',
        remedy: 'Raise total-quota and user-quota of the TURN server, or add one.',
      };
    default:
      return { state: 'failed', reason: 'relayFailed', message, remedy: 'See the log of the TURN server.' };
  }
}

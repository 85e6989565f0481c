/** Tests the STUN servers that browsers are told of, which are Weir's own. */
import type { IceServer } from '../../../shared/media.ts';
import type { SelfTestRow } from '../../../shared/selfTest.ts';
import { hostPortText, parseHostPort } from '../../common/hostPort.ts';
import { stunRequest } from '../stunClient.ts';

export interface StunTestOptions {
  readonly iceServers: readonly IceServer[];
  /** The addresses of this machine; undefined for a test from outside, where silence is conclusive. */
  readonly ownAddresses: ReadonlySet<string> | undefined;
  readonly signal: AbortSignal;
}

const DEFAULT_PORT = 3478;
/** Milliseconds. */
const TIMEOUT = 2500;

/** One row for each `stun:` URL. Never rejects. */
export function stunRows({ iceServers, ownAddresses, signal }: StunTestOptions): Promise<SelfTestRow[]> {
  const urls = iceServers.flatMap((server) => server.urls).filter((url) => url.startsWith('stun:'));
  return Promise.all(
    urls.map((url) => stunRow(url, ownAddresses, AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)]))),
  );
}

async function stunRow(url: string, own: ReadonlySet<string> | undefined, signal: AbortSignal): Promise<SelfTestRow> {
  const row = { check: 'stun', target: url } as const;
  const server = parseHostPort(url.slice('stun:'.length), DEFAULT_PORT);
  if (!server) return { ...row, state: 'failed', reason: 'unresolved', message: 'It is not the URL of a STUN server.' };
  try {
    const { mapped, roundTripTime } = await stunRequest(server, { signal });
    return {
      ...row,
      state: 'reachable',
      message: `It answers, and sees ${hostPortText({ host: mapped.address, port: mapped.port })}.`,
      roundTripTime,
    };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const isHairpin = own !== undefined && !own.has(server.host);
    return {
      ...row,
      state: isHairpin ? 'unknown' : 'unreachable',
      reason: isHairpin ? 'hairpin' : 'noAnswer',
      message: isHairpin ? `${why} It is not an address of this machine (hairpin NAT).` : why,
      remedy: `Open ${server.port}/UDP${isHairpin ? ', forward it to this machine,' : ''} or set WEIR_STUN_PORT to a port that is free (or off).`,
    };
  }
}

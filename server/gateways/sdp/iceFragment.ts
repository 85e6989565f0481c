/** Reads SDP fragments (RFC 8840): candidates that are trickled, and the ICE parameters of a restart. */
import type { IceParameters } from '../../../shared/media.ts';
import { assertWithinLimits, malformed } from './limits.ts';

/**
 * What counts of a fragment. Its candidates do not: the server is a lite agent, which learns addresses from the checks that
 * it receives (RFC 8445, section 6.2).
 */
export interface IceFragment {
  /** Of the client; undefined where the fragment has none. */
  readonly ice: IceParameters | undefined;
}

/** Those that this implementation reads are checked; unknown attributes and candidates of unknown transports are not. */
const CANDIDATE = /^a=candidate:\S{1,64} \d{1,5} \S{1,16} \d{1,10} \S{1,255} \d{1,5} typ \S{1,16}( |$)/;
const CREDENTIAL = /^a=ice-(ufrag|pwd):([A-Za-z0-9+/]{4,256})$/;

/**
 * A fragment has attributes and m-lines only. Clients write m-lines that are none (`m=audio RTP/AVP 0`), so these are not
 * parsed.
 * @throws {WeirError} `badRequest`
 */
export function parseIceFragment(text: string): IceFragment {
  assertWithinLimits(text);
  const lines = text.split(/\r\n|\n/).filter((line) => line !== '');
  if (!lines.some((line) => line.startsWith('a='))) throw malformed('fragment has no attributes');
  if (lines.some((line) => !/^[am]=/.test(line))) throw malformed('fragment has other lines than "a=" and "m="');
  if (lines.some((line) => line.startsWith('a=candidate:') && !CANDIDATE.test(line))) {
    throw malformed('fragment has a malformed candidate');
  }
  const [ufrag, pwd] = [credential(lines, 'ufrag'), credential(lines, 'pwd')];
  if ((ufrag === undefined) !== (pwd === undefined))
    throw malformed('fragment has one of "ice-ufrag" and "ice-pwd" only');
  return { ice: ufrag === undefined || pwd === undefined ? undefined : { usernameFragment: ufrag, password: pwd } };
}

/** Those of the first m-line: all of them share one transport. */
function credential(lines: readonly string[], name: 'ufrag' | 'pwd'): string | undefined {
  const line = lines.find((one) => one.startsWith(`a=ice-${name}:`));
  if (line === undefined) return undefined;
  const value = CREDENTIAL.exec(line)?.[2];
  if (value === undefined) throw malformed(`fragment has a malformed "ice-${name}"`);
  return value;
}

/** Everything that can be tested of a Weir through the address that browsers open. */
import type { SelfTestRow } from '../../../shared/selfTest.ts';
import { outsideRows } from './outsideRows.ts';
import { signallingRows } from './signallingRows.ts';

/** How long an address may take to answer, in milliseconds. */
const ICE_TIMEOUT = 4000;

/** Certificate, signalling and proxy, then media and TURN as a client without a token gets them. Never rejects. */
export async function publicRows(url: URL, signal: AbortSignal): Promise<SelfTestRow[]> {
  const signalling = await signallingRows({ url, judgesCertificate: true, signal });
  if (!signalling.some(({ check, state }) => check === 'signalling' && state === 'reachable')) return signalling;
  const outside = await outsideRows({ url, iceTimeout: ICE_TIMEOUT, signal });
  return [...signalling, ...outside];
}

/** Tests the ways that media can take to the server, one by one. */
import { type MediaPath, type MediaPathResult, mediaPaths } from '../../../client/diagnosis/index.ts';
import { errorMessage } from '../../common/errorMessages.ts';
import { type DiagnoseKey, translateDiagnose } from '../../locales/diagnose.ts';
import type { Check, CheckResult } from '../Check.ts';
import { problemOf } from './problemOf.ts';

const failedTexts: Readonly<Record<MediaPath, DiagnoseKey>> = {
  udp: 'udpBlocked',
  tcp: 'tcpBlocked',
  turnUdp: 'turnBlocked',
  turnTcp: 'turnBlocked',
  turnTls: 'turnBlocked',
};

export interface PathPorts {
  /** @throws {WeirError} */
  test(path: MediaPath, signal: AbortSignal): Promise<MediaPathResult>;
  /** Whether the live connection to the server works: otherwise no media can be set up. */
  reachable(): boolean;
}

export function pathChecks({ test, reachable }: PathPorts): Check[] {
  return mediaPaths.map((path) => ({
    name: path,
    async run(signal) {
      if (!reachable()) return { grade: 'skipped', text: translateDiagnose('needsSignalling'), figures: {} };
      try {
        return resultOf(path, await test(path, signal));
      } catch (error) {
        signal.throwIfAborted();
        return { grade: 'skipped', text: errorMessage(error), figures: { problem: problemOf(error) } };
      }
    },
  }));
}

function resultOf(path: MediaPath, result: MediaPathResult): CheckResult {
  const { state, connectTime, roundTripTime, privateAddresses } = result;
  if (state === 'notOffered') return { grade: 'skipped', text: translateDiagnose('pathNotOffered'), figures: {} };
  const figures = {
    connected: state === 'connected',
    privateAddresses,
    ...(connectTime !== undefined && { connectTime: Math.round(connectTime) }),
    ...(roundTripTime !== undefined && { roundTripTime: Math.round(roundTripTime) }),
  };
  if (state === 'failed') return { grade: 'bad', text: translateDiagnose(failedTexts[path]), figures };
  const text =
    roundTripTime === undefined
      ? translateDiagnose('pathConnected')
      : translateDiagnose('pathRoundTrip', { milliseconds: Math.max(1, Math.round(roundTripTime)) });
  return { grade: 'good', text, figures };
}

/** The verdict of the diagnosis: one sentence on whether calls work here, and what to do where they do not. */
import { type DiagnoseKey, translateDiagnose } from '../locales/diagnose.ts';
import type { CheckName, Results } from './Check.ts';
import { BITRATES, megabits } from './checks/throughput.ts';

export type VerdictKind =
  | 'good'
  | 'overTcp'
  | 'overRelay'
  | 'narrow'
  | 'lossy'
  | 'blocked'
  | 'privateAddress'
  | 'unreachable'
  | 'browser'
  | 'untested';

export interface Verdict {
  readonly kind: VerdictKind;
  readonly grade: 'good' | 'fair' | 'bad';
  readonly title: string;
  readonly text: string;
  /** What else is wrong: of camera, microphone and speaker. */
  readonly notes: readonly string[];
}

interface Words {
  readonly grade: Verdict['grade'];
  readonly title: DiagnoseKey;
  readonly text: DiagnoseKey;
}

const words: Readonly<Record<VerdictKind, Words>> = {
  good: { grade: 'good', title: 'verdictGood', text: 'verdictGoodText' },
  overTcp: { grade: 'fair', title: 'verdictTcp', text: 'verdictTcpText' },
  overRelay: { grade: 'fair', title: 'verdictRelay', text: 'verdictRelayText' },
  narrow: { grade: 'fair', title: 'verdictNarrow', text: 'verdictNarrowText' },
  lossy: { grade: 'fair', title: 'verdictLossy', text: 'verdictLossyText' },
  blocked: { grade: 'bad', title: 'verdictBlocked', text: 'verdictBlockedText' },
  privateAddress: { grade: 'bad', title: 'verdictPrivate', text: 'verdictPrivateText' },
  unreachable: { grade: 'bad', title: 'verdictUnreachable', text: 'verdictUnreachableText' },
  browser: { grade: 'bad', title: 'verdictBrowser', text: 'verdictBrowserText' },
  untested: { grade: 'fair', title: 'verdictUntested', text: 'verdictUntestedText' },
};

const relays = ['turnUdp', 'turnTcp', 'turnTls'] as const satisfies readonly CheckName[];
const paths = ['udp', 'tcp', ...relays] as const;

/** @param publicPage whether the page itself came from an address of the Internet */
export function verdictOf(results: Results, publicPage: boolean): Verdict {
  const kind = kindOf(results, publicPage);
  const { grade, title, text } = words[kind];
  const values = { reason: results.signalling?.text ?? '', ...narrowValues(results) };
  const notes = notesOf(results, kind);
  return {
    kind,
    grade: grade === 'good' && notes.length > 0 ? 'fair' : grade,
    title: translateDiagnose(title),
    text: translateDiagnose(text, values),
    notes,
  };
}

function kindOf(results: Results, publicPage: boolean): VerdictKind {
  const { browser, signalling, throughput } = results;
  const connects = (name: CheckName) => results[name]?.figures.connected === true;
  if (browser?.figures.webRtc === false || (browser?.grade === 'bad' && browser.figures.secureContext))
    return 'browser';
  if (signalling?.figures.problem !== undefined) return 'unreachable';
  if (!paths.some(connects)) {
    const tested = paths.filter((name) => results[name]?.figures.connected === false);
    if (tested.length === 0) return 'untested';
    const isPrivate = tested.every((name) => results[name]?.figures.privateAddresses === true);
    return isPrivate && publicPage ? 'privateAddress' : 'blocked';
  }
  if (throughput?.figures.problem === 'noMedia') return 'blocked';
  if (!connects('udp')) return connects('tcp') ? 'overTcp' : 'overRelay';
  if (isNarrow(results)) return 'narrow';
  return throughput?.grade === 'fair' || throughput?.grade === 'bad' ? 'lossy' : 'good';
}

function isNarrow(results: Results): boolean {
  const rate = slowest(results);
  return rate !== undefined && rate < BITRATES.good;
}

/** The lower of the bitrates that are known, in bit/s; undefined where more than what was sent might get through. */
function slowest({ throughput }: Results): number | undefined {
  const { upBitrate, upLowerBound, downBitrate, downLowerBound } = throughput?.figures ?? {};
  const rates = [!upLowerBound && upBitrate, !downLowerBound && downBitrate].filter((rate) => typeof rate === 'number');
  return rates.length > 0 ? Math.min(...rates) : undefined;
}

function narrowValues(results: Results): Record<string, string> {
  const rate = slowest(results);
  return rate === undefined ? {} : { rate: megabits(rate) };
}

function notesOf(results: Results, kind: VerdictKind): string[] {
  const { camera, microphone, speaker } = results;
  const notes: DiagnoseKey[] = [];
  if ((kind === 'overTcp' || kind === 'overRelay') && isNarrow(results)) notes.push('verdictNarrowText');
  if (camera?.grade === 'bad') notes.push('noteCamera');
  if (microphone?.grade === 'bad') notes.push('noteMicrophone');
  if (speaker?.grade === 'bad') notes.push('noteSpeaker');
  return notes.map((note) => translateDiagnose(note, narrowValues(results)));
}

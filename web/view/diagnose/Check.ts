/** The interface of all checks of the diagnosis. A check has no DOM: what it needs of the page is passed to it. */

export const checkNames = [
  'camera',
  'microphone',
  'speaker',
  'browser',
  'signalling',
  'clock',
  'udp',
  'tcp',
  'turnUdp',
  'turnTcp',
  'turnTls',
  'throughput',
] as const;
export type CheckName = (typeof checkNames)[number];

/** `open`: only the person in front of the device knows, and is asked. `skipped`: it was not, or could not be tested. */
export type Grade = 'good' | 'fair' | 'bad' | 'open' | 'skipped';

/** What was measured, for verdict and report: never an address, an id, a label or a name. */
export type Figures = Readonly<Record<string, number | boolean | string>>;

export interface CheckResult {
  readonly grade: Grade;
  /** What was found, in the language of the page. */
  readonly text: string;
  /** What to do about it. */
  readonly advice?: string | undefined;
  /** The question that decides an `open` result. */
  readonly question?: string;
  readonly figures: Figures;
}

export interface Check {
  readonly name: CheckName;
  /** Never rejects but with the reason of the signal; leaves no device, timer or connection behind. */
  run(signal: AbortSignal): Promise<CheckResult>;
  /** The result after the person has answered the question of an `open` one. */
  answer?(yes: boolean): CheckResult;
}

/** The results so far. */
export type Results = Partial<Record<CheckName, CheckResult>>;

/** Tests this machine's clock: tokens and TURN credentials hold for certain times. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { SelfTestRow } from '../../../shared/selfTest.ts';
import { clockOffset } from './sntp.ts';

const execute = promisify(execFile);
/** Offsets from which it is worth a look, and the least that counts as wrong, in milliseconds. */
const OFFSET = { odd: 1000, wrong: 2000 };

export interface ClockTestOptions {
  /** An NTP server to compare with; none is asked by default. */
  readonly ntp?: string | undefined;
  /** How far the clocks of token issuers may be off, in milliseconds. */
  readonly leeway: number;
  readonly signal: AbortSignal;
  /** Whether the system says that its clock is synchronised; undefined where it does not say. */
  readonly isSynchronised?: (signal: AbortSignal) => Promise<boolean | undefined>;
}

const remedy = 'Synchronise the clock: install chrony or systemd-timesyncd, or set timedatectl set-ntp true.';

/** At most two rows: what the system says, and what the server says. Never rejects. */
export async function clockRows(options: ClockTestOptions): Promise<SelfTestRow[]> {
  const { ntp, leeway, signal, isSynchronised = askSystem } = options;
  const [synchronised, compared] = await Promise.all([
    isSynchronised(signal),
    ntp === undefined ? undefined : compare(ntp, leeway, signal),
  ]);
  const rows: SelfTestRow[] = compared ? [compared] : [];
  if (synchronised === undefined) return rows;
  const system = { check: 'clock', target: 'system clock' } as const;
  return [
    synchronised
      ? { ...system, state: 'ok', message: 'The system synchronises its clock.' }
      : {
          ...system,
          state: 'warning',
          reason: 'clockUnsynchronised',
          message: 'The system says that its clock is not synchronised: tokens and TURN credentials depend on it.',
          remedy,
        },
    ...rows,
  ];
}

async function compare(ntp: string, leeway: number, signal: AbortSignal): Promise<SelfTestRow> {
  const row = { check: 'clock', target: ntp } as const;
  let offset: number;
  try {
    offset = await clockOffset(ntp, signal);
  } catch (error) {
    const why = error instanceof Error && !signal.aborted ? ` (${error.message})` : '';
    return {
      ...row,
      state: 'unknown',
      reason: 'noAnswer',
      message: `The NTP server does not answer${why}.`,
      remedy: 'Name another one, or let UDP port 123 out.',
    };
  }
  const seconds = `${(Math.abs(offset) / 1000).toFixed(1)} s`;
  if (Math.abs(offset) < OFFSET.odd) {
    return { ...row, state: 'ok', message: `The clock is right (${Math.round(offset)} ms).` };
  }
  return {
    ...row,
    state: Math.abs(offset) > Math.max(OFFSET.wrong, leeway / 2) ? 'failed' : 'warning',
    reason: 'clockOff',
    message: `The clock of this machine is ${seconds} ${offset > 0 ? 'behind' : 'ahead of'} ${ntp}: tokens and TURN credentials are accepted too early or too late.`,
    remedy,
  };
}

/** systemd's answer. Containers and other systems have none. */
async function askSystem(signal: AbortSignal): Promise<boolean | undefined> {
  try {
    const { stdout } = await execute('timedatectl', ['show', '--property=NTPSynchronized', '--value'], { signal });
    return { yes: true, no: false }[stdout.trim()];
  } catch {
    return undefined;
  }
}

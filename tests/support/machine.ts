/** Reads process states from the kernel. */
import { readdirSync } from 'node:fs';
import { readProc } from '../../scripts/support/process/processes.ts';

/** The child processes of one, with their state. */
export function childrenOf(pid: number): { pid: number; state: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), stat: readProc(`${name}/stat`) }))
    .map(({ pid: child, stat }) => ({ pid: child, fields: stat.slice(stat.lastIndexOf(')') + 2).split(' ') }))
    .filter(({ fields }) => Number(fields[1]) === pid)
    .map(({ pid: child, fields }) => ({ pid: child, state: fields[0] ?? '' }));
}

/** A field of a process's status. */
export const status = (pid: number, field: string) =>
  new RegExp(`^${field}:\\s+(\\S+)`, 'm').exec(readProc(`${pid}/status`))?.[1];

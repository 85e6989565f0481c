/** Owns what tests ask of the machine: a port that nobody has, and what the kernel knows of processes. */
import { readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { textOf } from '../../scripts/setup/places.mjs';

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('There is no free port.');
  return address.port;
}

/** The processes below one, with their state. */
export function childrenOf(pid: number): { pid: number; state: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), stat: textOf(`/proc/${name}/stat`) ?? '' }))
    .map(({ pid: child, stat }) => ({ pid: child, fields: stat.slice(stat.lastIndexOf(')') + 2).split(' ') }))
    .filter(({ fields }) => Number(fields[1]) === pid)
    .map(({ pid: child, fields }) => ({ pid: child, state: fields[0] ?? '' }));
}

/** A field of what the kernel says of a process. */
export const status = (pid: number, field: string) =>
  new RegExp(`^${field}:\\s+(\\S+)`, 'm').exec(textOf(`/proc/${pid}/status`) ?? '')?.[1];

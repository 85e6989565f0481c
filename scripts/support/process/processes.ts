/** Finds processes by a mark in their environment, which descendants inherit even when reparented. */
import { readdirSync, readFileSync } from 'node:fs';

/** The ids of living processes that have `mark` in their environment. */
export function livingWith(mark: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && readProc(`${name}/environ`).includes(mark))
    .map(Number);
}

/** A file of /proc; empty when its process has ended meanwhile. */
export function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, 'latin1');
  } catch {
    return '';
  }
}

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach } from 'vitest';
import { type Paths, paths } from '../../scripts/setup/paths.mjs';
import { Progress } from '../../scripts/setup/progress.mjs';
import type { Tools } from '../../scripts/setup/steps.mjs';

export const root = join(import.meta.dirname, '../..');
export const undo: (() => unknown)[] = [];

/** Undoes after each test what it has set up. Files that share a process share this module: each has to call it. */
export function undoAfterEach(): void {
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step();
  });
}

export function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'weir-setup-'));
  undo.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export function put(path: string, text: string, mode?: number): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode });
  return path;
}

/** A checkout and a cache in a temporary folder, with a lock file that contains mediasoup 3.27.1. */
export function emptyPaths(env: NodeJS.ProcessEnv = {}): Paths {
  const base = directory();
  const lock = { packages: { 'node_modules/mediasoup': { version: '3.27.1' } } };
  put(join(base, 'package-lock.json'), JSON.stringify(lock));
  return paths({ root: base, cache: join(base, 'cache'), env });
}

/** A progress that records its lines. */
export function recordedProgress() {
  const said: string[] = [];
  return { said, progress: new Progress({ write: (text: string) => said.push(text) }) };
}

export const noTools: Tools = {
  log: '/dev/null',
  report: () => {},
  note: () => {},
  run: async () => 1,
};

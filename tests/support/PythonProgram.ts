/** A program of examples/python, and what it prints. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { pythonLibraries } from '../../scripts/setup/equipment.mjs';
import { hasEquipment } from './equipment.ts';

/** Debian's, for which the libraries are installed. */
const python = '/usr/bin/python3';
const examples = new URL('../../examples/python/', import.meta.url);
/** How long it may take to end, in milliseconds, before it is killed. */
const TIMEOUT = 10_000;

/** Whether Python's libraries are there; otherwise the test launcher has printed why not. */
export const hasPythonLibraries = pythonLibraries.every(({ name, file }) => hasEquipment(name, file));

/** What view.py prints of one track. */
const Seen = z.object({
  peer: z.string(),
  source: z.string(),
  direct: z.boolean(),
  frames: z.number(),
  width: z.number(),
  height: z.number(),
  loudness: z.number(),
});
export type Seen = z.infer<typeof Seen>;

const Heard = z.object({ data: z.string(), topic: z.string(), from: z.string() });
const Line = z.union([z.object({ track: Seen }), Heard]);

export class PythonProgram implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly #process: ChildProcessByStdio<null, Readable, Readable>;
  readonly #exited: Promise<unknown>;
  #errors = '';

  private constructor(child: ChildProcessByStdio<null, Readable, Readable>) {
    this.#process = child;
    this.#exited = once(child, 'close');
    createInterface(child.stdout).on('line', (line) => this.lines.push(line));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
  }

  /** @param options of the interpreter, and environment variables */
  static start(
    program: 'publish.py' | 'view.py',
    args: readonly string[],
    { interpreter = [], env = {} }: { interpreter?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
  ): PythonProgram {
    const path = fileURLToPath(new URL(program, examples));
    return new PythonProgram(
      spawn(python, [...interpreter, path, ...args], {
        env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
  }

  /** What it has printed as errors. */
  get errors(): string {
    return this.#errors;
  }

  /** What view.py has printed last of a track. */
  seen(peer: string, source: string, direct = false): Seen | undefined {
    return this.#records()
      .flatMap((line) => ('track' in line ? line.track : []))
      .findLast((track) => track.peer === peer && track.source === source && track.direct === direct);
  }

  /** The data messages that view.py has printed. */
  heard(): z.infer<typeof Heard>[] {
    return this.#records().filter((line) => 'data' in line);
  }

  /** Waits until it ends by itself. @returns its exit code and what it has printed as errors */
  async ended(): Promise<{ code: number | null; errors: string }> {
    await this.#exited;
    return { code: this.#process.exitCode, errors: this.#errors };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGTERM');
    const killer = setTimeout(() => this.#process.kill('SIGKILL'), TIMEOUT);
    await this.#exited;
    clearTimeout(killer);
  }

  #records(): z.infer<typeof Line>[] {
    return this.lines.filter((line) => line.startsWith('{')).map((line) => Line.parse(JSON.parse(line)));
  }
}

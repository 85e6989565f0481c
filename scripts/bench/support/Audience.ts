/** Owns the host of a broadcast and those who watch it, each of them without a browser, in several processes. */
import { z } from 'zod';
import { now } from '../../support/endpoint/clock.ts';
import { Child } from '../../support/process/Child.ts';
import { type Hosting, JoinBurstResult, Received, Sent } from './spectating.ts';

const Nothing = z.undefined();
const script = new URL('spectators.ts', import.meta.url);
/** From the word that a burst is to begin until the first one comes, in milliseconds. */
const START = 300;

export class Audience implements AsyncDisposable {
  readonly #where: Hosting;
  readonly #host: Child;
  readonly #processes: readonly Child[];
  #size = 0;

  private constructor(where: Hosting, host: Child, processes: readonly Child[]) {
    this.#where = where;
    this.#host = host;
    this.#processes = processes;
  }

  /** A broadcast that is live, and nobody who watches yet. @param processes processes of those who will */
  static async open(where: Hosting, processes: number): Promise<Audience> {
    const children = Array.from({ length: processes }, () => Child.start(script));
    const audience = new Audience(where, Child.start(script), children);
    try {
      await audience.#host.ask('host', Nothing, where);
      return audience;
    } catch (error) {
      await audience[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The processes of those who watch, and of the host. */
  get pids(): readonly number[] {
    return [...this.#processes, this.#host].map(({ pid }) => pid);
  }

  /** Has so many watch in all, who come some at a time. @returns the SRTP suite */
  async fill(size: number): Promise<string> {
    const names = Array.from({ length: size - this.#size }, (_, index) => `viewer-${this.#size + index}`);
    this.#size = size;
    const suites = await Promise.all(
      this.#share(names).map(([process, own]) => process.ask('fill', z.string(), { ...this.#where, names: own })),
    );
    return suites[0] ?? '';
  }

  async setFlowing(flowing: boolean): Promise<void> {
    await this.#host.ask('flow', Nothing, flowing);
  }

  /** What the host has sent, and was asked for, by layer. */
  sent(): Promise<Sent> {
    return this.#host.ask('sent', Sent);
  }

  /** What has come to all who watch. */
  async received(): Promise<Received> {
    const found = await Promise.all(this.#processes.map((process) => process.ask('received', Received)));
    return found.flat();
  }

  /**
   * Somebody comes at each of these moments (milliseconds from the first one), to the processes by turns.
   * @returns `beganAt`, when the first one comes, in milliseconds since 1970, and what became of all
   */
  joinBurst(
    offsets: readonly number[],
    patience: number,
  ): { readonly beganAt: number; readonly over: Promise<JoinBurstResult> } {
    const beganAt = now() + START;
    const offers = offsets.map((offset, index) => ({ name: `viewer-${index}`, at: beganAt + offset }));
    const over = Promise.all(
      this.#share(offers).map(([process, own]) =>
        process.ask('joinBurst', JoinBurstResult, { ...this.#where, patience, offers: own }),
      ),
    );
    return { beganAt, over: over.then(together) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#host, ...this.#processes].map((child) => child[Symbol.asyncDispose]()));
  }

  #share<T>(all: readonly T[]): [Child, T[]][] {
    return this.#processes.map((process, own) => [
      process,
      all.filter((_, index) => index % this.#processes.length === own),
    ]);
  }
}

function together(parts: readonly JoinBurstResult[]): JoinBurstResult {
  return {
    times: parts.flatMap(({ times }) => times),
    failures: parts.flatMap(({ failures }) => failures),
    srtp: parts.find(({ srtp }) => srtp)?.srtp ?? '',
  };
}

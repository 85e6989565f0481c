/** The host and the viewers of a broadcast as headless members, divided among several processes. */
import { z } from 'zod';
import { now } from '../../support/endpoint/clock.ts';
import { Child } from '../../support/process/Child.ts';
import { type Hosting, JoinBurstResult, Received, Sent } from './viewerMessages.ts';

const Nothing = z.undefined();
const script = new URL('viewerProcess.ts', import.meta.url);
/** Lead time from the command to the first join of a burst, in milliseconds. */
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

  /** Opens a live broadcast without viewers. @param processes number of viewer processes */
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

  /** Ids of the viewer processes and of the host's. */
  get pids(): readonly number[] {
    return [...this.#processes, this.#host].map(({ pid }) => pid);
  }

  /** Fills the audience up to `size` viewers, a few at a time. @returns the SRTP suite */
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

  /** Packets sent by the host and key-frame requests it received, by layer. */
  sent(): Promise<Sent> {
    return this.#host.ask('sent', Sent);
  }

  /** Packets received by all viewers. */
  async received(): Promise<Received> {
    const found = await Promise.all(this.#processes.map((process) => process.ask('received', Received)));
    return found.flat();
  }

  /**
   * One viewer joins at each of these moments (milliseconds from the first one), on the processes in turn.
   * @returns `beganAt`, the time of the first join in milliseconds since 1970, and the result of all
   */
  joinBurst(
    offsets: readonly number[],
    timeout: number,
  ): { readonly beganAt: number; readonly over: Promise<JoinBurstResult> } {
    const beganAt = now() + START;
    const offers = offsets.map((offset, index) => ({ name: `viewer-${index}`, at: beganAt + offset }));
    const over = Promise.all(
      this.#share(offers).map(([process, own]) =>
        process.ask('joinBurst', JoinBurstResult, { ...this.#where, timeout, offers: own }),
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

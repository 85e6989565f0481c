/** Owns the host of a broadcast and those who watch it, each of them without a browser, in several processes. */
import { z } from 'zod';
import { now } from '../../support/endpoint/clock.ts';
import { Child } from '../../support/process/Child.ts';
import { type Hosting, Received, Rushed, Sent } from './spectating.ts';

const Nothing = z.undefined();
const script = new URL('spectators.ts', import.meta.url);
/** From the word that a rush is to begin until the first one comes, in milliseconds. */
const START = 300;

export class Audience implements AsyncDisposable {
  readonly #where: Hosting;
  readonly #host: Child;
  readonly #crews: readonly Child[];
  #size = 0;

  private constructor(where: Hosting, host: Child, crews: readonly Child[]) {
    this.#where = where;
    this.#host = host;
    this.#crews = crews;
  }

  /** A broadcast that is live, and nobody who watches yet. @param crews processes of those who will */
  static async open(where: Hosting, crews: number): Promise<Audience> {
    const children = Array.from({ length: crews }, () => Child.start(script));
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
    return [...this.#crews, this.#host].map(({ pid }) => pid);
  }

  /** Has so many watch in all, who come some at a time. @returns the SRTP suite */
  async fill(size: number): Promise<string> {
    const names = Array.from({ length: size - this.#size }, (_, index) => `viewer-${this.#size + index}`);
    this.#size = size;
    const suites = await Promise.all(
      this.#share(names).map(([crew, own]) => crew.ask('fill', z.string(), { ...this.#where, names: own })),
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
    const found = await Promise.all(this.#crews.map((crew) => crew.ask('received', Received)));
    return found.flat();
  }

  /**
   * Somebody comes at each of these moments (milliseconds from the first one), to the processes by turns.
   * @returns `beganAt`, when the first one comes, in milliseconds since 1970, and what became of all
   */
  rush(offsets: readonly number[], patience: number): { readonly beganAt: number; readonly over: Promise<Rushed> } {
    const beganAt = now() + START;
    const offers = offsets.map((offset, index) => ({ name: `viewer-${index}`, at: beganAt + offset }));
    const over = Promise.all(
      this.#share(offers).map(([crew, own]) => crew.ask('rush', Rushed, { ...this.#where, patience, offers: own })),
    );
    return { beganAt, over: over.then(together) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#host, ...this.#crews].map((child) => child[Symbol.asyncDispose]()));
  }

  #share<T>(all: readonly T[]): [Child, T[]][] {
    return this.#crews.map((crew, own) => [crew, all.filter((_, index) => index % this.#crews.length === own)]);
  }
}

function together(parts: readonly Rushed[]): Rushed {
  return {
    times: parts.flatMap(({ times }) => times),
    failures: parts.flatMap(({ failures }) => failures),
    srtp: parts.find(({ srtp }) => srtp)?.srtp ?? '',
  };
}

/** Owns what a benchmark is: what it compares, how it runs, and what it finds. */
import type { Ratio } from './pairs.ts';

/** A figure that is no ratio: it depends on the machine, and is told for orientation. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it is to keep. */
  readonly goal?: { readonly most?: number; readonly least?: number };
}

export interface Findings {
  /** The SRTP suite that was agreed on; empty where no media flowed. */
  readonly srtp: string;
  readonly ratios: readonly Ratio[];
  readonly figures?: readonly Figure[];
}

export interface BenchmarkOptions {
  /** Less of everything: for comparing with figures that are kept. */
  readonly quick: boolean;
  /** Progress, for people. */
  say(what: string): void;
}

export interface Benchmark {
  /** Of its file in `bench/`. */
  readonly name: string;
  readonly title: string;
  /** What is done, in a sentence or two. */
  readonly about: string;
  /** What the two sides of each pair are. */
  readonly a: string;
  readonly b: string;
  /** Limits of Weir or of the system that are raised, by name. */
  readonly limits: Readonly<Record<string, string>>;
  /** Whether `--quick` leaves it out unless it is named: what it compares takes longer than that allows. */
  readonly slow?: boolean;
  run(options: BenchmarkOptions): Promise<Findings>;
}

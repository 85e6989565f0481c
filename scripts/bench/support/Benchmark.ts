/** The interface of a benchmark: what it compares, how it runs, and what it returns. */
import type { Ratio } from './pairs.ts';

/** A figure that is not a ratio: it depends on the machine and is reported for orientation. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The limits it should stay within. */
  readonly goal?: { readonly most?: number; readonly least?: number };
}

export interface Findings {
  /** The SRTP suite that was negotiated; empty where no media flowed. */
  readonly srtp: string;
  readonly ratios: readonly Ratio[];
  readonly figures?: readonly Figure[];
}

export interface BenchmarkOptions {
  /** Runs fewer rounds, for a comparison with the committed record. */
  readonly quick: boolean;
  /** Reports progress to the terminal. */
  report(what: string): void;
}

export interface Benchmark {
  /** Name of the benchmark and of its file in `bench/`. */
  readonly name: string;
  readonly title: string;
  /** Describes the method in a sentence or two. */
  readonly about: string;
  /** Names of the two sides of each pair. */
  readonly a: string;
  readonly b: string;
  /** Limits of Weir or of the system that are raised, by name. */
  readonly limits: Readonly<Record<string, string>>;
  /** Whether `--quick` skips it unless it is named, because it takes too long. */
  readonly slow?: boolean;
  run(options: BenchmarkOptions): Promise<Findings>;
}

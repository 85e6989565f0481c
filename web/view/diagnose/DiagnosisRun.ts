/** One run of all checks: keeps their results, and ends with everything that it has opened. */
import type { Check, CheckName, CheckResult, Results } from './Check.ts';
import { type Lane, runChecks } from './runChecks.ts';

export interface DiagnosisRunOptions {
  /** Makes the checks. @param results those so far @param closed aborted when the run has ended */
  lanes(results: Results, closed: AbortSignal): readonly Lane[];
  onStarted(name: CheckName): void;
  onResult(name: CheckName, result: CheckResult): void;
}

export class DiagnosisRun {
  readonly #options: DiagnosisRunOptions;
  readonly #results: Results = {};
  readonly #abortController = new AbortController();
  readonly #checks = new Map<CheckName, Check>();

  constructor(options: DiagnosisRunOptions) {
    this.#options = options;
  }

  /** The results so far. */
  get results(): Results {
    return this.#results;
  }

  /** Runs all checks. Call it once. @returns false if it was stopped */
  async run(): Promise<boolean> {
    const { signal } = this.#abortController;
    const lanes = this.#options.lanes(this.#results, signal);
    for (const check of lanes.flat(2)) this.#checks.set(check.name, check);
    try {
      const { onStarted } = this.#options;
      await runChecks(lanes, { onStarted, onResult: (name, result) => this.#add(name, result) }, signal);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    } finally {
      this.stop();
    }
  }

  /** Ends the checks that still run; idempotent. */
  stop(): void {
    this.#abortController.abort();
  }

  /** The answer to the question of an open result; it may be changed. */
  answer(name: CheckName, yes: boolean): void {
    const result = this.#checks.get(name)?.answer?.(yes);
    if (result) this.#add(name, result);
  }

  #add(name: CheckName, result: CheckResult): void {
    this.#results[name] = result;
    this.#options.onResult(name, result);
  }
}

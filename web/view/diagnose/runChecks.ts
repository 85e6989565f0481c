/** Runs checks: lanes side by side, the steps of a lane one after the other, the checks of a step at the same time. */
import type { Check, CheckName, CheckResult } from './Check.ts';

export type Step = readonly Check[];
export type Lane = readonly Step[];

export interface RunListeners {
  onStarted(name: CheckName): void;
  onResult(name: CheckName, result: CheckResult): void;
}

/** @throws the reason of the signal, when every check has ended */
export async function runChecks(lanes: readonly Lane[], listeners: RunListeners, signal: AbortSignal): Promise<void> {
  const run = async (check: Check) => {
    signal.throwIfAborted();
    listeners.onStarted(check.name);
    const result = await check.run(signal);
    signal.throwIfAborted();
    listeners.onResult(check.name, result);
  };
  const runLane = async (lane: Lane) => {
    for (const step of lane) await settled(step.map(run));
  };
  await settled(lanes.map(runLane));
}

/** Waits for all of them. @throws the first error */
async function settled(promises: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(promises)) {
    if (result.status === 'rejected') throw result.reason;
  }
}

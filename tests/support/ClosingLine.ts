/**
 * A reporter that writes the last line of a test run, `N passed, N failed, N skipped`, and before it the tests that failed,
 * or passed at a second attempt only, with their errors.
 */
import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node';

export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[], reason: TestRunEndReason): void {
    const count = { passed: 0, failed: 0, skipped: 0 };
    const lines: string[] = [];
    for (const module of modules) {
      // After an interrupt some files have not started.
      if (reason === 'interrupted' && ['queued', 'pending'].includes(module.state())) continue;
      let ran = 0;
      for (const test of module.children.allTests()) {
        const { state, errors = [] } = test.result();
        if (state !== 'pending') count[state] += 1;
        const name = `${module.relativeModuleId} > ${test.fullName}`;
        if (state === 'failed') lines.push(`Failed: ${name}`, ...firstLines(errors));
        else if (test.diagnostic()?.flaky) lines.push(`Passed at the second attempt: ${name}`, ...firstLines(errors));
        ran += 1;
      }
      // A file that failed to load has no tests that could fail.
      if (ran === 0 || module.errors().length > 0) {
        count.failed += 1;
        lines.push(`Failed: ${module.relativeModuleId}`, ...firstLines(module.errors()));
      }
    }
    count.failed += unhandled.length;
    if (unhandled.length > 0) lines.push('Failed: outside of tests', ...firstLines(unhandled));
    lines.push(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
    // Print after the summary of the default reporter.
    process.on('exit', () => process.stdout.write(`${lines.join('\n')}\n`));
  }
}

/** The first line of each error's message, indented. */
function firstLines(errors: readonly unknown[]): string[] {
  return errors.map(
    (error) =>
      `  ${(error instanceof Object && 'message' in error ? String(error.message) : String(error)).split('\n', 1)[0]}`,
  );
}

/**
 * A reporter that writes the last line of a test run, `N passed, N failed, N skipped`, and before it the tests that passed
 * at a second attempt only, with the error of the first.
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
        if (test.diagnostic()?.flaky) {
          lines.push(`Passed at the second attempt: ${module.relativeModuleId} > ${test.fullName}`);
          for (const { message } of errors) lines.push(`  ${message}`);
        }
        ran += 1;
      }
      // A file that failed to load has no tests that could fail.
      if (ran === 0 || module.errors().length > 0) count.failed += 1;
    }
    count.failed += unhandled.length;
    lines.push(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
    // Print after the summary of the default reporter.
    process.on('exit', () => process.stdout.write(`${lines.join('\n')}\n`));
  }
}

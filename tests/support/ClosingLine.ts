/** A reporter that writes the last line of a test run: `N passed, N failed, N skipped`. */
import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node';

export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[], reason: TestRunEndReason): void {
    const count = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules) {
      // After an interrupt some files have not started.
      if (reason === 'interrupted' && ['queued', 'pending'].includes(module.state())) continue;
      let ran = 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state !== 'pending') count[state] += 1;
        ran += 1;
      }
      // A file that failed to load has no tests that could fail.
      if (ran === 0 || module.errors().length > 0) count.failed += 1;
    }
    count.failed += unhandled.length;
    const line = `${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`;
    // Print after the summary of the default reporter.
    process.on('exit', () => process.stdout.write(line));
  }
}

/** How the tests run: five projects, from quick to whole browsers and the image. */
import { defineConfig } from 'vitest/config';

interface Project {
  readonly name: string;
  /** Milliseconds for each test and each hook. */
  readonly timeout: number;
  /** Projects of one group run together; those of a later group when it has finished. */
  readonly group: number;
  /** How many files run at a time. */
  readonly workers: number;
}

const project = ({ name, timeout, group, workers }: Project) => ({
  test: {
    name,
    include: [`tests/${name}/**/*.test.ts`],
    testTimeout: timeout,
    hookTimeout: timeout,
    environment: 'node' as const,
    pool: 'forks' as const,
    maxWorkers: workers,
    sequence: { groupOrder: group },
  },
});

export default defineConfig({
  test: {
    reporters: ['default', './tests/support/ClosingLine.ts'],
    projects: [
      // Servers of these take any free ports, so that no two files meet.
      project({ name: 'unit', timeout: 10_000, group: 0, workers: 2 }),
      project({ name: 'protocol', timeout: 20_000, group: 0, workers: 2 }),
      // Media and browsers want the machine for themselves.
      project({ name: 'media', timeout: 30_000, group: 1, workers: 1 }),
      project({ name: 'browser', timeout: 120_000, group: 2, workers: 1 }),
      project({ name: 'image', timeout: 120_000, group: 3, workers: 1 }),
    ],
  },
});

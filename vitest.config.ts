/** Owns how the tests run: five projects, from quick to whole browsers and the image. */
import { defineConfig } from 'vitest/config';

const project = (name: string, timeout: number) => ({
  test: {
    name,
    include: [`tests/${name}/**/*.test.ts`],
    testTimeout: timeout,
    hookTimeout: timeout,
    environment: 'node' as const,
  },
});

export default defineConfig({
  test: {
    // Media and browsers want the machine for themselves.
    fileParallelism: false,
    reporters: ['default', './tests/support/ClosingLine.ts'],
    projects: [
      project('unit', 10_000),
      project('protocol', 20_000),
      project('media', 30_000),
      project('browser', 120_000),
      project('image', 120_000),
    ],
  },
});

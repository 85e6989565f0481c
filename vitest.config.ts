/** How the tests run: projects from quick ones to whole browsers, and one of what takes minutes. README.md lists them. */
import { defineConfig } from 'vitest/config';

interface Project {
  readonly name: string;
  /** Test files; those of the folder of that name by default. */
  readonly include?: readonly string[];
  /** Of these, files that do not run in it. */
  readonly exclude?: readonly string[];
  /** Milliseconds for each test and each hook. */
  readonly timeout: number;
  /** Projects of one group run together; those of a later group when it has finished. */
  readonly group: number;
  /** How many files run at a time. */
  readonly workers: number;
  readonly env?: Readonly<Record<string, string>>;
  /** A module that runs once before the files of the project. */
  readonly globalSetup?: string;
  /** A module that runs before each file. */
  readonly setupFile?: string;
}

const project = ({
  name,
  include = [`tests/${name}/**/*.test.ts`],
  timeout,
  group,
  workers,
  exclude = [],
  env = {},
  globalSetup,
  setupFile,
}: Project) => ({
  test: {
    name,
    include: [...include],
    exclude: [...exclude],
    testTimeout: timeout,
    hookTimeout: timeout,
    environment: 'node' as const,
    pool: 'forks' as const,
    maxWorkers: workers,
    // Files share the processes: importing the server and Playwright anew takes two seconds of a core for each file.
    isolate: false,
    // CI machines stall for seconds at a time, which real media and browsers cannot hide. What passes at the second attempt
    // only is listed at the end of the run; elsewhere it fails.
    retry: process.env.CI && name !== 'unit' ? 1 : 0,
    ...(globalSetup && { globalSetup }),
    ...(setupFile && { setupFiles: [setupFile] }),
    env,
    // Facts about pages: on a busy machine a second is not enough.
    expect: { poll: { timeout: 5000 } },
    sequence: { groupOrder: group },
  },
});

/** What takes minutes and changes seldom, and is not in `npm test`. */
const onlyFull = [
  'tests/image/**/*.test.ts',
  'tests/measured/load-accuracy.test.ts',
  'tests/pages/growth.test.ts',
  'tests/browser/diagnosis-networks.test.ts',
];
/** The others run there at full length, and shortened in `npm test`. */
const full = [
  ...onlyFull,
  'tests/measured/firefox-uplink.test.ts',
  'tests/browser/ice-matrix.test.ts',
  'tests/browser/cycles.test.ts',
  'tests/browser/files.test.ts',
  'tests/browser/firefox.test.ts',
  'tests/browser/waits.test.ts',
];

export default defineConfig({
  test: {
    reporters: ['default', './tests/support/ClosingLine.ts'],
    projects: [
      // Servers of these take any free ports, so that no two files meet. Most of the time they wait: for processes to start
      // or end, and for times to pass.
      project({ name: 'unit', timeout: 10_000, group: 0, workers: 3, setupFile: 'tests/support/openTimers.ts' }),
      project({ name: 'protocol', timeout: 20_000, group: 0, workers: 3 }),
      // Media of headless members: most of the time it is on its way. A third file would starve those of many members.
      project({ name: 'media', timeout: 30_000, group: 1, workers: 2 }),
      // What is measured of media wants the machine for itself.
      project({ name: 'measured', exclude: onlyFull, timeout: 120_000, group: 2, workers: 1 }),
      // Two of these at a time keep two cores busy.
      project({ name: 'browser', exclude: onlyFull, timeout: 120_000, group: 3, workers: 2 }),
      // Pages with the fake client receive no media: two files at a time would leave half of two cores idle.
      project({
        name: 'pages',
        exclude: onlyFull,
        timeout: 120_000,
        group: 4,
        workers: 3,
        globalSetup: 'tests/support/fakeClient/buildPage.ts',
      }),
      project({ name: 'full', include: full, timeout: 300_000, group: 5, workers: 1, env: { WEIR_TEST_FULL: '1' } }),
    ],
  },
});

/**
 * Tests of the benchmarks' statistics (pairs, intervals), gate and meters, and of their command line, report and page.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseCommand, UsageError } from '../../scripts/bench/support/command.ts';
import { FloorError, floorBinary } from '../../scripts/bench/support/floor.ts';
import { figureGoalOf, figureValueOf, ratioText } from '../../scripts/bench/support/format.ts';
import { compare, failing, lineOf } from '../../scripts/bench/support/gate.ts';
import { performancePage, withFigures, writePerformancePage } from '../../scripts/bench/support/page.ts';
import { figuresOf, type Pair, type Ratio, ratioOf, reached, runPairs } from '../../scripts/bench/support/pairs.ts';
import { readRecords, writeRecord } from '../../scripts/bench/support/record.ts';
import { reportOf } from '../../scripts/bench/support/report.ts';
import {
  CpuMeter,
  childrenOf,
  cpuMicroseconds,
  memoryOf,
  residentBytes,
  treeOf,
} from '../../scripts/support/process/cpu.ts';
import { pidOf } from '../../scripts/support/process/pidOf.ts';
import { randomFrom } from '../../scripts/support/random.ts';
import { median, medianInterval } from '../../scripts/support/statistics/median.ts';

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe('pairs', () => {
  const run = async (options: Parameters<typeof runPairs>[2]) => {
    const order: string[] = [];
    const measure = (side: string) => async () => {
      order.push(side);
      return order.length;
    };
    return { pairs: await runPairs(measure('a'), measure('b'), options), order: order.join('') };
  };

  test('alternate', async () => {
    const { pairs, order } = await run({ pairs: 10 });
    expect(order).toBe('abbaabbaabbaabbaabba');
    expect(pairs[1]).toEqual({ a: 4, b: 3, first: 'b' });
  });

  test('can be in random order, the same for the same seed', async () => {
    const [one, same, other] = [1, 1, 2].map((seed) => run({ pairs: 20, order: 'random', seed }));
    expect((await one)?.order).toBe((await same)?.order);
    expect((await one)?.order).not.toBe((await other)?.order);
  });

  test('exclude the warm-up', async () => {
    const heard: number[] = [];
    const { pairs, order } = await run({ pairs: 10, warmUp: 2, onPair: (pair) => heard.push(pair) });
    expect(order.length).toBe(24);
    expect(pairs.length).toBe(10);
    expect(heard).toEqual(upTo(10));
  });

  test('number at least ten', async () => {
    await expect(run({ pairs: 9 })).rejects.toThrow('10 pairs or more');
  });
});

describe('the median', () => {
  test('is the middle value, or the mean of the two middle values', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(() => median([])).toThrow('no median');
  });

  // From tables of the binomial distribution: count, and the order statistics of the exact 95 % interval.
  test.each([
    [6, 1, 6],
    [10, 2, 9],
    [15, 4, 12],
    [20, 6, 15],
    [25, 8, 18],
    [50, 18, 33],
  ])('of %i values lies between the %i. and the %i.', (count, low, high) => {
    expect(medianInterval(upTo(count).toReversed())).toEqual({ low, high });
  });

  test('has no such interval for too few values', () => {
    expect(() => medianInterval(upTo(5))).toThrow('no 95 %');
  });

  test('lies in its interval as often as it should', () => {
    const random = randomFrom(7);
    let inside = 0;
    for (let trial = 0; trial < 2000; trial += 1) {
      // A skewed distribution with the median 0.25.
      const { low, high } = medianInterval(upTo(10).map(() => (random.int(1_000_000) / 1_000_000) ** 2));
      if (low <= 0.25 && 0.25 <= high) inside += 1;
    }
    expect(inside / 2000).toBeGreaterThan(0.965);
    expect(inside / 2000).toBeLessThan(0.99);
  });
});

const pairsOf = (a: number[], b: number[]): Pair<number>[] =>
  a.map((value, index) => ({ a: value, b: b[index] ?? 0, first: 'a' }));
const ratio = (over: Partial<Ratio> = {}): Ratio => ({
  name: 'CPU a packet',
  a: 5,
  b: 10,
  ratio: 0.5,
  low: 0.45,
  high: 0.55,
  pairs: 10,
  unit: 'us',
  better: 'lower',
  ...over,
});

describe('a ratio', () => {
  test('is computed within pairs, so that conditions common to both sides cancel out', () => {
    const drift = upTo(10);
    const found = ratioOf(
      pairsOf(
        drift.map((value) => value * 2),
        drift,
      ),
      { name: 'x', unit: 'ms', better: 'lower' },
    );
    expect(found).toEqual({
      name: 'x',
      unit: 'ms',
      better: 'lower',
      a: 11,
      b: 5.5,
      ratio: 2,
      low: 2,
      high: 2,
      pairs: 10,
    });
  });

  test('requires enough pairs and positive figures', () => {
    const options = { name: 'x', unit: 'ms', better: 'lower' } as const;
    expect(() => ratioOf(pairsOf(upTo(9), upTo(9)), options)).toThrow('too few');
    expect(() => ratioOf(pairsOf(upTo(10), [0, ...upTo(9)]), options)).toThrow('x: 0 ms has no ratio');
  });

  test('selects one figure of several', () => {
    const pairs: Pair<{ cpu: number }>[] = [{ a: { cpu: 1 }, b: { cpu: 2 }, first: 'b' }];
    expect(figuresOf(pairs, ({ cpu }) => cpu)).toEqual([{ a: 1, b: 2, first: 'b' }]);
  });

  test('reaches its goal only with its whole interval', () => {
    const goal = (limit: number) => ({ goal: { ratio: limit, why: 'so' } });
    expect(reached(ratio())).toBe(undefined);
    expect([0.6, 0.5, 0.4].map((limit) => reached(ratio(goal(limit))))).toEqual(['yes', 'unclear', 'no']);
    const higher = { better: 'higher' } as const;
    expect([0.6, 0.5, 0.4].map((limit) => reached(ratio({ ...goal(limit), ...higher })))).toEqual([
      'no',
      'unclear',
      'yes',
    ]);
  });
});

describe('the gate', () => {
  const at = (value: number, over: Partial<Ratio> = {}) =>
    ratio({ ratio: value, low: value * 0.95, high: value * 1.05, ...over });

  test('names what is more than 10 % worse, in its own direction', () => {
    expect(compare([at(0.54)], [at(0.5)]).drops).toEqual([]);
    expect(compare([at(0.3)], [at(0.5)]).drops).toEqual([]);
    expect(compare([at(0.6)], [at(0.5)]).drops).toMatchObject([{ name: 'CPU a packet', certain: true }]);
    const higher = { better: 'higher' } as const;
    expect(compare([at(0.6, higher)], [at(0.5, higher)]).drops).toEqual([]);
    expect(compare([at(1.7, higher)], [at(2, higher)]).drops[0]?.worse).toBeCloseTo(0.15);
  });

  test('reports overlapping intervals and ratios that were not measured', () => {
    const { drops, missing } = compare(
      [at(0.6, { low: 0.4, high: 0.8 }), at(1, { name: 'new' })],
      [at(0.5), at(1, { name: 'old' })],
    );
    expect(drops.map(lineOf)).toEqual([
      'CPU a packet: 20 % worse: 0.60 (0.40 to 0.80) instead of 0.50 (0.47 to 0.53); the intervals overlap',
    ]);
    expect(missing).toEqual(['old']);
  });

  test('fails at once for a certain drop, and for an uncertain one when it repeats', () => {
    const drops = (certain: boolean, name = 'x') =>
      compare([at(0.6, { name, low: certain ? 0.59 : 0.4 })], [at(0.5, { name })]).drops;
    expect(failing(drops(true))).toHaveLength(1);
    expect(failing(drops(true), [])).toHaveLength(1);
    expect(failing(drops(false))).toEqual([]);
    expect(failing(drops(false), [])).toEqual([]);
    expect(failing(drops(false), drops(true, 'y'))).toEqual([]);
    expect(failing(drops(false), drops(false))).toMatchObject([{ name: 'x' }]);
  });
});

describe('the command line', () => {
  const parse = (...args: string[]) => parseCommand(args, ['forward', 'join', 'storm']);

  test('selects benchmarks by name, without duplicates and in their own order, or all', () => {
    expect(parse()).toEqual({ names: ['forward', 'join', 'storm'], named: false, quick: false, list: false });
    expect(parse('storm', '--quick', 'forward', 'storm')).toMatchObject({
      names: ['forward', 'storm'],
      named: true,
      quick: true,
    });
    expect(parse('--list')).toMatchObject({ list: true });
    expect(parse('--help')).toBeUndefined();
  });

  test('explains what is wrong', () => {
    expect(() => parse('joins')).toThrow(UsageError);
    expect(() => parse('joins')).toThrow('There is no benchmark "joins". There are: forward, join, storm.');
    expect(() => parse('--fast')).toThrow(UsageError);
    expect(() => parse('--quick=yes')).toThrow('Usage: npm run bench');
  });
});

describe('the meter of CPU time', () => {
  test('keeps the time of threads that have ended, even when their ids are reused', () => {
    const reads = [{ 1: 1000, 2: 5000 }, { 1: 2000 }, { 1: 2000, 2: 500 }, { 1: 2000, 2: 100 }];
    const meter = new CpuMeter(0, () => new Map(Object.entries(reads.shift() ?? {})));
    expect([meter.read(), meter.read(), meter.read(), meter.read()]).toEqual([6, 7, 7.5, 7.6]);
  });

  test.skipIf(process.platform !== 'linux')('measures a busy process until it ends', async () => {
    const busy = spawn(process.execPath, [
      '-e',
      'while (process.cpuUsage().user < 300_000); setInterval(() => {}, 99)',
    ]);
    await once(busy, 'spawn');
    const pid = pidOf(busy);
    const meter = new CpuMeter(pid);
    expect(childrenOf(process.pid)).toContain(pid);
    expect(treeOf(process.ppid)).toEqual(expect.arrayContaining([process.ppid, process.pid, pid]));
    await expect.poll(() => meter.read(), { timeout: 5000 }).toBeGreaterThan(200_000);
    expect(memoryOf(pid).rss).toBeGreaterThan(1 << 20);
    expect(residentBytes(pid)).toBeGreaterThan(1 << 20);
    const used = cpuMicroseconds(pid);
    busy.kill();
    await once(busy, 'exit');
    expect(() => meter.read()).toThrow(`no process ${pid}`);
    expect(() => memoryOf(pid)).toThrow(`no process ${pid}`);
    expect(cpuMicroseconds(pid)).toBe(used);
    expect(residentBytes(pid)).toBe(0);
    expect(treeOf(pid)).toEqual([pid]);
  });
});

describe('the committed records', () => {
  const page =
    '# P\n\n<!-- figures: generated by `npm run docs` from bench/*.json -->\nold\n<!-- end of figures -->\n\nrest\n';
  const machine = { cpu: 'C', cores: 2, kernel: '6.1', node: 'v24.0.0', mediasoup: '3.27.1', worker: 'built here' };
  const found = {
    name: 'forward',
    title: 'Forwarding',
    about: 'One to fifty.',
    a: 'Weir',
    b: 'the floor',
    command: 'npm run bench -- forward',
    srtp: 'GCM',
    limits: { nofile: '65536' },
    ratios: [ratio({ goal: { ratio: 0.6, why: 'room for more' } })],
    figures: [
      { name: 'Delivered', value: 99.968, unit: '%', goal: { least: 100 } },
      { name: 'Node', value: 0.12345, unit: 'us' },
    ],
  };

  test('are written, read, and rendered', () => {
    const root = mkdtempSync(join(tmpdir(), 'weir-bench-'));
    try {
      mkdirSync(join(root, 'docs'));
      writeFileSync(join(root, 'docs/performance.md'), page);
      const record = writeRecord(found, { root, machine, date: new Date(0) });
      writePerformancePage(root);
      expect(readRecords(root)).toEqual([record]);
      const shown = readFileSync(join(root, 'docs/performance.md'), 'utf8');
      expect(shown).toContain(
        '| CPU a packet | 5 | 10 | us | **0.50** (0.45 to 0.55), lower is better | 10 | at most 0.60 (room for more): reached |',
      );
      expect(shown).toContain(
        'C, 2 cores; kernel 6.1; Node 24.0.0; mediasoup 3.27.1, worker built here; GCM; raised: nofile 65536; 1970-01-01.',
      );
      expect(shown).toContain('| Delivered | 99.97 | % | at least 100: missed |\n| Node | 0.1235 | us |  |\n');
      expect(shown).not.toContain('old');
      expect(shown.endsWith('<!-- end of figures -->\n\nrest\n')).toBe(true);
      expect(performancePage(root).content).toBe(shown);
      writeFileSync(join(root, 'bench/join.json'), '{}');
      expect(() => readRecords(root)).toThrow('bench/join.json is no record');
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  test('always name the worker, and the SRTP suite only where media flowed', () => {
    const { srtp: _, ...silent } = found;
    const record = { ...silent, figures: [], machine, date: new Date(0).toISOString() };
    const shown = withFigures(page, [record]);
    expect(shown).toContain('worker built here; raised:');
    expect(shown).not.toContain('of this machine');
  });

  test('are formatted for the terminal', () => {
    expect(reportOf(found, found, 'prebuilt')).toBe(
      [
        'Forwarding',
        '  A: Weir; B: the floor',
        '  CPU a packet',
        '    A/B 0.50 (0.45 to 0.55), lower is better; A 5, B 10 us; 10 pairs; at most 0.60 (room for more): reached',
        '  Delivered: 99.97 % (at least 100: missed)',
        '  Node: 0.1235 us',
        '  GCM; worker prebuilt',
        '',
      ].join('\n'),
    );
  });

  test('reach their goals at the bound itself', () => {
    const figure = (value: number, goal = {}) => ({ name: 'x', value, unit: '', goal });
    expect(figureGoalOf(figure(1))).toBe('');
    expect(figureGoalOf(figure(0, { most: 0 }))).toBe('at most 0: reached');
    expect(figureGoalOf(figure(500.1, { most: 500 }))).toBe('at most 500: missed');
    expect(figureGoalOf(figure(100, { least: 100, most: 200 }))).toBe('at least 100, at most 200: reached');
    expect(figureValueOf(figure(1234.5))).toBe('1235');
    expect([0.02431, 0.1, 1.046].map(ratioText)).toEqual(['0.024', '0.10', '1.05']);
  });

  test('require the markers of the page', () => {
    expect(withFigures(page, [])).toContain('No figures yet.');
    expect(() => withFigures('# P', [])).toThrow('markers');
  });
});

test('the floor reports which compiler is missing', async () => {
  const cache = mkdtempSync(join(tmpdir(), 'weir-floor-'));
  await expect(floorBinary(cache, 'no-such-compiler')).rejects.toThrow(FloorError);
  await expect(floorBinary(cache, 'no-such-compiler')).rejects.toThrow('apt-get install gcc');
  rmSync(cache, { recursive: true });
});

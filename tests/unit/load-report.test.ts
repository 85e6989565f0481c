/** Tests of the load tester's output: figures, assertions, the summary and the HTML report. */
import { createHash } from 'node:crypto';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { judge, parseAssertion } from '../../scripts/load/report/assertions.ts';
import { reportHtml } from '../../scripts/load/report/html.ts';
import { progressLine, summaryText, written } from '../../scripts/load/report/text.ts';
import type { LoadResults } from '../../scripts/load/results.ts';
import { randomFrom } from '../../scripts/support/random.ts';
import { distributionOf } from '../../scripts/support/statistics/distribution.ts';
import { Histogram, type HistogramJson } from '../../scripts/support/statistics/Histogram.ts';
import { emptyResults, loadResults } from '../support/loadResults.ts';

const cast = { publishers: 3, subscribers: 40, duration: 60 };
const full = loadResults(cast);
const wide = { width: 160, colour: false };

/** The content of the report, without style and script. */
const shown = (page: string) => page.slice(page.indexOf('<main>'), page.indexOf('</main>'));

function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.add(value);
  return histogram;
}

describe('distributionOf', () => {
  test('uses the nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_none, at) => 100 - at);
    expect(distributionOf(hundred)).toEqual({ count: 100, mean: 50.5, min: 1, p50: 50, p95: 95, p99: 99, max: 100 });
    expect(distributionOf([9, 1, 10])).toMatchObject({ p50: 9, p95: 10 });
    // 0.95 * 60 must be rank 57 despite floating-point errors.
    expect(distributionOf(Array.from({ length: 60 }, (_none, at) => at + 1)).p95).toBe(57);
  });

  test('is all zeros without values, and that value for a single one', () => {
    expect(distributionOf([])).toEqual({ count: 0, mean: 0, min: 0, p50: 0, p95: 0, p99: 0, max: 0 });
    expect(distributionOf([7])).toEqual({ count: 1, mean: 7, min: 7, p50: 7, p95: 7, p99: 7, max: 7 });
  });
});

describe('Histogram', () => {
  const random = randomFrom(5);
  // From a microsecond to ten minutes, evenly on a logarithmic scale.
  const values = Array.from({ length: 20_000 }, () => 10 ** (-3 + (random.int(1_000_000) / 1_000_000) * 8.7));

  test('is within 1 % of the true quantiles, and exact in the other fields', () => {
    const [found, truth] = [histogramOf(values).distribution(), distributionOf(values)];
    for (const quantile of ['p50', 'p95', 'p99'] as const) {
      expect(Math.abs(found[quantile] - truth[quantile]) / truth[quantile]).toBeLessThanOrEqual(0.01);
    }
    expect(found).toMatchObject({ count: truth.count, min: truth.min, max: truth.max });
    expect(found.mean).toBeCloseTo(truth.mean, 3);
  });

  test('is within 1 % of every single value', () => {
    for (const value of values.slice(0, 2000)) {
      // With smaller and larger values, so that neither minimum nor maximum corrects it.
      const { p50 } = histogramOf([0, value, 3_600_000]).distribution();
      expect(Math.abs(p50 - value) / value).toBeLessThanOrEqual(0.01);
    }
  });

  test('merges, also after serialisation, into the histogram of all values', () => {
    const parts = [values.slice(0, 7000), values.slice(7000, 7001), [], values.slice(7001)];
    const merged = new Histogram();
    for (const part of parts) {
      const sent: HistogramJson = JSON.parse(JSON.stringify(histogramOf(part)));
      merged.merge(Histogram.from(sent));
    }
    const { mean, ...rest } = histogramOf(values).distribution();
    expect(merged.distribution()).toMatchObject(rest);
    expect(merged.distribution().mean).toBeCloseTo(mean, 3);
  });

  test('is empty without values', () => {
    const sent: HistogramJson = JSON.parse(JSON.stringify(new Histogram()));
    expect(Histogram.from(sent).distribution()).toEqual(distributionOf([]));
    const used = Histogram.from(sent);
    used.add(3);
    expect(used.distribution()).toMatchObject({ count: 1, min: 3, p50: 3, max: 3 });
  });

  test('puts values beyond its buckets into the nearest one, and rejects what is not a finite number', () => {
    expect(histogramOf([-2, 0, 5e9]).distribution()).toMatchObject({ count: 3, min: -2, max: 5e9 });
    expect(() => new Histogram().add(Number.NaN)).toThrow(RangeError);
    expect(() => new Histogram().add(Number.POSITIVE_INFINITY)).toThrow(RangeError);
  });
});

describe('assertions', () => {
  const packets = { expected: 10_000, distinct: 9_995, lost: 40, repaired: 35, duplicate: 0, bytes: 1 };
  const results: LoadResults = {
    ...emptyResults,
    members: { offered: 5, joined: 4, failed: 1, failures: { timeout: 1 } },
    packets,
    firstKeyFrame: distributionOf([400, 1200]),
    join: distributionOf([800]),
    gaps: distributionOf([0, 250]),
  };
  const verdict = (text: string, of = results) => judge([parseAssertion(text)], of)[0];

  test.each([
    ['ttff.p95<1500', 1200, true],
    ['ttff.p95 < 1.2s', 1200, false],
    ['firstKeyFrame.p50==400ms', 400, true],
    ['join.p99<=800', 800, true],
    ['join.p99<800', 800, false],
    ['gaps.max<300', 250, true],
    ['loss<0.5%', 0.4, true],
    ['delivery>=99.9%', 99.95, true],
    ['delivery>=99.96%', 99.95, false],
    ['failed==0', 1, false],
    ['failed!=0', 1, true],
    ['joined>3', 4, true],
    ['warnings==0', 0, true],
  ])('%s', (text, value, ok) => {
    expect(verdict(text)).toEqual({ text, value: expect.closeTo(value, 6), ok });
  });

  test.each(['latency.p95<50', 'jitter.max<5', 'undecryptable==0', 'keyFrameRequests<5'])(
    '%s fails without data',
    (text) => {
      expect(verdict(text)).toEqual({ text, value: undefined, ok: false });
    },
  );

  test('assertions on an empty test fail', () => {
    for (const text of ['failed==0', 'loss<1%', 'delivery>0%', 'warnings==0', 'ttff.min>=0']) {
      expect(verdict(text, emptyResults)).toMatchObject({ value: undefined, ok: false });
    }
  });

  test.each([
    ['', 'a measure, a comparison and a number'],
    ['latency.p95', 'a measure, a comparison and a number'],
    ['latency.p95<', 'a measure, a comparison and a number'],
    ['loss<-1%', 'a measure, a comparison and a number'],
    ['latency<50', '"latency" is not a measure'],
    ['latency.p90<50', '"latency.p90" is not a measure'],
    ['toString<5', '"toString" is not a measure'],
    ['failed=0', '"=" is not a comparison'],
    ['loss<0.5', 'per cent, such as 99.9%'],
    ['latency.p95<5%', 'milliseconds, such as'],
    ['failed==0%', 'a plain number'],
  ])('"%s" is rejected with an explanation', (text, why) => {
    const parse = () => parseAssertion(text);
    expect(parse).toThrow(SyntaxError);
    expect(parse).toThrow(why);
    expect(parse).toThrow(
      'Measures are join, firstPacket, firstKeyFrame, latency, jitter, gaps (ttff is firstKeyFrame)',
    );
  });
});

describe('the terminal output', () => {
  test('does not round small shares to 0, nor almost complete ones to 100 %', () => {
    expect([0, 0.00001, 0.5, 0.99999, 1].map(written.percent)).toEqual([
      '0.00 %',
      '<0.01 %',
      '50.00 %',
      '>99.99 %',
      '100.00 %',
    ]);
    expect([0.44, 9.96, 1234, 12_345].map(written.ms)).toEqual(['0.4 ms', '10 ms', '1,234 ms', '12.3 s']);
  });

  test('contains the figures', () => {
    const text = summaryText(full, wide);
    expect(text).toContain('42 of 43 joined, 1 failed, in 60 s');
    expect(text).toContain('1 x unavailable: no worker has room');
    expect(text).toContain(`p50 ${written.ms(full.firstKeyFrame.p50)}, p95 ${written.ms(full.firstKeyFrame.p95)}`);
    expect(text).toContain(`p50 ${written.ms(full.latency.p50)}, p95 ${written.ms(full.latency.p95)}`);
    expect(text).toMatch(/load-1 \/ publisher-1 \/ camera, VP8 +>?\d+\.\d\d %/);
    expect(text).toContain('tester 4200');
    expect(text).toContain('91 %');
    expect(text).toContain('! A process of the tester used 91 % of its core');
    expect(text).toContain('holds   loss<0.5%  (0.04 %)');
    expect(text).toContain('FAILED  failed==0  (1)');
    expect(text).toContain('FAILED  undecryptable==0  (no data)');
  });

  test('lists the worst subscribers first, and counts the others', () => {
    const text = summaryText(loadResults({ ...cast, subscribers: 200 }), wide);
    const lines = text.split('\n');
    const head = lines.indexOf('Subscribers, worst first');
    expect(lines[head + 2]).toMatch(/^load-1 \/ subscriber-200 /);
    expect(lines[head + 3]).toBe('  unavailable: no worker has room for another transport');
    expect(text).toContain('and 188 more');
  });

  test.each([40, 60, 80, 120, 200])('has no line longer than %i characters', (width) => {
    for (const line of summaryText(full, { width, colour: false }).split('\n')) {
      expect(line.length, line).toBeLessThanOrEqual(width);
    }
  });

  test('differs in colour mode by the colours only', () => {
    const coloured = summaryText(full, { ...wide, colour: true });
    expect(coloured).not.toBe(summaryText(full, wide));
    expect(stripVTControlCharacters(coloured)).toBe(summaryText(full, wide));
  });

  test('strips control characters from names', () => {
    const [first] = full.subscribers;
    const text = summaryText({ ...full, subscribers: first ? [{ ...first, name: '\u001b[2Jgone\r\n' }] : [] }, wide);
    expect(text).not.toContain('\u001b');
    expect(text).toContain('·[2Jgone');
  });

  test('shows a second of progress in one line that fits', () => {
    const row = {
      second: 12,
      joined: 40,
      failed: 2,
      packets: 9812,
      bytes: 10_800_000,
      lost: 3,
      latencyP50: 1.24,
      latencyP95: 3.41,
    };
    const live = { ...row, testerCpu: 0.43, serverCpu: 0.12, workersCpu: 0.78 };
    const line = progressLine(live, { width: 160, offered: 43 });
    for (const fact of [
      '12 s',
      '40/43',
      '2 failed',
      '86.4 Mbit/s',
      '9,812 packets/s',
      'loss 0.03 %',
      '1.2/3.4 ms',
      'tester 43 %',
      'server 12 %',
      'workers 78 %',
    ]) {
      expect(line).toContain(fact);
    }
    for (const width of [20, 60, 80, 100])
      expect(progressLine(live, { width, offered: 43 }).length).toBeLessThanOrEqual(width);
    const bare = { ...row, packets: 0, lost: 0, testerCpu: 0, serverCpu: undefined, workersCpu: undefined };
    expect(progressLine(bare, { width: 160, offered: 43 })).toMatch(/loss – +latency – +CPU: tester 0 %$/);
  });
});

describe('the report', () => {
  const evil = '<img src=x onerror="alert(1)">';
  const page = reportHtml(full);

  test('has the figures, the plots and the command to repeat the test', () => {
    for (const fact of [
      '42 of 43',
      'subscriber-40',
      'publisher-3 / camera, VP8',
      'tester 4200',
      'used 91 % of its core',
      '2 failed',
    ]) {
      expect(page).toContain(fact);
    }
    expect(page).toContain('--assert &#39;ttff.p95&lt;1500&#39;');
    expect(page.match(/<figure/g)).toHaveLength(6);
    expect(page.match(/<svg [^>]*role="img"[^>]*><title/g)).toHaveLength(6);
    expect(shown(page)).not.toMatch(/NaN|undefined(?!==)|Infinity/);
  });

  test('is self-contained, and its policy allows nothing from outside', () => {
    expect(page).toMatch(/default-src &#39;none&#39;; style-src &#39;sha256-[^;]+&#39;; script-src &#39;sha256-/);
    for (const [, tag, text = ''] of page.matchAll(/<(style|script)>(.*?)<\/\1>/gs)) {
      expect(page).toContain(`${tag}-src &#39;sha256-${createHash('sha256').update(text).digest('base64')}&#39;`);
    }
    expect(page).not.toMatch(/<link|<img|<iframe|url\(|@import|\sstyle=|\son\w+=|(?:src|href)=/);
  });

  test('escapes all text that comes from a test', () => {
    const [subscriber] = full.subscribers;
    const [track] = full.tracks;
    if (!subscriber || !track) throw new Error('no rows');
    const hostile = reportHtml({
      ...full,
      url: evil,
      srtp: evil,
      startedAt: evil,
      command: evil,
      members: { ...full.members, failures: { [evil]: 1 } },
      tracks: [{ ...track, room: evil, publisher: evil, source: evil, codec: evil }],
      subscribers: [{ ...subscriber, room: evil, name: `'"&</script>${evil}`, error: evil }],
      warnings: [evil],
      assertions: [{ text: evil, value: 1, ok: false }],
    });
    expect(hostile).not.toContain('<img');
    expect(hostile.match(/<\/script>/g)).toHaveLength(1);
    expect(hostile).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;');
    expect(hostile).toContain('&#39;&quot;&amp;&lt;/script&gt;');
  });

  test('of a long test stays small', () => {
    const long = reportHtml(loadResults({ publishers: 1, subscribers: 3, duration: 7200 }));
    expect(long.length).toBeLessThan(200_000);
  });
});

test('of an empty test says so', () => {
  expect(summaryText(emptyResults, wide)).toContain('0 of 0 joined, 0 failed');
  const page = reportHtml(emptyResults);
  expect(page).toContain('0 of 0');
  expect(shown(page)).not.toMatch(/<figure|<table|NaN|undefined(?!==)|Infinity/);
});

/** Assertions of a load test: parses expressions such as `ttff.p95<1500` and evaluates them. */
import type { LoadResults, Packets } from '../results.ts';

type Findings = Omit<LoadResults, 'assertions'>;
export type Verdict = LoadResults['assertions'][number];

/** The condition of an expression. The unit of `limit` is that of its measure: milliseconds, per cent, or none. */
export interface Assertion {
  readonly text: string;
  readonly limit: number;
  readonly measure: Measure;
  readonly holds: (value: number, limit: number) => boolean;
}

interface Measure {
  readonly unit: 'ms' | '%' | '';
  /** Undefined where nothing was measured. */
  readonly of: (results: Findings) => number | undefined;
}

/** Share of packets that arrived in the end, repaired ones included; undefined where none were due. */
export function deliveryOf({ distinct, expected }: Packets): number | undefined {
  return expected > 0 ? distinct / expected : undefined;
}

/** Share of packets that were missing when a later one arrived, repaired or not. */
export function lossOf({ lost, expected }: Packets): number | undefined {
  return expected > 0 ? lost / expected : undefined;
}

const distributions = ['join', 'firstPacket', 'firstKeyFrame', 'latency', 'jitter', 'gaps'] as const;
const statistics = ['mean', 'min', 'p50', 'p95', 'p99', 'max'] as const;
const ALIAS = { name: 'ttff', of: 'firstKeyFrame' };

const share = (of: (packets: Packets) => number | undefined): Measure => ({
  unit: '%',
  of: ({ packets }) => {
    const found = of(packets);
    return found === undefined ? undefined : found * 100;
  },
});
/** Undefined where `any` finds nothing: a count of 0 would suggest success although nothing was tried. */
const count = (of: (results: Findings) => number, any: (results: Findings) => boolean): Measure => ({
  unit: '',
  of: (results) => (any(results) ? of(results) : undefined),
});
const anyone = ({ members }: Findings) => members.offered > 0;

const single: Readonly<Record<string, Measure>> = {
  delivery: share(deliveryOf),
  loss: share(lossOf),
  joined: count(({ members }) => members.joined, anyone),
  failed: count(({ members }) => members.failed, anyone),
  undecryptable: count(
    ({ undecryptable }) => undecryptable,
    ({ subscribers }) => subscribers.some(({ sampled }) => sampled),
  ),
  keyFrameRequests: count(
    ({ keyFrameRequests }) => keyFrameRequests,
    ({ tracks }) => tracks.length > 0,
  ),
  warnings: count(({ warnings }) => warnings.length, anyone),
};

const measures: ReadonlyMap<string, Measure> = new Map([
  ...Object.entries(single),
  ...distributions.flatMap((name) =>
    statistics.map((statistic): [string, Measure] => [
      `${name}.${statistic}`,
      { unit: 'ms', of: ({ [name]: found }) => (found.count > 0 ? found[statistic] : undefined) },
    ]),
  ),
]);

const comparisons: ReadonlyMap<string, Assertion['holds']> = new Map([
  ['<', (value, limit) => value < limit],
  ['<=', (value, limit) => value <= limit],
  ['>', (value, limit) => value > limit],
  ['>=', (value, limit) => value >= limit],
  ['==', (value, limit) => value === limit],
  ['!=', (value, limit) => value !== limit],
]);

/** Factors that convert the unit of an expression into the unit of its measure. */
const factors: Readonly<Record<Measure['unit'], Readonly<Record<string, number>>>> = {
  ms: { '': 1, ms: 1, s: 1000 },
  '%': { '%': 1 },
  '': { '': 1 },
};
const wanted: Readonly<Record<Measure['unit'], string>> = {
  ms: 'milliseconds, such as 800, 800ms or 0.8s',
  '%': 'per cent, such as 99.9%',
  '': 'a plain number, such as 0',
};

const FORM = /^\s*(?<name>[\w.]+)\s*(?<comparison>[<>=!]+)\s*(?<number>\d+(?:\.\d+)?)\s*(?<unit>ms|s|%|)\s*$/;

/** @throws {SyntaxError} that names what is accepted */
export function parseAssertion(text: string): Assertion {
  const { name = '', comparison = '', number = '', unit = '' } = FORM.exec(text)?.groups ?? {};
  if (number === '') throw wrong(text, 'it is not a measure, a comparison and a number, such as ttff.p95<1500');
  const holds = comparisons.get(comparison);
  if (!holds) throw wrong(text, `"${comparison}" is not a comparison`);
  const measure = measureOf(name);
  if (!measure) throw wrong(text, `"${name}" is not a measure`);
  const factor = factors[measure.unit][unit];
  if (factor === undefined) throw wrong(text, `${name} is compared with ${wanted[measure.unit]}`);
  return { text: text.trim(), limit: Number(number) * factor, measure, holds };
}

/** Evaluates assertions. A measure without data fails: what was not observed is not known to be good. */
export function judge(assertions: readonly Assertion[], results: Findings): readonly Verdict[] {
  return assertions.map(({ text, limit, measure, holds }) => {
    const value = measure.of(results);
    return { text, value, ok: value !== undefined && holds(value, limit) };
  });
}

/** The unit of the measured value of `text`: `ms`, `%`, or none. */
export function unitOf(text: string): Measure['unit'] {
  return measureOf(FORM.exec(text)?.groups?.name ?? '')?.unit ?? '';
}

/** The grammar of expressions, for help and error messages. */
export const accepted = `Measures are ${distributions.join(', ')} (${ALIAS.name} is ${ALIAS.of}), each with one of ${statistics
  .map((statistic) => `.${statistic}`)
  .join(', ')}; and ${Object.keys(single).join(', ')}. Comparisons are ${[...comparisons.keys()].join(' ')}.`;

function measureOf(name: string): Measure | undefined {
  return measures.get(name.startsWith(`${ALIAS.name}.`) ? name.replace(ALIAS.name, ALIAS.of) : name);
}

function wrong(text: string, why: string): SyntaxError {
  return new SyntaxError(`cannot read the assertion "${text}": ${why}. ${accepted}`);
}

/** SVG plots of a report: figures over time, and distributions of waiting times. */
import type { LoadResults, TimelineRow } from '../results.ts';
import { html, type Markup, section } from './markup.ts';
import { written } from './text.ts';

/** Points of a line, about one per pixel. */
const POINTS = 720;
/** Size of a plot and its margins, in pixels. */
const plot = { width: 400, height: 200, left: 58, right: 14, top: 12, bottom: 28 };

interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Explanation next to its name. */
  readonly note: string;
}

interface Plot {
  readonly title: string;
  readonly about: string;
  readonly lines: readonly Line[];
  readonly x: (value: number) => string;
  readonly y: (value: number) => string;
  /** The minimum range of the y axis, and whether it counts whole things. */
  readonly least: number;
  readonly whole?: boolean;
}

/**
 * 0 and up to `steps` round values above it, the last one at or above `most`; `whole` where fractions make no sense.
 */
function ticksOf(most: number, steps: number, whole: boolean): readonly number[] {
  const rough = most / steps;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const round = unit * ([1, 2, 2.5, 5, 10].find((factor) => factor * unit >= rough * 0.999) ?? 10);
  const step = whole ? Math.ceil(round) : round;
  return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_none, index) => index * step);
}

/** Downsamples by the maximum of each group, so that no peak is lost. */
function thinned(points: Line['points']): Line['points'] {
  const each = Math.ceil(points.length / POINTS);
  if (each <= 1) return points;
  return points.filter((point, at) => {
    const group = points.slice(at - (at % each), at - (at % each) + each);
    return group.toSorted((a, b) => b[1] - a[1])[0] === point;
  });
}

function plotOf({ title, about, lines, x, y, least, whole = false }: Plot, id: number): Markup {
  const points = lines.flatMap((line) => line.points);
  const wide = points.reduce((last, [value]) => Math.max(last, value), 0) || 1;
  const most = points.reduce((top, [, value]) => Math.max(top, value), least);
  const up = ticksOf(most, 4, whole);
  const high = up.at(-1) ?? most;
  const across = ticksOf(wide, 6, false).filter((value) => value <= wide);
  // Tick labels without trailing zeros: `5 ms` beside `10 ms`.
  const tick = (text: string) => text.replace(/\.0+(?!\d)/, '');
  const { width, height, left, right, top, bottom } = plot;
  const atX = (value: number) => (left + (value / wide) * (width - left - right)).toFixed(1);
  const atY = (value: number) => (height - bottom - (value / high) * (height - top - bottom)).toFixed(1);
  const notes = lines.map(({ name, note }) => `${name}: ${note}`).join('; ');
  return html`<figure class="plot"><figcaption><h3>${title}</h3><ul class="legend">${lines.map(
    ({ name, note }, at) =>
      html`<li><svg class="swatch" viewBox="0 0 24 8" aria-hidden="true"><path class="line line-${at}" d="M0 4H24"/></svg><b>${name}</b> ${note}</li>`,
  )}</ul></figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="plot-${id} about-${id}"><title id="plot-${id}">${title}</title><desc id="about-${id}">${about} ${notes}.</desc>
${up.map((value) => html`<path class="grid" d="M${left} ${atY(value)}H${width - right}"/><text class="up" x="${left - 8}" y="${atY(value)}" dy="4">${tick(y(value))}</text>`)}
${across.map((value) => html`<text class="across" x="${atX(value)}" y="${height - 8}">${tick(x(value))}</text>`)}
${lines.map(
  ({ points: all }, at) =>
    html`<path class="line line-${at}" d="${thinned(all)
      .map(([a, b], index) => `${index === 0 ? 'M' : 'L'}${atX(a)} ${atY(b)}`)
      .join('')}"/>`,
)}
</svg></figure>`;
}

/** A line for each of `names`; seconds without a value are skipped, and so are lines without values. */
function over<Name extends string>(
  timeline: readonly TimelineRow[],
  write: (value: number) => string,
  names: Readonly<Record<Name, (row: TimelineRow) => number | undefined>>,
): readonly Line[] {
  return Object.entries<(row: TimelineRow) => number | undefined>(names).flatMap(([name, of]) => {
    const points = timeline.flatMap((row): [number, number][] => {
      const value = of(row);
      return value === undefined ? [] : [[row.second, value]];
    });
    const most = points.reduce((top, [, value]) => Math.max(top, value), 0);
    return points.length > 0 ? [{ name, points, note: `at most ${write(most)}` }] : [];
  });
}

/** Cumulative share of members by time; members without a time count in the total. */
function cumulated(name: string, times: readonly (number | undefined)[]): Line[] {
  const sorted = times.filter((time) => time !== undefined).sort((a, b) => a - b);
  const first = sorted[0];
  if (first === undefined) return [];
  const steps = sorted.flatMap((time, at): [number, number][] => [
    [time, at / times.length],
    [time, (at + 1) / times.length],
  ]);
  return [{ name, points: steps, note: `${written.count(sorted.length)} of ${written.count(times.length)}` }];
}

export function plotsOf({ timeline, subscribers }: LoadResults): Markup {
  const seconds = (value: number) => (value < 600 ? `${value} s` : `${Math.round(value / 60)} min`);
  const short = (value: number) => `${Number((value * 100).toPrecision(3))} %`;
  const lossIn = ({ lost, packets }: TimelineRow) => (packets + lost > 0 ? lost / (packets + lost) : undefined);
  const arrived = (value: (row: TimelineRow) => number) => (row: TimelineRow) =>
    row.packets > 0 ? value(row) : undefined;
  const plots: readonly Plot[] = [
    {
      title: 'Media received, Mbit/s',
      about: 'RTP of all receivers together, over time.',
      lines: over(timeline, written.rate, { rate: ({ bytes }) => bytes * 8 }),
      x: seconds,
      y: (value) => String(Number((value / 1_000_000).toPrecision(3))),
      least: 8000,
    },
    {
      title: 'Latency',
      about: 'From publisher to receiver, over time.',
      lines: over(timeline, written.ms, {
        p50: arrived(({ latencyP50 }) => latencyP50),
        p95: arrived(({ latencyP95 }) => latencyP95),
      }),
      x: seconds,
      y: written.ms,
      least: 1,
    },
    {
      title: 'Loss',
      about: 'Share of packets that were missing at first, over time.',
      lines: over(timeline, written.percent, { 'at first': lossIn }),
      x: seconds,
      y: short,
      least: 0.001,
    },
    {
      title: 'CPU',
      about: 'Share of one core, over time.',
      lines: over(timeline, written.cpu, {
        tester: ({ testerCpu }) => testerCpu,
        server: ({ serverCpu }) => serverCpu,
        workers: ({ workersCpu }) => workersCpu,
      }),
      x: seconds,
      y: short,
      least: 1,
    },
    {
      title: 'Members',
      about: 'How many had joined or failed, over time.',
      lines: over(timeline, written.count, { joined: ({ joined }) => joined, failed: ({ failed }) => failed }),
      x: seconds,
      y: written.count,
      least: 1,
      whole: true,
    },
    {
      title: 'Time to media',
      about: 'Share of subscribers over the time that it took them.',
      lines: [
        cumulated(
          'first key frame',
          subscribers.map(({ firstKeyFrame }) => firstKeyFrame),
        ),
        cumulated(
          'join',
          subscribers.map(({ join }) => join),
        ),
      ].flat(),
      x: written.ms,
      y: short,
      least: 1,
    },
  ];
  const drawn = plots.filter(({ lines }) => lines.length > 0);
  return section('Plots', drawn.length > 0 && html`<div class="plots">${drawn.map(plotOf)}</div>`);
}

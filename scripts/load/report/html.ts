/** Renders the report of a load test as one self-contained HTML file. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { LoadResults } from '../results.ts';
import { deliveryOf, lossOf } from './assertions.ts';
import { html, Markup, section } from './markup.ts';
import { plotsOf } from './plots.ts';
import { SCRIPT, STYLE } from './style.ts';
import { type Column, cellOf, processColumns, subscriberColumns, trackColumns, worstFirst, written } from './text.ts';

/** Maximum rows of a table; browsers become slow with many more. */
const ROWS = 1000;
function table<Row>(
  title: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  note?: (row: Row) => string | undefined,
): Markup {
  const shown = rows.slice(0, ROWS);
  const row = (one: Row) => {
    const remark = note?.(one);
    return columns.map((column, at) => {
      const value = column.of(one);
      if (at === 0)
        return html`<th scope="row" data-value="${value}">${cellOf(column, one)}${remark ? html`<p class="remark">${remark}</p>` : ''}</th>`;
      return html`<td data-value="${value}">${cellOf(column, one)}</td>`;
    });
  };
  return section(
    title,
    rows.length > 0 &&
      html`<div class="scroll" tabindex="0" role="region" aria-label="${title}"><table><thead><tr>${columns.map(({ head }) => html`<th scope="col"><button type="button">${head}</button></th>`)}</tr></thead>
<tbody>${shown.map((one) => html`<tr>${row(one)}</tr>\n`)}</tbody></table></div>${rows.length > ROWS ? html`<p class="quiet">and ${written.count(rows.length - ROWS)} more</p>` : ''}`,
  );
}

function cardsOf({ members, packets, firstKeyFrame, join, latency, gaps }: LoadResults): Markup {
  const share = (value: number | undefined) => (value === undefined ? '–' : written.percent(value));
  const pair = (of: LoadResults['join']): [string, string] => [
    written.quantile(of, of.p50),
    `median; p95 ${written.quantile(of, of.p95)}`,
  ];
  const cards: readonly (readonly [title: string, figure: string, note: string])[] = [
    [
      'Members joined',
      `${written.count(members.joined)} of ${written.count(members.offered)}`,
      `${written.count(members.failed)} failed`,
    ],
    ['Delivery', share(deliveryOf(packets)), `loss at first ${share(lossOf(packets))}`],
    ['First key frame', ...pair(firstKeyFrame)],
    ['Join', ...pair(join)],
    ['Latency', ...pair(latency)],
    ['Longest gap in video', written.quantile(gaps, gaps.max), `p95 ${written.quantile(gaps, gaps.p95)}`],
  ];
  return html`<dl class="cards">${cards.map(([title, figure, note]) => html`<div class="card"><dt>${title}</dt><dd class="figure">${figure}</dd><dd class="quiet">${note}</dd></div>`)}</dl>`;
}

function distributionsOf({ join, firstPacket, firstKeyFrame, latency, jitter, gaps }: LoadResults): Markup {
  const all = { join, 'first packet': firstPacket, 'first key frame': firstKeyFrame, latency, jitter, gaps };
  const rows = Object.entries(all).filter(([, { count }]) => count > 0);
  type Row = (typeof rows)[number];
  const columns = (['min', 'mean', 'p50', 'p95', 'p99', 'max'] as const).map(
    (head): Column<Row> => ({ head, of: ([, { [head]: value }]) => value, write: written.ms }),
  );
  const name: Column<Row> = { head: 'measure', of: ([label]) => label };
  const values: Column<Row> = { head: 'values', of: ([, { count }]) => count };
  return table('Times', [name, ...columns, values], rows);
}

/** The whole file. Colours, type and focus are those of Weir's page. */
export function reportHtml(results: LoadResults): string {
  const style = readFileSync(new URL('../../../web/style/base.css', import.meta.url), 'utf8') + STYLE;
  const allowed = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  const policy = `default-src 'none'; style-src ${allowed(style)}; script-src ${allowed(SCRIPT)}; base-uri 'none'; form-action 'none'`;
  const { startedAt, duration, url, seed, srtp, command, members, warnings, assertions } = results;
  const failed = assertions.filter(({ ok }) => !ok).length;
  const title = `Load test of ${url}`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark light">
<title>${title}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<main>
<header><h1>${title}</h1><p class="quiet"><time datetime="${startedAt}">${startedAt.replace('T', ' ').replace(/\.\d+/, '')}</time>, ${written.count(duration)} s, ${srtp}, seed ${seed}</p></header>
${section('Warnings', warnings.length > 0 && html`<ul class="notes warnings">${warnings.map((warning) => html`<li><span class="mark" aria-hidden="true">!</span><span>${warning}</span></li>`)}</ul>`)}
${section('Result', html`${cardsOf(results)}`)}
${section(
  failed > 0 ? `Assertions, ${written.count(failed)} failed` : 'Assertions',
  assertions.length > 0 &&
    html`<ul class="notes">${assertions.map((one) => html`<li class="${one.ok ? 'held' : 'failed'}"><span class="mark" aria-hidden="true">${one.ok ? '✓' : '✕'}</span><code>${one.text}</code><span class="quiet">${one.ok ? 'holds' : 'failed'}: ${written.verdict(one)}</span></li>`)}</ul>`,
)}
${table(
  'Failures',
  [
    { head: 'reason', of: ([reason]) => reason },
    { head: 'members', of: ([, often]) => often },
  ],
  Object.entries(members.failures),
)}
${plotsOf(results)}
${distributionsOf(results)}
${table('Tracks', trackColumns, worstFirst(results.tracks))}
${table('Subscribers', subscriberColumns, worstFirst(results.subscribers), ({ error }) => error)}
${table('Processes', processColumns, results.processes)}
${section('To do it again', command !== '' && html`<pre><code>${command}</code></pre>`)}
</main>
<script>${new Markup(SCRIPT)}</script>
</body>
</html>
`.text;
}

/** The style sheet of the HTML report, and the script that sorts its tables. */
export const SCRIPT = `for (const head of document.querySelectorAll('thead th')) head.firstChild.addEventListener('click', () => {
  const falling = head.ariaSort === 'ascending', at = head.cellIndex, body = head.closest('table').tBodies[0];
  for (const other of head.parentNode.cells) other.ariaSort = null;
  head.ariaSort = falling ? 'descending' : 'ascending';
  const collator = new Intl.Collator('en', { numeric: true });
  const sorted = [...body.rows].sort((a, b) => {
    const x = a.cells[at].dataset.value, y = b.cells[at].dataset.value;
    if (x === '' || y === '') return (x === '') - (y === '');
    return (isNaN(x) || isNaN(y) ? collator.compare(x, y) : x - y) * (falling ? -1 : 1);
  });
  body.append(...sorted);
});`;

export const STYLE = `
main { display: grid; gap: 32px; max-width: 1280px; margin: auto; padding: 32px 24px 64px; grid-template-columns: minmax(0, 1fr); }
header { display: grid; gap: 4px; grid-template-columns: minmax(0, 1fr); }
h1, h2, h3 { line-height: 1.25; text-wrap: balance; }
h1 { font-size: 1.75rem; }
h2 { font-size: 1.125rem; margin-bottom: 12px; }
h3 { font-size: 1rem; }
h3, dl, dd, ul, figure, pre { margin: 0; padding: 0; }
ul { list-style: none; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(184px, 1fr)); gap: var(--gap); }
.card, .plot, .notes, .scroll, pre { background: var(--raised); border: 1px solid var(--line); border-radius: var(--radius); }
.card { padding: 16px; }
.card dt { color: var(--quiet); font-size: 0.875rem; }
.figure { font-size: 1.625rem; font-weight: 600; line-height: 1.35; font-variant-numeric: tabular-nums; }
.notes { padding: 16px; display: grid; gap: 8px 16px; grid-template-columns: 16px minmax(0, max-content) auto; justify-content: start; }
.notes li { display: grid; grid-column: 1 / -1; grid-template-columns: subgrid; align-items: baseline; }
.warnings { border-color: var(--warning); grid-template-columns: 16px minmax(0, 1fr); justify-content: stretch; }
.mark { font-weight: 700; color: var(--accent); text-align: center; }
.warnings .mark { color: var(--warning); }
.failed .mark, .failed .quiet, .remark { color: var(--danger); }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 304px), 1fr)); gap: var(--gap); }
.plot { padding: 16px 12px 8px; display: grid; gap: 8px; grid-template-columns: minmax(0, 1fr); align-content: space-between; break-inside: avoid; }
.plot figcaption { padding: 0 4px; }
.plot > svg { width: 100%; height: auto; display: block; font-size: 12px; }
.plot text { fill: var(--quiet); font-variant-numeric: tabular-nums; }
.up { text-anchor: end; }
.across { text-anchor: middle; }
.grid { stroke: var(--line); stroke-width: 1; }
.line { fill: none; stroke: var(--accent); stroke-width: 2; stroke-linejoin: round; }
.line-1 { stroke: var(--warning); stroke-dasharray: 6 3; }
.line-2 { stroke: var(--quiet); stroke-dasharray: 2 2; }
.legend { display: flex; flex-wrap: wrap; gap: 0 16px; font-size: 0.875rem; color: var(--quiet); }
.legend b { font-weight: 500; color: var(--text); }
.swatch { width: 24px; height: 8px; margin-inline-end: 6px; vertical-align: middle; }
.scroll { overflow: auto; max-height: 70vh; }
table { border-collapse: collapse; width: 100%; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
th, td { padding: 8px 12px; text-align: end; white-space: nowrap; border-top: 1px solid var(--line); }
th:first-child { text-align: start; overflow-wrap: anywhere; white-space: normal; min-width: 144px; }
thead th { position: sticky; top: 0; padding: 0; background: var(--raised); border: 0; box-shadow: 0 1px var(--line); }
tbody th { font-weight: 500; }
tbody tr:first-child > * { border-top: 0; }
thead button { all: unset; box-sizing: border-box; width: 100%; padding: 10px 12px; color: var(--quiet); font-weight: 500; cursor: pointer; }
thead button:hover { color: var(--text); }
thead button:focus-visible { outline: 3px solid var(--accent); outline-offset: -3px; border-radius: var(--radius); }
[aria-sort] button { color: var(--text); }
[aria-sort=ascending] button::after { content: " \\2191"; }
[aria-sort=descending] button::after { content: " \\2193"; }
pre { padding: 16px; white-space: pre-wrap; overflow-wrap: anywhere; font: 0.875rem/1.5 ui-monospace, monospace; }
@media (max-width: 480px) { .notes { grid-template-columns: 16px minmax(0, 1fr); justify-content: stretch; } .notes li > :nth-child(3) { grid-column: 2; } main { padding: 20px 12px 40px; gap: 24px; } .cards { grid-template-columns: repeat(auto-fit, minmax(136px, 1fr)); } .card { padding: 12px; } .figure { font-size: 1.25rem; } }
@media print {
  :root { color-scheme: light; }
  body { background: none; }
  main { padding: 0; gap: 20px; }
  .plots { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .scroll { max-height: none; overflow: visible; border-radius: 0; }
  .card, tr { break-inside: avoid; }
  h2 { break-after: avoid; }
  table { font-size: 0.625rem; }
  th, td, thead button { padding: 4px; white-space: normal; }
  th:first-child { min-width: 112px; }
  thead th { position: static; }
}
`;

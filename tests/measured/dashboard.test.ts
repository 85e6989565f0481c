/** Tests what Grafana and the alerts read: a real Prometheus scrapes a server under load, and every query has an answer. */
import { readFileSync } from 'node:fs';
import { expect, onTestFinished, test, vi } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { raised } from '../../scripts/support/servers/settings.ts';
import { run, steady } from '../support/loadRuns.ts';
import { hasPrometheus, Prometheus, prometheusFile } from '../support/Prometheus.ts';
import { useServer } from '../support/weir.ts';

const weir = useServer({ ...raised, WEIR_METRICS_PORT: '0', WEIR_WORKERS: '2', WEIR_SPILLOVER_UTILIZATION: '0' });

const Dashboard = z.object({
  panels: z.array(
    z.object({
      title: z.string(),
      gridPos: z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
      targets: z.array(z.object({ expr: z.string() })).default([]),
    }),
  ),
});
const { panels } = Dashboard.parse(
  JSON.parse(readFileSync(new URL('../../docker/grafana/dashboards/weir.json', import.meta.url), 'utf8')),
);
const Rules = z.object({
  groups: z.array(z.object({ rules: z.array(z.object({ alert: z.string(), expr: z.string() })) })),
});
const alerts = Rules.parse(parse(readFileSync(prometheusFile('alerts.yml'), 'utf8'))).groups.flatMap(
  ({ rules }) => rules,
);

/** The configuration of the repository, with another server, and quicker. */
function configuration(port: number): string {
  const changes: [string, string][] = [
    ['127.0.0.1:9464', `127.0.0.1:${port}`],
    ['scrape_interval: 15s', 'scrape_interval: 1s'],
    ['evaluation_interval: 15s', 'evaluation_interval: 1s'],
    ['- alerts.yml', `- ${prometheusFile('alerts.yml')}`],
  ];
  return changes.reduce(
    (text, [from, to]) => {
      if (!text.includes(from)) throw new Error(`prometheus.yml has no ${from}.`);
      return text.replace(from, to);
    },
    readFileSync(prometheusFile('prometheus.yml'), 'utf8'),
  );
}

/** As Grafana fills in its variables. */
const filled = (expr: string) => expr.replaceAll('$instance', '.*');

test('panels do not overlap, and fill the width', () => {
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
  expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24);
});

test.runIf(hasPrometheus)('every panel and every alert finds its series', async () => {
  await using prometheus = await Prometheus.start(configuration(weir.app.metricsPort?.port ?? 0));
  const end = new AbortController();
  onTestFinished(() => end.abort());
  const load = run(weir.url, `--publishers 2 --subscribers 4 --duration 90 ${steady}`, { interrupted: end.signal });
  // What only pages report.
  const { client } = await weir.join();
  const candidate = { candidateType: 'host', protocol: 'udp' } as const;
  await client.request('reportJoin', { joinSeconds: 0.2, firstFrame: 0.4, candidate });
  (await weir.join()).client.close(1000);

  const queries = panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr: filled(expr) })));
  expect(queries.length).toBeGreaterThan(40);
  const unanswered = async () => {
    const results = await Promise.all(
      queries.map(async (query) => ({ ...query, found: await prometheus.query(query.expr) })),
    );
    return results.filter(({ found }) => found.length === 0).map(({ title, expr }) => `${title}: ${expr}`);
  };
  await expect.poll(unanswered, { timeout: 60_000, interval: 1000 }).toEqual([]);

  // The numbers are those of this server.
  const value = async (expr: string) => (await prometheus.query(expr))[0]?.value ?? 0;
  await vi.waitUntil(async () => (await value('sum(weir_participants)')) >= 7, { timeout: 30_000, interval: 500 });
  expect(await value('weir_workers')).toBe(2);
  const rate = (way: string) =>
    value(`sum(rate(weir_rtp_packets_total{direction="${way}", kind="video", transport="webrtc"}[30s]))`);
  await vi.waitUntil(async () => (await rate('in')) > 0 && (await rate('out')) > (await rate('in')), {
    timeout: 60_000,
    interval: 1000,
  });

  for (const { alert, expr } of alerts) {
    await prometheus.query(expr);
    const names = new Set(expr.match(/\b(weir_[a-z_]+|up)\b/g));
    expect(names.size, alert).toBeGreaterThan(0);
    for (const name of names) expect((await prometheus.query(name)).length, `${alert}: ${name}`).toBeGreaterThan(0);
  }
  // Nothing is wrong here.
  expect(
    (await prometheus.query('ALERTS{alertstate="firing", severity="critical"}')).map(({ labels }) => labels),
  ).toEqual([]);
  end.abort();
  expect((await load).members).toMatchObject({ offered: 6, failed: 0 });
});

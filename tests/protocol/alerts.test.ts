/** Tests of docker/prometheus: its configuration, and each alert by the unit tests beside it. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { hasPrometheus, prometheusFile, promtool } from '../support/Prometheus.ts';

const Rules = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({
          alert: z.string(),
          labels: z.strictObject({ severity: z.enum(['critical', 'warning']) }),
          annotations: z.strictObject({ summary: z.string(), description: z.string() }),
        }),
      ),
    }),
  ),
});
const read = (name: string) => readFileSync(prometheusFile(name), 'utf8');

test('each alert says how severe it is, what is wrong and what to do, and is seen to fire', () => {
  const rules = Rules.parse(parse(read('alerts.yml'))).groups.flatMap((group) => group.rules);
  const tested = read('alerts.test.yml');
  for (const { alert } of rules) expect(tested).toContain(`'{alertname="${alert}"}', value: 1`);
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
});

test.runIf(hasPrometheus)('Prometheus takes configuration and alerts, and the tests of the alerts pass', async () => {
  expect(await promtool(['check', 'config', prometheusFile('prometheus.yml')])).toMatch(/^Checking .*SUCCESS/s);
  const outcome = await promtool(['test', 'rules', prometheusFile('alerts.test.yml')]);
  expect(outcome).toContain('SUCCESS');
  expect(outcome).not.toContain('FAILED');
});

/** Tests of who may read `/metrics`, where, and of what it says without media. */
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { freePort } from '../../scripts/support/network/freePort.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { readMetrics } from '../support/metrics.ts';
import { hasPrometheus, promtool } from '../support/Prometheus.ts';

const token = 'a token of tests, of 32 characters or more'.replaceAll(' ', '-');

async function start(environment: Record<string, string>, log?: pino.Logger): Promise<TestServer> {
  const server = await startServer(environment, undefined, log);
  onTestFinished(() => server.close());
  return server;
}

const ownUrl = ({ app }: TestServer) => `http://127.0.0.1:${app.metricsPort?.port}/metrics`;
const statusOf = async (url: string, authorization?: string) =>
  (await fetch(url, { headers: authorization === undefined ? {} : { authorization } })).status;

describe('metrics', () => {
  test('are nowhere by default', async () => {
    const server = await start({});
    expect(server.app.metricsPort).toBeUndefined();
    expect(await statusOf(`${server.url}/metrics`)).toBe(404);
  });

  test('have a port of their own, and are not where people are served', async () => {
    const server = await start({ WEIR_METRICS_PORT: '0' });
    const response = await fetch(ownUrl(server));
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.text()).toContain('# HELP weir_workers ');
    expect(await statusOf(`${server.url}/metrics`)).toBe(404);
    expect(await statusOf(ownUrl(server).replace('/metrics', '/health'))).toBe(404);
  });

  test('are where people are served for bearers of the token only', async () => {
    const server = await start({ WEIR_METRICS_TOKEN: token });
    const url = `${server.url}/metrics`;
    expect(server.app.metricsPort).toBeUndefined();
    const refused = await fetch(url);
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toBe('Bearer');
    expect(await refused.text()).toContain('WEIR_METRICS_TOKEN');
    for (const wrong of [
      token,
      `Basic ${token}`,
      `Bearer ${token}x`,
      `Bearer ${token.slice(1)}`,
      'Bearer',
      'Bearer ',
    ]) {
      expect(await statusOf(url, wrong), wrong).toBe(401);
    }
    expect(await statusOf(url, `Bearer ${token}`)).toBe(200);
    expect(await statusOf(url, `bearer  ${token}`)).toBe(200);
  });

  test('need the token on both ports where there are both', async () => {
    const server = await start({ WEIR_METRICS_PORT: '0', WEIR_METRICS_TOKEN: token });
    for (const url of [ownUrl(server), `${server.url}/metrics`]) {
      expect(await statusOf(url)).toBe(401);
      expect(await statusOf(url, `Bearer ${token}`)).toBe(200);
    }
  });

  test('are done without where their port is taken, and the log says what to do', async () => {
    const port = String(await freePort());
    await start({ WEIR_METRICS_PORT: port });
    const lines: string[] = [];
    const write = (line: Buffer, _encoding: string, done: () => void) => {
      lines.push(String(line));
      done();
    };
    const second = await start({ WEIR_METRICS_PORT: port }, pino({ level: 'warn' }, new Writable({ write })));
    expect(second.app.metricsPort).toBeUndefined();
    expect(await statusOf(`${second.url}/health`)).toBe(200);
    expect(lines.join('')).toMatch(
      new RegExp(`Metrics port ${port} \\(TCP on 127.0.0.1\\) is in use by another program.*WEIR_METRICS_PORT`),
    );
  });

  test.runIf(hasPrometheus)('pass the checks of promtool', async () => {
    const server = await start({ WEIR_METRICS_PORT: '0' });
    const text = await (await fetch(ownUrl(server))).text();
    expect(await promtool(['check', 'metrics'], text)).toBe('');
    // What it complains about, so that the silence above means something.
    const bad = text.replaceAll('weir_worker_deaths_total', 'weir_worker_deaths');
    expect(await promtool(['check', 'metrics'], bad)).toContain('counter metrics should have "_total" suffix');
  });

  test('follow the workers: CPU, memory, response times, deaths and replacements', async () => {
    const server = await start({ WEIR_METRICS_PORT: '0', WEIR_WORKERS: '2' });
    const read = () => readMetrics(ownUrl(server));
    const first = await read();
    expect(first.get('weir_workers')).toBe(2);
    expect(first.get('weir_workers_configured')).toBe(2);
    expect(first.get('weir_ready')).toBe(1);
    expect(first.get('weir_worker_resident_memory_bytes{worker="1"}')).toBeGreaterThan(1e6);
    expect(first.get('weir_worker_deaths_total')).toBe(0);
    const settled = async () => {
      const samples = await read();
      const answers = samples.get('weir_worker_response_seconds_count{worker="0"}') ?? 0;
      return answers > 2 && (samples.get('weir_worker_cpu_seconds_total{worker="0"}') ?? 0) > 0;
    };
    await expect.poll(settled, { timeout: 10_000 }).toBe(true);
    const cpu = (await read()).get('weir_worker_cpu_seconds_total{worker="0"}') ?? 0;

    const [worker] = server.app.pool.workers;
    process.kill(worker?.pid ?? 0, 'SIGKILL');
    await vi.waitUntil(() => server.app.pool.workers.length === 1);
    await expect.poll(async () => (await read()).get('weir_worker_deaths_total')).toBe(1);
    await expect.poll(async () => (await read()).get('weir_workers'), { timeout: 10_000 }).toBe(2);
    const after = await read();
    // The replacement begins at 0, and the counter goes on.
    expect(after.get('weir_worker_cpu_seconds_total{worker="0"}')).toBeGreaterThanOrEqual(cpu);
    expect(after.get('weir_worker_utilization_ratio{worker="0"}')).toBeGreaterThanOrEqual(0);
  });

  test('of two servers in one process are apart, and nothing of them is left when a server has closed', async () => {
    const one = await start({ WEIR_METRICS_PORT: '0', WEIR_WORKERS: '2' });
    const two = await start({ WEIR_METRICS_PORT: '0' });
    expect((await readMetrics(ownUrl(one))).get('weir_workers')).toBe(2);
    expect((await readMetrics(ownUrl(two))).get('weir_workers')).toBe(1);
    const url = ownUrl(one);
    await one.close();
    await expect(fetch(url)).rejects.toThrow();
    expect((await readMetrics(ownUrl(two))).get('weir_workers')).toBe(1);
  });
});

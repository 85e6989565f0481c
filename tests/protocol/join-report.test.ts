/** Covers `reportJoin`: what is taken, how often, and what `/metrics` says then. */
import { describe, expect, test } from 'vitest';
import type { JoinReport } from '../../shared/protocol.ts';
import { readMetrics } from '../support/metrics.ts';
import { failure, useServer } from '../support/weir.ts';

const weir = useServer({ WEIR_METRICS_PORT: '0', WEIR_RESUME_SECONDS: '10' });
const metrics = () => readMetrics(`http://127.0.0.1:${weir.app.metricsPort?.port}/metrics`);
const shown: JoinReport = {
  joinSeconds: 0.2,
  firstFrame: 0.4,
  candidate: { candidateType: 'relay', protocol: 'tls' },
};

describe('reportJoin', () => {
  test('is counted, by what was seen and by how media is connected', async () => {
    const before = await metrics();
    const reports: JoinReport[] = [
      shown,
      { joinSeconds: 2, firstFrame: 'missing' },
      { joinSeconds: 0, firstFrame: 'none' },
    ];
    for (const report of reports) await (await weir.join()).client.request('reportJoin', report);
    const after = await metrics();
    const grown = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
    for (const outcome of ['shown', 'missing', 'none']) {
      expect(before.get(`weir_client_joins_total{first_frame="${outcome}"}`)).toBeDefined();
      expect(grown(`weir_client_joins_total{first_frame="${outcome}"}`)).toBe(1);
    }
    expect(grown('weir_client_join_seconds_count')).toBe(3);
    expect(grown('weir_client_join_seconds_sum')).toBeCloseTo(2.2);
    expect(grown('weir_client_join_seconds_bucket{le="0.25"}')).toBe(2);
    expect(grown('weir_client_first_frame_seconds_count')).toBe(1);
    expect(grown('weir_client_first_frame_seconds_sum')).toBeCloseTo(0.4);
    expect(grown('weir_client_ice_candidates_total{candidate_type="relay",protocol="tls"}')).toBe(1);
  });

  test('is taken once, over all connections of a session', async () => {
    const { client, reply } = await weir.join();
    await client.request('reportJoin', shown);
    await expect(client.request('reportJoin', shown)).rejects.toMatchObject(failure('conflict'));
    // Its ids go on, since one that is known gets the reply that it had.
    const next = await weir.connect({ firstId: 100 });
    await next.request('resume', { key: reply.resumeKey });
    await expect(next.request('reportJoin', shown)).rejects.toMatchObject(failure('conflict'));
  });

  test('requires a join', async () => {
    const outside = await weir.connect();
    await expect(outside.request('reportJoin', shown)).rejects.toMatchObject(failure('notJoined'));
  });

  const wrong: [string, object][] = [
    ['a negative time', { joinSeconds: -1, firstFrame: 'none' }],
    ['a time above ten minutes', { joinSeconds: 1, firstFrame: 601 }],
    ['no time', { firstFrame: 'none' }],
    ['a time that is not a number', { joinSeconds: '1', firstFrame: 'none' }],
    ['an unknown outcome', { joinSeconds: 1, firstFrame: 'lobby' }],
    ['an unknown type of candidate', { ...shown, candidate: { candidateType: 'lobby', protocol: 'udp' } }],
    ['an unknown protocol', { ...shown, candidate: { candidateType: 'host', protocol: 'quic' } }],
    ['an unknown field', { ...shown, room: 'lobby' }],
  ];
  test.each(wrong)('with %s is refused, and counts nowhere', async (_what, report) => {
    const { client } = await weir.join();
    const before = (await metrics()).get('weir_client_join_seconds_count');
    expect(await client.requestRaw('reportJoin', report)).toMatchObject({ error: { code: 'badRequest' } });
    expect((await metrics()).get('weir_client_join_seconds_count')).toBe(before);
    await client.request('reportJoin', shown);
  });

  test('is asked for in welcome, by a server that has metrics only', async () => {
    expect((await weir.connect()).welcome.joinReports).toBe(true);
  });
});

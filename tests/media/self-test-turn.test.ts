/** Tests of what the self-test says of TURN servers: real ones that work, refuse, are closed or show a wrong certificate. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../scripts/support/network/freePort.ts';
import { type Coturn, startCoturn, TURN_SECRET } from '../../scripts/support/servers/coturn.ts';
import { startServer } from '../../scripts/support/servers/startServer.ts';
import { TestAuthority } from '../../scripts/support/servers/TestAuthority.ts';
import { publicRows } from '../../server/ice/selfTest/publicRows.ts';
import { parseTurnUri } from '../../server/ice/selfTest/turnUri.ts';
import type { SelfTestRow } from '../../shared/selfTest.ts';
import { hasCoturn } from '../support/coturn.ts';

const address = '127.0.0.1';

describe.skipIf(!hasCoturn)('the self-test', () => {
  const resources = new AsyncDisposableStack();
  let good: Coturn;
  let otherSecret: Coturn;
  let denying: Coturn;
  let tlsPort: string | undefined;
  let closedPort: number;
  let silentPort: number;

  beforeAll(async () => {
    const authority = resources.use(new TestAuthority());
    // This file has a process of its own.
    setDefaultCACertificates([...getCACertificates('default'), readFileSync(authority.cert, 'utf8')]);
    const start = async (options: Partial<Parameters<typeof startCoturn>[0]> = {}) =>
      resources.use(
        await startCoturn({
          listenAddress: address,
          sfuAddress: address,
          ...options,
          settings: { ...options.settings },
        }),
      );
    const tls = { certificate: authority.issue('localhost') };
    [good, otherSecret, denying, closedPort] = await Promise.all([
      start({ tls }),
      start({ secret: 'another secret, which Weir does not have at all' }),
      start({ sfuAddress: '192.0.2.1' }),
      freePort(),
    ]);
    tlsPort = /:(\d+)\?/.exec(good.urls.at(-1) ?? '')?.[1];
    const silent = createSocket('udp4').bind(0, address);
    resources.defer(() => void silent.close());
    await once(silent, 'listening');
    silentPort = silent.address().port;
  });
  afterAll(() => resources.disposeAsync());

  test('relays through each URL of a good server, and says of each other one what to fix', async () => {
    const wrongName = `turns:${address}:${tlsPort}`;
    const [refusing = ''] = otherSecret.urls;
    const [forbidding = ''] = denying.urls;
    const closed = `turn:${address}:${closedPort}?transport=tcp`;
    const silent = `turn:${address}:${silentPort}?transport=udp`;
    const urls = [...good.urls, wrongName, refusing, forbidding, closed, silent];
    await using server = await startServer({ WEIR_TURN_URLS: urls.join(), WEIR_TURN_SECRET: TURN_SECRET });
    const { rows } = await server.app.selfTest.run();
    const row = (url: string) => rows.find(({ check, target }) => check === 'turn' && target === url);
    expect(good.urls.length).toBe(3);
    for (const url of good.urls) {
      expect(row(url), url).toMatchObject({ state: 'reachable', roundTripTime: expect.any(Number) });
    }
    expect(row(wrongName)).toMatchObject({ state: 'failed', reason: 'tlsFailed' });
    expect(row(refusing)).toMatchObject({ state: 'failed', reason: 'credentialRefused' });
    expect(row(forbidding)).toMatchObject({
      state: 'failed',
      reason: 'relayFailed',
      remedy: 'Allow the address in the configuration of the TURN server: allowed-peer-ip=127.0.0.1.',
    });
    expect(row(closed)).toMatchObject({ state: 'unreachable', reason: 'refused' });
    expect(row(silent)).toMatchObject({ state: 'unreachable', reason: 'noAnswer' });
  });

  test('from outside uses the credential that a client gets', async () => {
    // No resolver is asked for such a long label.
    const unknown = `turn:${'x'.repeat(64)}.invalid`;
    const urls = [good.urls[0], otherSecret.urls[0], unknown].join();
    await using server = await startServer({ WEIR_TURN_URLS: urls, WEIR_TURN_SECRET: TURN_SECRET });
    const rows: SelfTestRow[] = await publicRows(new URL(server.url), AbortSignal.timeout(15_000));
    expect(rows.filter(({ check }) => check === 'turn').map(({ reason }) => reason)).toEqual([
      undefined,
      'credentialRefused',
      'unresolved',
    ]);
  });
});

test.each([
  ['turn:example.com', { host: 'example.com', port: 3478, transport: 'udp' }],
  ['turn:example.com:80?transport=tcp', { host: 'example.com', port: 80, transport: 'tcp' }],
  ['turns:example.com', { host: 'example.com', port: 5349, transport: 'tls' }],
  ['turns:[2001:db8::1]:443?transport=tcp', { host: '2001:db8::1', port: 443, transport: 'tls' }],
  ['turns:example.com?transport=udp', undefined],
  ['stun:example.com', undefined],
])('%s', (uri, server) => {
  expect(parseTurnUri(uri)).toEqual(server);
});

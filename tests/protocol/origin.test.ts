/** Covers the Origin check: the server's own page may connect, however a proxy writes its host, and configured origins. */
import { describe, expect, test } from 'vitest';
import { WeirProcess } from '../../scripts/support/servers/WeirProcess.ts';
import { type ConnectOptions, TestClient } from '../support/client.ts';
import { useServer } from '../support/weir.ts';

/** Whether a page of `origin` may connect; the error if not. */
async function outcome(connect: () => Promise<TestClient>): Promise<unknown> {
  try {
    const client = await connect();
    await client.join({ room: 'origin' });
    client.cut();
    return 'in';
  } catch (error) {
    return error instanceof Error ? error.message : error;
  }
}

describe('a server of its own', () => {
  const weir = useServer({ WEIR_ALLOWED_ORIGINS: 'https://other.example:443,http://plain.example' });
  test.each([
    ['https://x', 'x', true],
    ['https://x', 'x:443', true],
    ['https://x:443', 'x', true],
    ['http://x', 'x:80', true],
    ['http://x:80', 'x', true],
    ['https://x', 'x:80', true],
    ['https://X', 'x', true],
    ['https://x:8443', 'x:8443', true],
    ['https://[::1]', '[::1]:443', true],
    ['https://other.example', 'x', true],
    ['https://other.example:443', 'x', true],
    ['http://plain.example:80', 'x', true],
    ['https://x', 'y', false],
    ['https://x', 'x:8443', false],
    ['https://x:8443', 'x', false],
    ['https://other.example:8443', 'x', false],
    ['http://other.example', 'x', false],
    ['https://x.evil', 'x', false],
    ['null', 'x', false],
    ['file://x', 'x', false],
    ['ws://x', 'x', false],
  ])('a page of %s, with Host %s, may connect: %s', async (origin, host, allowed) => {
    const told = await outcome(() => weir.connect({ origin, headers: { host } }));
    if (allowed) expect(told).toBe('in');
    else expect(told).toMatch(/4015.*originNotAllowed/);
  });
});

describe('behind a trusted proxy', () => {
  const weir = useServer({ WEIR_TRUST_PROXY: '1' });
  test.each([
    ['https://x', { 'x-forwarded-host': 'x', 'x-forwarded-proto': 'https' }, true],
    ['https://x', { 'x-forwarded-host': 'x:443', 'x-forwarded-proto': 'https' }, true],
    ['https://x', { 'x-forwarded-host': 'x' }, true],
    ['http://x', { 'x-forwarded-host': 'x', 'x-forwarded-proto': 'https' }, false],
    ['https://x', { 'x-forwarded-host': 'y', 'x-forwarded-proto': 'https' }, false],
    ['https://x', { 'x-forwarded-proto': 'https' }, false],
  ])('a page of %s, forwarded as %j, may connect: %s', async (origin, headers, allowed) => {
    const told = await outcome(() => weir.connect({ origin, headers }));
    if (allowed) expect(told).toBe('in');
    else expect(told).toMatch(/4015.*originNotAllowed/);
  });
});

test('headers of proxies are ignored where none is trusted', async () => {
  const weir = new WeirProcess();
  try {
    const options: ConnectOptions = { origin: 'https://x', headers: { 'x-forwarded-host': 'x' } };
    const url = await weir.running();
    expect(await outcome(() => TestClient.connect(url, options))).toMatch(/4015.*originNotAllowed/);
    // The log says what to change. It may arrive after the refusal.
    await expect.poll(() => weir.stdout).toContain('refused a page of origin https://x');
    expect(weir.stdout).toContain('A proxy must forward the Host header');
  } finally {
    await weir.end();
  }
});

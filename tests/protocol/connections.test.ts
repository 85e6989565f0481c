/** Covers who may open a connection: which origins, how many from one address, and which proxies are trusted about both. */
import { describe, expect, test, vi } from 'vitest';
import { Refused } from '../support/client.ts';
import { useServer } from '../support/weir.ts';

/** The HTTP status or the close code of a refused connection. */
const refusal = (connecting: Promise<unknown>) =>
  connecting.then(
    () => 'connected',
    (error: unknown) =>
      error instanceof Refused ? error.status : Number(/Closed with (\d+)/.exec(String(error))?.[1] ?? Number.NaN),
  );

describe('Origin', () => {
  const weir = useServer({ WEIR_ALLOWED_ORIGINS: 'https://example.com, http://other.test:8080' });

  test.each([
    'https://evil.test',
    'http://example.com',
    'https://example.com.evil.test',
    'https://sub.example.com',
    'https://example.com:8443',
    'http://127.0.0.1:1',
    'null',
    '*',
    'file://',
    'not an origin',
  ])('%s is refused with 4015', async (origin) => {
    expect(await refusal(weir.connect({ origin }))).toBe(4015);
  });

  test.each(['https://example.com', 'http://other.test:8080'])('%s is configured and may connect', async (origin) => {
    await expect(weir.connect({ origin })).resolves.toBeDefined();
  });

  test('of the page that the server serves itself may connect', async () => {
    await expect(weir.connect({ origin: weir.url })).resolves.toBeDefined();
  });

  test('of another scheme with the same host is not the page itself', async () => {
    const { host } = new URL(weir.url);
    for (const scheme of ['ftp', 'chrome-extension', 'file']) {
      expect(await refusal(weir.connect({ origin: `${scheme}://${host}` }))).toBe(4015);
    }
  });

  test('that is missing is not from a browser, and may connect', async () => {
    await expect(weir.connect()).resolves.toBeDefined();
  });
});

describe('the list *', () => {
  const weir = useServer({ WEIR_ALLOWED_ORIGINS: '*' });

  test('lets every page connect', async () => {
    await expect(weir.connect({ origin: 'https://evil.test' })).resolves.toBeDefined();
  });
});

describe('connections of one address', () => {
  const weir = useServer({ WEIR_MAX_CONNECTIONS_PER_IP: '3' });
  const connect = (address?: string) => weir.connect(address ? { headers: { 'x-forwarded-for': address } } : {});

  test('above the limit are closed with 4011, which a page can read, unlike an HTTP status', async () => {
    await Promise.all([connect(), connect(), connect()]);
    await expect(connect()).rejects.toThrow('Closed with 4011 "tooManyConnections"');
  });

  test('that open at once are counted too', async () => {
    const results = await Promise.all(Array.from({ length: 12 }, () => refusal(connect())));
    expect(results.filter((result) => result === 'connected').length).toBe(3);
    expect(results.filter((result) => result === 4011).length).toBe(9);
  });

  test('stop counting when they close, in any way', async () => {
    const untilIn = () => vi.waitFor(() => connect());
    for (let round = 0; round < 3; round += 1) {
      const [one, other, third] = [await untilIn(), await untilIn(), await untilIn()];
      expect(await refusal(connect())).toBe(4011);
      one.cut();
      other.socket.close();
      third.send(Buffer.from('binary'));
      await Promise.all([one.closed, other.closed, third.closed]);
    }
  });

  test('still count after others have been refused', async () => {
    await Promise.all([connect(), connect(), connect()]);
    for (let round = 0; round < 5; round += 1) expect(await refusal(connect())).toBe(4011);
  });

  test('are counted by their real address, whatever X-Forwarded-For has', async () => {
    await Promise.all([connect('203.0.113.1'), connect('203.0.113.2'), connect('203.0.113.3')]);
    expect(await refusal(connect('203.0.113.4'))).toBe(4011);
  });
});

describe('behind a trusted proxy', () => {
  const weir = useServer({ WEIR_MAX_CONNECTIONS_PER_IP: '1', WEIR_TRUST_PROXY: 'true' });
  const connect = (headers: Record<string, string>) => weir.connect({ headers });

  test('connections count for the address that it forwards', async () => {
    await connect({ 'x-forwarded-for': '203.0.113.1' });
    await connect({ 'x-forwarded-for': '203.0.113.2' });
    expect(await refusal(connect({ 'x-forwarded-for': '203.0.113.1' }))).toBe(4011);
  });

  test('addresses that a client claims to the proxy do not count', async () => {
    await connect({ 'x-forwarded-for': '198.51.100.1, 203.0.113.7' });
    expect(await refusal(connect({ 'x-forwarded-for': '198.51.100.2, 203.0.113.7' }))).toBe(4011);
  });

  test('the own page is that of the host which it forwards', async () => {
    const headers = { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-host': 'meet.example.com' };
    expect(await refusal(weir.connect({ headers, origin: weir.url }))).toBe(4015);
    await expect(weir.connect({ headers, origin: 'https://meet.example.com' })).resolves.toBeDefined();
  });
});

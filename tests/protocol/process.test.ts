/** Owns the process: how it refuses to start, how it ends on a signal, and that it leaves nothing behind. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { TestClient } from '../support/client.ts';
import { dtls, opus } from '../support/media.ts';
import { WeirProcess } from '../support/process.ts';
import { apiKey, apiSecret, failure, token } from '../support/weir.ts';

const started: WeirProcess[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((weir) => weir.end()));
});

function start(environment: Record<string, string> = {}): WeirProcess {
  const weir = new WeirProcess(environment);
  started.push(weir);
  return weir;
}

/** Starts what must not start. @returns what it said */
async function refusal(environment: Record<string, string>): Promise<string> {
  const weir = start(environment);
  expect(await weir.exit).toBe(1);
  expect(weir.stdout).not.toContain('Weir is running');
  await expect.poll(() => weir.living).toEqual([]);
  return weir.stderr;
}

/** One sentence or two, for people: no stack. */
const forPeople = (text: string) => {
  expect(text).toMatch(/^Weir cannot start\. .+\n$/);
  expect(text).not.toMatch(/^\s+at /m);
};

describe('a wrong variable keeps Weir from starting, with its name and what it accepts', () => {
  test.each([
    ['WEIR_PORT', '70000', '0 to 65535'],
    ['WEIR_WORKERS', 'many', '1 to 256'],
    ['WEIR_OPEN', 'yes', '`true` or `false`'],
    ['WEIR_TRUST_PROXY', 'yes', 'how many proxies, 0 to 10'],
    ['WEIR_ALLOWED_ORIGINS', 'https://example.com/path', 'https://example.com'],
    ['WEIR_TLS_CERT', '/nowhere/cert.pem', 'WEIR_TLS_KEY'],
  ])('%s=%s', async (name, value, accepted) => {
    const said = await refusal({ [name]: value });
    forPeople(said);
    expect(said).toContain(name);
    expect(said).toContain(accepted);
  });

  test('a secret of 31 characters, which is not shown', async () => {
    const secret = 'x'.repeat(31);
    const said = await refusal({ WEIR_API_KEY: 'key', WEIR_API_SECRET: secret });
    forPeople(said);
    expect(said).toContain('WEIR_API_SECRET');
    expect(said).toContain('at least 32 characters');
    expect(said).not.toContain(secret);
  });
});

describe('in production', () => {
  test('Weir does not start without keys', async () => {
    const said = await refusal({ NODE_ENV: 'production' });
    forPeople(said);
    for (const name of ['WEIR_API_KEY', 'WEIR_API_SECRET', 'WEIR_OPEN=true']) expect(said).toContain(name);
  });

  test.each([
    ['that are given', { WEIR_API_KEY: apiKey, WEIR_API_SECRET: apiSecret }, 'token'],
    ['that it may do without', { WEIR_OPEN: 'true' }, 'open'],
  ])('Weir starts with keys %s', async (_name, environment, auth) => {
    const url = await start({ NODE_ENV: 'production', ...environment }).running();
    const client = await TestClient.connect(url);
    expect(client.welcome.auth).toBe(auth);
    client.cut();
  });
});

describe('a port that is taken keeps Weir from starting, with a sentence that says which', () => {
  test('the TCP port of the page', async () => {
    const taken = net.createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const said = await refusal({ WEIR_PORT: String(portOf(taken.address())) });
    taken.close();
    forPeople(said);
    expect(said).toContain('WEIR_PORT');
  });

  test.each(['udp', 'tcp'])('the media port of the second worker, %s', async (protocol) => {
    const taken =
      protocol === 'udp' ? dgram.createSocket('udp4').bind(0, '127.0.0.1') : net.createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const port = portOf(taken.address());
    const said = await refusal({ WEIR_RTC_PORT: String(port - 1) });
    taken.close();
    forPeople(said);
    expect(said).toContain(`Media port ${port}`);
    expect(said).toContain('WEIR_RTC_PORT');
  });
});

describe('a running Weir', () => {
  test('says where it is, where media goes, and that it is open', async () => {
    const weir = start();
    const url = await weir.running();
    expect((await fetch(`${url}/ready`)).status).toBe(200);
    expect(weir.stdout).toMatch(/Media: 2 worker\(s\) on 127\.0\.0\.1, port\(s\) \d+, \d+ UDP and TCP/);
    expect(weir.stdout).toContain('Open: anyone may enter any room.');
    // Itself and its two workers.
    expect(weir.living.length).toBe(3);
  });

  test('warns of a variable that looks like its own but is not', async () => {
    const weir = start({ WEIR_PROT: '3000' });
    await weir.running();
    expect(weir.stdout).toContain('WEIR_PROT is not a variable');
  });
});

describe('on a signal Weir tells its clients, exits with 0 and leaves no process', () => {
  test.each([
    ['SIGTERM', 'the process'],
    ['SIGINT', 'the process'],
    ['SIGTERM', 'its process group'],
    ['SIGINT', 'its process group'],
  ] as const)('%s to %s', async (signal, target) => {
    const weir = start();
    const clients = await busyRoom(await weir.running());
    expect(weir.living.length).toBe(3);
    process.kill(target === 'the process' ? weir.pid : -weir.pid, signal);
    for (const client of clients) expect(await client.closed).toEqual({ code: 4003, reason: 'serverClosing' });
    expect(await weir.exit).toBe(0);
    expect(weir.living).toEqual([]);
    expect(weir.stderr).toBe('');
  });

  test('that comes while it starts', async () => {
    const weir = start();
    // Its workers come up before it says that it runs.
    await expect.poll(() => weir.living.length, { interval: 1, timeout: 10_000 }).toBeGreaterThan(1);
    process.kill(weir.pid, 'SIGTERM');
    expect(await weir.exit).toBe(0);
    expect(weir.living).toEqual([]);
  });

  test('although a client never answers the close', async () => {
    const weir = start();
    const client = await TestClient.connect(await weir.running());
    await client.join();
    client.socket.pause();
    process.kill(weir.pid, 'SIGTERM');
    expect(await weir.exit).toBe(0);
    expect(weir.living).toEqual([]);
    client.cut();
  });
});

describe('a connection that comes while Weir closes', () => {
  test('does not keep it from ending in order', async () => {
    const weir = start();
    const url = await weir.running();
    const client = await TestClient.connect(url);
    await client.join();
    // As long as this one does not take part in the closing handshake, Weir is closing.
    client.socket.pause();
    process.kill(weir.pid, 'SIGTERM');
    await vi.waitUntil(() => weir.stdout.includes('"closing"'), { interval: 1, timeout: 5000 });
    const late = net.createConnection(Number(new URL(url).port), '127.0.0.1');
    late.on('error', () => {});
    late.write(
      `GET /ws HTTP/1.1\r\nHost: ${new URL(url).host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    );
    expect(await weir.exit).toBe(0);
    expect(weir.living).toEqual([]);
    late.destroy();
    client.cut();
  });
});

describe('when Weir is killed', () => {
  test('its workers end by themselves', async () => {
    const weir = start();
    const [client] = await busyRoom(await weir.running());
    process.kill(weir.pid, 'SIGKILL');
    expect(await weir.exit).toBe('SIGKILL');
    expect((await client?.closed)?.code).toBe(1006);
    await expect.poll(() => weir.living, { timeout: 5000 }).toEqual([]);
  });
});

describe('a token', () => {
  test('is never in the log, nor is the secret, however much is logged', async () => {
    const weir = start({ WEIR_LOG_LEVEL: 'trace', WEIR_API_KEY: apiKey, WEIR_API_SECRET: apiSecret });
    const url = await weir.running();
    const good = await token('room', 'ada', { roomAdmin: true });
    const foreign = await token('other', 'ada');
    const tampered = `${good.slice(0, -4)}abcd`;
    const tokens = [good, foreign, tampered, 'a-token-that-is-none'];
    const [ada, ...others] = await Promise.all(tokens.map(() => TestClient.connect(url)));
    await ada?.join({ room: 'room', token: good });
    for (const [index, client] of others.entries()) {
      const jwt = tokens[index + 1];
      await expect(client.join({ room: 'room', token: jwt })).rejects.toMatchObject(failure('unauthorized'));
      await client.ask('join', { room: 7, token: jwt });
      await client.complain(`{"token":"${jwt}"}`);
      await client.ask(`method ${jwt}`.slice(0, 64), { token: jwt });
    }
    await fetch(`${url}/r/room?token=${good}`);
    const byUrl = await TestClient.connect(url, {
      path: `/ws?token=${good}`,
      headers: { authorization: `Bearer ${good}` },
    });
    byUrl.cut();
    await ada?.request('produce', { source: 'microphone', rtpParameters: opus() });
    await ada?.ask('produce', { source: 'microphone', rtpParameters: opus(), token: good });
    process.kill(weir.pid, 'SIGTERM');
    expect(await weir.exit).toBe(0);
    const log = weir.stdout + weir.stderr;
    expect(log).toContain('peer joined');
    expect(log).toContain('"level":20');
    for (const jwt of [...tokens, ...tokens.map((one) => one.split('.').at(-1) ?? one), apiSecret]) {
      expect(log).not.toContain(jwt);
    }
  });
});

/** Two peers with connected transports, one of which publishes. */
async function busyRoom(url: string): Promise<TestClient[]> {
  const clients = await Promise.all([TestClient.connect(url), TestClient.connect(url)]);
  for (const client of clients) {
    const { transports } = await client.join({ room: 'busy' });
    for (const transport of [transports.send, transports.recv]) {
      const transportId = transport?.transportId ?? '';
      await client.request('connectTransport', { transportId, dtlsParameters: dtls });
    }
    await client.request('produce', { source: 'microphone', rtpParameters: opus() });
  }
  return clients;
}

function portOf(address: net.AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('There is no port.');
  return address.port;
}

/** Covers the process: its output, how it ends on a signal, and that it leaves nothing behind. */
import net from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { dtls, opus } from '../../scripts/support/media/clientParameters.ts';
import { WeirProcess } from '../../scripts/support/servers/WeirProcess.ts';
import { TestClient } from '../support/client.ts';
import { apiKey, apiSecret, failure, token } from '../support/weir.ts';

const started: WeirProcess[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((weir) => weir.end()));
});

function start(environment: Record<string, string> = {}, command?: string[], args?: string[]): WeirProcess {
  const weir = new WeirProcess(environment, command, args);
  started.push(weir);
  return weir;
}

describe('a running Weir', () => {
  const hasIPv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));

  test.runIf(hasIPv6)('prints an IPv6 address in URL notation', async () => {
    const url = await start({ WEIR_HOST: '::1', WEIR_BASE_PATH: '/meet' }).running();
    expect(url).toMatch(/^http:\/\/\[::1\]:\d+\/meet\/$/);
    expect((await fetch(`${url}health`)).status).toBe(200);
  });

  test('logs readable lines on a terminal, and JSON elsewhere', async () => {
    const weir = start({ WEIR_PROT: '1' });
    await weir.running();
    expect(weir.stdout).toMatch(/^\{"level":40,.*"msg":"WEIR_PROT is not a variable/m);
    const command = [process.execPath, 'server/main.ts'].map((word) => `'${word}'`).join(' ');
    // `script` runs a command on a terminal.
    const seen = start({ WEIR_PROT: '1' }, ['script', '--quiet', '--return', '--command', command, '/dev/null'], []);
    await seen.running();
    expect(seen.stdout).not.toContain('{"level"');
    expect(seen.stdout).toMatch(/^\[\d\d:\d\d:\d\d\].*WARN.*WEIR_PROT is not a variable/m);
  });

  test('prints its address, the media ports, and that no token is required', async () => {
    const weir = start();
    const url = await weir.running();
    expect((await fetch(`${url}/ready`)).status).toBe(200);
    expect(weir.stdout).toMatch(/Media: 2 worker\(s\) on 127\.0\.0\.1, port\(s\) \d+, \d+ UDP and TCP/);
    expect(weir.stdout).toContain('Open: anyone may enter any room.');
    // Itself and its two workers.
    expect(weir.descendants.length).toBe(3);
  });

  test('warns of an unknown variable WEIR_*', async () => {
    const weir = start({ WEIR_PROT: '3000' });
    await weir.running();
    expect(weir.stdout).toContain('WEIR_PROT is not a variable');
  });
});

describe('on a signal Weir notifies its clients, exits with 0 and leaves no process', () => {
  test.each([
    ['SIGTERM', 'the process'],
    ['SIGINT', 'the process'],
    ['SIGTERM', 'its process group'],
    ['SIGINT', 'its process group'],
  ] as const)('%s to %s', async (signal, target) => {
    const weir = start();
    const clients = await busyRoom(await weir.running());
    expect(weir.descendants.length).toBe(3);
    process.kill(target === 'the process' ? weir.pid : -weir.pid, signal);
    for (const client of clients) expect(await client.closed).toEqual({ code: 4003, reason: 'serverClosing' });
    expect(await weir.exit).toBe(0);
    expect(weir.descendants).toEqual([]);
    expect(weir.stderr).toBe('');
  });

  test('that is sent while it starts', async () => {
    const weir = start();
    // Its workers start before it prints that it runs.
    await expect.poll(() => weir.descendants.length, { interval: 1, timeout: 10_000 }).toBeGreaterThan(1);
    process.kill(weir.pid, 'SIGTERM');
    expect(await weir.exit).toBe(0);
    expect(weir.descendants).toEqual([]);
  });

  test('although a client never answers the close frame', async () => {
    const weir = start();
    const client = await TestClient.connect(await weir.running());
    await client.join();
    client.socket.pause();
    process.kill(weir.pid, 'SIGTERM');
    expect(await weir.exit).toBe(0);
    expect(weir.descendants).toEqual([]);
    client.cut();
  });
});

describe('a connection that opens while Weir closes', () => {
  test('does not keep it from closing in order', async () => {
    const weir = start();
    const url = await weir.running();
    const client = await TestClient.connect(url);
    await client.join();
    // Weir is closing as long as this client does not complete the closing handshake.
    client.socket.pause();
    process.kill(weir.pid, 'SIGTERM');
    await vi.waitUntil(() => weir.stdout.includes('"closing"'), { interval: 1, timeout: 5000 });
    const late = net.createConnection(Number(new URL(url).port), '127.0.0.1');
    late.on('error', () => {});
    late.write(
      `GET /ws HTTP/1.1\r\nHost: ${new URL(url).host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    );
    expect(await weir.exit).toBe(0);
    expect(weir.descendants).toEqual([]);
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
    await expect.poll(() => weir.descendants, { timeout: 5000 }).toEqual([]);
  });
});

describe('a token', () => {
  test('is never logged, nor is the secret, at any log level', async () => {
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
      await client.requestRaw('join', { room: 7, token: jwt });
      await client.requestInvalid(`{"token":"${jwt}"}`);
      await client.requestRaw(`method ${jwt}`.slice(0, 64), { token: jwt });
    }
    await fetch(`${url}/r/room?token=${good}`);
    const byUrl = await TestClient.connect(url, {
      path: `/ws?token=${good}`,
      headers: { authorization: `Bearer ${good}` },
    });
    byUrl.cut();
    await ada?.request('produce', { source: 'microphone', rtpParameters: opus() });
    await ada?.requestRaw('produce', { source: 'microphone', rtpParameters: opus(), token: good });
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

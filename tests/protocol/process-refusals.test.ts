/** Covers failed starts: a sentence says what is wrong, the exit status is 1, and nothing is left behind. */
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import net from 'node:net';
import { basename } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { WeirProcess } from '../../scripts/support/servers/WeirProcess.ts';
import { TestClient } from '../support/client.ts';
import { takePortAside } from '../support/takePortAside.ts';
import { apiKey, apiSecret } from '../support/weir.ts';

/** The program that uses a port which a test has opened: this process. */
const holder = `${basename(realpathSync(process.execPath))} (process ${process.pid})`;

const started: WeirProcess[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((weir) => weir.end()));
});

function start(environment: Record<string, string> = {}, command?: string[], args?: string[]): WeirProcess {
  const weir = new WeirProcess(environment, command, args);
  started.push(weir);
  return weir;
}

/** Starts Weir, which must fail. @returns what it wrote to stderr */
async function refusal(environment: Record<string, string>): Promise<string> {
  const weir = start(environment);
  expect(await weir.exit).toBe(1);
  // The sentence is all: there is no log line before it.
  expect(weir.stdout).toBe('');
  await expect.poll(() => weir.descendants).toEqual([]);
  return weir.stderr;
}

/** One or two sentences, without a stack. */
const expectSentences = (text: string) => {
  expect(text).toMatch(/^Weir cannot start\. .+\n$/);
  expect(text).not.toMatch(/^\s+at /m);
};

describe('an invalid variable is reported with its name and what it accepts', () => {
  test.each([
    ['WEIR_PORT', '70000', '0 to 65535'],
    ['WEIR_WORKERS', 'many', '1 to 256'],
    ['WEIR_ALLOW_ANONYMOUS', 'yes', '`true` or `false`'],
    ['WEIR_TRUST_PROXY', 'yes', 'how many proxies, 0 to 10'],
    ['WEIR_ALLOWED_ORIGINS', 'https://example.com/path', 'https://example.com'],
    ['WEIR_TLS_CERT', '/nowhere/cert.pem', 'WEIR_TLS_KEY'],
  ])('%s=%s', async (name, value, accepted) => {
    const message = await refusal({ [name]: value });
    expectSentences(message);
    expect(message).toContain(name);
    expect(message).toContain(accepted);
  });

  test('a secret of 31 characters, which is not shown', async () => {
    const secret = 'x'.repeat(31);
    const message = await refusal({ WEIR_API_KEY: 'key', WEIR_API_SECRET: secret });
    expectSentences(message);
    expect(message).toContain('WEIR_API_SECRET');
    expect(message).toContain('at least 32 characters');
    expect(message).not.toContain(secret);
  });
});

describe('in production', () => {
  test('Weir does not start without keys', async () => {
    const message = await refusal({ NODE_ENV: 'production' });
    expectSentences(message);
    for (const name of ['WEIR_API_KEY', 'WEIR_API_SECRET', 'WEIR_ALLOW_ANONYMOUS=true'])
      expect(message).toContain(name);
  });

  test.each([
    ['that are given', { WEIR_API_KEY: apiKey, WEIR_API_SECRET: apiSecret }, 'token'],
    ['that are not required', { WEIR_ALLOW_ANONYMOUS: 'true' }, 'open'],
  ])('Weir starts with keys %s', async (_name, environment, auth) => {
    const url = await start({ NODE_ENV: 'production', ...environment }).running();
    const client = await TestClient.connect(url);
    expect(client.welcome.auth).toBe(auth);
    client.cut();
  });
});

describe('a port in use is reported with the program that uses it', () => {
  test('the TCP port of the page', async () => {
    const taken = net.createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const port = portOf(taken.address());
    const message = await refusal({ WEIR_PORT: String(port) });
    taken.close();
    expectSentences(message);
    expect(message).toContain(`Port ${port} (TCP on 127.0.0.1) is in use by ${holder}`);
    expect(message).toContain('WEIR_PORT');
  });

  test.each(['udp', 'tcp'] as const)('the media port of the second worker, %s', async (protocol) => {
    const { port, release } = await takePortAside(protocol);
    const message = await refusal({ WEIR_RTC_PORT: String(port - 1) });
    release();
    expectSentences(message);
    expect(message).toContain(`Media port ${port} (${protocol.toUpperCase()} on 127.0.0.1) is in use by ${holder}`);
    expect(message).toContain('WEIR_RTC_PORT');
  });
});

describe('another cause is reported in a sentence', () => {
  test.each([
    [
      'an address of another machine',
      { WEIR_HOST: '203.0.113.77' },
      'WEIR_HOST=203.0.113.77 is not an address of this machine',
    ],
    [
      'one for media',
      { WEIR_RTC_HOST: '203.0.113.77' },
      'WEIR_RTC_HOST=203.0.113.77 is not an address of this machine',
    ],
    [
      'one for media, on a port of choice',
      { WEIR_RTC_HOST: '203.0.113.77', WEIR_RTC_PORT: '44400' },
      'WEIR_RTC_HOST=203.0.113.77 is not an address of this machine',
    ],
    [
      'a name without an address',
      { WEIR_HOST: 'no.such.host.invalid' },
      'WEIR_HOST=no.such.host.invalid cannot be resolved',
    ],
    [
      'a media worker that is missing',
      { MEDIASOUP_WORKER_BIN: '/nowhere/worker' },
      'media worker /nowhere/worker does not exist',
    ],
    ['one that does not run', { MEDIASOUP_WORKER_BIN: '/bin/false' }, 'media worker /bin/false ended as soon as'],
  ])('%s', async (_what, environment, sentence) => {
    const message = await refusal(environment);
    expectSentences(message);
    expect(message).toContain(sentence);
  });

  test('too few open files', async () => {
    const weir = start({}, ['prlimit', '--nofile=24', process.execPath]);
    expect(await weir.exit).toBe(1);
    expectSentences(weir.stderr);
    expect(weir.stderr).toContain('The limit of open files is too low');
  });
});

function portOf(address: net.AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('There is no port.');
  return address.port;
}

/** Covers failed starts: a sentence says what is wrong, the exit status is 1, and nothing is left behind. */
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import net from 'node:net';
import { basename } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { loopback, startServer } from '../../scripts/support/servers/startServer.ts';
import { WeirProcess } from '../../scripts/support/servers/WeirProcess.ts';
import { readConfig } from '../../server/config/readConfig.ts';
import { startFailure } from '../../server/startFailure.ts';
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

/** Starts Weir in this process, which must fail. @returns what `main.ts` would write to stderr */
async function sentenceOf(environment: Record<string, string>): Promise<string> {
  const { config } = readConfig({ ...loopback, ...environment });
  const server = startServer(environment);
  const error = await server.then(
    (running) => running.close(),
    (reason: unknown) => reason,
  );
  return `Weir cannot start. ${await startFailure(error, config)}\n`;
}

/** One or two sentences, without a stack. */
const expectSentences = (text: string) => {
  expect(text).toMatch(/^Weir cannot start\. .+\n$/);
  expect(text).not.toMatch(/^\s+at /m);
};

describe('an invalid configuration', () => {
  // tests/unit/config.test.ts covers the sentence of every other variable.
  test('is reported with the name of the variable and what it accepts; a secret is not shown', async () => {
    const secret = 'x'.repeat(31);
    const message = await refusal({ WEIR_API_KEY: 'key', WEIR_API_SECRET: secret });
    expectSentences(message);
    expect(message).toContain('WEIR_API_SECRET');
    expect(message).toContain('at least 32 characters');
    expect(message).not.toContain(secret);
  });
});

describe('in production', () => {
  test('Weir starts with keys', async () => {
    const keys = { WEIR_API_KEY: apiKey, WEIR_API_SECRET: apiSecret };
    const client = await TestClient.connect(await start({ NODE_ENV: 'production', ...keys }).running());
    expect(client.welcome.auth).toBe('token');
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

  test.each([
    // As it starts in a process, and in this one, which takes a third of the time.
    ['udp', refusal],
    ['tcp', sentenceOf],
  ] as const)('the media port of the second worker, %s', async (protocol, fail) => {
    const { port, release } = await takePortAside(protocol);
    const message = await fail({ WEIR_RTC_PORT: String(port - 1), WEIR_WORKERS: '2' });
    release();
    expectSentences(message);
    expect(message).toContain(`Media port ${port} (${protocol.toUpperCase()} on 127.0.0.1) is in use by ${holder}`);
    expect(message).toContain('WEIR_RTC_PORT');
  });
});

describe('an address that cannot be used is reported with its variable', () => {
  const foreign = '203.0.113.77 is not an address of this machine';
  test.each([
    ['one of another machine', { WEIR_HOST: '203.0.113.77' }, `WEIR_HOST=${foreign}`],
    ['one for media', { WEIR_RTC_HOST: '203.0.113.77' }, `WEIR_RTC_HOST=${foreign}`],
    [
      'one for media, with a port',
      { WEIR_RTC_HOST: '203.0.113.77', WEIR_RTC_PORT: '44400' },
      `WEIR_RTC_HOST=${foreign}`,
    ],
    ['a name', { WEIR_HOST: 'no.such.host.invalid' }, 'WEIR_HOST=no.such.host.invalid cannot be resolved'],
    ['one of several for media', { WEIR_RTC_HOST: '127.0.0.1,203.0.113.77' }, `WEIR_RTC_HOST=${foreign}`],
    [
      'an announced name',
      { WEIR_ANNOUNCED_ADDRESS: 'no.such.host.invalid' },
      'WEIR_ANNOUNCED_ADDRESS=no.such.host.invalid cannot be resolved',
    ],
  ])('%s', async (_what, environment, sentence) => {
    const message = await sentenceOf(environment);
    expectSentences(message);
    expect(message).toContain(sentence);
  });
});

describe('another cause is reported in a sentence', () => {
  test.each([
    ['a media worker that is missing', '/nowhere/worker', 'media worker /nowhere/worker does not exist'],
    ['one that does not run', '/bin/false', 'media worker /bin/false ended as soon as'],
  ])('%s', async (_what, worker, sentence) => {
    const message = await refusal({ MEDIASOUP_WORKER_BIN: worker });
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

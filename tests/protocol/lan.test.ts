/** Covers `--lan` as a process: HTTPS at the address of this machine, what is printed, and a certificate that is used again. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { isIPv4 } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WeirProcess } from '../../scripts/support/servers/WeirProcess.ts';
import { ownAddresses } from '../../server/common/ownAddresses.ts';
import { TestClient } from '../support/client.ts';
import { scanned } from '../support/qrCode.ts';

const main = fileURLToPath(new URL('../../server/main.ts', import.meta.url));
const address = ownAddresses().find((one) => isIPv4(one)) ?? '';
const started: WeirProcess[] = [];
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'weir-lan-'));
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((weir) => weir.end()));
  rmSync(directory, { recursive: true });
});

const file = () => join(directory, 'weir', 'lan.pem');
/** All addresses, and a home of its own. */
const settings = () => ({ WEIR_HOST: '', WEIR_RTC_HOST: '0.0.0.0', WEIR_WORKERS: '1', XDG_DATA_HOME: directory });

function start(environment: Record<string, string> = {}, command = [process.execPath], args = [main, '--lan']) {
  const weir = new WeirProcess({ ...settings(), ...environment }, command, args);
  started.push(weir);
  return weir;
}

/** The URL of the first address of this network, and the fingerprint, as printed. */
async function printed(weir: WeirProcess): Promise<{ url: string; fingerprint: string }> {
  await weir.running();
  await expect.poll(() => weir.stdout).toMatch(/SHA-256 fingerprint.*\r?\n/);
  const [, url = ''] = /For other devices in this network: (\S+)/.exec(weir.stdout) ?? [];
  const [, fingerprint = ''] = /SHA-256 fingerprint.*: ([\dA-F:]{95})\r?\n/.exec(weir.stdout) ?? [];
  return { url, fingerprint };
}

/** Asks over TLS, for which the certificate has to be that of the file, and for the host of the URL. */
async function ask(url: string): Promise<{ status: number | undefined; fingerprint: string | undefined }> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  https.get(url, { ca: readFileSync(file()), agent: false }, resolve).once('error', reject);
  const { statusCode: status, socket } = (await promise).resume();
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  return { status, fingerprint: certificate?.fingerprint256 };
}

describe.runIf(address !== '')('npm start -- --lan', () => {
  test('serves HTTPS at the addresses of this machine, whose certificate it prints and uses again', async () => {
    const weir = start();
    const local = await weir.running();
    const { url, fingerprint } = await printed(weir);
    expect(local).toMatch(/^https:\/\/localhost:\d+$/);
    expect(url).toBe(`https://${address}:${new URL(local).port}/`);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    for (const one of [url, `${local}/`, `https://127.0.0.1:${new URL(local).port}/`]) {
      expect(await ask(`${one}ready`)).toEqual({ status: 200, fingerprint });
    }
    // Nothing is to be scanned where nobody looks.
    expect(scanned(weir.stdout)).toBeUndefined();
    expect(weir.stdout).toContain('fingerprint, which is new');
    expect(weir.stderr).toBe('');
    await weir.end();

    const again = start();
    expect((await printed(again)).fingerprint).toBe(fingerprint);
    expect(again.stdout).not.toContain('which is new');
  });

  test('shows a terminal a code that a phone reads', async () => {
    const command = [process.execPath, main, '--lan'].map((word) => `'${word}'`).join(' ');
    const inTerminal = `stty cols 100 && ${command}`;
    const weir = start({}, ['script', '--quiet', '--return', '--command', inTerminal, '/dev/null'], []);
    const { url } = await printed(weir);
    expect(scanned(weir.stdout)).toBe(url);
  });

  test('tells browsers the address of this machine beside those that are configured', async () => {
    const weir = start({ WEIR_ANNOUNCED_ADDRESS: '203.0.113.7' });
    const { url } = await printed(weir);
    using client = await TestClient.connect(url.slice(0, -1), { ca: readFileSync(file()) });
    const { transports } = await client.join({ room: 'lan' });
    const announced = transports.recv?.iceCandidates.map((candidate) => candidate.address ?? candidate.ip);
    expect(new Set(announced)).toEqual(new Set(['203.0.113.7', ...ownAddresses().filter(isIPv4)]));
  });
});

test.each([
  [
    'an option that there is not',
    {},
    ['--lann'],
    /^Weir cannot start\. Unknown option '--lann'[\s\S]*Usage: npm start/,
  ],
  [
    'loopback alone',
    { WEIR_HOST: '127.0.0.1' },
    ['--lan'],
    /^Weir cannot start\. (WEIR_HOST=127\.0\.0\.1 is not|--lan finds no)/,
  ],
])('with %s it does not start, and says why', async (_what, environment, args, sentence) => {
  const weir = start(environment, [process.execPath], [main, ...args]);
  expect(await weir.exit).toBe(1);
  expect(weir.stderr).toMatch(sentence);
  expect(existsSync(file())).toBe(false);
});

test('--help says which options there are', async () => {
  const weir = start({}, [process.execPath], [main, '--help']);
  expect(await weir.exit).toBe(0);
  expect(weir.stdout).toMatch(/^Usage: npm start[\s\S]*--lan/);
});

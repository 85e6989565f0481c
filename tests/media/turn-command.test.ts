/** Tests of `npm run turn`: a real coturn in the foreground, what is said when it cannot run, and what it leaves behind. */

import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { freePort } from '../../scripts/support/network/freePort.ts';
import { readProc } from '../../scripts/support/process/processes.ts';
import { TURN_SECRET, turnserver } from '../../scripts/support/servers/coturn.ts';
import { WeirProcess } from '../../scripts/support/servers/WeirProcess.ts';
import { until } from '../../scripts/support/until.ts';
import { TurnClient } from '../../server/ice/turn/TurnClient.ts';
import { turnCredentials } from '../../server/ice/turnCredentials.ts';
import { hasCoturn } from '../support/coturn.ts';

const script = fileURLToPath(new URL('../../scripts/turn.ts', import.meta.url));
const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

function start(environment: Record<string, string>, ...args: string[]): WeirProcess {
  const settings = {
    PATH: `${dirname(turnserver)}:${process.env.PATH}`,
    WEIR_TURN_SECRET: TURN_SECRET,
    ...environment,
  };
  const turn = new WeirProcess(settings, [process.execPath], [script, ...args]);
  cleanUp.push(() => turn.end());
  return turn;
}

const onLoopback = (port: number) => ({
  WEIR_TURN_HOST: '127.0.0.1',
  WEIR_TURN_URLS: `turn:127.0.0.1:${port}?transport=udp`,
  WEIR_TURN_RELAY_PORTS: '61000-65000',
});

describe.runIf(hasCoturn)('npm run turn', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'runs coturn, keeps the secret, and leaves nothing after %s',
    async (signal) => {
      const port = await freePort();
      const turn = start(onLoopback(port));
      const server = { host: '127.0.0.1', port, transport: 'udp' } as const;
      const credentials = turnCredentials(TURN_SECRET, 'somebody', Date.now() + 60_000);
      const client = await until(`an allocation; ${turn.stderr}`, 15_000, () =>
        TurnClient.allocate({ server, credentials, timeout: 1000 }).catch(() => undefined),
      );
      await client.createPermission({ address: '127.0.0.1', port: 9 });
      await expect(client.createPermission({ address: '127.0.0.2', port: 9 })).rejects.toMatchObject({ code: 403 });
      await client.release();
      expect(turn.stdout).toContain('coturn relays to 127.0.0.1 only');
      expect(turn.stdout).toContain(`Weir tells browsers: turn:127.0.0.1:${port}?transport=udp`);
      if (/Version Coturn-4\.[0-8]\./.test(turn.stdout)) expect(turn.stderr).toContain('CVE-2026-27624');
      const commands = turn.descendants.map((pid) => readProc(`${pid}/cmdline`).split('\0'));
      const [, , file = ''] = commands.find((words) => words[0] === turnserver) ?? [];
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(readFileSync(file, 'utf8')).toContain(TURN_SECRET);
      expect([...commands.flat(), turn.stdout, turn.stderr].join()).not.toContain(TURN_SECRET);
      turn.child.kill(signal);
      expect(await turn.exit).toBe(0);
      expect(turn.descendants).toEqual([]);
      expect(existsSync(dirname(file))).toBe(false);
    },
  );

  test('says which URLs Weir needs, and that coturn has ended by itself', async () => {
    // The default port, on an address of loopback that nobody else uses.
    const host = `127.1.${(process.pid >> 8) & 0xff}.${process.pid & 0xff || 1}`;
    const turn = start({ WEIR_TURN_HOST: host, WEIR_TURN_RELAY_PORTS: '61000-65000' });
    await until('the URLs', 15_000, () =>
      turn.stdout.includes('For Weir: WEIR_TURN_URLS=turn:127.0.0.1:3478?transport=udp,turn:'),
    );
    const pid = await until('coturn', 15_000, () =>
      turn.descendants.find((pid) => readProc(`${pid}/cmdline`).startsWith(turnserver)),
    );
    process.kill(pid, 'SIGKILL');
    expect(await turn.exit).toBe(1);
    expect(turn.stderr).toContain('coturn ended by itself');
  });

  test.each<[string, Record<string, string>, RegExp]>([
    ['no coturn', { PATH: '/nowhere' }, /^There is no coturn on this machine: install it/],
    ['no secret', { WEIR_TURN_SECRET: '' }, /^WEIR_TURN_SECRET is missing/],
    [
      'an address of another machine',
      { WEIR_TURN_HOST: '192.0.2.99' },
      /192\.0\.2\.99 is not an address of this machine/,
    ],
    ['a name without an address', { WEIR_ANNOUNCED_ADDRESS: 'sfu.invalid' }, /sfu\.invalid.* cannot be resolved/],
  ])('%s: says what to do', async (_name, environment, sentence) => {
    const turn = start({ ...onLoopback(await freePort()), ...environment });
    expect(await turn.exit).toBe(2);
    expect(turn.stderr.replace(/^coturn .* has known holes.*\n/, '')).toMatch(sentence);
  });

  test('a port that is taken: names the program that has it', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    cleanUp.push(() => holder.close());
    await once(holder, 'listening');
    const address = holder.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const turn = start(onLoopback(port));
    expect(await turn.exit).toBe(2);
    expect(turn.stderr).toMatch(
      new RegExp(`Port ${port} \\(TCP on 127\\.0\\.0\\.1\\) is in use by .*\\(process ${process.pid}\\): end it`),
    );
  });

  test('--write: the configuration alone, readable by its owner only', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'weir-turn-test-'));
    cleanUp.push(() => rmSync(directory, { recursive: true }));
    const file = join(directory, 'turnserver.conf');
    writeFileSync(file, 'an old one', { mode: 0o644 });
    const turn = start({ WEIR_ANNOUNCED_ADDRESS: '203.0.113.7' }, '--write', file, '--state', '/run/turn');
    expect(await turn.exit).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toMatch(/^allowed-peer-ip=203\.0\.113\.7$/m);
    expect(readFileSync(file, 'utf8')).toMatch(/^userdb=\/run\/turn\/turndb$/m);
  });
});

/** Tests of the files of docker/ and deploy/ by the programs that use them: docker-compose, Caddy and systemd. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { freePort } from '../../scripts/support/network/freePort.ts';
import { startServer } from '../../scripts/support/servers/startServer.ts';
import { readConfig } from '../../server/config/readConfig.ts';
import { TestClient } from '../support/client.ts';
import { hasEquipment } from '../support/equipment.ts';
import { hasProxy, proxyProgram } from '../support/proxies.ts';

const execute = promisify(execFile);
const root = join(import.meta.dirname, '../..');
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'weir-deploy-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A program's output. @throws with what it says, where it fails */
async function run(program: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const env = { PATH: process.env.PATH, HOME: directory, ...environment };
  const { stdout, stderr } = await execute(program, args, { cwd: root, env });
  return { stdout, stderr };
}

describe.runIf(hasEquipment('docker-compose', '/usr/bin/docker-compose'))('docker-compose', () => {
  const Composed = z.looseObject({
    services: z.record(z.string(), z.looseObject({ profiles: z.array(z.string()).default([]) })),
  });

  test.each([
    ['compose.yml', []],
    ['compose.yml with compose.bridge.yml', ['--file', 'docker/compose.bridge.yml']],
  ])('takes %s: Weir, and more by profiles', async (_name, more) => {
    const args = ['--env-file', 'docker/.env.example', '--file', 'docker/compose.yml', ...more, 'config'];
    const { stdout } = await run('docker-compose', args, { WEIR_ANNOUNCED_ADDRESS: '203.0.113.7' });
    const { services } = Composed.parse(parse(stdout));
    expect(Object.fromEntries(Object.entries(services).map(([name, { profiles }]) => [name, profiles]))).toEqual({
      weir: [],
      caddy: ['https'],
      coturn: ['turn'],
      'turn-configuration': ['turn'],
      prometheus: ['metrics'],
      grafana: ['metrics'],
    });
  });
});

describe.runIf(hasProxy('caddy'))('Caddy', () => {
  const caddy = proxyProgram('caddy');
  const configuration = ['--config', 'docker/caddy/Caddyfile', '--adapter', 'caddyfile'];

  test('gets a certificate for the domain, and passes everything to Weir', async () => {
    const { stdout } = await run(caddy, ['adapt', ...configuration], { WEIR_DOMAIN: 'meet.example.com' });
    expect(JSON.parse(stdout)).toMatchObject({
      admin: { disabled: true },
      apps: {
        http: { servers: { srv0: { listen: [':443'], routes: [{ match: [{ host: ['meet.example.com'] }] }] } } },
      },
    });
    expect(stdout).toContain('"dial":"127.0.0.1:3000"');
  });

  test('carries a join over WebSocket, whose address Weir trusts', async () => {
    await using server = await startServer({ WEIR_TRUST_PROXY: '1' });
    const url = `http://127.0.0.1:${await freePort()}`;
    const environment = { WEIR_DOMAIN: url, WEIR_PORT: new URL(server.url).port, HOME: directory };
    const proxy = spawn(caddy, ['run', ...configuration], { cwd: root, env: environment, stdio: 'ignore' });
    try {
      await expect.poll(async () => (await fetch(`${url}/ready`).catch(() => undefined))?.status).toBe(200);
      expect(await (await fetch(`${url}/api/connection`)).json()).toMatchObject({
        address: '127.0.0.1',
        host: new URL(url).host,
      });
      using client = await TestClient.connect(url, { origin: url });
      expect((await client.join({ room: 'proxied' })).peers).toEqual([]);
    } finally {
      const exit = once(proxy, 'exit');
      proxy.kill();
      await exit;
    }
  });
});

describe.runIf(hasEquipment('systemd', '/usr/bin/systemd-analyze'))('systemd', () => {
  const read = (unit: string) => readFileSync(join(root, 'deploy/systemd', unit), 'utf8');

  test.each(['weir.service', 'weir-turn.service'])('takes %s, and counts little that it may do', async (unit) => {
    const file = join(directory, unit);
    // The program is not installed here.
    writeFileSync(file, read(unit).replace('/opt/weir/usr/local/bin/node', process.execPath));
    const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', file]);
    expect(stdout + stderr).toBe('');
    const security = await run('systemd-analyze', ['security', '--offline=yes', '--no-pager', '--threshold=20', file]);
    expect(security.stdout).toMatch(/Overall exposure level .* [01]\.\d OK/);
  });

  test('gives Weir the time to drain, and ten seconds more', () => {
    const unit = read('weir.service');
    const [, line = ''] = /^Environment=(.*)$/m.exec(unit) ?? [];
    const environment = Object.fromEntries(line.split(' ').map((pair) => pair.split('=')));
    const { config, warnings } = readConfig({ ...environment, WEIR_ALLOW_ANONYMOUS: 'true' });
    expect(warnings).toEqual([]);
    const [, seconds] = /^TimeoutStopSec=(\d+)$/m.exec(unit) ?? [];
    expect(Number(seconds) * 1000).toBeGreaterThanOrEqual(config.drainTime + 10_000);
    expect(unit).toMatch(/^KillMode=mixed$/m);
    expect(unit).toMatch(/^LimitNOFILE=65536$/m);
  });
});

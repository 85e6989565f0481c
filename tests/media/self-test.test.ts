/** Tests of the self-test: real media workers in a network namespace where each address and port fails in its own way. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Namespace } from '../../scripts/support/network/Namespace.ts';
import { whyNoTestNetwork } from '../../scripts/support/network/TestNetwork.ts';
import { startServer } from '../../scripts/support/servers/startServer.ts';
import { WeirProcess } from '../../scripts/support/servers/WeirProcess.ts';
import { until } from '../../scripts/support/until.ts';
import { signToken } from '../../server/auth/tokens.ts';
import { SelfTestReport, type SelfTestRow } from '../../shared/selfTest.ts';
import { apiKey, apiSecret, withTokens } from '../support/weir.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs the doctor to its end. */
async function doctor(args: readonly string[], environment: Readonly<Record<string, string>>, within?: string) {
  const enter = within === undefined ? [] : ['ip', 'netns', 'exec', within];
  const [command = '', ...rest] = [...enter, process.execPath, 'scripts/doctor.ts', ...args];
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('WEIR_'));
  const env = { ...Object.fromEntries(inherited), ...environment };
  const { promise, resolve } = Promise.withResolvers<{ code: number; stdout: string; stderr: string }>();
  const child = execFile(command, rest, { cwd: root, env, timeout: 25_000 }, (_error, stdout, stderr) =>
    resolve({ code: child.exitCode ?? -1, stdout, stderr }),
  );
  return promise;
}

const reportOf = (stdout: string) => SelfTestReport.parse(JSON.parse(stdout));
const row = (rows: readonly SelfTestRow[], target: string, protocol: 'udp' | 'tcp', port: number) =>
  rows.find((one) => one.target === target && one.protocol === protocol && one.port === port);

describe('a server on loopback', () => {
  const environment = {
    WEIR_HOST: '127.0.0.1',
    WEIR_PORT: '0',
    WEIR_RTC_HOST: '127.0.0.1',
    WEIR_RTC_PORT: '0',
    WEIR_WORKERS: '2',
    WEIR_STUN_PORT: '0',
  };

  test('reaches every worker by UDP and TCP, and its own signalling; asked twice, it tests once', async () => {
    await using server = await startServer({ WEIR_WORKERS: '2' });
    const { selfTest, pool } = server.app;
    const [report, same] = await Promise.all([selfTest.run(), selfTest.run()]);
    expect(same).toBe(report);
    for (const { port } of pool.workers) {
      for (const protocol of ['udp', 'tcp'] as const) {
        expect(row(report.rows, '127.0.0.1', protocol, port)).toMatchObject({
          state: 'reachable',
          roundTripTime: expect.any(Number),
        });
      }
    }
    expect(report.rows.find(({ check }) => check === 'signalling')).toMatchObject({ state: 'reachable' });
    // Nothing is left of it.
    expect(pool.workers.map(({ routers }) => routers)).toEqual([0, 0]);
  });

  test('that closes during the test does not wait for it', async () => {
    const server = await startServer();
    const report = server.app.selfTest.run();
    await server.close();
    for (const { state } of (await report).rows) expect(state).not.toBe('reachable');
  });

  test('whose worker has died says so', async () => {
    await using server = await startServer();
    const [worker] = server.app.pool.workers;
    const { selfTest } = server.app;
    if (worker) process.kill(worker.pid, 'SIGKILL');
    const { rows } = await selfTest.run();
    expect(rows.filter(({ check }) => check === 'media').map(({ reason }) => reason)).toContain('workerFailed');
  });

  test('is started by the doctor for the test where none runs: exit code 0, and a word on the private address', async () => {
    const { code, stdout, stderr } = await doctor([], environment);
    // On a busy machine it says that it is still at work.
    expect(stderr.replaceAll(/^Testing, for \d+ s so far \.\.\.\n/gm, '')).toBe('');
    expect(stdout).toMatch(
      /^Self-test: nothing failed; look at what follows\. Media passes at 127\.0\.0\.1, ports \d+, \d+, UDP and TCP\./,
    );
    expect(stdout).toContain('  look         address 127.0.0.1\n');
    expect(code).toBe(0);
  });
});

describe('GET /api/self-test', () => {
  const get = (url: string, headers: Record<string, string> = {}) => fetch(`${url}/api/self-test`, { headers });
  const bearer = async (video: Parameters<typeof signToken>[0]['video'], secret = apiSecret) => ({
    authorization: `Bearer ${await signToken({ apiKey, apiSecret: secret, identity: 'doctor', video })}`,
  });

  test('with tokens: for the server’s administrator, not for those of rooms', async () => {
    await using server = await startServer(withTokens);
    expect((await get(server.url)).status).toBe(401);
    expect((await get(server.url, await bearer({}))).status).toBe(401);
    expect((await get(server.url, await bearer({ room: 'x', roomJoin: true, roomAdmin: true }))).status).toBe(401);
    expect(
      (await get(server.url, await bearer({ roomAdmin: true }, 'another secret, of the length it has to have'))).status,
    ).toBe(401);
    const answer = await get(server.url, await bearer({ roomAdmin: true }));
    expect(answer.status).toBe(200);
    expect(SelfTestReport.parse(await answer.json()).rows.length).toBeGreaterThan(2);
  });

  test('without tokens: for this machine only, and not through a proxy or for a page', async () => {
    await using server = await startServer();
    for (const name of ['x-forwarded-for', 'forwarded', 'origin']) {
      expect((await get(server.url, { [name]: '192.0.2.1' })).status, name).toBe(403);
    }
    expect((await get(server.url)).status).toBe(200);
  });
});

describe.skipIf(whyNoTestNetwork() !== undefined)('in a network where ports are closed and addresses wrong', () => {
  /** Own address; hairpin NAT that nobody answers behind; an address without a route; another machine's. */
  const own = '10.9.0.1';
  const hairpin = '203.0.113.7';
  const noRoute = '198.51.100.9';
  const foreign = '10.9.0.2';
  const bridge = '172.17.0.1';
  const settings = {
    WEIR_HOST: own,
    WEIR_PORT: '3000',
    WEIR_RTC_HOST: '0.0.0.0',
    WEIR_RTC_PORT: '44400',
    WEIR_ANNOUNCED_ADDRESS: [own, hairpin, noRoute, foreign, bridge].join(),
    ...withTokens,
  };
  const resources = new AsyncDisposableStack();
  let namespace: Namespace;
  let weir: WeirProcess;

  beforeAll(async () => {
    namespace = resources.use(await Namespace.create('weir-self'));
    const other = resources.use(await Namespace.create('weir-other'));
    await namespace.ip('link', 'add', 'net0', 'type', 'veth', 'peer', 'name', 'net0', 'netns', other.name);
    for (const [at, address] of [
      [namespace, own],
      [other, foreign],
    ] as const) {
      await at.ip('addr', 'add', `${address}/24`, 'dev', 'net0');
      await at.ip('link', 'set', 'net0', 'up');
    }
    await namespace.ip('link', 'add', 'docker0', 'type', 'veth', 'peer', 'name', 'container', 'netns', other.name);
    await namespace.ip('addr', 'add', `${bridge}/16`, 'dev', 'docker0');
    await namespace.ip('link', 'set', 'docker0', 'up');
    await other.ip('link', 'set', 'container', 'up');
    // The other machine is the router, and has no way back: what goes to the public address is lost.
    await namespace.ip('route', 'add', 'default', 'via', foreign);
    await other.ip('route', 'add', 'blackhole', hairpin);
    await other.execute('iptables', ['-A', 'FORWARD', '-j', 'DROP']);
    await namespace.ip('route', 'add', 'unreachable', noRoute);
    // The first worker's port: UDP dropped; the second one's: UDP rejected, TCP reset.
    const firewall = (...rule: string[]) => namespace.execute('iptables', ['-A', 'INPUT', '-d', own, ...rule]);
    await firewall('-p', 'udp', '--dport', '44400', '-j', 'DROP');
    await firewall('-p', 'udp', '--dport', '44401', '-j', 'REJECT');
    await firewall('-p', 'tcp', '--dport', '44401', '-j', 'REJECT', '--reject-with', 'tcp-reset');
    weir = resources.use(
      new WeirProcess({ ...settings, WEIR_SELF_TEST: 'true' }, [
        'ip',
        'netns',
        'exec',
        namespace.name,
        process.execPath,
      ]),
    );
    await weir.running();
  });
  afterAll(() => resources.disposeAsync());

  test('the start prints what to fix, and the log has the rows', async () => {
    const logged = await until('the log', 15_000, () => /^\{.*"selfTest".*$/m.exec(weir.stdout)?.[0]);
    expect(weir.stdout).toMatch(/^Self-test: \d+ of \d+ checks failed\.$/m);
    expect(weir.stdout).toMatch(/^ {2}UNREACHABLE {2}media 10\.9\.0\.1, UDP port 44400$/m);
    expect(JSON.parse(logged)).toMatchObject({ level: 40, msg: 'self-test failed' });
    const { rows } = SelfTestReport.parse(JSON.parse(logged).selfTest);
    expect(row(rows, own, 'tcp', 44_400)).toMatchObject({ state: 'reachable' });
    expect(row(rows, own, 'udp', 44_400)).toMatchObject({ state: 'unreachable', reason: 'noAnswer' });
    expect(row(rows, own, 'udp', 44_401)).toMatchObject({ state: 'unreachable', reason: 'refused' });
    expect(row(rows, own, 'tcp', 44_401)).toMatchObject({ state: 'unreachable', reason: 'refused' });
    for (const protocol of ['udp', 'tcp'] as const) {
      expect(row(rows, hairpin, protocol, 44_400)).toMatchObject({ state: 'unknown', reason: 'hairpin' });
      expect(row(rows, noRoute, protocol, 44_400)).toMatchObject({ state: 'unreachable', reason: 'noRoute' });
      expect(row(rows, foreign, protocol, 44_400)).toMatchObject({ state: 'unreachable', reason: 'refused' });
      // From inside it is: only what is known of the interface tells.
      expect(row(rows, bridge, protocol, 44_400)).toMatchObject({ state: 'reachable' });
    }
    const address = (target: string) => rows.find((one) => one.check === 'address' && one.target === target);
    expect(address(bridge)).toMatchObject({ state: 'failed', reason: 'bridgeAddress' });
    expect(address(own)).toMatchObject({ state: 'ok' });
  });

  test('the doctor asks the Weir that runs: exit code 1, and 0 after the repair but for what is unknown', async () => {
    const environment = settings;
    const before = await doctor(['--json'], environment, namespace.name);
    expect(before.code).toBe(1);
    expect(row(reportOf(before.stdout).rows, own, 'udp', 44_400)).toMatchObject({ state: 'unreachable' });
    await namespace.execute('iptables', ['-F', 'INPUT']);
    const after = await until('a new report', 15_000, async () => {
      const { stdout } = await doctor(['--json'], environment, namespace.name);
      const { rows } = reportOf(stdout);
      return row(rows, own, 'udp', 44_400)?.state === 'reachable' && rows;
    });
    for (const port of [44_400, 44_401]) {
      for (const protocol of ['udp', 'tcp'] as const) {
        expect(row(after, own, protocol, port)).toMatchObject({ state: 'reachable' });
      }
    }
    const wrongKey = await doctor(
      [],
      { ...environment, WEIR_API_SECRET: 'another secret, of the length it has to have' },
      namespace.name,
    );
    expect(wrongKey).toMatchObject({ code: 1, stdout: '' });
    expect(wrongKey.stderr).toContain('set WEIR_API_KEY and WEIR_API_SECRET as it has them');
  });
});

test('the doctor names wrong options, and exits with 2', async () => {
  const [help, ...wrong] = await Promise.all(
    [['--help'], ['--nothing'], ['--url', 'meet.example'], ['--url', 'ftp://meet.example']].map((args) =>
      doctor(args, {}),
    ),
  );
  for (const { code, stderr } of wrong) {
    expect(code).toBe(2);
    expect(stderr).toContain('Usage: npm run doctor');
  }
  expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining('Usage: npm run doctor') });
});

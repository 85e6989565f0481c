/** Tests of the load tester: joins that are refused, and the command line. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { parseOptions } from '../../scripts/load/options.ts';
import { load } from '../../scripts/load/run.ts';
import { freePort } from '../../scripts/support/network/freePort.ts';
import { raised } from '../../scripts/support/servers/settings.ts';
import { startServer } from '../../scripts/support/servers/startServer.ts';
import { closeReasons } from '../../shared/closeReasons.ts';
import { errorCodes } from '../../shared/errors.ts';
import { run, steady } from '../support/loadRuns.ts';
import { apiKey, apiSecret, withTokens } from '../support/weir.ts';

/** Not the server's secret; it must not appear in any output. */
const wrongSecret = 'another-secret-of-at-least-32-characters';
const strangeToken = 'The token is not one that this server accepts.';
const two = `--publishers 1 --subscribers 1 ${steady} --duration 1 --rate 4`;

/** A server for one test, with limits of its own. */
async function serverWith({ onTestFinished }: TestContext, settings: Record<string, string>): Promise<string> {
  const server = await startServer({ ...raised, ...settings });
  onTestFinished(() => server.close());
  return server.url;
}

/** For tests of suites that run at the same time: one after the other within each, since each starts several processes. */
const inTurn = { concurrent: false } as const;

// The tester asks for 15 seconds before it says so: the other tests run meanwhile.
describe.concurrent('members that cannot connect are counted by reason', () => {
  test('a server that is down, and media that cannot connect', async (context) => {
    // Nothing receives at 127.0.0.2: connectivity checks get no response.
    const astray = await serverWith(context, { WEIR_ANNOUNCED_ADDRESS: '127.0.0.2' });
    const [nowhere, lost] = await Promise.all([run(`http://127.0.0.1:${await freePort()}`, two), run(astray, two)]);
    expect(nowhere.members).toMatchObject({ offered: 2, joined: 0, failed: 2 });
    expect(Object.keys(nowhere.members.failures)).toEqual([
      'The server cannot be reached; check the connection and try again.',
    ]);
    expect(nowhere.processes.map(({ role }) => role)).toEqual(['tester']);
    expect(nowhere.warnings).toEqual([expect.stringContaining('its CPU and memory are not known')]);
    expect(lost.members).toEqual({
      offered: 2,
      joined: 0,
      failed: 2,
      failures: { 'ICE: the server did not answer.': 2 },
    });
    expect(lost.subscribers.map(({ error }) => error)).toEqual(Array(2).fill('ICE: the server did not answer.'));
  }, 60_000);
});

describe.concurrent('refused joins are counted by reason', () => {
  test('tokens: the right secret is accepted, a wrong one and none are not', inTurn, async (context) => {
    const url = await serverWith(context, withTokens);
    const flags = [...['--url', url, ...two.split(' ')], '--api-key', apiKey, '--api-secret'];
    const options = [parseOptions([...flags, apiSecret]), parseOptions([...flags, wrongSecret])];
    const [right, wrong, none] = await Promise.all([
      ...options.map((each) => load(each ?? neverAsked())),
      run(url, `${two} --room none`),
    ]);
    expect(right?.members).toEqual({ offered: 2, joined: 2, failed: 0, failures: {} });
    expect(right?.packets.distinct).toBeGreaterThan(0);
    for (const [refused, reason] of [
      [wrong, strangeToken],
      [none, 'This server requires a token to join; none was sent.'],
    ] as const) {
      expect(refused?.members).toEqual({ offered: 2, joined: 0, failed: 2, failures: { [reason]: 2 } });
      expect(refused?.subscribers.map(({ error }) => error)).toEqual([reason, reason]);
      expect(refused?.packets.expected).toBe(0);
      expect(refused?.join.count).toBe(0);
    }
  });

  test('a full room, and an address with too many connections', inTurn, async (context) => {
    const [full, crowded] = await Promise.all([
      run(
        await serverWith(context, { WEIR_MAX_PEERS: '2' }),
        `--publishers 1 --subscribers 3 ${steady} --duration 1 --rate 4`,
      ),
      run(
        await serverWith(context, { WEIR_MAX_CONNECTIONS_PER_IP: '2' }),
        `--publishers 1 --subscribers 3 ${steady} --duration 1 --rate 4`,
      ),
    ]);
    expect(full.members).toEqual({ offered: 4, joined: 2, failed: 2, failures: { [errorCodes.roomFull]: 2 } });
    expect(crowded.members).toMatchObject({ offered: 4, joined: 2, failed: 2 });
    expect(Object.keys(crowded.members.failures)).toEqual([
      expect.stringContaining(closeReasons.tooManyConnections.message),
    ]);
    // Members that have joined are measured as usual.
    for (const { packets, subscribers } of [full, crowded]) {
      expect(packets.distinct).toBeGreaterThan(0);
      expect(subscribers.filter(({ error }) => error === undefined)).toHaveLength(2);
    }
  });

  test('a server that stops during the test', inTurn, async () => {
    const server = await startServer(raised);
    const results = await run(server.url, `--publishers 1 --subscribers 1 ${steady} --duration 2 --rate 0`, {
      show: ({ joined, packets }) => {
        if (joined === 2 && packets > 0) void server.close();
      },
    });
    await server.close();
    expect(results.members).toMatchObject({ joined: 2, failed: 2, failures: { 'thrown out: serverClosing': 2 } });
    expect(results.packets.distinct).toBeGreaterThan(0);
  });
});

function neverAsked(): never {
  throw new Error('Nothing was asked for.');
}

describe.concurrent('the command', () => {
  const script = fileURLToPath(new URL('../../scripts/load.ts', import.meta.url));
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-load-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** @param onOutput called with the output so far, and may interrupt the command */
  async function command(
    args: readonly string[],
    onOutput: (printed: string, interrupt: () => void) => void = () => {},
  ) {
    const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const closed = once(child, 'close');
    const said = { out: '', err: '' };
    child.stdout.on('data', (text: Buffer) => {
      said.out += text.toString();
      onOutput(said.out, () => child.kill('SIGINT'));
    });
    child.stderr.on('data', (text: Buffer) => {
      said.err += text.toString();
    });
    const [code] = await closed;
    return { ...said, code };
  }

  test('a wrong command line exits with 2 and lists what is accepted, before the test starts', inTurn, async () => {
    const [flag, assertion, both, help] = await Promise.all([
      command(['--publishers', 'many']),
      command(['--assert', 'ttff.p95<fast']),
      command(['--nothing']),
      command(['--help']),
    ]);
    expect(flag).toEqual({ code: 2, out: '', err: '--publishers takes a number from 0 to 1000, not "many".\n' });
    expect(assertion).toMatchObject({ code: 2, out: '' });
    expect(assertion.err).toMatch(/^cannot read the assertion "ttff\.p95<fast".* Measures are join, /);
    expect(both).toMatchObject({ code: 2, out: '' });
    expect(both.err).toContain('Usage: npm run load');
    expect(help).toMatchObject({ code: 0, err: '' });
    expect(help.out).toContain('Usage: npm run load');
  });

  test(
    'passing assertions exit with 0, failing ones with 1; files are written without the secret',
    inTurn,
    async (context) => {
      const url = await serverWith(context, withTokens);
      const files = (name: string) => ['--json', join(folder, `${name}.json`), '--html', join(folder, `${name}.html`)];
      const common = ['--url', url, ...two.split(' '), '--api-key', apiKey];
      const [good, bad, out] = await Promise.all([
        command([
          ...common,
          '--api-secret',
          apiSecret,
          ...files('good'),
          '--assert',
          'failed==0',
          '--assert',
          'joined==2',
        ]),
        command([...common, `--api-secret=${apiSecret}`, ...files('bad'), '--room', 'bad', '--assert', 'joined>2']),
        command([...common, '--api-secret', wrongSecret, ...files('out'), '--room', 'out']),
      ]);
      expect([good.code, bad.code, out.code]).toEqual([0, 1, 1]);
      expect(out.out).toContain(strangeToken);
      const jsonOf = async (name: string) => JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8'));
      expect(await jsonOf('good')).toMatchObject({
        version: 1,
        members: { offered: 2, joined: 2, failed: 0, failures: {} },
        assertions: [
          { text: 'failed==0', value: 0, ok: true },
          { text: 'joined==2', value: 2, ok: true },
        ],
      });
      expect(await jsonOf('bad')).toMatchObject({ assertions: [{ text: 'joined>2', value: 2, ok: false }] });
      expect(await jsonOf('out')).toMatchObject({ members: { failures: { [strangeToken]: 2 } } });
      for (const [name, said] of Object.entries({ good, bad, out })) {
        const json = await readFile(join(folder, `${name}.json`), 'utf8');
        const html = await readFile(join(folder, `${name}.html`), 'utf8');
        expect(html).toMatch(/^<!doctype html>/i);
        expect(html).toContain(url);
        expect(json).toContain(`--api-key ${apiKey}`);
        for (const text of [json, html, said.out, said.err]) {
          expect(text).not.toContain(apiSecret);
          expect(text).not.toContain(wrongSecret);
        }
      }
    },
  );

  test('an interrupt ends it early, with the results so far', inTurn, async (context) => {
    const url = await serverWith(context, {});
    const json = join(folder, 'early.json');
    const flags = `--publishers 2 ${steady} --duration 600 --rate 0 --assert failed==0`.split(' ');
    let interrupted = false;
    const { code, out } = await command(['--url', url, ...flags, '--json', json], (printed, interrupt) => {
      // The first second in which both have joined.
      if (interrupted || !/ 2\/2 in .* [1-9][\d,]* p/.test(printed)) return;
      interrupted = true;
      interrupt();
    });
    expect(code).toBe(0);
    expect(out).toContain('failed==0');
    const results = JSON.parse(await readFile(json, 'utf8'));
    expect(results).toMatchObject({ members: { offered: 2, joined: 2, failed: 0 }, undecryptable: 0 });
    expect(results.duration).toBeLessThan(30);
    expect(results.packets.distinct).toBeGreaterThan(0);
  });
});

/** Tests of the load tester against a real server: members, media, refusals, command line. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { getPriority, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { parseOptions } from '../../scripts/load/options.ts';
import { deliveryOf } from '../../scripts/load/report/assertions.ts';
import type { LoadResults, TrackRow } from '../../scripts/load/results.ts';
import { type LoadHooks, load } from '../../scripts/load/run.ts';
import { raised } from '../../scripts/support/servers/settings.ts';
import { startServer } from '../../scripts/support/servers/startServer.ts';
import { closeReasons } from '../../shared/closeReasons.ts';
import { errorCodes } from '../../shared/errors.ts';
import { hasEquipment } from '../support/equipment.ts';
import { freePort } from '../support/freePort.ts';
import { apiKey, apiSecret, useServer, withTokens } from '../support/weir.ts';

/** Encodes the media once. */
const hasFfmpeg = hasEquipment('ffmpeg', '/usr/bin/ffmpeg');
if (!hasFfmpeg) console.warn('Load tests with encoded media are skipped: ffmpeg is missing.');
/** Media without an encoder. */
const steady = '--video steady --audio off';
/**
 * Raises the priority of this test's processes where permitted, so that other load does not distort the measurement.
 */
const priority = getPriority();
if (process.getuid?.() === 0) {
  setPriority(-20);
  afterAll(() => setPriority(priority));
}
const weir = useServer(raised);

/** Runs a load test as the command does. */
function run(url: string, flags: string, hooks?: LoadHooks): Promise<LoadResults> {
  const options = parseOptions(['--url', url, ...flags.split(' ')]);
  if (!options) throw new Error('Nothing was asked for.');
  return load(options, hooks);
}

/** Assertions on every test without failures. */
function expectAllWell(results: LoadResults, members: number): void {
  expect(results.members).toEqual({ offered: members, joined: members, failed: 0, failures: {} });
  expect(results.join.count).toBe(results.subscribers.length);
  expect(results.join.min).toBeGreaterThan(0);
  // A delayed sender on a busy machine catches up in a burst, of which some may not fit into a socket's buffer.
  expect(deliveryOf(results.packets)).toBeGreaterThanOrEqual(0.999);
  expect(results.packets.distinct).toBeGreaterThan(0);
  expect(results.packets.lost).toBeGreaterThanOrEqual(results.packets.expected - results.packets.distinct);
  for (const track of results.tracks) {
    expect(track.packets.distinct).toBeGreaterThan(0);
    expect(track.packets.distinct).toBeLessThanOrEqual(track.sent * track.subscribers);
  }
  // The same packets, by sender and by receiver.
  const ofTracks = results.tracks.reduce((sum, { packets }) => sum + packets.distinct, 0);
  expect(ofTracks).toBe(results.packets.distinct);
  expect(results.sent).toBe(results.tracks.reduce((sum, { sent }) => sum + sent, 0));
  expect(results.undecryptable).toBe(0);
  expect(results.subscribers.some(({ sampled, packets }) => sampled && packets.distinct > 0)).toBe(true);
  expect(results.srtp).toBe('SRTP_AEAD_AES_128_GCM');
  expect(results.latency.p50).toBeGreaterThan(0);
  expect(results.latency.p50).toBeLessThan(1000);
  expectTimeline(results);
}

/** Members that joined while video was published waited for it, and its publisher received a key-frame request. */
function expectPictures({ firstKeyFrame, firstPacket, keyFrameRequests }: LoadResults): void {
  expect(firstKeyFrame.count).toBeGreaterThanOrEqual(1);
  expect(firstPacket.count).toBeGreaterThanOrEqual(firstKeyFrame.count);
  expect(firstPacket.min).toBeGreaterThan(0);
  expect(firstKeyFrame.min).toBeGreaterThanOrEqual(firstPacket.min);
  expect(keyFrameRequests).toBeGreaterThanOrEqual(1);
}

/** A row per second without gaps, which add up to the totals. */
function expectTimeline({ timeline, duration, packets }: LoadResults): void {
  expect(timeline.map(({ second }) => second)).toEqual(timeline.map((_row, at) => at));
  expect(timeline.length).toBeGreaterThanOrEqual(Math.floor(duration) - 2);
  expect(timeline.length).toBeLessThanOrEqual(Math.ceil(duration));
  const came = timeline.reduce((sum, row) => sum + row.packets, 0);
  expect(came).toBeGreaterThan(0);
  expect(came).toBeLessThanOrEqual(packets.distinct + packets.duplicate);
}

const of = (results: LoadResults, source: string): TrackRow[] =>
  results.tracks.filter((track) => track.source === source);

describe.skipIf(!hasFfmpeg)('members with video and audio', () => {
  test('two rooms of three in two processes: all receive all the others', async () => {
    const shown: number[] = [];
    const flags = '--rooms 2 --publishers 3 --processes 2 --duration 3 --rate 10';
    const results = await run(weir.url, flags, { show: ({ second }) => shown.push(second), command: 'again' });
    expectAllWell(results, 6);
    expect(shown).toEqual(results.timeline.map(({ second }) => second));
    expect(results).toMatchObject({ command: 'again', url: weir.url, seed: 1, assertions: [] });
    expect(results.tracks).toHaveLength(12);
    expect(results.tracks.every(({ subscribers }) => subscribers === 2)).toBe(true);
    expect(results.subscribers.map(({ tracks }) => tracks)).toEqual([4, 4, 4, 4, 4, 4]);
    expect(results.subscribers.filter(({ sampled }) => sampled)).toHaveLength(2);
    const pids = (role: string) => results.processes.filter((row) => row.role === role).map(({ pid }) => pid);
    expect(pids('server')).toEqual([process.pid]);
    expect(pids('worker')).toEqual(weir.app.pool.workers.map(({ pid }) => pid));
    expect(new Set(pids('tester')).size).toBe(2);
    for (const { cpu, cpuMost, rss } of results.processes) {
      expect(cpu).toBeGreaterThan(0);
      expect(cpuMost).toBeGreaterThanOrEqual(cpu);
      expect(rss).toBeGreaterThan(1e6);
    }
  });

  test('video in H.264', async () => {
    const results = await run(
      weir.url,
      '--publishers 1 --subscribers 2 --codec h264 --video 180p --duration 2 --rate 1',
    );
    expectAllWell(results, 3);
    expect(of(results, 'camera').map(({ codec }) => codec)).toEqual(['H264']);
    expect(of(results, 'microphone').map(({ codec }) => codec)).toEqual(['opus']);
    expectPictures(results);
  });

  test('simulcast: three layers are sent, and each viewer receives one', async () => {
    const results = await run(
      weir.url,
      '--publishers 1 --subscribers 2 --video simulcast --audio off --duration 2 --rate 1',
    );
    expectAllWell(results, 3);
    const [camera] = of(results, 'camera');
    // At 30 frames a second three layers have at least 90 packets a second with one packet per frame; 720p has several.
    expect(camera?.sent).toBeGreaterThan(2 * 90);
    expect(camera?.packets.distinct).toBeLessThan((camera?.sent ?? 0) * 2);
    expect(camera?.subscribers).toBe(2);
    expectPictures(results);
  });

  test('speakers take turns, and subscribers leave and rejoin', async () => {
    const flags = '--publishers 3 --subscribers 2 --video 180p --speakers 1 --turn 1 --churn 2 --duration 3 --rate 0';
    const results = await run(weir.url, flags);
    expectAllWell(results, 5);
    // Five joins and six rejoins; a rejoin is skipped during another one of the same member.
    expect(results.subscribers.length).toBeGreaterThan(5);
    expect(results.subscribers.length).toBeLessThanOrEqual(11);
    expect(new Set(results.subscribers.map(({ name }) => name)).size).toBe(5);
    // Each speaks for one second of three: together about as much as one who speaks all the time, plus the time before
    // the first turn.
    const voices = of(results, 'microphone');
    const pictures = of(results, 'camera');
    expect(voices).toHaveLength(3);
    for (const [at, voice] of voices.entries()) {
      const frames = pictures[at]?.sent ?? 0;
      // 50 audio packets per 30 frames: without silence a microphone would have at least 5 packets for 3 frames.
      expect(voice.sent).toBeLessThan(frames * 1.2);
      expect(voice.sent).toBeGreaterThan(0);
    }
  });
});

test('one to ten: all that is sent arrives', async () => {
  const results = await run(weir.url, `--publishers 1 --subscribers 10 ${steady} --duration 3 --sample 10 --rate 5`);
  expectAllWell(results, 11);
  const [camera, ...others] = results.tracks;
  expect(others).toEqual([]);
  expect(camera).toMatchObject({ source: 'camera', codec: 'VP8', subscribers: 10, publisher: 'publisher-1-1' });
  // 180 packets a second for at least three seconds, if it is not delayed.
  expect(camera?.sent).toBeGreaterThan(400);
  expect(camera?.packets.distinct).toBeGreaterThan((camera?.sent ?? 0) * 10 * 0.25);
  const receiving = results.subscribers.filter(({ tracks }) => tracks > 0);
  expect(receiving.map(({ sampled }) => sampled)).toEqual(Array.from({ length: 10 }, () => true));
  expectPictures(results);
  // At most 12 + 20 bytes of headers on 1065 of payload.
  const { bytes, distinct, duplicate } = results.packets;
  expect(bytes / (distinct + duplicate)).toBeGreaterThan(1065 + 12);
  expect(bytes / (distinct + duplicate)).toBeLessThan(1065 + 12 + 36);
});

/** Not the server's secret; it must not appear in any output. */
const wrongSecret = 'another-secret-of-at-least-32-characters';
const strangeToken = 'The token is not one that this server accepts.';
const two = `--publishers 1 --subscribers 1 ${steady} --duration 1 --rate 4`;

/** A server for one test, with limits of its own. */
async function serverWith(settings: Record<string, string>): Promise<string> {
  const server = await startServer({ ...raised, ...settings });
  onTestFinished(() => server.close());
  return server.url;
}

describe('refused joins are counted by reason', () => {
  test('tokens: the right secret is accepted, a wrong one and none are not', async () => {
    const url = await serverWith(withTokens);
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

  test('a full room, and an address with too many connections', async () => {
    const [full, crowded] = await Promise.all([
      run(await serverWith({ WEIR_MAX_PEERS: '2' }), `--publishers 1 --subscribers 3 ${steady} --duration 1 --rate 4`),
      run(
        await serverWith({ WEIR_MAX_CONNECTIONS_PER_IP: '2' }),
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

  test('a server that is down, and media that cannot connect', async () => {
    // Nothing receives at 127.0.0.2: connectivity checks get no response.
    const astray = await serverWith({ WEIR_ANNOUNCED_ADDRESS: '127.0.0.2' });
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
  });

  test('a server that stops during the test', async () => {
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

describe('the command', () => {
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

  test('a wrong command line exits with 2 and lists what is accepted, before the test starts', async () => {
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

  test('passing assertions exit with 0, failing ones with 1; files are written without the secret', async () => {
    const url = await serverWith(withTokens);
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
  });

  test('an interrupt ends it early, with the results so far', async () => {
    const json = join(folder, 'early.json');
    const flags = `--publishers 2 ${steady} --duration 600 --rate 0 --assert failed==0`.split(' ');
    let interrupted = false;
    const { code, out } = await command(['--url', weir.url, ...flags, '--json', json], (printed, interrupt) => {
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

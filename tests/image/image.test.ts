/** Tests of the container image: it builds, runs as compose.yml says, carries media, and drains when it is stopped. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { textOf } from '../../scripts/setup/paths.mjs';
import { Member } from '../../scripts/support/endpoint/Member.ts';
import { steady } from '../../scripts/support/media/material.ts';
import { steadyVideo } from '../../scripts/support/media/steady.ts';
import { freePort } from '../../scripts/support/network/freePort.ts';
import { podmanArguments, readService, readTurnServices } from '../support/compose.ts';
import { Containers, whyNoContainers } from '../support/containers.ts';
import { childrenOf, status } from '../support/machine.ts';

const why = whyNoContainers();
if (why) console.warn(`The tests of the image are skipped: ${why}.`);

const execute = promisify(execFile);
const image = 'weir';
/** Building from nothing takes as long as the media worker does. */
const BUILDING = 1_500_000;
/** Bytes that the image may have: what it had when it was made, and a tenth. */
const LARGEST = 270e6;
const namespace = `weir-image-${process.pid}`;
/** This machine's end and the far end of the link into the namespace: a host with containers of its own. */
const link = { near: '10.205.0.1', far: '10.205.0.2' };

let containers: Containers | undefined;
const cleanUp: (() => unknown)[] = [];

function say(what: string): void {
  process.stderr.write(`image: ${what}\n`);
}

function here(): Containers {
  if (!containers) throw new Error('Containers are there in tests only.');
  return containers;
}

interface Running {
  readonly name: string;
  readonly url: string;
  /** The server's, as this machine knows it. */
  readonly pid: number;
}

/** Runs the service of these compose files, and waits until it is ready. */
async function run(name: string, files: string[], url: string, settings: Record<string, string>, where?: string) {
  await here().start(
    name,
    [...podmanArguments(readService(files, { WEIR_ALLOW_ANONYMOUS: 'true', ...settings })), image],
    where,
  );
  cleanUp.push(() => here().podman('rm', '--force', '--time', '0', name));
  await ready(url, name);
  return { name, url, pid: Number(await here().podman('inspect', '--format', '{{.State.Pid}}', name)) };
}

async function ready(url: string, name: string): Promise<void> {
  await vi
    .waitUntil(async () => (await fetch(`${url}/ready`).catch(() => undefined))?.status === 200, {
      timeout: 20_000,
      interval: 50,
    })
    .catch(async (error: unknown) => {
      throw new Error(`Weir did not become ready: ${await here().podman('logs', name)}`, { cause: error });
    });
}

/** On the network of the host, on loopback and on ports that nobody has. */
async function onHost(name: string, settings: Record<string, string> = {}): Promise<Running> {
  const port = String(await freePort());
  return run(name, ['compose.yml'], `http://127.0.0.1:${port}`, {
    WEIR_HOST: '127.0.0.1',
    WEIR_PORT: port,
    WEIR_RTC_HOST: '127.0.0.1',
    WEIR_RTC_PORT: String(await freePort()),
    WEIR_WORKERS: '1',
    ...settings,
  });
}

async function enter(url: string, name: string, publishes: boolean) {
  const ends: string[] = [];
  const { member, ready: started } = await Member.join({
    url,
    room: 'image',
    name,
    tracks: publishes ? { camera: [steadyVideo(steady)] } : {},
    onEnd: (reason) => ends.push(reason),
  });
  cleanUp.push(() => member.leave());
  await started;
  const arrived = () => {
    const { all } = member.media;
    return {
      packets: all.reduce((sum, { distinct }) => sum + distinct, 0),
      gaps: all.reduce((sum, { gaps }) => sum + gaps, 0),
    };
  };
  return { member, ends, arrived };
}

/** Somebody who sends and somebody who receives. @returns the receiver, once media flows */
async function people(url: string) {
  await enter(url, 'publisher', true);
  const viewer = await enter(url, 'viewer', false);
  await vi.waitUntil(() => viewer.arrived().packets > 100, { timeout: 10_000, interval: 10 });
  return viewer;
}

describe.skipIf(why)('the image', () => {
  beforeAll(async () => {
    containers = new Containers(say);
    const began = performance.now();
    await containers.build(image);
    say(`built in ${Math.round((performance.now() - began) / 1000)} s, ${(await containers.size(image)) / 1e6} MB`);
  }, BUILDING);
  afterEach(async () => {
    for (const undo of cleanUp.splice(0).reverse()) await undo();
  });
  afterAll(() => containers?.[Symbol.asyncDispose]());

  test('is small', async () => {
    expect(await here().size(image)).toBeLessThan(LARGEST);
  });

  test('runs without rights on a file system that it cannot write to, and tells its health', async () => {
    const { name, url, pid } = await onHost('rights');
    const workers = childrenOf(pid);
    expect(workers.length).toBe(1);
    for (const one of [pid, ...workers.map(({ pid: worker }) => worker)]) {
      const rights = ['Uid', 'Gid', 'CapEff', 'CapPrm', 'CapBnd', 'NoNewPrivs'].map((field) => status(one, field));
      expect(rights).toEqual(['10001', '10001', ...Array(3).fill('0000000000000000'), '1']);
    }
    const mounts = (textOf(`/proc/${pid}/mounts`) ?? '').split('\n').map((line) => line.split(' '));
    expect(mounts.find(([, where]) => where === '/')?.[3]).toMatch(/^ro\b/);
    expect(
      mounts.filter(([, where = '', , how = '']) => /^\/(tmp|run|var)/.test(where) && !how.startsWith('ro')),
    ).toEqual([]);
    await expect(here().podman('exec', '--user', '0', name, 'touch', '/tmp/x')).rejects.toThrow(/Read-only/);
    // The server itself is the container's first process.
    expect(textOf(`/proc/${pid}/cmdline`)?.split('\0').slice(0, 2)).toEqual(['node', 'server/main.ts']);
    expect(textOf(`/proc/${pid}/status`)).toMatch(/^NSpid:\s+\d+\s+1$/m);

    expect((await fetch(`${url}/health`)).status).toBe(200);
    expect((await fetch(url)).status).toBe(200);
    await here().podman('healthcheck', 'run', name);
    // The same check where nobody answers.
    const elsewhere = ['exec', '--env', 'WEIR_PORT=1', name, 'node', 'docker/health.ts'];
    await expect(here().podman(...elsewhere)).rejects.toThrow(/ECONNREFUSED/);
    const key = ['--env', 'WEIR_API_KEY=key', '--env', `WEIR_API_SECRET=${'s'.repeat(32)}`];
    const token = await here().podman(
      'exec',
      ...key,
      name,
      'node',
      'scripts/token.ts',
      '--room',
      'a',
      '--identity',
      'b',
    );
    expect(token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/m);
  });

  test("writes coturn's configuration into a volume, which its own user alone can read", async () => {
    const settings = { WEIR_ALLOW_ANONYMOUS: 'true', WEIR_ANNOUNCED_ADDRESS: '203.0.113.7' };
    const { configuration, coturn } = readTurnServices({ ...settings, WEIR_TURN_SECRET: 's'.repeat(32) });
    const { environment, entrypoint } = configuration;
    const [program = '', ...rest] = entrypoint;
    const volume = `weir-turn-${process.pid}`;
    cleanUp.push(() => here().podman('volume', 'rm', '--force', volume));
    const [where = ''] = configuration.volumes.flatMap((one) => one.match(/(?<=^turn:).+/) ?? []);
    const limits = ['--rm', '--network', 'host', '--read-only', '--cap-drop', 'ALL', '--volume', `${volume}:${where}`];
    const variables = Object.entries({ ...environment, WEIR_TURN_URLS: 'turn:turn.example.com' });
    await here().podman(
      ...['run', ...limits, ...variables.flatMap(([name, value]) => ['--env', `${name}=${value}`])],
      ...['--entrypoint', program, image, ...rest],
    );
    const file = rest[rest.indexOf('--write') + 1] ?? '';
    const read = (user: string, ...command: string[]) =>
      here().podman('run', ...limits, '--user', user, '--entrypoint', command[0] ?? '', image, ...command.slice(1));
    const found = await read(coturn.user ?? '', 'sh', '-c', `stat --format '%a %u:%g' ${file} && cat ${file}`);
    expect(found).toMatch(new RegExp(`^600 ${coturn.user}$`, 'm'));
    expect(found).toMatch(/^allowed-peer-ip=203\.0\.113\.7$/m);
    await expect(read('65534:65534', 'cat', file)).rejects.toThrow(/Permission denied/);
  });

  test('replaces a media worker that dies, and leaves no zombie', async () => {
    const { name, url, pid } = await onHost('zombies');
    const [worker] = childrenOf(pid);
    if (!worker) throw new Error('There is no worker.');
    process.kill(worker.pid, 'SIGKILL');
    await vi.waitUntil(() => childrenOf(pid).every((child) => child.pid !== worker.pid), {
      timeout: 5000,
      interval: 20,
    });
    await vi.waitUntil(() => childrenOf(pid).length === 1, { timeout: 10_000, interval: 20 });
    await ready(url, name);
    expect(childrenOf(pid).filter(({ state }) => state === 'Z')).toEqual([]);
    await people(url);
  });

  test('drains when it is stopped: media flows to the deadline, people are told, it exits with 0', async () => {
    const { name, url, pid } = await onHost('drain', { WEIR_DRAIN_SECONDS: '3' });
    const viewer = await people(url);
    const processes = [pid, ...childrenOf(pid).map(({ pid: worker }) => worker)];
    const before = viewer.arrived().packets;
    const stopped = performance.now();
    const stopping = here().podman('stop', name);
    await vi.waitUntil(async () => (await fetch(`${url}/ready`)).status === 503, { timeout: 2000, interval: 20 });
    const draining = performance.now();
    expect((await fetch(`${url}/health`)).status).toBe(200);
    await vi.waitUntil(() => viewer.ends.length > 0, { timeout: 6000, interval: 5 });
    const ended = performance.now();
    expect(viewer.ends).toEqual(['serverClosing']);
    expect(ended - stopped).toBeGreaterThan(2900);
    const { packets, gaps } = viewer.arrived();
    // 180 packets a second, from when the server knew to when it closed.
    expect(packets - before).toBeGreaterThan(((ended - draining) / 1000) * 180 * 0.95);
    expect(gaps).toBe(0);
    await stopping;
    expect(await here().podman('inspect', '--format', '{{.State.ExitCode}} {{.State.OOMKilled}}', name)).toBe(
      '0 false',
    );
    expect(processes.filter((one) => textOf(`/proc/${one}/stat`) !== undefined)).toEqual([]);
  });

  test('works behind a bridge with published ports, at the address that is announced', async () => {
    const ip = (...args: string[]) => execute('ip', args);
    await ip('netns', 'add', namespace);
    cleanUp.push(() => ip('netns', 'delete', namespace));
    const device = `weir${process.pid}`.slice(0, 15);
    await ip('link', 'add', device, 'type', 'veth', 'peer', 'name', 'outside', 'netns', namespace);
    await ip('address', 'add', `${link.near}/30`, 'dev', device);
    await ip('link', 'set', device, 'up');
    await ip('-n', namespace, 'link', 'set', 'lo', 'up');
    await ip('-n', namespace, 'address', 'add', `${link.far}/30`, 'dev', 'outside');
    await ip('-n', namespace, 'link', 'set', 'outside', 'up');

    const files = ['compose.yml', 'compose.bridge.yml'];
    const settings = { WEIR_ANNOUNCED_ADDRESS: link.far, WEIR_DRAIN_SECONDS: '1' };
    const { name, url } = await run('bridge', files, `http://${link.far}:3000`, settings, namespace);
    // An address of its own, behind the one that people know.
    const own = await here().podman('inspect', '--format', '{{.NetworkSettings.IPAddress}}', name);
    expect(own).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    expect(own).not.toBe(link.far);
    await here().podman('healthcheck', 'run', name);
    await people(url);
    await here().podman('stop', name);
    expect(await here().podman('inspect', '--format', '{{.State.ExitCode}}', name)).toBe('0');
  });
});

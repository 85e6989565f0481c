/** Tests of `npm run publish`: a pattern and a file arrive in a room, and everything ends with Ctrl-C. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { freePort } from '../../scripts/support/network/freePort.ts';
import { hasEquipment } from '../support/equipment.ts';
import { type Crowd, test, untilReceiving } from '../support/headlessMembers.ts';
import { withTokens } from '../support/weir.ts';

const script = fileURLToPath(new URL('../../scripts/publish.ts', import.meta.url));
const hasFfmpeg = hasEquipment('ffmpeg', '/usr/bin/ffmpeg');
/** Milliseconds. */
const waiting = { timeout: 20_000, interval: 20 };

/** Runs the command. */
function publish(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [script, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGTERM'));
  const said = { out: '', err: '' };
  child.stdout.on('data', (text: Buffer) => {
    said.out += text.toString();
  });
  child.stderr.on('data', (text: Buffer) => {
    said.err += text.toString();
  });
  const ended = once(child, 'close').then(([code]) => ({ ...said, code }));
  return { child, ended };
}

/** The processes that it has started, and those that these have started: ffmpeg is one of them. */
async function descendants(pid: number | undefined): Promise<number[]> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ').filter(Boolean).map(Number);
  return [...children, ...(await Promise.all(children.map(descendants))).flat()];
}

const isRunning = (pid: number) => existsSync(`/proc/${pid}`);

/** The peer that the command has put into the room. */
async function publisherIn({ app }: Crowd, name: string): Promise<string> {
  return vi.waitUntil(async () => {
    const room = await app.rooms.find('crowd');
    return room?.visiblePeers().find((peer) => peer.name === name)?.peerId;
  }, waiting);
}

describe.skipIf(!hasFfmpeg)('npm run publish', () => {
  test('sends a pattern until Ctrl-C; then nothing of it is left', async ({ open }) => {
    const crowd = await open();
    const member = await crowd.enter('viewer');
    const args = ['--room', 'crowd', '--pattern', '--size', '160x90', '--server', crowd.url];
    const { child, ended } = publish(args);
    const peerId = await publisherIn(crowd, 'Test pattern');
    await untilReceiving(member, peerId, 'camera');
    await untilReceiving(member, peerId, 'microphone');
    const processes = await descendants(child.pid);
    expect(processes).toHaveLength(2);
    child.kill('SIGINT');
    const { code, out } = await ended;
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(/^Publishing Test pattern in .*\/r\/crowd; .*\nEnded\.\n$/s),
    ]);
    expect(processes.filter(isRunning)).toEqual([]);
    expect((await crowd.app.rooms.find('crowd'))?.size).toBe(1);
  });

  test('leaves nothing behind when it is killed', async ({ open }) => {
    const crowd = await open({ WEIR_RTP_IDLE_SECONDS: '0.5' });
    const member = await crowd.enter('viewer');
    const { child, ended } = publish(['--room', 'crowd', '--pattern', '--size', '160x90', '--server', crowd.url]);
    await untilReceiving(member, await publisherIn(crowd, 'Test pattern'), 'camera');
    const processes = await descendants(child.pid);
    expect(processes).toHaveLength(2);
    child.kill('SIGKILL');
    await ended;
    await expect.poll(() => processes.filter(isRunning), waiting).toEqual([]);
    await expect.poll(async () => (await crowd.app.rooms.find('crowd'))?.size, waiting).toBe(1);
  });

  test('takes a token from WEIR_TOKEN, and warns of one on its command line', async ({ open }) => {
    const { url } = await open(withTokens);
    const args = ['--room', 'crowd', '--pattern', '--server', url];
    const results = await Promise.all([
      publish(args).ended,
      publish(args, { WEIR_TOKEN: 'nonsense' }).ended,
      publish([...args, '--token', 'nonsense']).ended,
    ]);
    expect(results.map(({ code, err }) => [code, err])).toEqual([
      [1, expect.stringMatching(/^The server refuses it \(401\): .* Set WEIR_TOKEN, or WEIR_API_KEY/)],
      [1, expect.stringMatching(/^The server refuses it \(401\): The token is not one that this server accepts\.\n$/)],
      [
        1,
        expect.stringMatching(
          /^Other users of this machine can see the token.* WEIR_TOKEN instead\.\nThe server refuses it/,
        ),
      ],
    ]);
  });

  test('sends a file in a loop, and says when the server ends it', async ({ open }) => {
    const folder = await mkdtemp(join(tmpdir(), 'weir-publish-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const clip = join(folder, 'clip.mp4');
    const pattern = '-f lavfi -i testsrc2=size=160x90:rate=15:duration=1 -f lavfi -i sine=duration=1';
    await promisify(execFile)('ffmpeg', [...pattern.split(' '), '-v', 'error', clip]);
    const crowd = await open();
    const member = await crowd.enter('viewer');
    const { ended } = publish(['--room', 'crowd', '--file', clip, '--codec', 'h264', '--server', crowd.url]);
    const peerId = await publisherIn(crowd, 'clip.mp4');
    // More than one second has.
    await untilReceiving(member, peerId, 'microphone', 75);
    await untilReceiving(member, peerId, 'camera');
    const room = await crowd.app.rooms.find('crowd');
    room?.participant(peerId)?.close('kicked');
    expect(await ended).toMatchObject({ code: 1, err: 'The server has ended the session.\n' });
  });

  test('says in words what is wrong', async ({ open }) => {
    const { url } = await open({ WEIR_RTP_PORTS: 'off' });
    const room = ['--room', 'crowd'];
    const nobody = `http://127.0.0.1:${await freePort()}`;
    const results = await Promise.all([
      publish(['--pattern']).ended,
      publish([...room, '--file', '/nowhere/clip.mp4']).ended,
      publish([...room, '--pattern', '--server', nobody]).ended,
      publish([...room, '--pattern', '--server', url]).ended,
      publish([...room, '--pattern', '--server', url], { PATH: '/nowhere' }).ended,
    ]);
    expect(results.map(({ code, err }) => [code, err.split('\n')[0]])).toEqual([
      [2, '--room is missing.'],
      [1, expect.stringMatching(/clip\.mp4 cannot be read: .*No such file/)],
      [1, `No Weir answers at ${nobody} (ECONNREFUSED): is it running? --server names another one.`],
      [1, 'The server refuses it (403): Plain RTP is off at this server: see WEIR_RTP_PORTS.'],
      [1, expect.stringMatching(/^ffmpeg is not installed here/)],
    ]);
  });
});

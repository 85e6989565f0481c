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
    const ffmpeg = (await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')).trim();
    expect(ffmpeg).toMatch(/^\d+$/);
    child.kill('SIGINT');
    const { code, out } = await ended;
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(/^Publishing Test pattern in .*\/r\/crowd; .*\nEnded\.\n$/s),
    ]);
    expect(existsSync(`/proc/${ffmpeg}`)).toBe(false);
    expect((await crowd.app.rooms.find('crowd'))?.size).toBe(1);
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

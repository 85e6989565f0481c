/** Tests of plain RTP: what ffmpeg sends arrives at members, encrypted too, and a source that stops is ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, vi } from 'vitest';
import { RtpAnswer } from '../../scripts/support/plainRtp.ts';
import { ffmpegArguments } from '../../server/gateways/rtp/ffmpegArguments.ts';
import { hasEquipment } from '../support/equipment.ts';
import { type Crowd, spread, test, untilReceiving } from '../support/headlessMembers.ts';

const hasFfmpeg = hasEquipment('ffmpeg', '/usr/bin/ffmpeg');
/** Small pictures: encoding is not what is tested. */
const pattern = { width: 160, height: 90 };
const children = new Set<ChildProcess>();

afterEach(async () => {
  for (const child of children) await stop(child);
});

async function stop(child: ChildProcess): Promise<void> {
  children.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

async function open({ url }: Crowd, body: unknown): Promise<RtpAnswer> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${url}/rtp/crowd`, { method: 'POST', body: JSON.stringify(body), headers });
  return RtpAnswer.parse(await response.json());
}

/** Sends a pattern as the answer says. */
function send({ address, video, audio }: RtpAnswer): ChildProcess {
  const child = spawn('ffmpeg', ffmpegArguments({ pattern }, { address, video, audio }), { stdio: 'ignore' });
  children.add(child);
  return child;
}

describe.skipIf(!hasFfmpeg)('ffmpeg', () => {
  test.for([
    ['VP8', {}, {}],
    ['H264', { srtp: {} }, spread],
  ] as const)(
    'sends %s and Opus to members, which begin with a key frame',
    async ([codec, options, environment], { open: start }) => {
      const crowd = await start(environment);
      const member = await crowd.enter('viewer');
      const answer = await open(crowd, { video: { codec, ...options }, audio: options });
      send(answer);
      await untilReceiving(member, answer.peerId, 'camera');
      await untilReceiving(member, answer.peerId, 'microphone');
      const late = await crowd.enter('late');
      await untilReceiving(late, answer.peerId, 'camera');
      for (const { lost } of member.media.all) expect(lost).toBe(0);
    },
  );

  test('that stops is ended after the time that is configured, even if somebody else sends to its ports', async ({
    open: start,
  }) => {
    const crowd = await start({ WEIR_RTP_IDLE_SECONDS: '1' });
    const member = await crowd.enter('viewer');
    const answer = await open(crowd, { audio: {} });
    const child = send(answer);
    await untilReceiving(member, answer.peerId, 'microphone', 100);
    const other = send(answer);
    const room = await crowd.app.rooms.find('crowd');
    expect(room?.size).toBe(2);
    await stop(child);
    await vi.waitUntil(() => room?.size === 1, { timeout: 10_000, interval: 10 });
    expect(other.exitCode).toBeNull();
    expect((await fetch(new URL(answer.session, crowd.url))).status).toBe(404);
  });
});

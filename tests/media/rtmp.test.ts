/** Tests of RTMP: what ffmpeg sends arrives at members, copied or encoded anew, and ends with the encoder or the member. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, vi } from 'vitest';
import { hasEquipment } from '../support/equipment.ts';
import { type Crowd, test, untilReceiving } from '../support/headlessMembers.ts';

const hasFfmpeg = hasEquipment('ffmpeg', '/usr/bin/ffmpeg');
/** Milliseconds. */
const waiting = { timeout: 15_000, interval: 10 };
const children = new Set<ChildProcess>();

afterEach(async () => {
  for (const child of children) {
    const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
    child.kill('SIGKILL');
    await ended;
  }
  children.clear();
});

/** An encoder. */
function encode({ app }: Crowd, codecs: string, streamKey = 'Encoder') {
  const sources = '-re -f lavfi -i testsrc2=size=160x90:rate=30 -re -f lavfi -i sine=sample_rate=44100';
  const url = `rtmp://127.0.0.1:${app.rtmp?.port}/crowd/${streamKey}`;
  const args = [...`-loglevel error ${sources} ${codecs} -f flv`.split(' '), url];
  const child = spawn('ffmpeg', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  children.add(child);
  const said = { text: '' };
  child.stderr.on('data', (bytes: Buffer) => {
    said.text += bytes.toString();
  });
  return { child, said };
}

const plain = '-c:v libx264 -preset ultrafast -bf 0 -g 30 -pix_fmt yuv420p -c:a aac';

async function encoderIn({ app }: Crowd): Promise<string> {
  return vi.waitUntil(async () => {
    const room = await app.rooms.find('crowd');
    return room?.visiblePeers().find(({ name }) => name === 'Encoder')?.peerId;
  }, waiting);
}

/** The ffmpeg processes that this process has started and that read a stream of RTMP. */
function relays(): string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      try {
        const isChild = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1] === String(process.pid);
        return isChild && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('pipe:0');
      } catch {
        // It has ended meanwhile.
        return false;
      }
    });
}

describe.skipIf(!hasFfmpeg)('an encoder', () => {
  test.for([
    ['H264 without B-frames', plain, 'copy'],
    ['H264 with B-frames', '-c:v libx264 -preset veryfast -bf 2 -g 30 -pix_fmt yuv420p -c:a aac', 'libx264'],
  ] as const)('of %s is seen and heard, until it ends', async ([_name, codecs, how], { open }) => {
    const crowd = await open({ WEIR_RTMP_PORT: '0' });
    const member = await crowd.enter('viewer');
    const { child } = encode(crowd, codecs);
    const peerId = await encoderIn(crowd);
    await untilReceiving(member, peerId, 'camera');
    await untilReceiving(member, peerId, 'microphone');
    const [relay] = relays();
    expect(readFileSync(`/proc/${relay}/cmdline`, 'utf8')).toContain(how);
    child.kill('SIGTERM');
    const room = await crowd.app.rooms.find('crowd');
    await vi.waitUntil(() => room?.size === 1, waiting);
    await vi.waitUntil(() => relays().length === 0, waiting);
  });

  test('is told why its stream ends, when somebody removes it or its ffmpeg dies', async ({ open }) => {
    const crowd = await open({ WEIR_RTMP_PORT: '0' });
    await crowd.enter('viewer');
    const room = await crowd.app.rooms.find('crowd');
    const removed = encode(crowd, plain);
    room?.participant(await encoderIn(crowd))?.close('kicked');
    await once(removed.child, 'exit');
    await vi.waitUntil(() => relays().length === 0 && room?.size === 1, waiting);

    const killed = encode(crowd, plain);
    await encoderIn(crowd);
    const [relay] = await vi.waitUntil(() => (relays().length > 0 ? relays() : undefined), waiting);
    process.kill(Number(relay), 'SIGKILL');
    await once(killed.child, 'exit');
    await vi.waitUntil(() => room?.size === 1, waiting);
  });

  test('of another codec is refused', async ({ open }) => {
    const crowd = await open({ WEIR_RTMP_PORT: '0' });
    const { child, said } = encode(crowd, '-c:v flv1 -c:a aac');
    await once(child, 'close');
    expect(said.text).toMatch(/send H264|Broken pipe|Connection reset|Input\/output error/);
    expect(crowd.app.rooms.size).toBe(0);
  });
});

/** Tests of RTMP: what ffmpeg sends arrives at members, copied or encoded anew, and ends with the encoder or the member. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, onTestFinished, vi } from 'vitest';
import { relayArguments } from '../../server/gateways/rtmp/FfmpegRelay.ts';
import { hasEquipment } from '../support/equipment.ts';
import { type Crowd, test, untilReceiving } from '../support/headlessMembers.ts';
import { openUdp, RtpCounter } from '../support/rtp.ts';

const hasFfmpeg = hasEquipment('ffmpeg', '/usr/bin/ffmpeg');
/** Milliseconds. */
const waiting = { timeout: 15_000, interval: 10 };
const run = promisify(execFile);
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
const withBFrames = '-c:v libx264 -preset veryfast -bf 2 -g 30 -pix_fmt yuv420p -c:a aac';

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

describe.skipIf(!hasFfmpeg)('video that is encoded anew', () => {
  const target = {
    address: '127.0.0.1',
    video: { codec: 'H264', payloadType: 96, ssrc: 1, port: 9, rtcpPort: 9 },
  } as const;
  const relay = relayArguments({ hasAudio: false, hasVideo: true, whyNotCopied: 'it has B-frames' }, target);
  const sourceOf = (size: string) => ['-loglevel', 'error', '-f', 'lavfi', '-i', `color=s=${size}`, '-frames:v', '1'];

  test.for([
    ['1920x1080', '1920x1080'],
    ['1080x1920', '1080x1920'],
    ['3840x2160', '1920x1080'],
    ['2160x3840', '1080x1920'],
    ['721x1281', '720x1280'],
  ] as const)('of %s becomes %s', async ([size, expected]) => {
    const filter = relay[relay.indexOf('-vf') + 1] ?? '';
    const { stdout } = await run('ffmpeg', [...sourceOf(size), '-vf', filter, '-f', 'framecrc', '-']);
    expect(/^#dimensions 0: (\S+)$/m.exec(stdout)?.[1]).toBe(expected);
  });

  test('is refused above the size of the highest level, before it takes memory', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'weir-rtmp-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const relayed = async (size: string) => {
      const file = join(folder, `${size}.flv`);
      await run('ffmpeg', [...sourceOf(size), '-c:v', 'libx264', '-preset', 'ultrafast', '-f', 'flv', file]);
      const input = relay.map((argument) => (argument === 'pipe:0' ? file : argument));
      return run('ffmpeg', input).then(
        () => 'sent',
        (error: Error) => error.message,
      );
    };
    expect(await relayed('4096x2304')).toBe('sent');
    expect(await relayed('4112x2320')).toContain('exceeds specified max pixel count');
  });
});

describe.skipIf(!hasFfmpeg)('the first key frame', () => {
  test.for([
    ['as it is', undefined],
    ['encoded anew', 'it has B-frames'],
  ] as const)('is sent too, %s: the next one may come ten seconds later', async ([_how, whyNotCopied]) => {
    const folder = mkdtempSync(join(tmpdir(), 'weir-rtmp-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    // Two seconds with one key frame.
    const file = join(folder, 'clip.flv');
    const source = '-loglevel error -f lavfi -i testsrc2=size=160x90:rate=30 -frames:v 60 -g 900 -pix_fmt yuv420p';
    await run('ffmpeg', [...source.split(' '), '-c:v', 'libx264', '-preset', 'ultrafast', '-f', 'flv', file]);
    const socket = await openUdp();
    onTestFinished(() => void socket.close());
    const counter = new RtpCounter(socket);
    const { port } = socket.address();
    const video = { codec: 'H264', payloadType: 96, ssrc: 1, port, rtcpPort: port } as const;
    const relay = relayArguments({ hasAudio: false, hasVideo: true, whyNotCopied }, { address: '127.0.0.1', video });
    await run(
      'ffmpeg',
      relay.map((argument) => (argument === 'pipe:0' ? file : argument)),
    );
    await vi.waitUntil(() => counter.packets >= 40, waiting);
  });
});

describe.skipIf(!hasFfmpeg)('an encoder', () => {
  test.for([
    ['H264 without B-frames', plain, 'copy'],
    ['H264 with B-frames', withBFrames, 'libx264'],
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

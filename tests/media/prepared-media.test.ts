/** Tests of prepared media: ffmpeg decodes what receivers get, and mediasoup finds its key frames. */
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createWorker } from 'mediasoup';
import type { Router, RtpCodecParameters, Worker } from 'mediasoup/types';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { H264RtpPayload, Vp8RtpPayload } from 'werift';
import { prepareStreams, prepareVoice } from '../../scripts/support/media/prepare.ts';
import { bitrateOf, type Frame, type Stream } from '../../scripts/support/media/Stream.ts';
import { steadyVideo } from '../../scripts/support/media/steady.ts';
import { openUdp } from '../support/rtp.ts';

const run = promisify(execFile);
const hasFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0;
const layers = [
  { width: 320, height: 180, bitrate: 150_000 },
  { width: 640, height: 360, bitrate: 400_000 },
];
const steady = steadyVideo({ packetsPerFrame: 3, payloadBytes: 1000, framesPerSecond: 30, keyEvery: 10 });

let worker: Worker;
let router: Router;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-prepared-'));
  worker = await createWorker();
  router = await worker.createRouter({
    mediaCodecs: [
      { kind: 'video', mimeType: 'video/VP8', clockRate: 90_000, preferredPayloadType: 101 },
      { kind: 'video', ...h264, preferredPayloadType: 102 },
    ],
  });
});
afterAll(async () => {
  worker.close();
  await rm(folder, { recursive: true });
});

const h264 = {
  mimeType: 'video/H264',
  clockRate: 90_000,
  parameters: { 'packetization-mode': 1, 'profile-level-id': '42e01f', 'level-asymmetry-allowed': 1 },
};

describe.skipIf(!hasFfmpeg)('made with ffmpeg', () => {
  test.each(['vp8', 'h264'] as const)(
    '%s: layers have their bitrates, are aligned, and all frames decode',
    async (codec) => {
      const cache = join(folder, codec);
      const said: string[] = [];
      const options = { seconds: 4, keySeconds: 1, cache, report: (text: string) => said.push(text) };
      const streams = await prepareStreams(codec, layers, options);
      expect(said).toHaveLength(2);
      for (const [index, stream] of streams.entries()) {
        const layer = layers[index];
        expect(stream).toMatchObject({ clockRate: 90_000, width: layer?.width, height: layer?.height });
        // x264 uses up its one-second buffer first: that weighs more in 4 s than in 10.
        expect(Math.abs(bitrateOf(stream) / (layer?.bitrate ?? 0) - 1)).toBeLessThan(0.15);
        expect(keysOf(stream)).toEqual([0, 30, 60, 90]);
        expect(stream.frames.every(({ payloads }) => payloads.every(({ length }) => length <= 1100))).toBe(true);

        const file = join(folder, `${codec}-${index}`);
        await writeFile(file, codec === 'vp8' ? ivf(stream) : Buffer.concat(stream.frames.flatMap(annexB)));
        // A decoder can start at every key frame, and the stream loops: so it must decode from the second key frame on,
        // too.
        expect(await decoded(file)).toEqual({ pictures: 120, size: `${layer?.width}x${layer?.height}` });
        const again = { ...stream, frames: [...stream.frames.slice(30), ...stream.frames.slice(0, 30)] };
        await writeFile(file, codec === 'vp8' ? ivf(again) : Buffer.concat(again.frames.flatMap(annexB)));
        expect((await decoded(file)).pictures).toBe(120);
      }

      expect(await prepareStreams(codec, layers, options)).toEqual(streams);
      expect(said).toHaveLength(2);
      const files = await readdir(cache);
      expect(files.filter((name) => /^(vp8|h264)-\d+x\d+-\d+k-[0-9a-f]{12}\.(ivf|h264)$/.test(name))).toHaveLength(2);
      expect(files).toHaveLength(2);

      await writeFile(join(cache, files[0] ?? ''), 'no media');
      await expect(prepareStreams(codec, layers, options)).rejects.toThrow(/is damaged; delete it/);
    },
  );

  test('a voice is packets of 20 ms, of varying sizes', async () => {
    const { frames, clockRate } = await prepareVoice({ seconds: 2, cache: join(folder, 'voice') });
    expect(clockRate).toBe(48_000);
    expect(frames.every(({ ticks, payloads }) => ticks === 960 && payloads.length === 1)).toBe(true);
    expect(frames.length).toBeGreaterThanOrEqual(100);
    expect(frames.length).toBeLessThanOrEqual(102);
    expect(new Set(frames.map(({ payloads }) => payloads[0]?.length)).size).toBeGreaterThan(10);
  });

  test('an error of ffmpeg is reported with its output', async () => {
    const impossible = [{ width: 1, height: 0.5, bitrate: 1000 }];
    await expect(prepareStreams('h264', impossible, { cache: join(folder, 'none') })).rejects.toThrow(
      /ffmpeg failed: .+/,
    );
    expect(await readdir(join(folder, 'none'))).toEqual([]);
  });

  test.each(['vp8', 'h264'] as const)('mediasoup finds the key frames of %s', async (codec) => {
    const options = { seconds: 4, keySeconds: 1, cache: join(folder, codec, 'sent') };
    const [stream] = await prepareStreams(codec, layers.slice(0, 1), options);
    if (!stream) throw new Error('nothing was prepared');
    expect(await keyFramesOf(stream)).toBe(4);
  });
});

test('mediasoup finds the key frame of synthetic video', async () => {
  expect(await keyFramesOf(steady)).toBe(1);
});

/** Number of packets of the stream, sent once, that begin a key frame for mediasoup. */
async function keyFramesOf(stream: Stream): Promise<number> {
  const socket = await openUdp();
  const listenInfo = { protocol: 'udp', ip: '127.0.0.1' } as const;
  const transport = await router.createPlainTransport({ listenInfo, rtcpMux: true, comedia: true });
  onTestFinished(() => {
    transport.close();
    socket.close();
  });
  const vp8 = stream.mimeType === 'video/VP8';
  const codec: RtpCodecParameters = vp8
    ? { mimeType: 'video/VP8', payloadType: 101, clockRate: 90_000 }
    : { ...h264, payloadType: 102 };
  const producer = await transport.produce({
    kind: 'video',
    rtpParameters: { codecs: [codec], encodings: [{ ssrc: 4242 }], rtcp: { cname: 'prepared' } },
  });
  let keyFrames = 0;
  // A packet that begins a key frame has a `keyframe` trace event, every other one an `rtp` event.
  await producer.enableTraceEvent(['keyframe', 'rtp']);
  producer.on('trace', ({ type }) => {
    if (type === 'keyframe') keyFrames += 1;
  });
  const sent = stream.frames.flatMap(({ payloads, ticks }, index) =>
    payloads.map((payload, at) => ({ payload, marker: at === payloads.length - 1, time: index * ticks })),
  );
  for (const [sequence, { payload, marker, time }] of sent.entries()) {
    const packet = Buffer.alloc(12);
    packet.writeUInt8(0x80, 0);
    packet.writeUInt8((marker ? 0x80 : 0) | codec.payloadType, 1);
    packet.writeUInt16BE(sequence, 2);
    packet.writeUInt32BE(time, 4);
    packet.writeUInt32BE(4242, 8);
    const arrived = once(producer, 'trace');
    socket.send([packet, payload], transport.tuple.localPort, '127.0.0.1');
    // One packet at a time: none is lost in a socket's buffer, and the count is exact.
    await arrived;
  }
  return keyFrames;
}

function keysOf({ frames }: Stream): number[] {
  return frames.flatMap(({ key }, index) => (key ? [index] : []));
}

async function decoded(file: string): Promise<{ pictures: number; size: string }> {
  const entries = 'stream=nb_read_frames,width,height';
  // The demuxer is detected from the content, as the files have no extension; errors make it fail or write to stderr.
  const settings = ['-v', 'error', '-count_frames', '-show_entries', entries, '-of', 'json', file];
  const { stdout, stderr } = await run('ffprobe', settings);
  expect(stderr).toBe('');
  const [stream] = JSON.parse(stdout).streams;
  return { pictures: Number(stream.nb_read_frames), size: `${stream.width}x${stream.height}` };
}

/** Reassembled independently of the code that packetised it. */
function annexB({ payloads }: Frame): Buffer[] {
  const units: Buffer[] = [];
  let fragment: Buffer | undefined;
  for (const payload of payloads) {
    const read = H264RtpPayload.deSerialize(payload, fragment);
    fragment = read.fragment;
    if (read.payload) units.push(read.payload);
  }
  return units;
}

function ivf({ frames, width, height }: Stream): Buffer {
  const header = Buffer.alloc(32);
  header.write('DKIF\0\0\x20\0VP80', 'latin1');
  header.writeUInt16LE(width, 12);
  header.writeUInt16LE(height, 14);
  header.writeUInt32LE(30, 16);
  header.writeUInt32LE(1, 20);
  const parts = frames.flatMap(({ payloads }, index) => {
    const frame = Buffer.concat(payloads.map((payload) => Vp8RtpPayload.deSerialize(payload).payload));
    const before = Buffer.alloc(12);
    before.writeUInt32LE(frame.length);
    before.writeUInt32LE(index, 4);
    return [before, frame];
  });
  return Buffer.concat([header, ...parts]);
}

/** Tests of plain RTP that the server sends: ffmpeg records it without loss, of one member or of whoever publishes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, vi } from 'vitest';
import { steady } from '../../scripts/support/media/material.ts';
import { steadyVideo } from '../../scripts/support/media/steady.ts';
import { RtpAnswer } from '../../scripts/support/plainRtp.ts';
import { ffmpegArguments } from '../../server/gateways/rtp/ffmpegArguments.ts';
import { hasEquipment } from '../support/equipment.ts';
import { type Crowd, spread, test, voice } from '../support/headlessMembers.ts';
import { freePortPair, Recorder } from '../support/recorder.ts';
import { openUdp, RtpCounter } from '../support/rtp.ts';

const hasFfmpeg = hasEquipment('ffmpeg', '/usr/bin/ffmpeg');
/** Milliseconds. */
const waiting = { timeout: 15_000, interval: 10 };
const toLoopback = { WEIR_RTP_EGRESS_NETWORKS: '127.0.0.0/8' };
const children = new Set<ChildProcess>();

afterEach(async () => {
  for (const child of children) {
    const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
    child.kill('SIGKILL');
    await ended;
  }
  children.clear();
});

async function post({ url }: Crowd, path: string, body: unknown) {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(body), headers });
  if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`);
  return response;
}

/** Puts a sender into the room. */
async function send(crowd: Crowd, codec: string): Promise<RtpAnswer> {
  const answer = RtpAnswer.parse(await (await post(crowd, '/rtp/crowd', { video: { codec }, audio: {} })).json());
  const { address, video, audio } = answer;
  const args = ffmpegArguments({ pattern: { width: 160, height: 90 } }, { address, video, audio });
  children.add(spawn('ffmpeg', args, { stdio: 'ignore' }));
  return answer;
}

/** Has a room sent to free ports of this machine. @returns its URL */
async function receive(crowd: Crowd, request: object = {}) {
  const [video, audio] = [await freePortPair(), await freePortPair()];
  const body = { address: '127.0.0.1', video: { port: video }, audio: { port: audio }, ...request };
  const response = await post(crowd, '/rtp/egress/crowd', body);
  return { location: new URL(response.headers.get('location') ?? '', crowd.url), video, audio };
}

describe.skipIf(!hasFfmpeg)('a room', () => {
  test.for([
    ['VP8', {}],
    ['H264', spread],
  ] as const)('with %s is recorded by ffmpeg, frame by frame', async ([codec, environment], { open }) => {
    const crowd = await open({ ...environment, ...toLoopback });
    await send(crowd, codec);
    // One stream each: of several, ffmpeg moves the times when the first sender report comes.
    using video = Recorder.start(`${(await receive(crowd, { audio: undefined })).location}/sdp`);
    using audio = Recorder.start(`${(await receive(crowd, { video: undefined })).location}/sdp`);
    await vi.waitUntil(() => video.frames('video') >= 30 && audio.frames('audio') >= 50, waiting);
    // Each frame of 30 a second, and each packet of 20 ms, that has been sent since the first one.
    expect(video.frames('video') / video.expected('video', 30)).toBeGreaterThanOrEqual(0.99);
    expect(audio.frames('audio') / audio.expected('audio', 50)).toBeGreaterThanOrEqual(0.99);
  });
});

describe('a receiver', () => {
  const camera = [steadyVideo(steady)];

  test('gets one member alone, and a key frame whenever it asks for one', async ({ open }) => {
    const crowd = await open(toLoopback);
    const [chosen] = [await crowd.enter('chosen', { tracks: { camera, microphone: voice } })];
    await crowd.enter('other', { tracks: { camera, microphone: voice } });
    const socket = await openUdp();
    const counter = new RtpCounter(socket);
    const request = { member: chosen.peerId, rtcpMux: true, video: { port: socket.address().port }, audio: undefined };
    try {
      const { location } = await receive(crowd, request);
      await vi.waitUntil(() => counter.packets > 50, waiting);
      expect(counter.payloads.size).toBe(1);
      const track = chosen.media.tracks.get('camera')?.[0];
      const before = track?.keyFrameRequests ?? 0;
      // The server asks at most once a second for it.
      await vi.waitUntil(async () => {
        await fetch(`${location}/keyframe`, { method: 'POST' });
        return (track?.keyFrameRequests ?? 0) > before;
      }, waiting);
      chosen.leave();
      await vi.waitUntil(async () => (await fetch(location)).status === 404, waiting);
    } finally {
      socket.close();
    }
  });

  test('of the room goes on with the next one who publishes', async ({ open }) => {
    const crowd = await open({ ...spread, ...toLoopback });
    const first = await crowd.enter('first', { tracks: { camera } });
    const socket = await openUdp();
    const counter = new RtpCounter(socket);
    try {
      await receive(crowd, { rtcpMux: true, video: { port: socket.address().port }, audio: undefined });
      await vi.waitUntil(() => counter.packets > 50, waiting);
      first.leave();
      await crowd.enter('second', { tracks: { camera } });
      await vi.waitUntil(() => counter.payloads.size === 2, waiting);
      const before = counter.packets;
      await vi.waitUntil(() => counter.packets > before + 50, waiting);
    } finally {
      socket.close();
    }
  });
});

/** Tests of the load tester against a real server: members and their media. */

import { getPriority, setPriority } from 'node:os';
import { afterAll, describe, expect, test } from 'vitest';
import { deliveryOf } from '../../scripts/load/report/assertions.ts';
import type { LoadResults, TrackRow } from '../../scripts/load/results.ts';
import { raised } from '../../scripts/support/servers/settings.ts';
import { hasEquipment } from '../support/equipment.ts';
import { run, steady } from '../support/loadRuns.ts';
import { useServer } from '../support/weir.ts';

/** Encodes the media once. */
const hasFfmpeg = hasEquipment('ffmpeg', '/usr/bin/ffmpeg');
if (!hasFfmpeg) console.warn('Load tests with encoded media are skipped: ffmpeg is missing.');
/**
 * Raises the priority of this test's processes where permitted, so that other load does not distort the measurement.
 */
const priority = getPriority();
if (process.getuid?.() === 0) {
  setPriority(-20);
  afterAll(() => setPriority(priority));
}
const weir = useServer(raised);

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

  // Small rooms, which leave a core most of its time.
  const sideBySide = { concurrent: true };

  test('video in H.264', sideBySide, async () => {
    const results = await run(
      weir.url,
      '--room h264 --publishers 1 --subscribers 2 --codec h264 --video 180p --duration 2 --rate 1',
    );
    expectAllWell(results, 3);
    expect(of(results, 'camera').map(({ codec }) => codec)).toEqual(['H264']);
    expect(of(results, 'microphone').map(({ codec }) => codec)).toEqual(['opus']);
    expectPictures(results);
  });

  test('simulcast: three layers are sent, and each viewer receives one', sideBySide, async () => {
    const results = await run(
      weir.url,
      '--room simulcast --publishers 1 --subscribers 2 --video simulcast --audio off --duration 2 --rate 1',
    );
    expectAllWell(results, 3);
    const [camera] = of(results, 'camera');
    // At 30 frames a second three layers have at least 90 packets a second with one packet per frame; 720p has several.
    expect(camera?.sent).toBeGreaterThan(2 * 90);
    expect(camera?.packets.distinct).toBeLessThan((camera?.sent ?? 0) * 2);
    expect(camera?.subscribers).toBe(2);
    expectPictures(results);
  });

  test('speakers take turns, and subscribers leave and rejoin', sideBySide, async () => {
    const flags =
      '--room turns --publishers 3 --subscribers 2 --video 180p --speakers 1 --turn 1 --churn 2 --duration 3 --rate 0';
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

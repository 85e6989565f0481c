/** Tests of freeze detection: video with missing frames is frozen, a picture that stands still is not. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { TrackStats } from '../../web/client/index.ts';
import { FreezeDetector } from '../../web/view/common/FreezeDetector.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A video track and its statistics, updated every 250 ms. */
function setUp({ wasMoving = false, microphone = false } = {}) {
  const began = performance.now();
  const tile = { stalledFor: 0, wasMoving };
  const came = { packets: 0, frames: 0, voice: 0 };
  const client = { connection: 'connected' as 'connected' | 'lost', stalledSince: began };
  const row = (source: TrackStats['source'], packets: number, frames?: number): TrackStats => ({
    ...{ direction: 'receive', source, peerId: 'ada', bytes: 0, packets, packetsLost: 0, frames },
  });
  const detector = new FreezeDetector(() => ({
    mediaConnectionState: client.connection,
    peers: [{ peerId: 'ada', sources: microphone ? { microphone: 'live', screen: 'live' } : { screen: 'live' } }],
    getStats: async () => [row('screen', came.packets, came.frames), row('microphone', came.voice)],
  }));
  /** Whether the video is frozen at any moment during that time. */
  const watch = async (milliseconds: number, comes: Partial<typeof came>) => {
    let frozen = false;
    for (let time = 0; time < milliseconds; time += 250) {
      for (const key of ['packets', 'frames', 'voice'] as const) came[key] += comes[key] ?? 0;
      if (comes.frames) client.stalledSince = performance.now();
      tile.stalledFor = performance.now() - client.stalledSince;
      frozen ||= detector.frozen([{ tile, peerId: 'ada', source: 'screen' }]).size > 0;
      await vi.advanceTimersByTimeAsync(250);
    }
    return frozen;
  };
  return { client, watch };
}

test('a picture that stands still for a minute is not frozen, with a microphone or without', async () => {
  expect(await setUp().watch(60_000, {})).toBe(false);
  expect(await setUp({ microphone: true }).watch(60_000, { voice: 1 })).toBe(false);
});

test('a video whose packets arrive and are never decoded is frozen until they are', async () => {
  const { watch } = setUp();
  expect(await watch(10_000, { packets: 3 })).toBe(true);
  expect(await watch(3000, { packets: 3, frames: 1 })).toBe(false);
});

test('a video that stands still while its owner’s audio has stopped arriving is frozen', async () => {
  const { watch } = setUp({ microphone: true });
  expect(await watch(5000, { voice: 1 })).toBe(false);
  expect(await watch(6000, {})).toBe(true);
});

test('a moving video whose packets stop arriving is frozen', async () => {
  const { watch } = setUp({ wasMoving: true });
  expect(await watch(6000, { packets: 5, frames: 5 })).toBe(false);
  expect(await watch(8000, {})).toBe(true);
});

test('a video that stands still is frozen while the own connection is lost', async () => {
  const { client, watch } = setUp();
  expect(await watch(5000, {})).toBe(false);
  client.connection = 'lost';
  expect(await watch(500, {})).toBe(true);
});

test('statistics that arrive after the stall has ended do not count for the next one', async () => {
  const replies: PromiseWithResolvers<TrackStats[]>[] = [];
  const row = (source: TrackStats['source'], packets: number): TrackStats => ({
    ...{ direction: 'receive', source, peerId: 'ada', bytes: 0, packets, packetsLost: 0, frames: 1 },
  });
  const detector = new FreezeDetector(() => ({
    mediaConnectionState: 'connected',
    peers: [{ peerId: 'ada', sources: { microphone: 'live' } }],
    getStats: () => {
      const reply = Promise.withResolvers<TrackStats[]>();
      replies.push(reply);
      return reply.promise;
    },
  }));
  const tile = { stalledFor: 2500, wasMoving: true };
  const frozen = () => detector.frozen([{ tile, peerId: 'ada', source: 'camera' }]).size;
  expect(frozen()).toBe(0);
  tile.stalledFor = 0;
  expect(frozen()).toBe(0);
  replies[0]?.resolve([row('camera', 1), row('microphone', 1)]);
  await vi.advanceTimersByTimeAsync(60_000);
  tile.stalledFor = 2500;
  expect(frozen()).toBe(0);
  replies[1]?.resolve([row('camera', 900), row('microphone', 900)]);
  await vi.advanceTimersByTimeAsync(250);
  expect(frozen()).toBe(0);
});

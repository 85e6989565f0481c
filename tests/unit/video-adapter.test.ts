/** Tests of the encoding of a shared screen, which follows its content. */
import { FakeMediaStreamTrack } from 'fake-mediastreamtrack';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { prepareTrack, VideoAdapter } from '../../web/client/sfu/VideoAdapter.ts';

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('window', {});
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test('a film after slides has its limit lifted after two seconds, and is motion three seconds later', async () => {
  const track = new FakeMediaStreamTrack({ kind: 'video' });
  vi.spyOn(track, 'getSettings').mockReturnValue({ displaySurface: 'browser', width: 1280, height: 720 });
  const counts = { frames: 0, bytesSent: 0 };
  const play = async (seconds: number, framesPerSecond: number, bitrate: number) => {
    for (let second = 0; second < seconds; second += 1) {
      counts.frames += framesPerSecond;
      counts.bytesSent += bitrate / 8;
      await vi.advanceTimersByTimeAsync(1000);
    }
  };
  let limit: number | undefined;
  const adapter = new VideoAdapter({
    sender: {
      track,
      replaceTrack: async () => {},
      getStats: async () =>
        new Map<string, unknown>([
          ['source', { type: 'media-source', frames: counts.frames, width: 1280, height: 720 }],
          ['sent', { type: 'outbound-rtp', bytesSent: counts.bytesSent }],
        ]),
    },
    track: () => track,
    choice: {
      source: 'screen',
      codec: 'VP8',
      size: { width: 1280, height: 720 },
      kind: 'call',
      scalable: true,
      firefox: false,
    },
    hint: prepareTrack('screen', track),
    layers: {
      reshape: (_source, encodings) => {
        limit = encodings[0]?.maxFramerate;
      },
    },
    onResized: () => {},
  });
  await play(10, 1, 20_000);
  expect(limit).toBeUndefined();
  await play(2, 5, 600_000);
  expect(limit).toBe(60);
  // Half of this second was still limited.
  await play(1, 15, 600_000);
  await play(2, 25, 1_500_000);
  expect(track.contentHint).toBe('motion');
  await play(1, 1, 600_000);
  expect([limit, track.contentHint]).toEqual([5, 'detail']);
  adapter.close();
});

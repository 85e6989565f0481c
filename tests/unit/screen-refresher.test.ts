/** Tests of the refresh of a shared screen: repeated captures at first, until it ends. */
import { FakeMediaStreamTrack } from 'fake-mediastreamtrack';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ScreenRefresher } from '../../web/client/sfu/ScreenRefresher.ts';

const screen = () => new FakeMediaStreamTrack({ kind: 'video' });
/** Number of created readers, and of cancelled ones. */
const readers = { made: 0, cancelled: 0 };

beforeEach(() => {
  vi.useFakeTimers();
  Object.assign(readers, { made: 0, cancelled: 0 });
  class MediaStreamTrackProcessor {
    readonly readable = new ReadableStream({
      cancel() {
        readers.cancelled += 1;
      },
    });
    constructor() {
      readers.made += 1;
    }
  }
  vi.stubGlobal('window', { MediaStreamTrackProcessor });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test('a screen is captured repeatedly for a second and a half, and no reader is left open', async () => {
  using _refresher = new ScreenRefresher(screen());
  await vi.advanceTimersByTimeAsync(600);
  expect(readers).toEqual({ made: 2, cancelled: 2 });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(readers).toEqual({ made: 6, cancelled: 6 });
  expect(vi.getTimerCount()).toBe(0);
});

test('it ends with the publication and with the track', async () => {
  const disposed = new ScreenRefresher(screen());
  await vi.advanceTimersByTimeAsync(300);
  disposed[Symbol.dispose]();
  const track = screen();
  using _ended = new ScreenRefresher(track);
  track.stop();
  await vi.advanceTimersByTimeAsync(5000);
  expect(readers.made).toBe(1);
  expect(vi.getTimerCount()).toBe(0);
});

test('it does nothing in a browser that cannot read tracks', async () => {
  vi.stubGlobal('window', {});
  using _refresher = new ScreenRefresher(screen());
  await vi.advanceTimersByTimeAsync(5000);
  expect(vi.getTimerCount()).toBe(0);
});

/** Tests of the refresh of a shared screen: repeated captures at first, and while its picture is blurred, until it ends. */
import { FakeMediaStreamTrack } from 'fake-mediastreamtrack';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ScreenRefresher } from '../../web/client/sfu/ScreenRefresher.ts';
import { fakeOwnTimers } from '../support/fakeOwnTimers.ts';

/** Number of created readers, and of cancelled ones. */
const readers = { made: 0, cancelled: 0 };
/** Called for each new reader. */
let onReader: () => void = () => {};

fakeOwnTimers();
beforeEach(() => {
  Object.assign(readers, { made: 0, cancelled: 0 });
  onReader = () => {};
  class MediaStreamTrackProcessor {
    readonly readable = new ReadableStream({
      cancel() {
        readers.cancelled += 1;
      },
    });
    constructor() {
      readers.made += 1;
      onReader();
    }
  }
  vi.stubGlobal('window', { MediaStreamTrackProcessor });
});
afterEach(() => void vi.unstubAllGlobals());

/** A screen and the sender that encodes it with the quantizer of an encoder: 15 is its lowest. */
function share() {
  const track = new FakeMediaStreamTrack({ kind: 'video' });
  const stats = { deliveredFrames: 0 };
  const totals = { frames: 0, framesEncoded: 0, qpSum: 0, active: true };
  const sender = {
    getStats: vi.fn(
      async () =>
        new Map<string, unknown>([
          ['source', { type: 'media-source', frames: totals.frames }],
          ['sent', { ...totals, type: 'outbound-rtp' }],
        ]),
    ),
  };
  /** Gives one frame. @param quantizer undefined: the encoder drops it */
  const give = (quantizer?: number): void => {
    stats.deliveredFrames += 1;
    totals.frames += 1;
    if (quantizer === undefined) return;
    totals.framesEncoded += 1;
    totals.qpSum += quantizer;
  };
  /** Gives frames at this rate. @returns the number of captures meanwhile */
  const play = async (seconds: number, framesPerSecond: number, quantizer?: number): Promise<number> => {
    const before = readers.made;
    for (let frame = 0; frame < seconds * framesPerSecond; frame += 1) {
      give(quantizer);
      await vi.advanceTimersByTimeAsync(1000 / framesPerSecond);
    }
    return readers.made - before;
  };
  return { track: Object.assign(track, { stats }), totals, sender, give, play };
}

/** A screen that stands still and is sharp, some time after the captures of the start. */
async function still() {
  const screen = share();
  const refresher = new ScreenRefresher(screen.track, screen.sender);
  await screen.play(5, 1, 15);
  readers.made = 0;
  return { ...screen, [Symbol.dispose]: () => refresher[Symbol.dispose]() };
}

test('a screen is captured six times at the start, and no reader is left open', async () => {
  const { track, sender } = share();
  // Without statistics of the track there are no captures after those.
  using _refresher = new ScreenRefresher(Object.assign(track, { stats: undefined }), sender);
  await vi.advanceTimersByTimeAsync(450);
  expect(readers).toEqual({ made: 2, cancelled: 2 });
  await vi.advanceTimersByTimeAsync(1000);
  expect(readers).toEqual({ made: 6, cancelled: 6 });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(readers.made).toBe(6);
  expect(vi.getTimerCount()).toBe(0);
});

describe('a screen that has stood still', () => {
  test('is captured within half a second when the encoder drops its change, until it is sharp', async () => {
    using screen = await still();
    // As VP8 does: the frame after a dropped one is the coarsest.
    let quantizer = 106;
    onReader = () => {
      screen.give(quantizer);
      quantizer = Math.max(15, quantizer - 12);
    };
    screen.give();
    await vi.advanceTimersByTimeAsync(500);
    expect(readers.made).toBe(1);
    await vi.advanceTimersByTimeAsync(1000);
    expect(readers.made).toBe(5);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(quantizer).toBe(15);
    // 106 to 22: the picture is sharp then.
    expect(readers.made).toBe(8);
  });

  test('is captured when its change is encoded coarsely', async () => {
    using screen = await still();
    onReader = () => screen.give(15);
    expect(await screen.play(1, 1, 80)).toBe(1);
    expect(await screen.play(5, 1, 15)).toBe(0);
  });

  test('is captured about ten times where it cannot become sharp, and again after its next change', async () => {
    using screen = await still();
    onReader = () => screen.give(60);
    screen.give(60);
    await vi.advanceTimersByTimeAsync(10_000);
    // Some are regained meanwhile.
    expect(readers.made).toBeGreaterThanOrEqual(10);
    expect(readers.made).toBeLessThanOrEqual(14);
    expect(await screen.play(20, 1, 60)).toBe(0);
    screen.give(100);
    await vi.advanceTimersByTimeAsync(500);
    expect(readers.made).toBeGreaterThan(10);
  });

  test('is captured once a second where each frame is dropped', async () => {
    using screen = await still();
    onReader = screen.give;
    screen.give();
    await vi.advanceTimersByTimeAsync(4000);
    expect(readers.made).toBeGreaterThanOrEqual(10);
    expect(readers.made).toBeLessThanOrEqual(14);
    readers.made = 0;
    screen.sender.getStats.mockClear();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(readers.made).toBeLessThanOrEqual(21);
    // Statistics are read once for each frame.
    expect(screen.sender.getStats.mock.calls.length).toBeLessThanOrEqual(21);
  });

  test('is captured six times after a film, whose quantizers are on another scale', async () => {
    using screen = await still();
    screen.track.contentHint = 'motion';
    expect(await screen.play(10, 10, 2)).toBe(0);
    screen.track.contentHint = 'detail';
    expect(await screen.play(10, 1, 15)).toBe(6);
    expect(await screen.play(10, 1, 15)).toBe(0);
  });

  test('is not captured while text is typed, which is encoded finely', async () => {
    using screen = await still();
    expect(await screen.play(20, 5, 17)).toBe(0);
  });

  test('is not captured while it is scrolled, but as soon as that ends', async () => {
    using screen = await still();
    expect(await screen.play(5, 10, 90)).toBe(0);
    expect(await screen.play(5, 5, 90)).toBe(0);
    onReader = () => screen.give(15);
    await vi.advanceTimersByTimeAsync(500);
    expect(readers.made).toBe(1);
  });

  test.each([
    ['nobody receives it', ({ totals }) => Object.assign(totals, { active: false })],
    ['it is muted', ({ track }) => Object.assign(track, { enabled: false })],
    ['it shows a film', ({ track }) => Object.assign(track, { contentHint: 'motion' })],
  ] satisfies [string, (screen: ReturnType<typeof share>) => void][])(
    'is not captured while %s',
    async (_name, change) => {
      using screen = await still();
      change(screen);
      expect(await screen.play(5, 1)).toBe(0);
    },
  );
});

test('it ends with the publication and with the track', async () => {
  const [first, second] = [share(), share()];
  const disposed = new ScreenRefresher(first.track, first.sender);
  await vi.advanceTimersByTimeAsync(300);
  disposed[Symbol.dispose]();
  using _ended = new ScreenRefresher(second.track, second.sender);
  second.track.stop();
  await vi.advanceTimersByTimeAsync(5000);
  expect(readers.made).toBe(1);
  expect(vi.getTimerCount()).toBe(0);
});

test('it does nothing in a browser that cannot read tracks', async () => {
  vi.stubGlobal('window', {});
  const { track, sender } = share();
  using _refresher = new ScreenRefresher(track, sender);
  await vi.advanceTimersByTimeAsync(5000);
  expect(vi.getTimerCount()).toBe(0);
});

/** Tests of the evaluation of broadcast benchmarks: time pattern, age of frames, delivery, CPU samples. */
import { describe, expect, test } from 'vitest';
import { BusyMeter } from '../../scripts/bench/support/BusyMeter.ts';
import type { SeenFrame, ViewerStats } from '../../scripts/bench/support/clockPages.ts';
import { frameAgesOf } from '../../scripts/bench/support/frameAges.ts';
import { evenly, mostRequested } from '../../scripts/bench/support/timedJoins.ts';
import { blocksOf, GRID, timeOf } from '../../scripts/bench/support/timePattern.ts';
import { spreadOf, windowOf } from '../../scripts/bench/support/windows.ts';

const MOMENT = 1_795_651_200_123;

describe('the time pattern', () => {
  test('fills the grid and decodes', () => {
    expect(blocksOf(MOMENT)).toHaveLength(GRID.columns * GRID.rows);
    for (const late of [0, 1, 33, 1000, 86_400_000]) expect(timeOf(blocksOf(MOMENT), MOMENT + late)).toBe(MOMENT);
  });

  test('decodes where its low bits wrapped between drawing and presentation', () => {
    const turn = 2 ** 32 * 418;
    expect(timeOf(blocksOf(turn - 5), turn + 100)).toBe(turn - 5);
    expect(timeOf(blocksOf(turn + 5), turn - 100)).toBe(turn + 5);
  });

  test('rejects a wrong block, and two adjacent ones', () => {
    const blocks = blocksOf(MOMENT);
    for (const wrong of blocks.keys()) {
      const without = (also: number) =>
        blocks.map((white, place) => (place === wrong || place === also ? !white : white));
      expect(timeOf(without(wrong), MOMENT)).toBeUndefined();
      if (wrong + 1 < blocks.length) expect(timeOf(without(wrong + 1), MOMENT)).toBeUndefined();
    }
  });

  test('rejects a picture that is all black, all white, or empty', () => {
    expect(timeOf(Array(40).fill(false), MOMENT)).toBeUndefined();
    expect(timeOf(Array(40).fill(true), MOMENT)).toBeUndefined();
    expect(timeOf([], MOMENT)).toBeUndefined();
  });

  test('is encoded by a function that can be serialised into a page', () => {
    const inPage: unknown = new Function(`return (${blocksOf})(${MOMENT})`)();
    expect(inPage).toEqual(blocksOf(MOMENT));
  });
});

describe('the frames of a viewer', () => {
  const none: ViewerStats = { roundTrip: 0, buffered: 0, emitted: 0, decoding: 0, decoded: 0, freezeCount: 0 };
  const frame = (drawn: number, at: number, width = 1280): SeenFrame => ({
    at,
    width,
    blocks: blocksOf(drawn).map((white) => (white ? 220 : 40)),
  });

  test('are as old as the time that they show', () => {
    const frames = [
      frame(MOMENT, MOMENT + 90),
      frame(MOMENT + 33, MOMENT + 140, 640),
      frame(MOMENT + 66, MOMENT + 340),
    ];
    const sight = frameAgesOf(frames, none, none);
    expect(sight).toMatchObject({ ages: [90, 107, 274], frames: 3, longest: 200, rate: 8, full: 2 });
  });

  test('are counted when they cannot be decoded', () => {
    const grey = { ...frame(MOMENT, MOMENT + 80), blocks: Array(40).fill(100) };
    expect(frameAgesOf([frame(MOMENT, MOMENT + 50), grey], none, none)).toMatchObject({
      ages: [50],
      frames: 2,
      longest: 30,
    });
    expect(frameAgesOf([], none, none)).toMatchObject({ ages: [], frames: 0, longest: 0, rate: 0, full: 0 });
  });

  test('have the buffering delay that the browser reports, per frame', () => {
    const before = { ...none, buffered: 1000, emitted: 10, decoding: 50, decoded: 10 };
    const after = { roundTrip: 80, buffered: 2500, emitted: 40, decoding: 140, decoded: 40, freezeCount: 2 };
    expect(frameAgesOf([], before, after)).toMatchObject({
      own: { trip: 40, buffer: 50, decoding: 3 },
      freezeCount: 2,
    });
  });
});

describe('a window of an audience', () => {
  const placements = [
    { worker: 1, consumerIds: ['a', 'b', 'pipe'] },
    { worker: 2, consumerIds: ['c'] },
  ];
  const reading = (sent: number, [a, b, c]: readonly [number, number, number], cpu: number) => ({
    sent,
    received: [
      { consumerId: 'a', distinct: a },
      { consumerId: 'b', distinct: b },
      { consumerId: 'c', distinct: c },
    ],
    node: cpu,
    workers: [10 * cpu, 20 * cpu],
  });

  test('counts the packets received and due, by the worker that sent them', () => {
    const before = reading(100, [90, 80, 70], 5);
    expect(windowOf(before, reading(200, [190, 179, 169], 8), placements, 3)).toEqual({
      due: 300,
      received: 298,
      node: 3,
      workers: [
        { cpu: 30, received: 199 },
        { cpu: 60, received: 99 },
      ],
    });
  });

  test('counts viewers that joined meanwhile from zero', () => {
    const before = { ...reading(0, [0, 0, 0], 0), received: [] };
    expect(windowOf(before, reading(10, [10, 10, 5], 1), placements, 3)).toMatchObject({ due: 30, received: 25 });
  });

  test('spreads over workers by consumers, without those of pipes', () => {
    expect(spreadOf(reading(0, [0, 0, 0], 0).received, placements)).toEqual([2, 1]);
  });
});

describe('a burst of joins', () => {
  test('is evenly spaced and ends within its time', () => {
    expect(evenly(4, 1000)).toEqual([0, 250, 500, 750]);
    expect(evenly(0, 1000)).toEqual([]);
  });

  test('has the key-frame requests of the layer with the most of them', () => {
    const tracks = [5, 9, 7].map((keyFrameRequests) => ({ keyFrameRequests }));
    expect(mostRequested(tracks, [4, 8, 4])).toBe(3);
    expect(mostRequested(tracks, [])).toBe(9);
    expect(mostRequested([], [])).toBe(0);
  });
});

test('CPU use is sampled between polls, and its maximum is kept', () => {
  let at = 0;
  const used = new Map([
    [1, 0],
    [2, 0],
  ]);
  const run = (milliseconds: number, ...microseconds: readonly [number, number]) => {
    at += milliseconds;
    for (const [index, more] of microseconds.entries()) used.set(index + 1, (used.get(index + 1) ?? 0) + more);
  };
  const meter = new BusyMeter([1, 2], { read: (pid) => used.get(pid) ?? 0, clock: () => at });
  run(500, 100_000, 400_000);
  expect(meter.poll()).toEqual([0.2, 0.8]);
  run(1000, 500_000, 0);
  expect(meter.poll()).toEqual([0.5, 0]);
  run(1000, 1_000_000, 1_000_000);
  meter.begin();
  run(1000, 300_000, 100_000);
  expect(meter.poll()).toEqual([0.3, 0.1]);
  expect(meter.most).toBe(0.8);
  expect(meter.poll()).toEqual([0, 0]);
});

/** Owns tests of the arithmetic of benchmarks of broadcasts: the time as blocks, how old frames are, what arrived, who is busy. */
import { describe, expect, test } from 'vitest';
import { BusyMeter } from '../../scripts/bench/support/BusyMeter.ts';
import type { SeenFrame, ViewerStats } from '../../scripts/bench/support/clockPages.ts';
import { pictureAgesOf } from '../../scripts/bench/support/pictureAges.ts';
import { blocksOf, GRID, timeOf } from '../../scripts/bench/support/timePattern.ts';
import { evenly, mostAsked } from '../../scripts/bench/support/visits.ts';
import { spreadOf, windowOf } from '../../scripts/bench/support/windows.ts';

const MOMENT = 1_795_651_200_123;

describe('the time as blocks', () => {
  test('fills the grid, and is read again', () => {
    expect(blocksOf(MOMENT)).toHaveLength(GRID.columns * GRID.rows);
    for (const late of [0, 1, 33, 1000, 86_400_000]) expect(timeOf(blocksOf(MOMENT), MOMENT + late)).toBe(MOMENT);
  });

  test('is read where its lowest bits begin anew between drawing and showing', () => {
    const turn = 2 ** 32 * 418;
    expect(timeOf(blocksOf(turn - 5), turn + 100)).toBe(turn - 5);
    expect(timeOf(blocksOf(turn + 5), turn - 100)).toBe(turn + 5);
  });

  test('is not read where a block is wrong, or two beside each other are', () => {
    const blocks = blocksOf(MOMENT);
    for (const wrong of blocks.keys()) {
      const without = (also: number) =>
        blocks.map((white, place) => (place === wrong || place === also ? !white : white));
      expect(timeOf(without(wrong), MOMENT)).toBeUndefined();
      if (wrong + 1 < blocks.length) expect(timeOf(without(wrong + 1), MOMENT)).toBeUndefined();
    }
  });

  test('is not read from a picture that is all black, all white, or none', () => {
    expect(timeOf(Array(40).fill(false), MOMENT)).toBeUndefined();
    expect(timeOf(Array(40).fill(true), MOMENT)).toBeUndefined();
    expect(timeOf([], MOMENT)).toBeUndefined();
  });

  test('is made by a function that a page can be given as text', () => {
    const inPage: unknown = new Function(`return (${blocksOf})(${MOMENT})`)();
    expect(inPage).toEqual(blocksOf(MOMENT));
  });
});

describe('what a viewer sees', () => {
  const none: ViewerStats = { roundTrip: 0, buffered: 0, emitted: 0, decoding: 0, decoded: 0, freezeCount: 0 };
  const frame = (drawn: number, at: number, width = 1280): SeenFrame => ({
    at,
    width,
    blocks: blocksOf(drawn).map((white) => (white ? 220 : 40)),
  });

  test('is as old as the time that it shows', () => {
    const frames = [
      frame(MOMENT, MOMENT + 90),
      frame(MOMENT + 33, MOMENT + 140, 640),
      frame(MOMENT + 66, MOMENT + 340),
    ];
    const sight = pictureAgesOf(frames, none, none);
    expect(sight).toMatchObject({ ages: [90, 107, 274], frames: 3, longest: 200, rate: 8, full: 2 });
  });

  test('counts frames that cannot be read', () => {
    const grey = { ...frame(MOMENT, MOMENT + 80), blocks: Array(40).fill(100) };
    expect(pictureAgesOf([frame(MOMENT, MOMENT + 50), grey], none, none)).toMatchObject({
      ages: [50],
      frames: 2,
      longest: 30,
    });
    expect(pictureAgesOf([], none, none)).toMatchObject({ ages: [], frames: 0, longest: 0, rate: 0, full: 0 });
  });

  test('has waited for as long as the browser says, a frame', () => {
    const before = { ...none, buffered: 1000, emitted: 10, decoding: 50, decoded: 10 };
    const after = { roundTrip: 80, buffered: 2500, emitted: 40, decoding: 140, decoded: 40, freezeCount: 2 };
    expect(pictureAgesOf([], before, after)).toMatchObject({
      own: { trip: 40, buffer: 50, decoding: 3 },
      freezeCount: 2,
    });
  });
});

describe('a window of an audience', () => {
  const places = [
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

  test('has what arrived of what was due, by the worker that it came from', () => {
    const before = reading(100, [90, 80, 70], 5);
    expect(windowOf(before, reading(200, [190, 179, 169], 8), places, 3)).toEqual({
      due: 300,
      received: 298,
      node: 3,
      workers: [
        { cpu: 30, received: 199 },
        { cpu: 60, received: 99 },
      ],
    });
  });

  test('counts those who have come meanwhile from nothing', () => {
    const before = { ...reading(0, [0, 0, 0], 0), received: [] };
    expect(windowOf(before, reading(10, [10, 10, 5], 1), places, 3)).toMatchObject({ due: 30, received: 25 });
  });

  test('spreads over workers by consumers, those of pipes not counted', () => {
    expect(spreadOf(reading(0, [0, 0, 0], 0).received, places)).toEqual([2, 1]);
  });
});

describe('a rush', () => {
  test('is even, and over before its time is', () => {
    expect(evenly(4, 1000)).toEqual([0, 250, 500, 750]);
    expect(evenly(0, 1000)).toEqual([]);
  });

  test('asks for as many key frames as the layer that is asked most', () => {
    const tracks = [5, 9, 7].map((keyFrameRequests) => ({ keyFrameRequests }));
    expect(mostAsked(tracks, [4, 8, 4])).toBe(3);
    expect(mostAsked(tracks, [])).toBe(9);
    expect(mostAsked([], [])).toBe(0);
  });
});

test('how busy processes are is told from one look to the next, and the most of it is kept', () => {
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

/** Tests of the layout of tiles. */
import { describe, expect, test } from 'vitest';
import { largestGrid, pageOf, tilesPerPage } from '../../web/view/common/gridLayout.ts';

const options = { gap: 8, maxAspect: 16 / 9 };
const desktop = { width: 1264, height: 720 };
const phone = { width: 374, height: 760 };

/** Share of the stage covered by tiles and the gaps between them. */
function used(count: number, stage: { width: number; height: number }): number {
  const { columns, rows, tile, last } = largestGrid(count, stage, options);
  const row = (tiles: number, width: number) => (tiles * (width + 8) - 8) * (tile.height + 8);
  const area = (rows - 1) * row(columns, tile.width) + row(last.count, last.width);
  return area / (stage.width * (stage.height + 8));
}

describe('the grid', () => {
  test.each([
    [1, desktop, 1],
    [2, desktop, 2],
    [3, desktop, 2],
    [4, desktop, 2],
    [5, desktop, 3],
    [9, desktop, 3],
    [12, desktop, 4],
    [25, desktop, 5],
    [2, phone, 1],
    [3, phone, 1],
    [5, phone, 2],
    [6, phone, 2],
    [8, phone, 2],
  ])('of %i tiles on %o has %i columns', (count, stage, columns) => {
    expect(largestGrid(count, stage, options).columns).toBe(columns);
  });

  /** The area above the control bar on common phones. */
  const phones = [
    { width: 304, height: 484 },
    { width: 344, height: 556 },
    { width: 374, height: 760 },
    { width: 396, height: 824 },
    { width: 414, height: 848 },
  ];
  test.each(phones)('fills an upright phone of %o, however many tiles there are', (stage) => {
    for (let count = 1; count <= 14; count += 1) expect(used(count, stage), `${count} tiles`).toBeGreaterThan(0.89);
  });

  test.each([
    { width: 1264, height: 720 },
    { width: 1904, height: 992 },
    { width: 1424, height: 812 },
    { width: 1000, height: 600 },
    { width: 752, height: 936 },
    { width: 828, height: 316 },
  ])('covers most of a window of %o', (stage) => {
    for (let count = 1; count <= 25; count += 1) expect(used(count, stage), `${count} tiles`).toBeGreaterThan(0.64);
  });

  test('fills the last row on an upright stage only', () => {
    const upright = largestGrid(5, phone, options);
    expect(upright).toMatchObject({ columns: 2, rows: 3, last: { count: 1, width: 374 } });
    const wide = largestGrid(5, desktop, options);
    expect(wide.last).toEqual({ count: 2, width: wide.tile.width });
  });

  test('stays within the stage, whatever the count and the size', () => {
    for (let count = 1; count <= 49; count += 1) {
      for (const stage of [desktop, phone, { width: 320, height: 400 }, { width: 3840, height: 2000 }]) {
        const { columns, rows, tile, last } = largestGrid(count, stage, options);
        expect(columns * (rows - 1) + last.count).toBe(count);
        expect(columns * tile.width + (columns - 1) * 8).toBeLessThanOrEqual(stage.width);
        expect(last.count * last.width + (last.count - 1) * 8).toBeLessThanOrEqual(stage.width);
        expect(rows * tile.height + (rows - 1) * 8).toBeLessThanOrEqual(stage.height);
        for (const width of [tile.width, last.width]) {
          expect(width / tile.height).toBeLessThanOrEqual(16 / 9 + 0.02);
          expect(width / tile.height).toBeGreaterThanOrEqual(0.44);
        }
      }
    }
  });

  test('of an empty stage is one column of size zero rather than an error', () => {
    expect(largestGrid(3, { width: 0, height: 0 }, options)).toMatchObject({
      columns: 1,
      rows: 3,
      tile: { width: 0, height: 0 },
    });
  });

  test('has a last row that is no wider than the others, in any window: it would wrap', () => {
    for (let width = 200; width <= 1300; width += 1) {
      for (let count = 1; count <= 25; count += 1) {
        const { columns, tile, last } = largestGrid(count, { width, height: 760 }, options);
        const row = (tiles: number, each: number) => tiles * each + (tiles - 1) * options.gap;
        if (row(last.count, last.width) > row(columns, tile.width)) expect.fail(`${count} tiles, ${width} wide`);
      }
    }
  });
});

describe('pages', () => {
  const ids = ['a', 'b', 'c', 'd', 'e'];

  test('hold what fits, at least one tile and at most the requested number', () => {
    expect(tilesPerPage(desktop, 8, 25)).toBe(25);
    expect(tilesPerPage({ width: 374, height: 300 }, 8, 25)).toBe(6);
    expect(tilesPerPage({ width: 10, height: 10 }, 8, 25)).toBe(1);
  });

  test('keep the order of participants', () => {
    expect([0, 1, 2].map((page) => pageOf(ids, page, 2))).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
  });

  test('keep the active speaker visible, without moving anyone on their own page', () => {
    expect(pageOf(ids, 0, 2, 'e')).toEqual(['a', 'e']);
    expect(pageOf(ids, 0, 2, 'b')).toEqual(['a', 'b']);
    expect(pageOf(ids, 0, 2, 'gone')).toEqual(['a', 'b']);
  });
});

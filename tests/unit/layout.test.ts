/** Owns the proof of the stage's arithmetic. */
import { describe, expect, test } from 'vitest';
import { largestGrid, pageOf, tilesAPage } from '../../web/view/layout.ts';

const options = { gap: 8, aspect: 16 / 9 };
const desktop = { width: 1264, height: 720 };
const phone = { width: 374, height: 760 };

describe('the grid', () => {
  test.each([
    [1, desktop, 1],
    [2, desktop, 2],
    [4, desktop, 2],
    [5, desktop, 3],
    [9, desktop, 3],
    [12, desktop, 4],
    [25, desktop, 5],
    [2, phone, 1],
    [6, phone, 2],
  ])('of %i tiles on %o has %i columns', (count, stage, columns) => {
    expect(largestGrid(count, stage, options).columns).toBe(columns);
  });

  test('stays within the stage, whatever the count and the stage', () => {
    for (let count = 1; count <= 49; count += 1) {
      for (const stage of [desktop, phone, { width: 320, height: 400 }, { width: 3840, height: 2000 }]) {
        const { columns, rows, tile } = largestGrid(count, stage, options);
        expect(columns * rows).toBeGreaterThanOrEqual(count);
        expect(columns * tile.width + (columns - 1) * 8).toBeLessThanOrEqual(stage.width);
        expect(rows * tile.height + (rows - 1) * 8).toBeLessThanOrEqual(stage.height);
        expect(tile.width / tile.height).toBeLessThanOrEqual(16 / 9 + 0.02);
        expect(tile.width / tile.height).toBeGreaterThanOrEqual(0.98);
      }
    }
  });

  test('of a stage without room is one column of nothing rather than an error', () => {
    expect(largestGrid(3, { width: 0, height: 0 }, options)).toEqual({
      columns: 1,
      rows: 3,
      tile: { width: 0, height: 0 },
    });
  });
});

describe('pages', () => {
  const ids = ['a', 'b', 'c', 'd', 'e'];

  test('hold what fits, at least one and at most what is asked', () => {
    expect(tilesAPage(desktop, 8, 25)).toBe(25);
    expect(tilesAPage({ width: 374, height: 300 }, 8, 25)).toBe(6);
    expect(tilesAPage({ width: 10, height: 10 }, 8, 25)).toBe(1);
  });

  test('keep everyone in their order', () => {
    expect([0, 1, 2].map((page) => pageOf(ids, page, 2))).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
  });

  test('have the active speaker in view, who moves nobody on their own page', () => {
    expect(pageOf(ids, 0, 2, 'e')).toEqual(['a', 'e']);
    expect(pageOf(ids, 0, 2, 'b')).toEqual(['a', 'b']);
    expect(pageOf(ids, 0, 2, 'gone')).toEqual(['a', 'b']);
  });
});

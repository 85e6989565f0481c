/** Owns the arithmetic of the stage: how many columns make the largest tiles, and which tiles are on which page. */

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Grid {
  readonly columns: number;
  readonly rows: number;
  /** Of one tile, in CSS pixels. */
  readonly tile: Size;
}

export interface GridOptions {
  /** Between tiles, in CSS pixels. */
  readonly gap: number;
  /** Width over height that a tile should have. */
  readonly aspect: number;
  readonly tallest?: number;
}

/** Between two grids whose pictures are nearly as large, the one with the larger tiles is better: more of the stage is people. */
const NEARLY = 0.8;

/**
 * The grid for so many tiles that shows the largest pictures. A tile takes all of its cell, between the aspect and
 * `tallest`, which crops the sides of a picture rather than leaving the stage empty.
 * @param tallest least width over height of a tile; 1 is a square
 */
export function largestGrid(count: number, stage: Size, { gap, aspect, tallest = 1 }: GridOptions): Grid {
  const tiles = Math.max(1, count);
  let best: Grid = { columns: 1, rows: tiles, tile: { width: 0, height: 0 } };
  for (let columns = 1; columns <= tiles; columns += 1) {
    const rows = Math.ceil(tiles / columns);
    const cell = {
      width: (stage.width - gap * (columns - 1)) / columns,
      height: (stage.height - gap * (rows - 1)) / rows,
    };
    if (cell.width <= 0 || cell.height <= 0) continue;
    const width = Math.min(cell.width, cell.height * aspect);
    const tile = { width: Math.floor(width), height: Math.floor(Math.min(cell.height, width / tallest)) };
    const [ours, theirs] = [picture(tile, aspect), picture(best.tile, aspect)];
    const larger = tile.width * tile.height > best.tile.width * best.tile.height;
    if (ours > theirs / NEARLY || (ours > theirs * NEARLY && larger)) best = { columns, rows, tile };
  }
  return best;
}

/** The width of a picture of the aspect that fits into a tile. */
function picture({ width, height }: Size, aspect: number): number {
  return Math.min(width, height * aspect);
}

/** The least width at which a face is still a face, in CSS pixels. */
const LEAST_TILE = { width: 160, height: 90 };

/** Most tiles on a page: beyond that nobody recognises anybody. */
export const MOST_TILES = 25;
/** Between tiles, in CSS pixels. */
export const GAP = 8;

/** How many tiles the first page of a stage that fills a window may have. */
export function firstPage(window: Size): number {
  return tilesAPage(window, GAP, MOST_TILES);
}

/** How many tiles one page may hold so that none falls below the least size; at least one, at most `most`. */
export function tilesAPage(stage: Size, gap: number, most: number, least: Size = LEAST_TILE): number {
  const columns = Math.max(1, Math.floor((stage.width + gap) / (least.width + gap)));
  const rows = Math.max(1, Math.floor((stage.height + gap) / (least.height + gap)));
  return Math.max(1, Math.min(most, columns * rows));
}

/**
 * The ids on one page, in their order. Whoever must be in view is there on every page: if their own page is another,
 * they take the place of the last one.
 */
export function pageOf(ids: readonly string[], page: number, size: number, inView?: string): string[] {
  const slice = ids.slice(page * size, (page + 1) * size);
  if (inView === undefined || !ids.includes(inView) || slice.includes(inView)) return slice;
  return [...slice.slice(0, Math.max(0, size - 1)), inView];
}

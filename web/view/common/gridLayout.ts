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
  /** How many tiles the last row has, and their width, which may be larger. */
  readonly last: { readonly count: number; readonly width: number };
}

export interface GridOptions {
  /** Between tiles, in CSS pixels. */
  readonly gap: number;
  /** The greatest width over height of a tile. */
  readonly maxAspect: number;
  /** The least; by default what the shape of the stage allows. */
  readonly minAspect?: number;
}

/**
 * The least width over height of a tile, by the stage's shape. Cameras are wide, and a tile that is not shows the middle of
 * the picture: on an upright phone a face is larger that way than in a low tile, on a desk more than half of it would be lost.
 */
const MIN_ASPECT = { upright: 0.45, wide: 0.75 };
/** Two grids whose tiles cover nearly as much of the stage are told apart by how little they crop. */
const SIMILAR_AREA = 0.95;

/**
 * The grid of so many tiles that covers most of the stage. Tiles take the shape of their cells, as far as `widest` and
 * `tallest` allow, and pictures cover them. On an upright stage the last row is filled as well.
 */
export function largestGrid(count: number, stage: Size, options: GridOptions): Grid {
  const tiles = Math.max(1, count);
  let best = gridOf(tiles, 1, stage, options);
  for (let columns = 2; columns <= tiles; columns += 1) {
    const grid = gridOf(tiles, columns, stage, options);
    const [ours, theirs] = [coveredArea(grid), coveredArea(best)];
    const wider = grid.tile.width * best.tile.height > best.tile.width * grid.tile.height;
    if (ours * SIMILAR_AREA > theirs || (ours > theirs * SIMILAR_AREA && wider)) best = grid;
  }
  return best;
}

function gridOf(tiles: number, columns: number, stage: Size, { gap, maxAspect, ...options }: GridOptions): Grid {
  const upright = stage.height > stage.width;
  const { minAspect = upright ? MIN_ASPECT.upright : MIN_ASPECT.wide } = options;
  const rows = Math.ceil(tiles / columns);
  const count = tiles - columns * (rows - 1);
  const side = (length: number, cells: number) => Math.max(0, (length - gap * (cells - 1)) / cells);
  const cell = { width: side(stage.width, columns), height: side(stage.height, rows) };
  const width = Math.min(cell.width, cell.height * maxAspect);
  const tile = { width: Math.floor(width), height: Math.floor(Math.min(cell.height, width / minAspect)) };
  const filled = Math.floor(Math.min(side(stage.width, count), tile.height * maxAspect));
  return { columns, rows, tile, last: { count, width: upright ? Math.max(tile.width, filled) : tile.width } };
}

/** The area of all tiles. */
function coveredArea({ columns, rows, tile, last }: Grid): number {
  return (columns * (rows - 1) * tile.width + last.count * last.width) * tile.height;
}

/** The least width at which a face is still a face, in CSS pixels. */
const MIN_TILE = { width: 160, height: 90 };

/** Most tiles on a page: beyond that nobody recognises anybody. */
export const MAX_TILES = 25;
/** Between tiles, in CSS pixels. */
export const GAP = 8;

/** How many tiles the first page of a stage that fills a window may have. */
export function firstPage(window: Size): number {
  return tilesPerPage(window, GAP, MAX_TILES);
}

/** How many tiles one page may hold so that none falls below the least size; at least one, at most `most`. */
export function tilesPerPage(stage: Size, gap: number, most: number, least: Size = MIN_TILE): number {
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

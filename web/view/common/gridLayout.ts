/** The arithmetic of grids: how many columns make the largest tiles, and which tiles are on which page. */

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Grid {
  readonly columns: number;
  readonly rows: number;
  /** The size of one tile, in CSS pixels. */
  readonly tile: Size;
  /** How many tiles the last row has, and their width, which may be larger than that of the others. */
  readonly last: { readonly count: number; readonly width: number };
}

export interface GridOptions {
  /** Between tiles, in CSS pixels. */
  readonly gap: number;
  /** The maximum aspect ratio (width over height) of a tile. */
  readonly maxAspect: number;
  /** The minimum aspect ratio; the default depends on the orientation of the area. */
  readonly minAspect?: number;
}

/**
 * The default minimum aspect ratio of a tile. Camera pictures are wide, and a narrow tile shows only the middle of one: on
 * a phone in portrait a face is larger that way than in a low tile; on a desktop more than half of the picture would be lost.
 */
const MIN_ASPECT = { portrait: 0.45, landscape: 0.75 };
/** Of two grids whose covered areas have at least this ratio, the one with wider tiles, which crop less, is better. */
const SIMILAR_AREA = 0.95;

/**
 * The grid of `count` tiles that covers most of an area. Tiles fill their cells as far as `maxAspect` and `minAspect` allow.
 * In portrait the tiles of the last row are widened to fill it.
 */
export function largestGrid(count: number, area: Size, options: GridOptions): Grid {
  const tiles = Math.max(1, count);
  let best = gridOf(tiles, 1, area, options);
  for (let columns = 2; columns <= tiles; columns += 1) {
    const grid = gridOf(tiles, columns, area, options);
    const [covered, mostCovered] = [coveredArea(grid), coveredArea(best)];
    const wider = grid.tile.width * best.tile.height > best.tile.width * grid.tile.height;
    if (covered * SIMILAR_AREA > mostCovered || (covered > mostCovered * SIMILAR_AREA && wider)) best = grid;
  }
  return best;
}

function gridOf(tiles: number, columns: number, area: Size, { gap, maxAspect, ...options }: GridOptions): Grid {
  const portrait = area.height > area.width;
  const { minAspect = portrait ? MIN_ASPECT.portrait : MIN_ASPECT.landscape } = options;
  const rows = Math.ceil(tiles / columns);
  const count = tiles - columns * (rows - 1);
  const side = (length: number, cells: number) => Math.max(0, (length - gap * (cells - 1)) / cells);
  const cell = { width: side(area.width, columns), height: side(area.height, rows) };
  const width = Math.min(cell.width, cell.height * maxAspect);
  const tile = { width: Math.floor(width), height: Math.floor(Math.min(cell.height, width / minAspect)) };
  // Of the row as it is, which is up to a pixel a column narrower than the area: wider ones would wrap into rows of their own.
  const rowWidth = columns * tile.width + gap * (columns - 1);
  const filled = Math.floor(Math.min(side(rowWidth, count), tile.height * maxAspect));
  return { columns, rows, tile, last: { count, width: portrait ? Math.max(tile.width, filled) : tile.width } };
}

/** The area of all tiles. */
function coveredArea({ columns, rows, tile, last }: Grid): number {
  return (columns * (rows - 1) * tile.width + last.count * last.width) * tile.height;
}

/** The smallest tile in which a face can be recognised, in CSS pixels. */
const MIN_TILE = { width: 160, height: 90 };

/** The most tiles on one page. */
export const MAX_TILES = 25;
/** Between tiles, in CSS pixels. */
export const GAP = 8;

/** How many videos a join subscribes to at once: as many as fit into the window; none in a hidden page, which shows none. */
export function initialVideoLimit(): number {
  return document.hidden ? 0 : tilesPerPage({ width: innerWidth, height: innerHeight }, GAP, MAX_TILES);
}

/** How many tiles one page holds without any below the minimum size; at least 1, at most `max`. */
export function tilesPerPage(area: Size, gap: number, max: number, minTile: Size = MIN_TILE): number {
  const columns = Math.max(1, Math.floor((area.width + gap) / (minTile.width + gap)));
  const rows = Math.max(1, Math.floor((area.height + gap) / (minTile.height + gap)));
  return Math.max(1, Math.min(max, columns * rows));
}

/**
 * The ids on one page, in their order. `inView` is on every page: where it belongs to another one, it replaces the last
 * id of the page.
 */
export function pageOf(ids: readonly string[], page: number, size: number, inView?: string): string[] {
  const slice = ids.slice(page * size, (page + 1) * size);
  if (inView === undefined || !ids.includes(inView) || slice.includes(inView)) return slice;
  return [...slice.slice(0, Math.max(0, size - 1)), inView];
}

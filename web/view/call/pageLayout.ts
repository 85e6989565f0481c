/** How much of the call layout its tiles take: the area of the grid, and how many remote tiles one page holds. */
import { GAP, MAX_TILES, type Size, tilesPerPage } from '../common/gridLayout.ts';

/** The strip beside or above the focused tile: its width or height, and the minimum size of its tiles, in CSS pixels. */
const STRIP = { width: 220, height: 72, minBeside: { width: 180, height: 101 }, minAbove: { width: 112, height: 63 } };
/** The height that the pager takes below the tiles, in CSS pixels. */
const PAGER_HEIGHT = 56;

export interface PageLayoutOptions {
  /** Of the whole layout, in CSS pixels. */
  readonly size: Size;
  /** Remote tiles that are not focused. */
  readonly tileCount: number;
  /** Whether one tile is focused: then the others stand in a strip. */
  readonly focused: boolean;
  /** Whether the local tile is in the grid, rather than floating in a corner. */
  readonly localInGrid: boolean;
}

export interface PageLayout {
  /** The strip stands beside the focused tile, not above it. */
  readonly beside: boolean;
  /** Not all tiles fit: there are several pages, and a pager. */
  readonly paged: boolean;
  readonly pages: number;
  /** How many remote tiles one page holds; at least one. */
  readonly pageSize: number;
  /** The area for the tiles of one page. */
  readonly area: Size;
}

export function pageLayout({ size, tileCount, focused, localInGrid }: PageLayoutOptions): PageLayout {
  const { width, height } = size;
  const beside = focused && width > height;
  const minTile = focused ? (beside ? STRIP.minBeside : STRIP.minAbove) : undefined;
  const areaAbove = (pagerHeight: number): Size => {
    if (focused && !beside) return { width, height: STRIP.height };
    return { width: beside ? STRIP.width : width, height: height - pagerHeight };
  };
  const remoteTilesIn = (area: Size) =>
    Math.max(1, tilesPerPage(area, GAP, MAX_TILES, minTile) - (localInGrid ? 1 : 0));
  const paged = tileCount > remoteTilesIn(areaAbove(0));
  const area = areaAbove(paged ? PAGER_HEIGHT : 0);
  const pageSize = remoteTilesIn(area);
  return { beside, paged, pages: Math.max(1, Math.ceil(tileCount / pageSize)), pageSize, area };
}

/** The page layout of a call: areas, page sizes and pages. */
import { expect, test } from 'vitest';
import { pageLayout } from '../../web/view/call/pageLayout.ts';
import { isScreenKey, participantOf, tileKey } from '../../web/view/common/tileKey.ts';

const desktop = { width: 1280, height: 720 };
const phone = { width: 360, height: 640 };

test('a few tiles fill the layout on one page', () => {
  const layout = pageLayout({ size: desktop, tileCount: 4, focused: false, localInGrid: true });
  expect(layout).toMatchObject({ beside: false, paged: false, pages: 1, area: desktop });
});

test.each([
  ['desktop', desktop],
  ['phone', phone],
])('more tiles than fit make pages, and leave the height of the pager (%s)', (_name, size) => {
  const layout = pageLayout({ size, tileCount: 60, focused: false, localInGrid: true });
  expect(layout.paged).toBe(true);
  expect(layout.area.width).toBe(size.width);
  expect(layout.area.height).toBeLessThan(size.height);
  expect(layout.pages).toBe(Math.ceil(60 / layout.pageSize));
});

test('the local tile takes the place of a remote one where it is in the grid', () => {
  const options = { size: phone, tileCount: 60, focused: false };
  const { pageSize } = pageLayout({ ...options, localInGrid: false });
  expect(pageLayout({ ...options, localInGrid: true }).pageSize).toBe(pageSize - 1);
});

test('beside a focused tile stands a strip, in portrait above it', () => {
  const options = { tileCount: 2, focused: true, localInGrid: true };
  expect(pageLayout({ ...options, size: desktop })).toMatchObject({ beside: true, area: { width: 220, height: 720 } });
  expect(pageLayout({ ...options, size: phone })).toMatchObject({ beside: false, area: { width: 360, height: 72 } });
});

test('a page holds at least one remote tile, however small the layout is', () => {
  const layout = pageLayout({ size: { width: 0, height: 0 }, tileCount: 3, focused: true, localInGrid: true });
  expect(layout).toMatchObject({ pageSize: 1, pages: 3 });
});

test('the keys of tiles tell cameras from screens, whatever the identity is', () => {
  for (const id of ['p:screen:', 'p:Ada', 'p:self']) {
    expect(isScreenKey(tileKey(id, 'camera'))).toBe(false);
    expect(isScreenKey(tileKey(id, 'screen'))).toBe(true);
    for (const source of ['camera', 'screen'] as const) expect(participantOf(tileKey(id, source))).toBe(id);
  }
});

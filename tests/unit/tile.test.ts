/** Tests of a tile's avatar, on elements without a browser. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Tile } from '../../web/view/common/Tile.ts';
import { fakeOf, stubPage } from '../support/FakeElement.ts';

beforeEach(() => void stubPage());
afterEach(() => void vi.unstubAllGlobals());

test('the avatar follows the name, also under a label that stays the same', () => {
  const tile = new Tile({ kind: 'local' });
  const state = { label: 'You', video: undefined, expectsVideo: false, muted: false, handRaised: false, pinned: false };
  const initials = () =>
    fakeOf(tile.root)
      .all('span')
      .find(({ className }) => className === 'avatar')?.textContent;
  tile.update({ ...state, name: 'Guest' });
  expect(initials()).toBe('G');
  // The server has given the name of the token.
  tile.update({ ...state, name: 'Ada Lovelace' });
  expect(initials()).toBe('AL');
});

/** Tests of a tile's avatar, on elements without a browser. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Tile } from '../../web/view/common/Tile.ts';

/** The parts of an element that a tile uses. */
class FakeElement extends EventTarget {
  static readonly all: FakeElement[] = [];
  className = '';
  textContent = '';
  readonly dataset = {};
  readonly style = { setProperty: () => {} };
  readonly classList = { toggle: () => {}, remove: () => {}, contains: () => false };

  constructor() {
    super();
    FakeElement.all.push(this);
  }

  append() {}

  appendChild() {}

  setAttribute() {}

  requestVideoFrameCallback() {}
}

beforeEach(() => {
  const made = () => new FakeElement();
  const page = { createElement: made, createElementNS: made, addEventListener: () => {} };
  vi.stubGlobal('document', page);
});
afterEach(() => void vi.unstubAllGlobals());

test('the avatar follows the name, also under a label that stays the same', () => {
  const tile = new Tile({ kind: 'local' });
  const state = { label: 'You', video: undefined, expectsVideo: false, muted: false, handRaised: false, pinned: false };
  const initials = () => FakeElement.all.find(({ className }) => className === 'avatar')?.textContent;
  tile.update({ ...state, name: 'Guest' });
  expect(initials()).toBe('G');
  // The server has given the name of the token.
  tile.update({ ...state, name: 'Ada Lovelace' });
  expect(initials()).toBe('AL');
});

/** Tests of the recent rooms on the start page, without a browser: where the focus goes when one is removed. */
import { afterEach, expect, test, vi } from 'vitest';
import { startView } from '../../web/view/start/startPage.ts';
import { fakeOf, stubPage } from '../support/FakeElement.ts';

// The menus of the page close when the window is resized.
vi.hoisted(() => vi.stubGlobal('addEventListener', () => {}));
afterEach(() => void vi.unstubAllGlobals());

test('removing a recent room keeps the focus in the list, and removing the last one moves it to the form', () => {
  stubPage();
  const focused: string[] = [];
  const items = new Map([['weir.rooms', JSON.stringify(['one', 'two'].map((room) => ({ kind: 'call', room })))]]);
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => items.set(key, value),
  });
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError()));
  vi.stubGlobal('document', { ...document, querySelector: () => ({ focus: () => focused.push('form') }) });
  const page = fakeOf(startView(() => {}));
  const heading = page.all('h2').find(({ textContent }) => textContent === 'Recent rooms');
  if (!heading) throw new Error('there is no list');
  heading.focus = () => focused.push('list');
  const remove = () => page.all('button').find(({ ariaLabel }) => ariaLabel.endsWith('from the list'));
  remove()?.dispatchEvent(new Event('click'));
  remove()?.dispatchEvent(new Event('click'));
  expect(focused).toEqual(['list', 'form']);
});

/** Tests of lists with buttons, on elements without a browser: a button keeps its place, and the focus, while its row changes. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RaisedHandsPanel } from '../../web/view/broadcast/studio/RaisedHandsPanel.ts';
import { fakeOf, stubPage } from '../support/FakeElement.ts';

// The menus of the page close when the window is resized.
vi.hoisted(() => vi.stubGlobal('addEventListener', () => {}));

beforeEach(() => {
  vi.useFakeTimers();
  stubPage();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('the button that invites a viewer invites once, and keeps the focus until the server answers', async () => {
  const invited: string[] = [];
  const reply = Promise.withResolvers<void>();
  const broadcast = {
    call: { isAdmin: true, on: () => () => {} },
    hands: { total: 1, first: [{ peerId: 'ada', identity: 'ada', name: 'Ada', invited: false }] },
    invite: (peerId: string) => {
      invited.push(peerId);
      return reply.promise;
    },
    remove: async () => {},
  };
  const panel = new RaisedHandsPanel(broadcast, { show: () => {} });
  panel.render();
  const [invite] = fakeOf(panel.root).all('button');
  for (const _ of [1, 2]) invite?.dispatchEvent(new Event('click'));
  expect(invited).toEqual(['ada']);
  expect(invite?.disabled).toBe(false);
  // The server has refused it: it can be tried again.
  reply.resolve();
  await vi.advanceTimersByTimeAsync(0);
  invite?.dispatchEvent(new Event('click'));
  expect(invited).toEqual(['ada', 'ada']);
});

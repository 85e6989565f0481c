/** Tests of lists with buttons, on elements without a browser: a button keeps its place, and the focus, while its row changes. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RaisedHandsPanel } from '../../web/view/broadcast/studio/RaisedHandsPanel.ts';
import { ParticipantList } from '../../web/view/call/ParticipantList.ts';
import type { Participant } from '../../web/view/controller/Participant.ts';
import { fakeOf, stubPage } from '../support/FakeElement.ts';

// The menus of the page close when the window is resized.
vi.hoisted(() => vi.stubGlobal('addEventListener', () => {}));

let announced: string[];
beforeEach(() => {
  vi.useFakeTimers();
  announced = stubPage();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const participant = (id: string, more: Partial<Participant> = {}): Participant => ({
  ...{ id, peerId: id, name: id, isLocal: false, cameraOn: false, screenOn: false, muted: false },
  ...{ camera: undefined, microphone: undefined, screen: undefined, screenAudio: undefined },
  ...{ unsupportedCodec: {}, handRaised: false, away: false, canExchangeData: true },
  ...more,
});

test('the button that removes a participant goes on to wait for its confirmation while the row changes', () => {
  const kicked: string[] = [];
  const call = {
    isAdmin: true,
    localParticipant: participant('self', { isLocal: true }),
    remoteParticipants: [participant('bob')],
    kick: async (id: string) => void kicked.push(id),
  };
  const list = new ParticipantList(call, document.createElement('div'), () => {});
  list.toggle();
  const buttons = () =>
    fakeOf(list.root)
      .all('button')
      .filter(({ ariaLabel }) => ariaLabel === 'Remove bob');
  const [remove] = buttons();
  remove?.dispatchEvent(new Event('click'));
  expect(announced).toEqual(['Remove?']);
  call.remoteParticipants = [participant('bob', { muted: true })];
  list.render();
  expect(buttons()).toEqual([remove]);
  expect(remove?.removals).toBe(0);
  remove?.dispatchEvent(new Event('click'));
  expect(kicked).toEqual(['bob']);
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

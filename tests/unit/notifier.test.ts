/** Who of a room is sent what: those about whom an event is, the others, administrators, and those who are hidden. */
import { pino } from 'pino';
import { beforeEach, expect, test } from 'vitest';
import { grantsOf, normalizeGrants } from '../../server/auth/grants.ts';
import { Notifier } from '../../server/room/Notifier.ts';
import type { Participant } from '../../server/room/Participant.ts';
import { RoomEvents } from '../../server/room/RoomEvents.ts';
import type { Grants, Role } from '../../shared/protocol.ts';

/** Events by receiver, in order. */
let sent: string[];
let events: RoomEvents;
let notifier: Notifier;

beforeEach(() => {
  sent = [];
  events = new RoomEvents(pino({ level: 'silent' }));
  notifier = new Notifier(events);
  notifier.add({ notify: (event) => sent.push(`observer ${event}`) });
});

function enter(id: string, role: Role): Participant & { grants: Grants } {
  const participant = {
    id,
    identity: id,
    grants: normalizeGrants('broadcast', grantsOf(role)),
    info: { peerId: id, identity: id, name: id, sources: {}, hand: false, away: false, canExchangeData: true },
    setGrants() {},
    close() {},
    onEnd() {},
  };
  notifier.add({ notify: (event) => sent.push(`${id} ${event}`) }, participant);
  return participant;
}

test('what somebody does is sent to everyone else, and to sinks that are no participants', () => {
  const ann = enter('ann', 'host');
  enter('bob', 'speaker');
  enter('vic', 'viewer');
  events.emit('joined', { participant: ann });
  events.emit('reaction', { participant: ann, reaction: 'heart' });
  events.emit('left', { participant: ann, reason: 'left' });
  const others = ['observer', 'bob', 'vic'];
  expect(sent).toEqual(['newPeer', 'reaction', 'peerClosed'].flatMap((event) => others.map((id) => `${id} ${event}`)));
});

test('what somebody does who is hidden is sent to nobody; that they become hidden or visible is', () => {
  const vic = enter('vic', 'viewer');
  enter('bob', 'speaker');
  events.emit('joined', { participant: vic });
  events.emit('handChanged', { participant: vic, raised: true });
  events.emit('reaction', { participant: vic, reaction: 'heart' });
  events.emit('awayChanged', { participant: vic, away: true });
  expect(sent).toEqual([]);
  const before = vic.grants;
  vic.grants = normalizeGrants('broadcast', grantsOf('speaker'));
  events.emit('grantsChanged', { participant: vic, before });
  expect(sent.splice(0)).toEqual(['observer newPeer', 'bob newPeer']);
  events.emit('grantsChanged', { participant: vic, before: vic.grants });
  expect(sent).toEqual([]);
  const visible = vic.grants;
  vic.grants = before;
  events.emit('grantsChanged', { participant: vic, before: visible });
  expect(sent.splice(0)).toEqual(['observer peerClosed', 'bob peerClosed']);
  events.emit('left', { participant: vic, reason: 'left' });
  expect(sent).toEqual([]);
});

test('that somebody may no longer exchange data is sent to the others, unless they are hidden', () => {
  const bob = enter('bob', 'speaker');
  const vic = enter('vic', 'viewer');
  for (const one of [bob, vic]) {
    const before = one.grants;
    one.grants = { ...before, canPublishData: false };
    events.emit('grantsChanged', { participant: one, before });
    // It may receive no more either, which changes nothing for the others.
    const without = one.grants;
    one.grants = { ...without, canSubscribe: false };
    events.emit('grantsChanged', { participant: one, before: without });
  }
  expect(sent).toEqual(['observer peerGrants', 'vic peerGrants']);
});

test('hands are sent to administrators only, what concerns all to all, one to one', () => {
  const host = enter('host', 'host');
  enter('bob', 'speaker');
  events.emit('handsChanged', { hands: { total: 0, first: [] } });
  expect(sent.splice(0)).toEqual(['host handsChanged']);
  events.emit('draining', { seconds: 1 });
  expect(sent.splice(0)).toEqual(['observer draining', 'host draining', 'bob draining']);
  notifier.notify(host, 'invited', { by: 'bob' });
  expect(sent.splice(0)).toEqual(['host invited']);
});

test('nobody is sent that others leave because the server closes, nor anything after their sink was removed', () => {
  const ann = enter('ann', 'host');
  enter('bob', 'speaker');
  events.emit('left', { participant: ann, reason: 'serverClosing' });
  notifier.clear();
  events.emit('draining', { seconds: 1 });
  expect(sent).toEqual([]);
});

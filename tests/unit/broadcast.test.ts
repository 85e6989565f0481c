/** The rules of a broadcast: notifications, an empty stage, hands and invitations; roles; addresses of pages. */
import { pino } from 'pino';
import { describe, expect, test, vi } from 'vitest';
import { grantsOf, normalizeGrants } from '../../server/auth/grants.ts';
import { roomKey } from '../../server/common/roomKey.ts';
import { Broadcast, type BroadcastSnapshot } from '../../server/room/Broadcast.ts';
import type { EventSink } from '../../server/room/EventSink.ts';
import { Notifier } from '../../server/room/Notifier.ts';
import type { Participant } from '../../server/room/Participant.ts';
import { RoomEvents } from '../../server/room/RoomEvents.ts';
import {
  type BroadcastInfo,
  MAX_HANDS,
  type RaisedHands,
  type Role,
  type ServerEvents,
} from '../../shared/protocol.ts';
import { mayPublish, roleOf } from '../../shared/roles.ts';
import { routeOf } from '../../web/view/common/route.ts';
import { fakeOwnTimers } from '../support/fakeOwnTimers.ts';

/** A participant of a broadcast that records the events sent to it. */
class Listener implements Participant, EventSink {
  readonly id: string;
  readonly identity: string;
  readonly infos: BroadcastInfo[] = [];
  readonly hands: RaisedHands[] = [];
  readonly others: [string, unknown][] = [];
  grants;

  constructor(id: string, role: Role) {
    this.id = id;
    this.identity = id;
    this.grants = normalizeGrants('broadcast', grantsOf(role));
  }

  get info() {
    return {
      peerId: this.id,
      identity: this.identity,
      name: `Name of ${this.id}`,
      sources: {},
      hand: false,
      away: false,
      canExchangeData: true,
    };
  }

  setGrants(grants: Participant['grants']): void {
    this.grants = grants;
  }

  notify<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void;
  notify(...[event, data]: { [E in keyof ServerEvents]: [E, ServerEvents[E]] }[keyof ServerEvents]): void {
    if (event === 'broadcastChanged') this.infos.push(data);
    else if (event === 'handsChanged') this.hands.push(data);
    else this.others.push([event, data]);
  }

  close(): void {}
  onEnd(): void {}
}

const MINUTE = 60_000;
const log = pino({ level: 'silent' });

/** A broadcast that somebody comes back to. */
function restored(snapshot: BroadcastSnapshot): Broadcast {
  const events = new RoomEvents(log);
  return new Broadcast({ events, participants: new Map(), notifier: new Notifier(events), snapshot });
}

describe('a broadcast', () => {
  fakeOwnTimers();

  function setUp() {
    const participants = new Map<string, Participant>();
    const events = new RoomEvents(log);
    const notifier = new Notifier(events);
    const removers = new Map<string, () => void>();
    const live: boolean[] = [];
    events.on({ liveChanged: (state) => live.push(state.live) });
    const broadcast = new Broadcast({ events, participants, notifier });
    return {
      broadcast,
      live,
      raise: (participant: Participant, raised = true) => events.emit('handChanged', { participant, raised }),
      enter(id: string, role: Role) {
        const member = new Listener(id, role);
        participants.set(id, member);
        events.emit('joined', { participant: member });
        removers.set(id, notifier.add(member, member));
        return member;
      },
      leave(member: Listener) {
        participants.delete(member.id);
        removers.get(member.id)?.();
        events.emit('left', { participant: member, reason: 'left' });
      },
      become(member: Listener, role: Role) {
        const before = member.grants;
        member.setGrants(normalizeGrants('broadcast', grantsOf(role)));
        events.emit('grantsChanged', { participant: member, before });
      },
    };
  }
  test('that everybody left while it was live goes on, unless nobody comes back for five minutes', () => {
    const since = performance.now();
    vi.advanceTimersByTime(10_000);
    const left = { live: true, profile: 'smooth', since, until: performance.now() } as const;
    vi.advanceTimersByTime(5 * MINUTE - 1);
    const early = restored(left);
    expect(early.info).toMatchObject({ state: 'live', profile: 'smooth', liveSeconds: 310 - 0.001 });
    vi.advanceTimersByTime(1);
    const late = restored(left);
    expect(late.info).toMatchObject({ state: 'ended', liveSeconds: 10 });
    vi.advanceTimersByTime(5 * MINUTE);
    expect(early.info.state).toBe('ended');
  });

  test('that never was live has no snapshot; one that has ended has its end', () => {
    const { broadcast, enter } = setUp();
    enter('host', 'host');
    expect(broadcast.snapshot).toBeUndefined();
    broadcast.set({ live: true, profile: 'smooth' });
    vi.advanceTimersByTime(10_000);
    expect(broadcast.snapshot).toMatchObject({ live: true, profile: 'smooth', until: performance.now() });
    broadcast.set({ live: false });
    const until = performance.now();
    vi.advanceTimersByTime(10_000);
    expect(broadcast.snapshot).toMatchObject({ live: false, until });
  });

  const counts = ({ infos }: Listener) => infos.map(({ viewers }) => viewers);

  test('sends the number of viewers at the end of the turn, then once a second, and only when it changes', () => {
    const { enter, leave } = setUp();
    const host = enter('host', 'host');
    for (let count = 0; count < 100; count += 1) enter(`v${count}`, 'viewer');
    expect(counts(host)).toEqual([]);
    vi.advanceTimersByTime(0);
    expect(counts(host)).toEqual([100]);
    const late = enter('late', 'viewer');
    for (let tenth = 1; tenth <= 9; tenth += 1) {
      enter(`w${tenth}`, 'viewer');
      vi.advanceTimersByTime(100);
    }
    expect(counts(host)).toEqual([100]);
    vi.advanceTimersByTime(100);
    expect(counts(host)).toEqual([100, 110]);
    expect(counts(late)).toEqual([110]);
    vi.advanceTimersByTime(10 * MINUTE);
    expect(counts(host)).toEqual([100, 110]);
    // More than a second after the last notification there is nothing to wait for.
    leave(late);
    vi.advanceTimersByTime(0);
    expect(counts(host)).toEqual([100, 110, 109]);
    expect(counts(late)).toEqual([110]);
  });

  test('sends its state at once, and the next number of viewers a second later', () => {
    const { broadcast, enter, live } = setUp();
    const host = enter('host', 'host');
    enter('a', 'viewer');
    broadcast.set({ live: true });
    expect(host.infos).toEqual([{ state: 'live', liveSeconds: 0, viewers: 1, profile: 'lowLatency' }]);
    enter('b', 'viewer');
    vi.advanceTimersByTime(999);
    expect(host.infos.length).toBe(1);
    vi.advanceTimersByTime(1);
    expect(host.infos.at(-1)).toEqual({ state: 'live', liveSeconds: 1, viewers: 2, profile: 'lowLatency' });
    broadcast.set({ live: true, profile: 'smooth' });
    vi.advanceTimersByTime(2000);
    broadcast.set({ live: false });
    vi.advanceTimersByTime(MINUTE);
    expect(broadcast.info).toEqual({ state: 'ended', liveSeconds: 3, viewers: 2, profile: 'smooth' });
    broadcast.set({ live: true });
    vi.advanceTimersByTime(500);
    expect(broadcast.info).toMatchObject({ state: 'live', liveSeconds: 0.5 });
    expect(live).toEqual([true, false, true]);
  });

  test('that is live ends when its stage has been empty for five minutes, whoever watches', () => {
    const { broadcast, enter, leave, become, live } = setUp();
    const host = enter('host', 'host');
    const viewer = enter('viewer', 'viewer');
    broadcast.set({ live: true });
    leave(host);
    vi.advanceTimersByTime(5 * MINUTE - 1);
    expect(broadcast.live).toBe(true);
    const back = enter('host', 'host');
    vi.advanceTimersByTime(10 * MINUTE);
    expect(broadcast.live).toBe(true);
    become(back, 'viewer');
    for (let minute = 0; minute < 4; minute += 1) {
      vi.advanceTimersByTime(MINUTE);
      // Viewers who come and go do not restart the timeout.
      leave(enter('passing', 'viewer'));
    }
    vi.advanceTimersByTime(MINUTE - 1);
    expect(broadcast.live).toBe(true);
    vi.advanceTimersByTime(1);
    expect(live).toEqual([true, false]);
    expect(viewer.infos.at(-1)).toMatchObject({ state: 'ended', viewers: 2 });
    expect(broadcast.info.liveSeconds).toBeCloseTo((20 * MINUTE - 1) / 1000);
    vi.advanceTimersByTime(20 * MINUTE);
    expect(live).toEqual([true, false]);
  });

  test('without an administrator may be ended by those on the stage, and ends by itself after fifteen minutes', () => {
    const { broadcast, enter, leave, become, live } = setUp();
    const [host, guest, viewer] = [enter('host', 'host'), enter('guest', 'speaker'), enter('viewer', 'viewer')];
    expect(broadcast.mayEnd(guest)).toBe(false);
    broadcast.set({ live: true });
    expect([broadcast.info.unattended, broadcast.mayEnd(host), broadcast.mayEnd(guest)]).toEqual([
      undefined,
      true,
      false,
    ]);
    leave(host);
    expect([guest, viewer].map((one) => broadcast.mayEnd(one))).toEqual([true, false]);
    vi.advanceTimersByTime(1000);
    expect(guest.infos.at(-1)).toMatchObject({ state: 'live', unattended: true });
    vi.advanceTimersByTime(14 * MINUTE);
    // An administrator counts on the stage or off it.
    become(viewer, 'host');
    vi.advanceTimersByTime(1000);
    expect([guest.infos.at(-1)?.unattended, broadcast.mayEnd(guest)]).toEqual([undefined, false]);
    become(viewer, 'viewer');
    vi.advanceTimersByTime(15 * MINUTE - 1);
    expect(live).toEqual([true]);
    vi.advanceTimersByTime(1);
    expect(live).toEqual([true, false]);
    expect(guest.infos.at(-1)).toMatchObject({ state: 'ended' });
    expect([broadcast.info.unattended, broadcast.mayEnd(guest)]).toEqual([undefined, false]);
  });

  test('that is not live, or is closed, does not end', () => {
    const { broadcast, enter, live } = setUp();
    enter('viewer', 'viewer');
    vi.advanceTimersByTime(10 * MINUTE);
    expect(broadcast.info.state).toBe('before');
    broadcast.set({ live: true });
    broadcast.close();
    vi.advanceTimersByTime(10 * MINUTE);
    expect(live).toEqual([true]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('sends hands once a second, to administrators only; whoever comes onto the stage has none', () => {
    const { broadcast, enter, leave, become, raise } = setUp();
    const [host, speaker] = [enter('host', 'host'), enter('speaker', 'speaker')];
    const viewers = Array.from({ length: MAX_HANDS + 10 }, (_, index) => enter(`v${index}`, 'viewer'));
    vi.advanceTimersByTime(0);
    for (const viewer of viewers) raise(viewer);
    vi.advanceTimersByTime(999);
    expect(host.hands).toEqual([]);
    vi.advanceTimersByTime(1);
    const [hands] = host.hands;
    expect(hands?.total).toBe(MAX_HANDS + 10);
    expect(hands?.first.map(({ peerId }) => peerId)).toEqual(viewers.slice(0, MAX_HANDS).map(({ id }) => id));
    const [first, second, third] = viewers;
    if (!first || !second || !third) throw new Error('nobody came');
    leave(first);
    become(second, 'speaker');
    raise(third, false);
    vi.advanceTimersByTime(1000);
    expect(host.hands.length).toBe(2);
    expect(host.hands[1]).toMatchObject({ total: MAX_HANDS + 7, first: { 0: { peerId: 'v3', name: 'Name of v3' } } });
    for (const { hands: received } of [speaker, ...viewers]) expect(received).toEqual([]);
    // Neither a new viewer nor unchanged grants cause a notification of hands.
    enter('one more', 'viewer');
    const fourth = viewers[3];
    if (fourth) become(fourth, 'viewer');
    vi.advanceTimersByTime(1000);
    expect(host.hands.length).toBe(2);
    broadcast.invite('v3', host);
    vi.advanceTimersByTime(1000);
    expect(host.hands[2]).toMatchObject({ total: MAX_HANDS + 7, first: { 0: { peerId: 'v3', invited: true } } });
  });

  test('an invitation needs a raised hand, can be repeated until it is answered, and is answered once', () => {
    const { broadcast, enter, raise } = setUp();
    const [host, viewer] = [enter('host', 'host'), enter('viewer', 'viewer')];
    const notFound = expect.objectContaining({ code: 'notFound' });
    expect(() => broadcast.invite('viewer', host)).toThrow(notFound);
    raise(viewer);
    expect(() => broadcast.answer(viewer, true)).toThrow(notFound);
    broadcast.remind(viewer);
    expect(viewer.others).toEqual([]);
    broadcast.invite('viewer', host);
    raise(viewer);
    broadcast.remind(viewer);
    const invited = ['invited', { by: 'Name of host' }];
    expect(viewer.others).toEqual([invited, invited]);
    broadcast.answer(viewer, false);
    expect(host.others).toEqual([['inviteAnswered', { peerId: 'viewer', name: 'Name of viewer', accepted: false }]]);
    broadcast.remind(viewer);
    expect(viewer.others.length).toBe(2);
    expect(() => broadcast.answer(viewer, true)).toThrow(notFound);
  });
});

describe('roles', () => {
  test.each([
    ['host', true, true],
    ['speaker', true, false],
    ['viewer', false, false],
  ] as const)('the grants of a %s identify that role', (role, canPublish, roomAdmin) => {
    const grants = grantsOf(role);
    const rest = { canSubscribe: true, canPublishData: true, hidden: false };
    const canPublishSources = ['camera', 'microphone', 'screen', 'screenAudio'];
    expect(grants).toEqual({ ...rest, canPublishSources, canPublish, roomAdmin });
    expect(roleOf(grants)).toBe(role);
    expect(roleOf(normalizeGrants('broadcast', grants))).toBe(role);
    expect(normalizeGrants('broadcast', grants).hidden).toBe(!canPublish);
  });

  test('whoever may not publish is a viewer, whatever their other grants', () => {
    expect(roleOf({ ...grantsOf('host'), canPublish: false })).toBe('viewer');
  });

  test('a source may be published with canPublish and the source allowed', () => {
    const some = { ...grantsOf('speaker'), canPublishSources: ['camera' as const] };
    expect([mayPublish(some, 'camera'), mayPublish(some, 'microphone')]).toEqual([true, false]);
    expect(mayPublish({ ...some, canPublish: false }, 'camera')).toBe(false);
  });
});

test('rooms of the same name and of different kinds have different keys, whatever the name', () => {
  const names = ['show', 'broadcast', 'call', 'broadcast:show'];
  const keys = names.flatMap((name) => [roomKey('call', name), roomKey('broadcast', name)]);
  expect(new Set(keys).size).toBe(keys.length);
});

describe('the URL of a page', () => {
  const tokenOf = (video: object) => {
    const claims = JSON.stringify({ sub: 'ada', name: '한글 ÿ', video: { room: 'show', roomJoin: true, ...video } });
    return `e30.${Buffer.from(claims).toString('base64url')}.c2ln`;
  };
  const entry = (address: string) => routeOf(new URL(address, 'https://weir.example'));
  const plain = { role: undefined, name: undefined, token: undefined, join: false };

  test.each([
    ['/r/room', { kind: 'call', room: 'room' }],
    ['/b/show', { kind: 'broadcast', room: 'show' }],
    ['/b/show/', { kind: 'broadcast', room: 'show' }],
    ['/b/%ED%95%9C%20%EA%B8%80?', { kind: 'broadcast', room: '한 글' }],
    ['/B/Show', { kind: 'broadcast', room: 'show' }],
    ['/R/te%E2%80%8Bam//', { kind: 'call', room: 'team' }],
    ['/r/cafe%CC%81%C2%A0%20Noir', { kind: 'call', room: 'café noir' }],
    ['/b/show?role=host&join=1', { kind: 'broadcast', room: 'show', role: 'host', join: true }],
    ['/b/show?role=speaker', { kind: 'broadcast', room: 'show', role: 'speaker' }],
    ['/b/show?role=viewer&join=0', { kind: 'broadcast', room: 'show', role: 'viewer' }],
    ['/b/show?role=admin&join=yes', { kind: 'broadcast', room: 'show' }],
    ['/r/room?name=%20Ada%20#token=a.b.c', { kind: 'call', room: 'room', name: 'Ada' }],
    ['/r/room?name=%E2%80%AE%0A', { kind: 'call', room: 'room' }],
    [`/b/show#token=${tokenOf({ roomAdmin: true })}`, { kind: 'broadcast', room: 'show', role: 'host' }],
    [`/b/show#token=${tokenOf({})}`, { kind: 'broadcast', room: 'show', role: 'speaker' }],
    [`/b/show#token=${tokenOf({ canPublish: false })}`, { kind: 'broadcast', room: 'show', role: 'viewer' }],
    [`/b/show?role=viewer#token=${tokenOf({})}`, { kind: 'broadcast', room: 'show', role: 'viewer' }],
    // A token is only read from the fragment: queries are sent to servers.
    ['/r/room?name=&token=a.b.c#token=', { kind: 'call', room: 'room' }],
  ])('%s', (address, wanted) => {
    const token = new URL(address, 'https://weir.example').hash.replace('#token=', '') || undefined;
    expect(entry(address)).toEqual({ ...plain, token, ...wanted });
  });

  test.each([
    '/',
    '/r',
    '/r/',
    '/b//',
    '/x/room',
    '/r/a/b',
    '/r/%E0%A4%A',
    '/r/%20',
    '/r/%E2%80%8B',
    '/r/a%2Fb',
    '/rr/room',
    '/constructor/x',
  ])('%s contains no room', (address) => {
    expect(entry(address)).toBeUndefined();
  });
});

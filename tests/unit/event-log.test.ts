/** The event log: what it records of rooms and refused joins, in which order, and what it keeps. */
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EventIds } from '../../server/api/events/EventIds.ts';
import { EventLog } from '../../server/api/events/EventLog.ts';
import { LoggedEvent } from '../../server/api/events/LoggedEvent.ts';
import type { RecordedRoom } from '../../server/api/events/RoomRecorder.ts';
import { grantsOf } from '../../server/auth/grants.ts';
import { JoinRefusals } from '../../server/room/JoinRefusals.ts';
import type { Participant } from '../../server/room/Participant.ts';
import { Publication } from '../../server/room/Publication.ts';
import { RoomEvents } from '../../server/room/RoomEvents.ts';
import { WeirError } from '../../shared/errors.ts';
import { DEFAULT_ROOM_SETTINGS } from '../../shared/roomSettings.ts';

const silent = pino({ level: 'silent' });

/** The rooms of a server, and what happens in them, with real event streams. */
class Rooms {
  readonly refusals = new JoinRefusals(silent);
  readonly #listeners = new Set<(room: RecordedRoom) => void>();

  onRoomOpened(listener: (room: RecordedRoom) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  open(name: string) {
    const events = new RoomEvents(silent);
    const rest = { kind: 'call', policy: 'sfu', openedAt: new Date(1000) } as const;
    const room = { id: crypto.randomUUID(), name, size: 0, settings: DEFAULT_ROOM_SETTINGS, events, ...rest };
    for (const listener of this.#listeners) listener(room);
    return {
      events,
      join(identity: string, everConnected?: boolean) {
        const participant = person(identity, everConnected);
        room.size += 1;
        events.emit('joined', { participant });
        return participant;
      },
      leave(participant: Participant) {
        room.size -= 1;
        events.emit('left', { participant, reason: 'left' });
      },
    };
  }
}

function person(identity: string, everConnected?: boolean): Participant {
  const id = `id of ${identity}`;
  return {
    ...{ id, identity, grants: grantsOf('speaker') },
    ...(everConnected !== undefined && { everConnected }),
    info: {
      peerId: id,
      identity,
      name: `Name of ${identity}`,
      sources: {},
      hand: false,
      away: false,
      canExchangeData: true,
    },
    setGrants() {},
    close() {},
    onEnd() {},
  };
}

function camera({ id: peerId }: Participant): Publication {
  return new Publication({
    ...{ id: 'track', peerId, source: 'camera', kind: 'video', mimeTypes: ['video/VP8', 'video/rtx'] },
    ...{
      paused: false,
      size: { width: 1280, height: 720 },
      layers: 3,
      pathChanges: 0,
      location: { routerId: 'router' },
    },
  });
}

let rooms: Rooms;
let log: EventLog;
let seen: LoggedEvent[];

function start(options: { capacity?: number } = {}): void {
  rooms = new Rooms();
  log = new EventLog({ rooms, log: silent, ...options });
  seen = [];
  log.on((event) => seen.push(event));
}

beforeEach(() => {
  vi.useFakeTimers({ now: 1_700_000_000_000 });
  start();
});
afterEach(() => {
  log.close();
  vi.useRealTimers();
});

describe('the event log', () => {
  test('records what happens in a room, and every event passes its schema', () => {
    const room = rooms.open('lobby');
    const ann = room.join('ann');
    const publication = camera(ann);
    room.events.emit('published', { publication });
    room.events.emit('awayChanged', { participant: ann, away: true });
    room.events.emit('awayChanged', { participant: ann, away: false });
    room.events.emit('grantsChanged', { participant: ann, before: grantsOf('viewer') });
    room.events.emit('videoProblem', { participant: ann, problem: 'bFrames' });
    room.events.emit('settingsChanged', { settings: DEFAULT_ROOM_SETTINGS, before: DEFAULT_ROOM_SETTINGS });
    room.events.emit('liveChanged', { live: true });
    room.events.emit('liveChanged', { live: false });
    room.leave(ann);
    room.events.emit('unpublished', { publication });
    room.events.emit('closed', { reason: 'roomClosed' });
    expect(seen.map(({ type }) => type)).toEqual([
      'room_started',
      'participant_joined',
      'track_published',
      'participant_away',
      'participant_resumed',
      'participant_grants_changed',
      'video_problem_found',
      'room_settings_changed',
      'broadcast_started',
      'broadcast_ended',
      'participant_left',
      'track_unpublished',
      'room_finished',
    ]);
    for (const event of seen) expect(LoggedEvent.parse(event)).toEqual(event);
    expect(seen[2]).toMatchObject({
      room: { name: 'lobby', kind: 'call', openedAt: 1000, participants: 1, publishers: 1 },
      participant: { identity: 'ann', name: 'Name of ann', joinedAt: 1_700_000_000_000, tracks: 1 },
      track: {
        source: 'camera',
        mimeType: 'video/VP8',
        width: 1280,
        height: 720,
        layers: 3,
        muted: false,
        direct: false,
      },
    });
    // The track of somebody who has left is still theirs.
    expect(seen[11]).toMatchObject({
      room: { participants: 0, publishers: 0 },
      participant: { identity: 'ann', tracks: 0 },
      track: { id: 'track' },
    });
  });

  test('has ids and times in the order of the events, over all rooms', () => {
    const [one, other] = [rooms.open('one'), rooms.open('other')];
    for (let index = 0; index < 50; index += 1) {
      one.join(`a${index}`);
      other.join(`b${index}`);
      if (index % 10 === 0) vi.advanceTimersByTime(1);
    }
    const ids = seen.map(({ id }) => id);
    expect(ids).toHaveLength(102);
    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(ids).size).toBe(102);
    expect(seen.map(({ time }) => time).toSorted()).toEqual(seen.map(({ time }) => time));
  });

  test('distinguishes those who left from those who were never connected', () => {
    const room = rooms.open('lobby');
    for (const everConnected of [true, false, undefined]) room.leave(room.join('ann', everConnected));
    const ends = seen.filter((event) => 'reason' in event);
    expect(ends.map(({ type }) => type)).toEqual([
      'participant_left',
      'participant_connection_aborted',
      'participant_left',
    ]);
    expect(ends[1]).toMatchObject({ reason: 'left', participant: { identity: 'ann' }, room: { participants: 0 } });
  });

  test('delivers an event that a listener causes after the current one, and survives one that throws', () => {
    const order: string[] = [];
    log.on(({ room }) => {
      if (room?.name === 'first') rooms.open('second');
      throw new Error('of a listener');
    });
    log.on(({ room }) => order.push(room?.name ?? ''));
    rooms.open('first');
    expect(order).toEqual(['first', 'second']);
  });

  test('delivers nothing to a listener that was removed, and records nothing once it is closed', () => {
    const stop = log.on(() => expect.unreachable());
    stop();
    const room = rooms.open('lobby');
    log.close();
    room.join('ann');
    rooms.open('other');
    expect(seen.map(({ type }) => type)).toEqual(['room_started']);
  });
});

describe('the recent events', () => {
  test('are the newest ones, as many as are to be kept', () => {
    start({ capacity: 10 });
    for (let index = 0; index < 95; index += 1) rooms.open(`room ${index}`);
    const names = log.recent().map(({ room }) => room?.name);
    expect(names).toEqual(Array.from({ length: 10 }, (_, index) => `room ${85 + index}`));
    expect(log.oldest).toBe(log.recent()[0]?.id);
  });

  test('can be asked for after an event, of a room, and so many', () => {
    for (const name of ['one', 'two', 'one', 'two', 'one']) rooms.open(name);
    const ids = seen.map(({ id }) => id);
    const idsOf = (filter: Parameters<EventLog['recent']>[0]) => log.recent(filter).map(({ id }) => id);
    expect(idsOf({ after: ids[1] })).toEqual(ids.slice(2));
    expect(idsOf({ after: ids[1], limit: 2 })).toEqual(ids.slice(2, 4));
    expect(idsOf({ limit: 2 })).toEqual(ids.slice(3));
    expect(idsOf({ room: 'two' })).toEqual([ids[1], ids[3]]);
    expect(idsOf({ after: ids[4] })).toEqual([]);
  });
});

describe('a refused join', () => {
  const refuse = (error: unknown) =>
    rooms.refusals.watch('lobby', undefined, () => Promise.reject(error)).catch((thrown: unknown) => thrown);

  test('is an event with its code and what was requested; one whose client has gone is none', async () => {
    const error = new WeirError('roomFull');
    expect(await refuse(error)).toBe(error);
    await refuse(new WeirError('closed'));
    await refuse(new Error('a fault'));
    await rooms.refusals.watch('lobby', 'call', async () => {});
    expect(seen).toMatchObject([
      { type: 'join_refused', code: 'roomFull', refusals: 1, room: { name: 'lobby', kind: 'call' } },
      { type: 'join_refused', code: 'internal', refusals: 1 },
    ]);
    for (const event of seen) expect(LoggedEvent.parse(event)).toEqual(event);
  });

  test('is counted with others above ten a second of its code, and none is missing', async () => {
    for (let index = 0; index < 500; index += 1) await refuse(new WeirError('unauthorized'));
    await refuse(new WeirError('roomFull'));
    expect(seen).toHaveLength(11);
    vi.advanceTimersByTime(1000);
    expect(seen.at(-1)).toMatchObject({ type: 'join_refused', code: 'unauthorized', refusals: 490 });
    expect(seen.at(-1)?.room).toBeUndefined();
    for (let index = 0; index < 15; index += 1) await refuse(new WeirError('unauthorized'));
    log.close();
    const refusals = seen.map((event) => ('refusals' in event ? event.refusals : 0));
    expect(refusals.reduce((sum, count) => sum + count, 0)).toBe(516);
    for (const event of seen) expect(LoggedEvent.parse(event)).toEqual(event);
  });
});

test('ids keep their order when many are made in a millisecond, and when the clock is set back', () => {
  const ids = new EventIds();
  const made: string[] = [];
  for (let index = 0; index < 10_000; index += 1) made.push(ids.next(1_700_000_000_000));
  made.push(ids.next(1_600_000_000_000), ids.next(1_700_000_100_000));
  expect(made.toSorted()).toEqual(made);
  expect(new Set(made).size).toBe(made.length);
  expect(made[0]).toMatch(/^018bcfe5-6800-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
});

import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { pidOf } from '../../scripts/support/process/pidOf.ts';
import type { RoomEventMap } from '../../server/room/RoomEvents.ts';
import { DEFAULT_ROOM_SETTINGS, type RoomSettingsPatch } from '../../shared/roomSettings.ts';
import { useServer, withTokens } from '../support/weir.ts';

const weir = useServer(withTokens);

const open = async (settings: RoomSettingsPatch, name = 'room') => {
  const { room, opened } = await weir.app.rooms.openRoom(name, 'call', { settings });
  expect(opened).toBe(true);
  return room;
};
const locked = { code: 'forbidden', reason: 'locked' };

describe('a room that is opened before anybody joins', () => {
  test('keeps its settings when it is opened again, and closes in time', async () => {
    const room = await open({ metadata: 'lesson', emptyTimeout: 1 });
    expect(room.settings).toEqual({ ...DEFAULT_ROOM_SETTINGS, metadata: 'lesson', emptyTimeout: 1 });
    const again = await weir.app.rooms.openRoom('room', 'call', { settings: { metadata: 'other' } });
    expect(again).toEqual({ room, opened: false });
    expect(room.settings.metadata).toBe('lesson');
    await expect.poll(() => room.closed).toBe(true);
    expect(await weir.app.rooms.find('room')).toBeUndefined();
  });

  test('closes at once when it is empty and may not be any more', async () => {
    const room = await open({ emptyTimeout: 3600, departureTimeout: 3600 });
    const { client } = await weir.enter('room', 'ada');
    client.cut();
    await expect.poll(() => room.size).toBe(0);
    expect(room.closed).toBe(false);
    room.updateSettings({ departureTimeout: 0 });
    expect(room.closed).toBe(true);
  });

  test('stays open for a while after everybody has left', async () => {
    const room = await open({ emptyTimeout: 3600, departureTimeout: 1 });
    const ada = await weir.enter('room', 'ada');
    ada.client.cut();
    await expect.poll(() => room.size).toBe(0);
    const bob = await weir.enter('room', 'bob');
    await delay(1100);
    expect(room.closed).toBe(false);
    bob.client.cut();
    await expect.poll(() => room.closed).toBe(true);
  });
});

describe('a locked room', () => {
  test('admits administrators and whoever is inside, or was until now', async () => {
    const room = await open({ locked: true, emptyTimeout: 60 });
    await expect(weir.enter('room', 'ada')).rejects.toMatchObject(locked);
    const admin = await weir.enter('room', 'admin', { roomAdmin: true });
    room.updateSettings({ locked: false });
    const ada = await weir.enter('room', 'ada');
    room.updateSettings({ locked: true });
    await expect(weir.enter('room', 'bob')).rejects.toMatchObject(locked);
    await weir.enter('room', 'ada');
    expect(await ada.client.closed).toMatchObject({ reason: 'replaced' });
    const [again] = room.participants.filter(({ identity }) => identity === 'ada');
    again?.close('left');
    const last = await weir.enter('room', 'ada');
    await admin.client.request('kick', { peerId: last.reply.peerId });
    await last.client.closed;
    await expect(weir.enter('room', 'ada')).rejects.toMatchObject(locked);
  });

  test('stays locked when its worker is killed, and those who were inside come back', async () => {
    const room = await open({ locked: true, metadata: 'kept', emptyTimeout: 60 });
    const admin = await weir.enter('room', 'admin', { roomAdmin: true });
    room.updateSettings({ locked: false });
    const ada = await weir.enter('room', 'ada');
    room.updateSettings({ locked: true });
    const [router] = room.routers.routers;
    process.kill(pidOf(router?.worker), 'SIGKILL');
    for (const { client } of [admin, ada]) expect(await client.closed).toMatchObject({ reason: 'mediaLost' });
    await expect.poll(() => weir.app.pool.complete, { timeout: 8000 }).toBe(true);
    await weir.enter('room', 'ada');
    await expect(weir.enter('room', 'bob')).rejects.toMatchObject(locked);
    const now = await weir.app.rooms.find('room');
    expect(now?.settings).toEqual(room.settings);
    expect(now?.id).not.toBe(room.id);
    now?.close('roomClosed');
    // A room that was closed on purpose is a new one when it is opened again.
    await weir.enter('room', 'bob');
  });
});

test('a limit of participants holds with whoever is about to join, and the lower limit counts', async () => {
  const room = await open({ maxParticipants: 2, emptyTimeout: 60 });
  const joins = await Promise.allSettled(['ada', 'bob', 'cat', 'dan'].map((identity) => weir.enter('room', identity)));
  const refused = joins.flatMap((join) => (join.status === 'rejected' ? [join.reason.code] : []));
  expect(refused).toEqual(['roomFull', 'roomFull']);
  room.updateSettings({ maxParticipants: 0 });
  await weir.enter('room', 'eve');
  room.updateSettings({ maxParticipants: 1 });
  expect(room.size).toBe(3);
  await expect(weir.enter('room', 'fay')).rejects.toMatchObject({ code: 'roomFull' });
});

test('changes are reported once, and only if there are any', async () => {
  const room = await open({ emptyTimeout: 60 });
  const changes: RoomEventMap['settingsChanged'][] = [];
  room.events.on({ settingsChanged: (change) => changes.push(change) });
  const before = room.settings;
  const settings = room.updateSettings({ waitingRoom: true, metadata: 'new', locked: undefined });
  room.updateSettings({ waitingRoom: true });
  expect(settings).toEqual({ ...before, waitingRoom: true, metadata: 'new' });
  expect(changes).toEqual([{ settings, before }]);
  room.close('roomClosed');
  expect(room.updateSettings({ locked: true })).toEqual(settings);
  expect(changes).toHaveLength(1);
});

test('an empty room does not delay the end of a server that drains', async () => {
  const other = await open({ emptyTimeout: 3600 }, 'other');
  const used = await open({ emptyTimeout: 3600, departureTimeout: 3600 });
  const { client } = await weir.enter('room', 'ada');
  other.drain(60);
  used.drain(60);
  expect([other.closed, used.closed]).toEqual([true, false]);
  client.cut();
  await expect.poll(() => used.closed).toBe(true);
});

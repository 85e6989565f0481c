/** Tests of presence events: joins, leaves and their reasons, publications, and hidden peers. */
import { describe, expect, test } from 'vitest';
import { opus, vp8 } from '../../scripts/support/media/clientParameters.ts';
import { routers } from '../support/routers.ts';
import { failure, token, useServer, withTokens } from '../support/weir.ts';

const weir = useServer(withTokens);

describe('presence', () => {
  test('newPeer notifies the others of a join, with identity, name and metadata', async () => {
    const ada = await weir.enter('room', 'ada');
    const bob = await weir.enter('room', 'bob', {}, { name: 'Bob' });
    expect(await ada.client.event('newPeer')).toEqual({
      peerId: bob.reply.peerId,
      identity: 'bob',
      name: 'Bob',
      sources: {},
      hand: false,
      away: false,
      canExchangeData: true,
    });
    await bob.client.request('ping', {});
    expect(bob.client.unreadEvents('newPeer')).toEqual([]);
  });

  test('leave closes the connection with 1000 "left", and the others receive peerClosed', async () => {
    const ada = await weir.enter('room', 'ada');
    const bob = await weir.enter('room', 'bob');
    bob.client.send(JSON.stringify({ id: 1, method: 'leave', data: {} }));
    expect(await bob.client.closed).toEqual({ code: 1000, reason: 'left' });
    expect(await ada.client.event('peerClosed')).toEqual({ peerId: bob.reply.peerId, reason: 'left' });
  });

  test.each([
    ['a client that closes with 1000 has left', 1000, 'left'],
    ['a page that goes away (1001) has left', 1001, 'left'],
    ['a client that closes with another code is disconnected', 3001, 'disconnected'],
  ])('%s', async (_name, code, reason) => {
    const ada = await weir.enter('room', 'ada');
    const bob = await weir.enter('room', 'bob');
    bob.client.socket.close(code);
    expect(await ada.client.event('peerClosed')).toEqual({ peerId: bob.reply.peerId, reason });
  });

  test('a connection that is cut is disconnected', async () => {
    const ada = await weir.enter('room', 'ada');
    const bob = await weir.enter('room', 'bob');
    bob.client.cut();
    expect(await ada.client.event('peerClosed')).toEqual({ peerId: bob.reply.peerId, reason: 'disconnected' });
  });

  test('peerSources contains all sources of a peer at each change', async () => {
    const ada = await weir.enter('room', 'ada');
    const bob = await weir.enter('room', 'bob');
    const { peerId } = bob.reply;
    await bob.client.request('produce', { source: 'camera', rtpParameters: vp8() });
    expect(await ada.client.event('peerSources')).toEqual({ peerId, sources: { camera: 'live' } });
    await bob.client.request('produce', { source: 'microphone', rtpParameters: opus(), paused: true });
    expect(await ada.client.event('peerSources')).toEqual({
      peerId,
      sources: { camera: 'live', microphone: 'paused' },
    });
    await bob.client.request('resumeProducer', { source: 'microphone' });
    expect(await ada.client.event('peerSources')).toEqual({
      peerId,
      sources: { camera: 'live', microphone: 'live' },
    });
    await bob.client.request('pauseProducer', { source: 'camera' });
    expect(await ada.client.event('peerSources')).toEqual({
      peerId,
      sources: { camera: 'paused', microphone: 'live' },
    });
    await bob.client.request('closeProducer', { source: 'camera' });
    expect(await ada.client.event('peerSources')).toEqual({ peerId, sources: { microphone: 'live' } });
    await bob.client.request('ping', {});
    expect(bob.client.unreadEvents('peerSources')).toEqual([]);
  });
});

describe('a newer join of the same identity', () => {
  test('replaces the older session, which is closed with 4001 "replaced"', async () => {
    const older = await weir.enter('room', 'ada');
    const newer = await weir.enter('room', 'ada');
    expect(await older.client.closed).toEqual({ code: 4001, reason: 'replaced' });
    expect(newer.reply.peers).toEqual([]);
    expect(newer.reply.peerId).not.toBe(older.reply.peerId);
  });

  test('is sent to the others as peerClosed, then newPeer', async () => {
    const bob = await weir.enter('room', 'bob');
    const older = await weir.enter('room', 'ada');
    const newer = await weir.enter('room', 'ada');
    await bob.client.event('newPeer', ({ peerId }) => peerId === newer.reply.peerId);
    const heard = bob.client.messages.flatMap(({ event, data }) => (event?.includes('eer') ? [{ event, data }] : []));
    expect(heard.slice(-2)).toEqual([
      { event: 'peerClosed', data: { peerId: older.reply.peerId, reason: 'replaced' } },
      {
        event: 'newPeer',
        data: {
          peerId: newer.reply.peerId,
          identity: 'ada',
          name: 'ada',
          sources: {},
          hand: false,
          away: false,
          canExchangeData: true,
        },
      },
    ]);
  });

  test('keeps the room open in between', async () => {
    await weir.enter('room', 'ada');
    const ids = () => routers().map(({ id }) => id);
    const before = ids();
    expect(before.length).toBe(1);
    for (let round = 0; round < 5; round += 1) await weir.enter('room', 'ada');
    expect(weir.app.rooms.size).toBe(1);
    expect(ids()).toEqual(before);
  });

  test('that fails does not affect the older session', async () => {
    const older = await weir.enter('room', 'ada');
    const client = await weir.connect();
    await expect(client.join({ room: 'room', token: 'not one' })).rejects.toMatchObject(failure('unauthorized'));
    await older.client.request('produce', { source: 'microphone', rtpParameters: opus() });
    expect(older.client.open).toBe(true);
  });

  test('in another room replaces nothing', async () => {
    const one = await weir.enter('room', 'ada');
    const other = await weir.enter('other', 'ada');
    await one.client.request('produce', { source: 'microphone', rtpParameters: opus() });
    await other.client.request('produce', { source: 'microphone', rtpParameters: opus() });
    expect(weir.app.rooms.size).toBe(2);
  });

  test('leaves one session in the room, however many join at once; all others are closed as "replaced"', async () => {
    const bob = await weir.enter('room', 'bob');
    const clients = await Promise.all(Array.from({ length: 10 }, () => weir.connect()));
    const key = await token('room', 'ada');
    await Promise.allSettled(clients.map((client) => client.join({ room: 'room', token: key })));
    // The reply to this arrives after all events of the joins.
    await bob.client.requestRaw('nothing');
    const eve = await weir.enter('room', 'eve');
    expect(eve.reply.peers.map(({ identity }) => identity).sort()).toEqual(['ada', 'bob']);
    await expect.poll(() => clients.filter(({ open }) => open).length).toBe(1);
    const replaced = clients.filter(({ open }) => !open);
    expect(await Promise.all(replaced.map(({ closed }) => closed))).toEqual(
      replaced.map(() => ({ code: 4001, reason: 'replaced' })),
    );
  });
});

describe('a hidden peer', () => {
  test('is neither in snapshots nor in events', async () => {
    const ada = await weir.enter('room', 'ada');
    const ghost = await weir.enter('room', 'ghost', { hidden: true });
    const bob = await weir.enter('room', 'bob');
    expect(bob.reply.peers.map(({ identity }) => identity)).toEqual(['ada']);
    ghost.client.cut();
    await expect.poll(() => ghost.client.open).toBe(false);
    bob.client.cut();
    await ada.client.event('peerClosed', ({ peerId }) => peerId === bob.reply.peerId);
    expect(JSON.stringify(ada.client.messages)).not.toContain(ghost.reply.peerId);
    expect(JSON.stringify(ada.client.messages)).not.toContain('ghost');
  });

  test('sees and receives the others', async () => {
    const ada = await weir.enter('room', 'ada');
    await ada.client.request('produce', { source: 'camera', rtpParameters: vp8() });
    const ghost = await weir.enter('room', 'ghost', { hidden: true });
    expect(ghost.reply.peers.map(({ identity }) => identity)).toEqual(['ada']);
    expect(ghost.reply.consumers.map(({ source }) => source)).toEqual(['camera']);
    const bob = await weir.enter('room', 'bob');
    expect(await ghost.client.event('newPeer')).toMatchObject({ peerId: bob.reply.peerId });
  });

  test('may not publish', async () => {
    const ghost = await weir.enter('room', 'ghost', { hidden: true });
    expect(ghost.reply.transports.send).toBeUndefined();
    await expect(ghost.client.request('produce', { source: 'camera', rtpParameters: vp8() })).rejects.toMatchObject(
      failure('forbidden'),
    );
  });
});

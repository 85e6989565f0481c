/** Tests of raised hands, reactions and the room API. */
import { describe, expect, test } from 'vitest';
import { token, useServer, withTokens } from '../support/weir.ts';

describe('a raised hand', () => {
  const weir = useServer();

  test('is sent to the others, and is in the snapshot of later joins', async () => {
    const [ada, bob] = [await weir.join({ room: 'room' }), await weir.join({ room: 'room' })];
    await ada.client.request('setHand', { raised: true });
    expect(await bob.client.event('peerHand')).toEqual({ peerId: ada.reply.peerId, raised: true });
    const late = await weir.join({ room: 'room' });
    expect(late.reply.peers.map(({ peerId, hand }) => [peerId, hand])).toEqual([
      [ada.reply.peerId, true],
      [bob.reply.peerId, false],
    ]);
    await ada.client.request('setHand', { raised: false });
    expect(await late.client.event('peerHand')).toEqual({ peerId: ada.reply.peerId, raised: false });
    await ada.client.request('ping', {});
    expect(ada.client.unreadEvents('peerHand')).toEqual([]);
  });
});

describe('a reaction', () => {
  const weir = useServer();

  test('is sent to the others of the room only', async () => {
    const [ada, bob] = [await weir.join({ room: 'room' }), await weir.join({ room: 'room' })];
    const stranger = await weir.join({ room: 'other' });
    await ada.client.request('react', { reaction: 'clap' });
    expect(await bob.client.event('reaction')).toEqual({ peerId: ada.reply.peerId, reaction: 'clap' });
    await stranger.client.request('react', { reaction: 'heart' });
    // All earlier events have been received.
    await Promise.all([ada, bob, stranger].map(({ client }) => client.request('ping', {})));
    expect([...ada.client.unreadEvents('reaction'), ...bob.client.unreadEvents('reaction')]).toEqual([]);
    expect(stranger.client.unreadEvents('reaction')).toEqual([]);
  });

  test('is sent ten times at once, then once a second, over a new connection as well', async () => {
    const patient = await weir.join({ room: 'room' });
    const [ada, bob] = [await weir.join({ room: 'room' }), await weir.join({ room: 'room' })];
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => ada.client.requestRaw('react', { reaction: 'clap' })),
    );
    const refused = answers.filter(({ error }) => error?.code === 'rateLimited').length;
    expect(refused).toBeGreaterThanOrEqual(19);
    await bob.client.request('ping', {});
    expect(bob.client.unreadEvents('reaction').length).toBe(30 - refused);
    // The limit of one does not affect another, and leaves no debt.
    await patient.client.request('react', { reaction: 'heart' });
    const react = () => ada.client.request('react', { reaction: 'clap' });
    await expect
      .poll(
        () =>
          react().then(
            () => true,
            () => false,
          ),
        { timeout: 2000, interval: 100 },
      )
      .toBe(true);
  });

  test('must be a known one', async () => {
    const ada = await weir.join({ room: 'room' });
    const { error } = await ada.client.requestRaw('react', { reaction: '<b>' });
    expect(error?.code).toBe('badRequest');
  });
});

describe('a hidden peer', () => {
  const weir = useServer(withTokens);

  test('has no visible hand or reaction', async () => {
    const ada = await weir.enter('room', 'ada');
    const ghost = await weir.enter('room', 'ghost', { hidden: true });
    await ghost.client.request('setHand', { raised: true });
    await ghost.client.request('react', { reaction: 'party' });
    const bob = await weir.enter('room', 'bob');
    await bob.client.request('react', { reaction: 'heart' });
    expect(await ada.client.event('reaction')).toEqual({ peerId: bob.reply.peerId, reaction: 'heart' });
    expect([...ada.client.unreadEvents('reaction'), ...ada.client.unreadEvents('peerHand')]).toEqual([]);
  });
});

describe('the participants of a room', () => {
  const open = useServer();
  const closed = useServer(withTokens);
  const ask = (url: string, headers = {}) => fetch(url, { headers });

  test('can be requested anonymously for any room, whether it exists or not', async () => {
    await open.join({ room: 'room', name: 'Ada' });
    const response = await ask(`${open.url}/api/rooms/room`);
    expect(await response.json()).toEqual({ people: [{ name: 'Ada' }] });
    expect(await (await ask(`${open.url}/api/rooms/empty`)).json()).toEqual({ people: [] });
    expect((await ask(`${open.url}/api/rooms/a%2Fb`)).status).toBe(400);
    expect(open.app.rooms.size).toBe(1);
  });

  test('require a token of that room otherwise, and leave out hidden ones', async () => {
    await closed.enter('room', 'ada');
    await closed.enter('room', 'ghost', { hidden: true });
    const url = `${closed.url}/api/rooms/room`;
    expect((await ask(url)).status).toBe(401);
    const wrong = await token('other', 'eve');
    expect((await ask(url, { authorization: `Bearer ${wrong}` })).status).toBe(401);
    const right = await token('room', 'bob');
    const response = await ask(url, { authorization: `Bearer ${right}` });
    expect(await response.json()).toEqual({ people: [{ name: 'ada' }] });
  });
});

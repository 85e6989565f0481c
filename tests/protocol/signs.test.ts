/** Owns what passes between people besides media: raised hands and reactions. */
import { describe, expect, test } from 'vitest';
import { token, useServer, withTokens } from '../support/weir.ts';

describe('a raised hand', () => {
  const weir = useServer();

  test('is heard by the others, not by its own, and seen by who comes later', async () => {
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
    expect(ada.client.unheard('peerHand')).toEqual([]);
  });
});

describe('a reaction', () => {
  const weir = useServer();

  test('is heard by the others of the room only', async () => {
    const [ada, bob] = [await weir.join({ room: 'room' }), await weir.join({ room: 'room' })];
    const stranger = await weir.join({ room: 'other' });
    await ada.client.request('react', { reaction: 'clap' });
    expect(await bob.client.event('reaction')).toEqual({ peerId: ada.reply.peerId, reaction: 'clap' });
    await stranger.client.request('react', { reaction: 'heart' });
    // Whatever was told before has been heard.
    await Promise.all([ada, bob, stranger].map(({ client }) => client.request('ping', {})));
    expect([...ada.client.unheard('reaction'), ...bob.client.unheard('reaction')]).toEqual([]);
    expect(stranger.client.unheard('reaction')).toEqual([]);
  });

  test('is told ten times at once, then once a second, over a new connection as well', async () => {
    const patient = await weir.join({ room: 'room' });
    const [ada, bob] = [await weir.join({ room: 'room' }), await weir.join({ room: 'room' })];
    const answers = await Promise.all(Array.from({ length: 30 }, () => ada.client.ask('react', { reaction: 'clap' })));
    const refused = answers.filter(({ error }) => error?.code === 'rateLimited').length;
    expect(refused).toBeGreaterThanOrEqual(19);
    await bob.client.request('ping', {});
    expect(bob.client.unheard('reaction').length).toBe(30 - refused);
    // Nobody else has fewer for it, and it makes no debt.
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

  test('is one of those that there are', async () => {
    const ada = await weir.join({ room: 'room' });
    const { error } = await ada.client.ask('react', { reaction: '<b>' });
    expect(error?.code).toBe('badRequest');
  });
});

describe('somebody hidden', () => {
  const weir = useServer(withTokens);

  test('gives no sign of being there', async () => {
    const ada = await weir.enter('room', 'ada');
    const ghost = await weir.enter('room', 'ghost', { hidden: true });
    await ghost.client.request('setHand', { raised: true });
    await ghost.client.request('react', { reaction: 'party' });
    const bob = await weir.enter('room', 'bob');
    await bob.client.request('react', { reaction: 'heart' });
    expect(await ada.client.event('reaction')).toEqual({ peerId: bob.reply.peerId, reaction: 'heart' });
    expect([...ada.client.unheard('reaction'), ...ada.client.unheard('peerHand')]).toEqual([]);
  });
});

describe('who is inside', () => {
  const open = useServer();
  const closed = useServer(withTokens);
  const ask = (url: string, headers = {}) => fetch(url, { headers });

  test('may be asked of an open server, of any room that there is or could be', async () => {
    await open.join({ room: 'room', name: 'Ada' });
    const response = await ask(`${open.url}/api/rooms/room`);
    expect(await response.json()).toEqual({ people: [{ name: 'Ada' }] });
    expect(await (await ask(`${open.url}/api/rooms/empty`)).json()).toEqual({ people: [] });
    expect((await ask(`${open.url}/api/rooms/a%2Fb`)).status).toBe(400);
    expect(open.app.rooms.size).toBe(1);
  });

  test('is told with a token of that room only, and leaves out who is hidden', async () => {
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

/** Tests of the protocol of broadcasts: roles, the count of viewers, and when viewers receive media. */
import { describe, expect, test, vi } from 'vitest';
import { camera, consumedSources, microphone, useBroadcast } from '../support/broadcast.ts';
import { failure, token, useServer, withTokens } from '../support/weir.ts';

const everySource = ['camera', 'microphone', 'screen', 'screenAudio'];
const ask = async (url: string, headers = {}) => (await fetch(url, { headers })).json();

describe('with anonymous access', () => {
  const { weir, enter } = useBroadcast();

  test.each([
    ['host', { canPublish: true, roomAdmin: true, hidden: false }, ['recv', 'send']],
    ['speaker', { canPublish: true, roomAdmin: false, hidden: false }, ['recv', 'send']],
    ['viewer', { canPublish: false, roomAdmin: false, hidden: true }, ['recv']],
    [undefined, { canPublish: false, roomAdmin: false, hidden: true }, ['recv']],
  ] as const)('whoever joins a broadcast as %s has that role', async (role, grants, transports) => {
    const { reply } = await enter(role);
    expect(reply.kind).toBe('broadcast');
    const rest = { canPublishSources: everySource, canSubscribe: true, canPublishData: grants.canPublish };
    expect(reply.grants).toEqual({ ...rest, ...grants });
    expect(Object.keys(reply.transports).sort()).toEqual(transports);
    expect(reply.broadcast).toEqual({
      state: 'before',
      liveSeconds: 0,
      viewers: grants.hidden ? 1 : 0,
      profile: 'lowLatency',
    });
    expect(reply.hands).toEqual(grants.roomAdmin ? { total: 0, first: [] } : undefined);
  });

  test('whoever joins a call is a speaker by default; they are visible with any role', async () => {
    const usual = await weir.join({ room: 'show' });
    expect(usual.reply).toMatchObject({ kind: 'call', grants: { canPublish: true, roomAdmin: false, hidden: false } });
    expect(usual.reply.broadcast).toBeUndefined();
    const host = await weir.join({ room: 'show', kind: 'call', role: 'host' });
    expect(host.reply).toMatchObject({ grants: { canPublish: true, roomAdmin: true } });
    expect(host.reply.hands).toBeUndefined();
    const viewer = await weir.join({ room: 'show', role: 'viewer' });
    expect(viewer.reply).toMatchObject({ grants: { canPublish: false, roomAdmin: false, hidden: false } });
    await host.client.event('newPeer', ({ peerId }) => peerId === viewer.reply.peerId);
  });

  test('a call and a broadcast of the same name are two rooms', async () => {
    const call = await weir.join({ room: 'show', role: 'host' });
    const show = await enter('host');
    expect(weir.app.rooms.size).toBe(2);
    expect(show.reply.peers).toEqual([]);
    const strange = { peerId: call.reply.peerId };
    expect(await show.client.requestRaw('kick', strange)).toMatchObject({ error: { code: 'notFound' } });
    expect(await show.client.requestRaw('setGrants', { ...strange, grants: {} })).toMatchObject({
      error: { code: 'notFound' },
    });
    const speaker = await enter('speaker');
    await show.client.request('produce', camera);
    // It was announced to those on the stage.
    await speaker.client.event('newConsumers');
    await call.client.request('ping', {});
    expect(call.client.unreadEvents('newPeer')).toEqual([]);
    expect(call.client.unreadEvents('newConsumers')).toEqual([]);
  });
});

describe('with tokens', () => {
  const weir = useServer(withTokens);
  const join = async (grants: Parameters<typeof token>[2], options: { kind?: 'call' | 'broadcast'; role?: 'host' }) => {
    const client = await weir.connect();
    return client.join({ room: 'show', token: await token('show', 'ada', grants), ...options });
  };

  test('a token may be for a broadcast or for a call, and is invalid for the other', async () => {
    expect(await join({ broadcast: true }, {})).toMatchObject({ kind: 'broadcast' });
    expect(await join({ broadcast: true }, { kind: 'broadcast' })).toMatchObject({ kind: 'broadcast' });
    expect(await join({ broadcast: false }, {})).toMatchObject({ kind: 'call' });
    await expect(join({ broadcast: true }, { kind: 'call' })).rejects.toMatchObject(failure('unauthorized'));
    await expect(join({ broadcast: false }, { kind: 'broadcast' })).rejects.toMatchObject(failure('unauthorized'));
    const authorization = `Bearer ${await token('show', 'bob', { broadcast: true })}`;
    expect((await fetch(`${weir.url}/api/rooms/show`, { headers: { authorization } })).status).toBe(401);
    expect((await fetch(`${weir.url}/api/broadcasts/show`, { headers: { authorization } })).status).toBe(200);
    expect((await fetch(`${weir.url}/api/broadcasts/show`)).status).toBe(401);
  });

  test('a token without a kind is valid for the requested one', async () => {
    expect(await join({}, {})).toMatchObject({ kind: 'call' });
    expect(await join({}, { kind: 'call' })).toMatchObject({ kind: 'call' });
    expect(await join({}, { kind: 'broadcast' })).toMatchObject({ kind: 'broadcast' });
  });

  test('grants determine the role, whatever is requested', async () => {
    const viewer = await join({ broadcast: true, canPublish: false }, { role: 'host' });
    expect(viewer.grants).toMatchObject({ canPublish: false, roomAdmin: false, hidden: true });
    const speaker = await join({ broadcast: true }, { role: 'host' });
    expect(speaker.grants).toMatchObject({ canPublish: true, roomAdmin: false, hidden: false });
    const host = await join({ broadcast: true, roomAdmin: true }, {});
    expect(host.grants).toMatchObject({ canPublish: true, roomAdmin: true, hidden: false });
    // A hidden participant publishes nothing, and so is a viewer.
    const ghost = await join({ broadcast: true, hidden: true }, {});
    expect(ghost.grants).toMatchObject({ canPublish: false, hidden: true });
  });

  test('a removal from a broadcast does not affect the call of the same name', async () => {
    // The joins take longer than the millisecond in which it is issued: it is older than the removal.
    const both = await token('show', 'bob');
    const host = await weir.enter('show', 'host', { roomAdmin: true, broadcast: true });
    const bob = await weir.enter('show', 'bob', { broadcast: true });
    await host.client.request('kick', { peerId: bob.reply.peerId });
    const again = await weir.connect();
    await expect(again.join({ room: 'show', kind: 'broadcast', token: both })).rejects.toMatchObject(
      failure('unauthorized'),
    );
    await expect(again.join({ room: 'show', token: both })).resolves.toMatchObject({ kind: 'call' });
  });
});

describe('viewers', () => {
  const show = useBroadcast();
  const { weir, enter, room } = show;

  test('are announced to nobody, and see the stage', async () => {
    const host = await enter('host', { name: 'Ada' });
    const viewer = await enter('viewer', { name: 'Vera' });
    const other = await enter('viewer', { name: 'Otto' });
    expect(viewer.reply.peers.map(({ name }) => name)).toEqual(['Ada']);
    expect(other.reply.peers.map(({ name }) => name)).toEqual(['Ada']);
    const speaker = await enter('speaker', { name: 'Sam' });
    expect(speaker.reply.peers.map(({ name }) => name)).toEqual(['Ada']);
    expect(await other.client.event('newPeer')).toMatchObject({ name: 'Sam' });
    expect(await ask(`${weir.url}/api/broadcasts/${show.name}`)).toMatchObject({
      people: [{ name: 'Ada' }, { name: 'Sam' }],
      state: 'before',
      viewers: 2,
    });
    expect(await ask(`${weir.url}/api/rooms/${show.name}`)).toEqual({ people: [] });
    await viewer.client.request('setHand', { raised: true });
    await viewer.client.request('react', { reaction: 'clap' });
    viewer.client.cut();
    await host.client.event('broadcastChanged', ({ viewers }) => viewers === 1);
    for (const { client } of [speaker, other]) {
      expect(JSON.stringify(client.messages)).not.toMatch(new RegExp(`Vera|${viewer.reply.peerId}`));
    }
    expect(host.client.unreadEvents('newPeer').map(({ name }) => name)).toEqual(['Sam']);
    for (const event of ['peerClosed', 'peerHand', 'reaction'] as const)
      expect(host.client.unreadEvents(event)).toEqual([]);
  });

  test('who join at once are counted, and the count is sent once a second', async () => {
    const host = await enter('host');
    await host.client.request('setBroadcast', { profile: 'smooth' });
    const told = () => host.client.unreadEvents('broadcastChanged').map(({ viewers }) => viewers);
    const [before, since] = [told().length, performance.now()];
    const coming = Array.from({ length: 30 }, () => enter('viewer', { transports: { send: false, recv: false } }));
    await Promise.all(coming);
    await expect.poll(() => told().at(-1), { timeout: 5000 }).toBe(30);
    const seconds = (performance.now() - since) / 1000;
    expect(told().length - before).toBeLessThanOrEqual(1 + seconds);
    expect((await room()).viewers).toBe(30);
    const [one] = await Promise.all(coming);
    one?.client.cut();
    await expect.poll(() => told().at(-1), { timeout: 5000 }).toBe(29);
    // They receive the count in the same way.
    const [, two] = await Promise.all(coming);
    await expect.poll(() => two?.client.unreadEvents('broadcastChanged').at(-1)?.viewers).toBe(29);
  });
});

describe('a broadcast', () => {
  const show = useBroadcast();
  const { weir, enter, room } = show;

  test('is idle, live, ended, and live again, which everyone is sent at once', async () => {
    const host = await enter('host');
    const viewer = await enter();
    const url = `${weir.url}/api/broadcasts/${show.name}`;
    expect(await ask(url)).toMatchObject({ state: 'before', liveSeconds: 0, viewers: 1 });
    // A broadcast that was never live does not end.
    const idle = await host.client.request('setBroadcast', { live: false });
    expect(idle.broadcast).toMatchObject({ state: 'before', liveSeconds: 0 });
    const live = await host.client.request('setBroadcast', { live: true });
    expect(live.broadcast).toMatchObject({ state: 'live', viewers: 1, profile: 'lowLatency' });
    await viewer.client.event('broadcastChanged', ({ state }) => state === 'live');
    await expect.poll(async () => (await room()).liveSeconds).toBeGreaterThan(0.05);
    // Going live twice does not restart it.
    const still = await host.client.request('setBroadcast', { live: true, profile: 'smooth' });
    expect(still.broadcast).toMatchObject({ state: 'live', profile: 'smooth' });
    expect(still.broadcast.liveSeconds).toBeGreaterThan(0.05);
    const ended = await host.client.request('setBroadcast', { live: false });
    expect(ended.broadcast).toMatchObject({ state: 'ended', profile: 'smooth' });
    expect(ended.broadcast.liveSeconds).toBeGreaterThanOrEqual(still.broadcast.liveSeconds);
    await viewer.client.event('broadcastChanged', ({ state }) => state === 'ended');
    expect(await ask(url)).toMatchObject({ state: 'ended', liveSeconds: ended.broadcast.liveSeconds });
    const again = await host.client.request('setBroadcast', { live: true });
    expect(again.broadcast.state).toBe('live');
    expect(again.broadcast.liveSeconds).toBeLessThan(ended.broadcast.liveSeconds);
    await viewer.client.event('broadcastChanged', ({ state }) => state === 'live');
  });

  test('forwards the stage to viewers while it is live, and to the stage before', async () => {
    const host = await enter('host');
    const speaker = await enter('speaker');
    const viewer = await enter();
    await host.client.request('produce', camera);
    await speaker.client.event('newConsumers');
    const early = await enter();
    expect(early.reply.consumers).toEqual([]);
    await host.client.request('setBroadcast', { live: true });
    for (const one of [viewer, early]) await expect.poll(() => consumedSources(one)).toEqual(['camera']);
    await host.client.request('produce', microphone);
    for (const one of [viewer, early]) await expect.poll(() => consumedSources(one)).toEqual(['camera', 'microphone']);
    const late = await enter();
    expect(consumedSources(late)).toEqual(['camera', 'microphone']);
    expect(late.reply).toMatchObject({ broadcast: { state: 'live', viewers: 3 }, peers: [{}, {}] });
    await host.client.request('setBroadcast', { live: false });
    for (const one of [viewer, early, late]) await expect.poll(() => consumedSources(one)).toEqual([]);
    await speaker.client.request('produce', camera);
    await expect.poll(() => consumedSources(host)).toEqual(['camera']);
    expect((await enter()).reply).toMatchObject({ consumers: [], broadcast: { state: 'ended' } });
    expect(consumedSources(viewer)).toEqual([]);
    await host.client.request('setBroadcast', { live: true });
    await expect.poll(() => consumedSources(viewer)).toEqual(['camera', 'camera', 'microphone']);
  });
});

describe('a broadcast that everybody has left', () => {
  const { weir, enter } = useBroadcast();

  async function leaveAll(...clients: Awaited<ReturnType<typeof enter>>[]): Promise<void> {
    await Promise.all(clients.map(({ client }) => client.request('leave', {})));
    await vi.waitUntil(() => weir.app.rooms.size === 0, { timeout: 5000, interval: 5 });
  }

  test('while it was live continues, with its duration, for whoever rejoins soon', async () => {
    const host = await enter('host');
    await host.client.request('setBroadcast', { live: true, profile: 'smooth' });
    await leaveAll(host);
    const { reply } = await enter();
    expect(reply.broadcast).toMatchObject({ state: 'live', profile: 'smooth', viewers: 1 });
    const { client, reply: again } = await enter('host');
    expect(again.broadcast?.state).toBe('live');
    expect(again.broadcast?.liveSeconds).toBeGreaterThan(0);
    await client.request('setBroadcast', { live: false });
  });

  test('after its end has ended for whoever joins later; one that was never live has not', async () => {
    const host = await enter('host');
    await leaveAll(host);
    const early = await enter('host');
    expect(early.reply.broadcast).toMatchObject({ state: 'before', liveSeconds: 0 });
    await early.client.request('setBroadcast', { live: true });
    const { broadcast } = await early.client.request('setBroadcast', { live: false });
    await leaveAll(early);
    const late = await enter();
    expect(late.reply.broadcast).toMatchObject({ state: 'ended', liveSeconds: broadcast.liveSeconds });
  });
});

describe('a broadcast with many microphones', () => {
  const { enter } = useBroadcast({ WEIR_MAX_AUDIBLE_SPEAKERS: '1' }, 100);

  test('that goes on and off air in quick succession gives viewers each consumer once, or none', async () => {
    // Nobody on the stage subscribes: the first slots are those for the viewer.
    const stage = { transports: { send: true, recv: false } };
    const host = await enter('host', stage);
    await host.client.request('produce', camera);
    for (const guest of ['a', 'b', 'c']) {
      const { client } = await enter('speaker', { ...stage, name: guest });
      await client.request('produce', microphone);
    }
    const viewer = await enter();
    const toggle = (...states: boolean[]) =>
      Promise.all(states.map((live) => host.client.request('setBroadcast', { live })));
    for (let round = 0; round < 5; round += 1) {
      await toggle(true, false, true);
      await expect.poll(() => consumedSources(viewer)).toEqual(['camera', 'slot', 'slot']);
      await toggle(false, true, false);
      // The worker handles requests in order: the earlier ones are done once this one is.
      const other = await enter();
      expect(other.reply.consumers).toEqual([]);
      expect(consumedSources(viewer)).toEqual([]);
    }
  });
});

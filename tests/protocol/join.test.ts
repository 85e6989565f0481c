/** Covers `join`: the snapshot in its reply, room names and display names, and the limit of peers in a room. */
import { describe, expect, test } from 'vitest';
import { opus } from '../../scripts/support/media/clientParameters.ts';
import { startServer } from '../../scripts/support/servers/startServer.ts';
import { TestClient } from '../support/client.ts';
import { hasIPv6 } from '../support/equipment.ts';
import { failure, useServer, withTokens } from '../support/weir.ts';

const weir = useServer();

describe('join', () => {
  test('replies with a peer id, a name, all grants and both transports', async () => {
    const { reply } = await weir.join({ name: '  Ada  ' });
    expect(reply.name).toBe('Ada');
    expect(reply.peerId).not.toBe('');
    expect(reply.grants).toEqual({
      canPublish: true,
      canPublishSources: ['camera', 'microphone', 'screen', 'screenAudio'],
      canSubscribe: true,
      canPublishData: true,
      hidden: false,
      roomAdmin: false,
    });
    for (const transport of [reply.transports.send, reply.transports.recv]) {
      expect(transport?.dtlsParameters.fingerprints.length).toBeGreaterThan(0);
      expect(transport?.iceCandidates.map(({ protocol }) => protocol).sort()).toEqual(['tcp', 'udp']);
      expect(transport?.iceCandidates.map(({ address }) => address)).toEqual(['127.0.0.1', '127.0.0.1']);
    }
    expect(reply.transports.send?.transportId).not.toBe(reply.transports.recv?.transportId);
    expect(reply.peers).toEqual([]);
    expect(reply.consumers).toEqual([]);
  });

  test('creates only the requested transports', async () => {
    const sender = await weir.join({ transports: { send: true, recv: false } });
    const receiver = await weir.join({ transports: { send: false, recv: true } });
    const neither = await weir.join({ transports: { send: false, recv: false } });
    expect(Object.keys(sender.reply.transports)).toEqual(['send']);
    expect(Object.keys(receiver.reply.transports)).toEqual(['recv']);
    expect(Object.keys(neither.reply.transports)).toEqual([]);
  });

  test('uses the identity as display name where there is no other', async () => {
    const { reply } = await weir.join();
    expect(reply.name).toBe(reply.identity);
  });

  test('gives each join without a token a new identity', async () => {
    const joined = await Promise.all(Array.from({ length: 5 }, () => weir.join({ room: 'many', name: 'Same' })));
    expect(new Set(joined.map(({ reply }) => reply.identity)).size).toBe(5);
    expect(new Set(joined.map(({ reply }) => reply.peerId)).size).toBe(5);
  });

  test('replies with the other peers and what they publish', async () => {
    const ada = await weir.join({ room: 'snapshot', name: 'Ada' });
    await ada.client.request('produce', { source: 'microphone', rtpParameters: opus(), paused: true });
    const bob = await weir.join({ room: 'snapshot', name: 'Bob' });
    const { peerId, identity } = ada.reply;
    expect(bob.reply.peers).toEqual([
      {
        peerId,
        identity,
        name: 'Ada',
        sources: { microphone: 'paused' },
        hand: false,
        away: false,
        canExchangeData: true,
      },
    ]);
  });

  test('separates rooms', async () => {
    const here = await weir.join({ room: 'here' });
    const there = await weir.join({ room: 'there' });
    const alsoHere = await weir.join({ room: 'here' });
    expect(there.reply.peers).toEqual([]);
    expect(alsoHere.reply.peers.map(({ peerId }) => peerId)).toEqual([here.reply.peerId]);
    await here.client.event('newPeer');
    await there.client.request('ping', {});
    expect(there.client.unreadEvents('newPeer')).toEqual([]);
  });

  test('is refused a second time, even before the first reply', async () => {
    const client = await weir.connect();
    const first = client.join({ room: 'twice' });
    const second = client.join({ room: 'twice' });
    await expect(second).rejects.toMatchObject(failure('alreadyJoined'));
    const { peerId } = await first;
    const other = await weir.join({ room: 'twice' });
    expect(other.reply.peers.map((peer) => peer.peerId)).toEqual([peerId]);
  });

  test('may be repeated after a failure', async () => {
    const client = await weir.connect();
    await expect(client.join({ room: 'a/b' })).rejects.toMatchObject(failure('badRequest'));
    await expect(client.join({ room: 'a-b' })).resolves.toMatchObject({ peers: [] });
  });

  test.each(['', ' ', '\u200b', '\u0301', '..', '‥', 'a／b', 'a/b', 'a\u0000b', 'a\nb', 'x'.repeat(257), '\ud800'])(
    'rejects the room name %j',
    async (room) => {
      const client = await weir.connect();
      await expect(client.join({ room })).rejects.toMatchObject(failure('badRequest'));
      expect(weir.app.rooms.size).toBe(0);
    },
  );

  test.each(['x'.repeat(256), 'Ünïcödé 語 🎉', '__proto__', 'constructor', '...'])(
    'accepts the room name %j',
    async (room) => {
      const one = await weir.join({ room });
      const other = await weir.join({ room });
      expect(other.reply.peers.map(({ peerId }) => peerId)).toEqual([one.reply.peerId]);
    },
  );

  test.each([
    ['Team', 'tEAM'],
    ['caf\u00e9', 'cafe\u0301'],
    ['team', '\u2060te\u200bam'],
    ['a b', 'a\u00a0 b'],
  ])('treats %j and %j as the same room', async (room, spelled) => {
    const one = await weir.join({ room });
    const other = await weir.join({ room: spelled });
    expect(other.reply.peers.map(({ peerId }) => peerId)).toEqual([one.reply.peerId]);
    const asked = await fetch(`${weir.url}/api/rooms/${encodeURIComponent(spelled)}`);
    expect(await asked.json()).toMatchObject({ people: [{}, {}] });
  });

  test('reports the maximum length of a name in a sentence', async () => {
    const client = await weir.connect();
    const refused = { code: 'badRequest', message: 'A name may have up to 100 characters.' };
    await expect(client.join({ name: 'x'.repeat(101) })).rejects.toMatchObject(refused);
    await client.join({ name: '👨\u200d👩\u200d👧'.repeat(100) });
    await expect(client.request('setHand', { raised: true, name: 'x'.repeat(101) })).rejects.toMatchObject(refused);
  });

  test.each(['', '   ', '\u200b', '\u0301', 'x'.repeat(101), '\udc00'])('rejects the display name %j', async (name) => {
    const client = await weir.connect();
    await expect(client.join({ name })).rejects.toMatchObject(failure('badRequest'));
  });
});

describe('a room', () => {
  test('closes when its last peer leaves, and its router with it', async () => {
    const { client } = await weir.join({ room: 'short' });
    const other = await weir.join({ room: 'short' });
    expect(weir.app.rooms.size).toBe(1);
    client.cut();
    await other.client.event('peerClosed');
    expect(weir.app.rooms.size).toBe(1);
    other.client.cut();
    await expect.poll(() => weir.app.rooms.size).toBe(0);
    expect(weir.app.pool.workers.map(({ routers }) => routers)).toEqual([0]);
  });
});

describe('a full room', () => {
  const full = useServer({ WEIR_MAX_PEERS: '2', ...withTokens });

  test('refuses one more, but not an identity that is in it already', async () => {
    await full.enter('small', 'ada');
    const bob = await full.enter('small', 'bob');
    await expect(full.enter('small', 'eve')).rejects.toMatchObject(failure('roomFull'));
    const again = await full.enter('small', 'bob');
    expect(await bob.client.closed).toEqual({ code: 4001, reason: 'replaced' });
    expect(again.reply.peers.map(({ identity }) => identity)).toEqual(['ada']);
  });

  test('admits one more when somebody has left', async () => {
    const ada = await full.enter('small', 'ada');
    const bob = await full.enter('small', 'bob');
    ada.client.cut();
    await bob.client.event('peerClosed');
    await expect(full.enter('small', 'eve')).resolves.toBeDefined();
  });

  test('does not exceed its limit when many join at once', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, index) => full.enter('rush', `peer-${index}`)),
    );
    const refused = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason.code);
    expect(refused).toEqual(Array.from({ length: 6 }, () => 'roomFull'));
  });
});

describe.skipIf(!hasIPv6)('the candidates of a transport', () => {
  test('are all announced addresses, names by their addresses, in their order, by UDP and TCP', async () => {
    await using server = await startServer({
      WEIR_RTC_HOST: '127.0.0.1,::1',
      WEIR_ANNOUNCED_ADDRESS: '2001:db8::7,203.0.113.7,localhost',
      WEIR_STUN_PORT: '0',
    });
    const client = await TestClient.connect(server.url);
    const { transports, iceServers } = await client.join();
    const addresses = (protocol: 'udp' | 'tcp') =>
      transports.send?.iceCandidates.filter((one) => one.protocol === protocol).map(({ address }) => address);
    expect(addresses('udp')?.slice(0, 2)).toEqual(['2001:db8::7', '203.0.113.7']);
    expect(addresses('udp')).toContain('127.0.0.1');
    expect(addresses('udp')).not.toContain('localhost');
    expect(addresses('tcp')).toEqual(addresses('udp'));
    const [worker] = server.app.pool.workers;
    expect(new Set(transports.recv?.iceCandidates.map(({ port }) => port))).toEqual(new Set([worker?.port]));
    // Of the announced addresses the public IPv4 one.
    expect(iceServers).toEqual([{ urls: [`stun:203.0.113.7:${server.app.stunResponder?.port}`] }]);
    client.cut();
  });
});

/** Tests of administrators changing grants during a call: changes apply at once, and to later joins. */
import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { dtls } from '../../scripts/support/media/clientParameters.ts';
import { pidOf } from '../../scripts/support/process/pidOf.ts';
import { Peer } from '../../server/room/Peer.ts';
import type { GrantsPatch } from '../../shared/protocol.ts';
import { camera, consumedSources, microphone, useBroadcast } from '../support/broadcast.ts';
import { withoutRequestId } from '../support/client.ts';
import { apiKey, apiSecret, failure, type Joined, token, useServer, withTokens } from '../support/weir.ts';

const weir = useServer(withTokens);
const forbidden = failure('forbidden');

/** An administrator, a participant who publishes camera and microphone, and a third who watches. */
async function call() {
  const admin = await weir.enter('room', 'admin', { roomAdmin: true });
  const bob = await weir.enter('room', 'bob');
  const cat = await weir.enter('room', 'cat');
  for (const track of [camera, microphone]) await bob.client.request('produce', track);
  for (const one of [admin, cat]) await expect.poll(() => consumedSources(one)).toEqual(['camera', 'microphone']);
  const change = async (grants: GrantsPatch, of = bob) => {
    const reply = await admin.client.request('setGrants', { peerId: of.reply.peerId, grants });
    expect(await of.client.event('grantsChanged')).toEqual({ ...reply, by: 'admin' });
    return reply.grants;
  };
  return { admin, bob, cat, change };
}

describe('setGrants', () => {
  test('is forbidden without roomAdmin, whether the peer exists or not', async () => {
    const { bob, cat } = await call();
    const grants = { canPublish: false };
    const real = await cat.client.requestRaw('setGrants', { peerId: bob.reply.peerId, grants });
    const madeUp = await cat.client.requestRaw('setGrants', { peerId: 'nobody', grants });
    expect(real.error?.code).toBe('forbidden');
    expect(withoutRequestId(real)).toEqual(withoutRequestId(madeUp));
  });

  test('does not reach into other rooms', async () => {
    const { admin } = await call();
    const elsewhere = await weir.enter('other', 'bob');
    const peerIds = [elsewhere.reply.peerId, crypto.randomUUID()];
    for (const peerId of peerIds) {
      await expect(admin.client.request('setGrants', { peerId, grants: { canPublish: false } })).rejects.toMatchObject(
        failure('notFound'),
      );
    }
    await elsewhere.client.request('produce', camera);
  });

  test('that ends data in one direction is told to the others, and to those who join later', async () => {
    const { admin, bob, cat, change } = await call();
    const { peerId } = bob.reply;
    expect(cat.reply.peers.map(({ canExchangeData }) => canExchangeData)).toEqual([true, true]);
    for (const [grants, canExchangeData] of [
      [{ canPublishData: false }, false],
      [{ canPublishData: true }, true],
      [{ canSubscribe: false }, false],
    ] as const) {
      await change(grants);
      for (const one of [admin, cat]) expect(await one.client.event('peerGrants')).toEqual({ peerId, canExchangeData });
    }
    const dan = await weir.enter('room', 'dan');
    expect(dan.reply.peers.filter(({ canExchangeData }) => !canExchangeData).map((one) => one.peerId)).toEqual([
      peerId,
    ]);
  });

  test('that revokes one source ends that one; the others continue on the same transport', async () => {
    const { admin, bob, cat, change } = await call();
    const { peerId } = bob.reply;
    const grants = await change({ canPublishSources: ['microphone'] });
    expect(grants).toEqual({ ...bob.reply.grants, canPublishSources: ['microphone'] });
    for (const one of [admin, cat]) {
      const now = { peerId, sources: { microphone: 'live' } };
      await one.client.event(
        'peerSources',
        ({ sources }) => sources.camera === undefined && sources.microphone === 'live',
      );
      await expect.poll(() => consumedSources(one)).toEqual(['microphone']);
      expect((await weir.app.rooms.find('room'))?.visiblePeers()).toContainEqual(expect.objectContaining(now));
    }
    await expect(bob.client.request('produce', camera)).rejects.toMatchObject(forbidden);
    await bob.client.request('pauseProducer', { source: 'microphone' });
    await change({ canPublishSources: ['camera', 'microphone'] });
    await bob.client.request('produce', camera);
    for (const one of [admin, cat]) await expect.poll(() => consumedSources(one)).toEqual(['camera', 'microphone']);
  });

  test('that revokes all sources ends them and the transport; restored, a new one can be opened', async () => {
    const { admin, bob, cat, change } = await call();
    const { transportId = '' } = bob.reply.transports.send ?? {};
    expect(await change({ canPublish: false })).toEqual({ ...bob.reply.grants, canPublish: false });
    for (const one of [admin, cat]) {
      await expect.poll(() => consumedSources(one)).toEqual([]);
      // In a call everyone is visible, whatever their grants.
      expect(one.client.unreadEvents('peerClosed')).toEqual([]);
    }
    await expect(bob.client.request('produce', camera)).rejects.toMatchObject(forbidden);
    await expect(bob.client.request('openTransport', { direction: 'send' })).rejects.toMatchObject(forbidden);
    const old = { transportId, dtlsParameters: dtls };
    await expect(bob.client.request('connectTransport', old)).rejects.toMatchObject(failure('notFound'));
    await admin.client.request('produce', camera);
    await expect.poll(() => consumedSources(bob)).toEqual(['camera']);
    await change({ canPublish: true });
    await expect(bob.client.request('produce', camera)).rejects.toMatchObject(failure('notFound'));
    const opening = [1, 2].map(() => bob.client.request('openTransport', { direction: 'send' }));
    const opened = await Promise.allSettled(opening);
    expect(opened.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    await bob.client.request('produce', camera);
    await expect.poll(() => consumedSources(cat)).toEqual(['camera', 'camera']);
  });

  test('that revokes subscribing ends all consumers; restored, all come back on a new transport', async () => {
    const { bob, cat, change } = await call();
    const { peerId } = bob.reply;
    await change({ canSubscribe: false }, cat);
    await expect.poll(() => consumedSources(cat)).toEqual([]);
    await bob.client.request('closeProducer', { source: 'camera' });
    await bob.client.request('produce', camera);
    // Presence events continue.
    await cat.client.event('peerSources', ({ sources }) => sources.camera === undefined);
    await expect(cat.client.request('openTransport', { direction: 'recv' })).rejects.toMatchObject(forbidden);
    await cat.client.request('produce', microphone);
    expect(consumedSources(cat)).toEqual([]);
    await change({ canSubscribe: true }, cat);
    expect(consumedSources(cat)).toEqual([]);
    const { transport } = await cat.client.request('openTransport', { direction: 'recv' });
    expect(transport.transportId).not.toBe(cat.reply.transports.recv?.transportId);
    await expect.poll(() => consumedSources(cat)).toEqual(['camera', 'microphone']);
    const newest = cat.client.unreadEvents('newConsumers').at(-1)?.consumers ?? [];
    expect(newest.map((one) => one.peerId)).toContain(peerId);
    await cat.client.request('resumeConsumers', { consumerIds: newest.map(({ consumerId }) => consumerId) });
  });

  test('that restores subscribing announces each track once, although others start publishing meanwhile', async () => {
    const { cat } = await call();
    const room = await weir.app.rooms.find('room');
    const peer = room?.participant(cat.reply.peerId);
    if (!room || !(peer instanceof Peer)) throw new Error('nobody is there');
    // A publication between the reply to `openTransport` and the subscription is announced by both.
    await Promise.all([room.subscribeToAll(peer), room.subscribeToAll(peer)]);
    await cat.client.request('ping', {});
    expect(consumedSources(cat)).toEqual(['camera', 'microphone']);
  });

  test('that grants or revokes roomAdmin applies at once', async () => {
    const { admin, bob, change } = await call();
    // A removal outlives the room: that identity cannot join again in this file.
    const dan = await weir.enter('room', 'dan');
    const kick = () => bob.client.request('kick', { peerId: dan.reply.peerId });
    await expect(kick()).rejects.toMatchObject(forbidden);
    await change({ roomAdmin: true });
    await change({ roomAdmin: false });
    await expect(kick()).rejects.toMatchObject(forbidden);
    await change({ roomAdmin: true });
    await kick();
    expect(await dan.client.closed).toEqual({ code: 4002, reason: 'kicked' });
    await bob.client.request('setGrants', { peerId: admin.reply.peerId, grants: { roomAdmin: false } });
    await expect(
      admin.client.request('setGrants', { peerId: bob.reply.peerId, grants: { roomAdmin: false } }),
    ).rejects.toMatchObject(forbidden);
  });

  test('that changes nothing ends nothing', async () => {
    const { bob, cat, change } = await call();
    expect(await change({})).toEqual(bob.reply.grants);
    expect(await change({ canPublish: true, canPublishSources: ['camera', 'microphone'] })).toEqual({
      ...bob.reply.grants,
      canPublishSources: ['camera', 'microphone'],
    });
    expect(consumedSources(cat)).toEqual(['camera', 'microphone']);
  });

  test('never allows a hidden peer of a call to publish: nobody would be notified of it', async () => {
    await weir.enter('room', 'ada');
    const ghost = await weir.enter('room', 'ghost', { hidden: true, roomAdmin: true });
    const { peerId } = ghost.reply;
    const { grants } = await ghost.client.request('setGrants', { peerId, grants: { canPublish: true } });
    expect(grants).toMatchObject({ canPublish: false, hidden: true });
    await expect(ghost.client.request('openTransport', { direction: 'send' })).rejects.toMatchObject(forbidden);
  });
});

describe('a changed grant', () => {
  const rejoin = async (jwt: string) => {
    const client = await weir.connect();
    return client.join({ room: 'room', token: jwt });
  };
  /** A token issued in that many seconds. */
  const madeIn = (seconds: number) =>
    new SignJWT({ video: { room: 'room', roomJoin: true } })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(apiKey)
      .setSubject('bob')
      .setIssuedAt(Math.floor(Date.now() / 1000) + seconds)
      .setExpirationTime('60s')
      .sign(new TextEncoder().encode(apiSecret));

  test('applies to the same token and older ones; a newer token overrides it', async () => {
    const admin = await weir.enter('room', 'admin', { roomAdmin: true });
    const [earlier, first] = [await madeIn(-5), await madeIn(0)];
    const { peerId } = await rejoin(first);
    await admin.client.request('setGrants', { peerId, grants: { canPublish: false, roomAdmin: true } });
    for (const jwt of [first, earlier]) {
      const reply = await rejoin(jwt);
      expect(reply.grants).toMatchObject({ canPublish: false, roomAdmin: true });
      expect(reply.transports.send).toBeUndefined();
    }
    const later = await rejoin(await madeIn(5));
    expect(later.grants).toMatchObject({ canPublish: true, roomAdmin: false });
    expect(later.transports.send).toBeDefined();
    // Other identities, and the same one in other rooms, are not affected.
    expect((await weir.enter('room', 'cat')).reply.grants.canPublish).toBe(true);
    expect((await weir.enter('other', 'bob')).reply.grants.canPublish).toBe(true);
  });

  test('outlives the room, whether its worker is killed or everybody leaves', async () => {
    const admin = await weir.enter('room', 'admin', { roomAdmin: true });
    const jwt = await token('room', 'bob');
    const bob = await weir.connect();
    const { peerId } = await bob.join({ room: 'room', token: jwt });
    await admin.client.request('setGrants', { peerId, grants: { canPublish: false } });
    const [worker] = weir.app.pool.workers;
    process.kill(pidOf(worker), 'SIGKILL');
    for (const client of [admin.client, bob]) expect(await client.closed).toMatchObject({ reason: 'mediaLost' });
    await expect.poll(() => weir.app.pool.complete, { timeout: 8000 }).toBe(true);
    expect((await rejoin(jwt)).grants.canPublish).toBe(false);
    expect((await rejoin(await madeIn(1))).grants.canPublish).toBe(true);
  });

  test('applies to a join in progress', async () => {
    const admin = await weir.enter('room', 'admin', { roomAdmin: true });
    const jwt = await token('room', 'bob');
    let { peerId } = await rejoin(jwt);
    const outcomes = new Set<boolean>();
    for (let round = 0; round < 20; round += 1) {
      const client = await weir.connect();
      const joining = client.join({ room: 'room', token: jwt });
      // A bit later in each round.
      for (let turn = 0; turn < round; turn += 1) await new Promise(setImmediate);
      const changing = admin.client.requestRaw('setGrants', { peerId, grants: { canPublish: false } });
      const [reply, { error }] = await Promise.all([joining, changing]);
      peerId = reply.peerId;
      outcomes.add(error === undefined);
      // Either the change came before the peer existed, or it applies.
      if (!error) {
        expect(reply.grants.canPublish).toBe(false);
        expect(reply.transports.send).toBeUndefined();
      }
      await admin.client.request('setGrants', { peerId, grants: { canPublish: true } });
    }
    expect(outcomes).toContain(true);
  });
});

describe('a disconnected participant whose grants are revoked and restored', () => {
  const lasting = useServer({ ...withTokens, WEIR_RESUME_SECONDS: '2' });

  test('is told on resuming what is left of its publications', async () => {
    const admin = await lasting.enter('room', 'admin', { roomAdmin: true });
    const bob = await lasting.enter('room', 'bob');
    for (const track of [camera, microphone]) await bob.client.request('produce', track);
    bob.client.cut();
    await bob.client.closed;
    const { peerId } = bob.reply;
    for (const canPublishSources of [['camera' as const], ['camera' as const, 'microphone' as const]]) {
      await admin.client.request('setGrants', { peerId, grants: { canPublishSources } });
    }
    const again = await lasting.connect({ firstId: 1000 });
    const { sources, grants } = await again.request('resume', { key: bob.reply.resumeKey });
    expect(sources).toEqual({ camera: 'live' });
    expect(grants.canPublishSources).toContain('microphone');
  });
});

describe('with anonymous access', () => {
  const open = useBroadcast({}, 100);
  const guest = 'a-secret-of-somebody-in-particular';
  const change = ({ client }: Joined, { reply }: Joined, grants: GrantsPatch) =>
    client.request('setGrants', { peerId: reply.peerId, grants });

  test('revoked grants stay revoked, whatever identity or role is requested', async () => {
    const host = await open.enter('host');
    const speaker = await open.enter('speaker', { guest });
    await change(host, speaker, { canPublish: false });
    for (const role of ['speaker', 'host', 'viewer'] as const) {
      const { reply } = await open.enter(role, { guest });
      expect(reply.grants).toMatchObject({ canPublish: false, roomAdmin: false, hidden: true });
    }
    expect((await open.enter('speaker')).reply.grants.canPublish).toBe(true);
  });

  test('a guest on the stage is on it again after a reload', async () => {
    const host = await open.enter('host');
    const viewer = await open.enter('viewer', { guest });
    await change(host, viewer, { canPublish: true });
    const again = await open.enter('viewer', { guest });
    expect(again.reply.grants).toMatchObject({ canPublish: true, hidden: false });
    await again.client.request('produce', camera);
    await expect.poll(() => consumedSources(host)).toEqual(['camera']);
  });

  test('it is the same in a call', async () => {
    const host = await open.weir.join({ room: 'room', role: 'host' });
    const bob = await open.weir.join({ room: 'room', guest });
    await change(host, bob, { canPublishSources: ['microphone'] });
    const again = await open.weir.join({ room: 'room', guest, role: 'host' });
    expect(again.reply.grants).toMatchObject({ canPublishSources: ['microphone'], roomAdmin: false });
    await expect(again.client.request('produce', camera)).rejects.toMatchObject(forbidden);
  });
});

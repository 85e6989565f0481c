/** Covers how the policy of a room is chosen, and rooms in which no media goes through the server. */
import { describe, expect, test, vi } from 'vitest';
import { opus } from '../../scripts/support/media/clientParameters.ts';
import type { RoomPolicy } from '../../shared/protocol.ts';
import type { JoinOptions } from '../support/client.ts';
import { failure, type Joined, useServer, withTokens } from '../support/weir.ts';

describe('on a server without tokens', () => {
  const weir = useServer({ WEIR_ROOM_POLICY: 'auto' });
  const policyOf = async (options: JoinOptions) => (await weir.join(options)).reply.policy;

  test('the one who opens a room chooses its policy, and others join it as it is', async () => {
    expect((await weir.connect()).welcome.policy).toBe('auto');
    expect(await policyOf({ room: 'plain' })).toBe('auto');
    expect(await policyOf({ room: 'chosen', policy: 'sfu' })).toBe('sfu');
    expect(await policyOf({ room: 'chosen', policy: 'auto' })).toBe('sfu');
    expect(await policyOf({ room: 'mesh', policy: 'p2p', direct: true })).toBe('p2p');
    expect(await policyOf({ room: 'mesh', policy: 'auto', direct: true })).toBe('p2p');
  });

  test('a broadcast and a diagnosis go through the server', async () => {
    expect(await policyOf({ kind: 'broadcast', policy: 'p2p', role: 'host' })).toBe('sfu');
    expect(await policyOf({ kind: 'diagnosis', policy: 'p2p' })).toBe('sfu');
  });
});

describe('on a server with tokens', () => {
  const weir = useServer(withTokens);

  test('the token chooses, otherwise the server, and not the client', async () => {
    const policyOf = async (room: string, policy?: RoomPolicy) => {
      const joined = await weir.enter(room, 'ada', policy && { policy }, { policy: 'auto', direct: true });
      return joined.reply.policy;
    };
    expect(await policyOf('plain')).toBe('sfu');
    expect(await policyOf('chosen', 'p2p')).toBe('p2p');
  });

  test('hidden clients, and those that may only send, cannot enter a room without a server for media', async () => {
    for (const grants of [{ hidden: true }, { canSubscribe: false }]) {
      const joining = weir.enter('room', 'ada', { policy: 'p2p', ...grants }, { direct: true });
      await expect(joining).rejects.toMatchObject(failure('forbidden'));
    }
  });

  test('where media goes through the server, RTP parameters are required, and nobody is sent a signal', async () => {
    const { client } = await weir.enter('room', 'ada', {}, { direct: true });
    await expect(client.request('produce', { source: 'camera' })).rejects.toMatchObject(failure('badRequest'));
    const sent = client.request('sendDirectSignal', { peerId: 'bob', negotiation: 1, signal: { candidate: null } });
    await expect(sent).rejects.toMatchObject(failure('notFound'));
    expect(await client.request('setDirectTracks', { tracks: [] })).toEqual({});
  });

  test('a fresh token has the policy of the former one', async () => {
    const { client } = await weir.enter('room', 'ada', { policy: 'p2p' }, { direct: true });
    const { token } = await client.event('tokenRefreshed');
    client.cut();
    await client.closed;
    const again = await weir.connect();
    expect((await again.join({ room: 'room', token, direct: true })).policy).toBe('p2p');
  });
});

describe('a room without a server for media', () => {
  const weir = useServer({ WEIR_ROOM_POLICY: 'p2p', WEIR_MAX_AUDIBLE_SPEAKERS: '1' });
  const enter = (options: JoinOptions = {}) => weir.join({ room: 'room', direct: true, ...options });
  const idOf = ({ reply }: Joined) => reply.peerId;

  test('names everyone to everyone, up to six, and has no transports', async () => {
    const six: Joined[] = [];
    for (let index = 0; index < 6; index += 1) six.push(await enter());
    for (const one of six) {
      const others = six.filter((other) => other !== one).map(idOf);
      const named = await one.client.until('five peers', () => {
        const last = one.client.unreadEvents('directPeers').at(-1) ?? one.reply.directPeers;
        return last.peers.length === 5 ? last : undefined;
      });
      expect(named.peers.map(({ peerId }) => peerId).sort()).toEqual(others.sort());
    }
    const [first] = six;
    expect(first?.reply).toMatchObject({ policy: 'p2p', transports: {}, consumers: [] });
    await expect(enter()).rejects.toMatchObject(failure('roomFull'));
    // Nobody's place in the negotiation of the others has changed while they came.
    const negotiations = first?.client.unreadEvents('directPeers').map(({ peers }) => peers[0]) ?? [];
    expect(new Set(negotiations.map((peer) => peer?.negotiation)).size).toBe(1);
  });

  test('knows what is published, muted and ended, without producers', async () => {
    const [ada, bob] = [await enter(), await enter()];
    const states = async () => (await bob.client.event('peerSources')).sources;
    await ada.client.request('produce', { source: 'camera', size: { width: 640, height: 360 } });
    expect(await states()).toEqual({ camera: 'live' });
    await ada.client.request('produce', { source: 'microphone', paused: true });
    expect(await states()).toEqual({ camera: 'live', microphone: 'paused' });
    await ada.client.request('resumeProducer', { source: 'microphone' });
    await ada.client.request('pauseProducer', { source: 'camera' });
    await ada.client.request('resizeProducer', { source: 'camera', size: { width: 320, height: 180 } });
    await ada.client.request('closeProducer', { source: 'camera' });
    await states();
    await states();
    expect(await states()).toEqual({ microphone: 'live' });
    // More microphones than are heard at once begin no audio slots.
    await bob.client.request('produce', { source: 'microphone' });
    const cleo = await enter();
    await cleo.client.request('produce', { source: 'microphone' });
    await ada.client.request('setDirectTracks', { tracks: [{ peerId: idOf(bob), source: 'microphone' }] });
    for (const { client } of [ada, bob, cleo]) {
      await client.request('ping', {});
      expect(client.unreadEvents('newConsumers')).toEqual([]);
      expect(client.unreadEvents('slots')).toEqual([]);
      expect(client.unreadEvents('subscribedLayers')).toEqual([]);
    }
  });

  test('offers nothing to a recorder', async () => {
    const { client } = await enter();
    const room = await weir.app.rooms.find('room');
    const subscribe = vi.fn(async () => {});
    const recorder = { subscribe, subscribeSlots: subscribe, unsubscribeSlots: subscribe };
    room?.addSubscriber({ ...recorder, unsubscribeAll() {}, removePeer() {} });
    for (const source of ['camera', 'microphone'] as const) await client.request('produce', { source });
    expect(subscribe).not.toHaveBeenCalled();
  });

  test('refuses transports and RTP parameters, and gives fresh ICE servers', async () => {
    const { client } = await enter();
    await expect(client.request('openTransport', { direction: 'send' })).rejects.toMatchObject(failure('conflict'));
    const produced = client.request('produce', { source: 'microphone', rtpParameters: opus() });
    await expect(produced).rejects.toMatchObject(failure('badRequest'));
    expect(await client.request('restartIce', {})).toEqual({ iceServers: [] });
    expect(await client.request('getTransportStats', {})).toEqual({ sent: 0, received: 0 });
  });

  test('begins anew between two after a failure', async () => {
    const [ada, bob] = [await enter(), await enter()];
    const [before] = (await ada.client.event('directPeers')).peers;
    const negotiation = before?.negotiation ?? 0;
    await bob.client.request('reportDirectFailure', { peerId: idOf(ada), negotiation });
    for (const [one, other] of [
      [ada, bob],
      [bob, ada],
    ] as const) {
      const [after] = (await one.client.event('directPeers')).peers;
      expect(after?.peerId).toBe(idOf(other));
      expect(after?.negotiation).toBeGreaterThan(negotiation);
    }
    // The other end has met the same failure: the negotiation that has begun goes on.
    const named = () => bob.client.messages.filter(({ event }) => event === 'directPeers').length;
    const count = named();
    await ada.client.request('reportDirectFailure', { peerId: idOf(bob), negotiation });
    await bob.client.request('ping', {});
    expect(named()).toBe(count);
  });

  test('limits signals and failures of each two: nobody uses up what somebody needs for others', async () => {
    const [ada, bob] = [await enter(), await enter()];
    const cleo = await enter();
    const negotiationWith = (one: Joined) =>
      cleo.reply.directPeers.peers.find(({ peerId }) => peerId === idOf(one))?.negotiation ?? 0;
    const signal = { description: { type: 'offer' as const, sdp: 'v=0' }, sources: [] };
    const send = (to: Joined) =>
      cleo.client.request('sendDirectSignal', { peerId: idOf(to), negotiation: negotiationWith(to), signal });
    for (let count = 0; count < 16; count += 1) await send(ada);
    await expect(send(ada)).rejects.toMatchObject(failure('rateLimited'));
    await send(bob);
    // Twice at once, each time in the negotiation that has begun.
    await bob.client.request('reportDirectFailure', { peerId: idOf(cleo), negotiation: negotiationWith(bob) });
    let next = negotiationWith(bob);
    while (next <= negotiationWith(bob)) {
      const { peers } = await bob.client.event('directPeers');
      next = peers.find(({ peerId }) => peerId === idOf(cleo))?.negotiation ?? 0;
    }
    const again = bob.client.request('reportDirectFailure', { peerId: idOf(cleo), negotiation: next });
    await expect(again).rejects.toMatchObject(failure('rateLimited'));
  });

  test.each<[string, JoinOptions, 'unsupported' | 'conflict']>([
    ['a client that cannot', { direct: false }, 'unsupported'],
    ['a client that hides its address', { policy: 'sfu' }, 'conflict'],
  ])('refuses %s', async (_who, options, code) => {
    await enter();
    await expect(enter(options)).rejects.toMatchObject(failure(code));
  });

  test('says who may send data, in the reply and whenever it changes', async () => {
    const admin = await enter({ role: 'host' });
    const bob = await enter();
    const wordOn = async ({ client }: Joined) => (await client.event('directPeers')).peers;
    const [before] = await wordOn(admin);
    expect(before?.canPublishData).toBe(true);
    const { peerId } = bob.reply;
    const setGrants = (canPublishData: boolean) =>
      admin.client.request('setGrants', { peerId, grants: { canPublishData } });
    await setGrants(false);
    // In the same negotiation: media goes on.
    expect(await wordOn(admin)).toEqual([{ ...before, canPublishData: false }]);
    const cleo = await enter();
    const others = cleo.reply.directPeers.peers.map((peer) => [peer.peerId, peer.canPublishData]);
    expect(Object.fromEntries(others)).toEqual({ [idOf(admin)]: true, [peerId]: false });
    await wordOn(admin);
    await setGrants(true);
    for (const one of [admin, cleo]) {
      const peers = await wordOn(one);
      expect(peers.map((peer) => peer.canPublishData)).toEqual([true, true]);
    }
    // It has its own grants in `grantsChanged`.
    await bob.client.request('ping', {});
    expect(bob.client.unreadEvents('directPeers').map(({ peers }) => peers.length)).toEqual([2]);
  });

  test('leaves out whom an administrator keeps from receiving', async () => {
    const admin = await enter({ role: 'host' });
    const bob = await enter();
    await admin.client.event('directPeers');
    await admin.client.request('setGrants', { peerId: idOf(bob), grants: { canSubscribe: false } });
    for (const { client } of [admin, bob]) expect((await client.event('directPeers')).peers).toEqual([]);
  });
});

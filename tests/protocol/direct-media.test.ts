/** Covers direct media: who is named to whom and when, the signals between them, and what ends it. */
import { describe, expect, test } from 'vitest';
import { opus } from '../../scripts/support/media/clientParameters.ts';
import type { VideoGrant } from '../../server/auth/claims.ts';
import type { DirectPeers, DirectSignal } from '../../shared/protocol.ts';
import type { JoinOptions } from '../support/client.ts';
import { failure, type Joined, useServer, withTokens } from '../support/weir.ts';

/** How long two have to be alone again, and how long they are not asked again after a failure, in milliseconds. */
const DELAYS = { directReturn: 150, directRetry: 250 };
const weir = useServer(
  {
    ...withTokens,
    WEIR_ROOM_POLICY: 'auto',
    WEIR_RESUME_SECONDS: '2',
    WEIR_MESSAGES_PER_SECOND: '1000',
    WEIR_MESSAGE_BURST: '1000',
    WEIR_TURN_URLS: 'turn:turn.example.com:3478?transport=udp',
    WEIR_TURN_SECRET: 'a secret that a TURN server shares',
  },
  DELAYS,
);

const noTransports = { send: false, recv: false };
const none: DirectPeers = { peers: [], iceServers: [] };

/** Joins with a client that can go direct, and confirms to the server that the reply was received. */
async function enter(identity: string, grants: VideoGrant = {}, options: JoinOptions = {}): Promise<Joined> {
  const joined = await weir.enter('room', identity, grants, { transports: noTransports, direct: true, ...options });
  await joined.client.request('ping', {});
  return joined;
}

/** Two who have been named to each other. */
async function enterTwo() {
  const ada = await enter('ada');
  const bob = await enter('bob');
  const { peers } = await ada.client.event('directPeers');
  const negotiation = peers[0]?.negotiation ?? -1;
  return { ada, bob, negotiation };
}

const idsIn = ({ peers }: DirectPeers) => peers.map(({ peerId }) => peerId);
const candidate: DirectSignal = { candidate: { candidate: 'candidate:1 1 udp 1 192.0.2.1 9 typ host', sdpMid: '0' } };
const offer: DirectSignal = {
  description: { type: 'offer', sdp: 'v=0\r\n' },
  sources: [{ mid: '0', source: 'camera' }],
};
const grant = (grants: VideoGrant): VideoGrant => ({ roomAdmin: true, ...grants });

/** Whether nothing more was said about direct media until the server has answered. */
async function unnamed({ client }: Joined): Promise<boolean> {
  await client.request('ping', {});
  return client.unreadEvents('directPeers').length === 0;
}

describe('two who can exchange media directly', () => {
  test('are named to each other as soon as they meet, with the same negotiation and with ICE servers', async () => {
    const ada = await enter('ada');
    expect(ada.reply).toMatchObject({ policy: 'auto', directPeers: none });
    const bob = await enter('bob');
    const named = await ada.client.event('directPeers');
    const negotiation = named.peers[0]?.negotiation;
    expect(named.peers).toEqual([{ peerId: bob.reply.peerId, negotiation, canPublishData: true }]);
    expect(bob.reply.directPeers.peers).toEqual([{ peerId: ada.reply.peerId, negotiation, canPublishData: true }]);
    for (const { iceServers } of [named, bob.reply.directPeers]) {
      expect(iceServers).toEqual([expect.objectContaining({ credential: expect.any(String) })]);
    }
    // The event of the join comes first.
    const events = ada.client.messages.map(({ event }) => event);
    expect(events.indexOf('newPeer')).toBeLessThan(events.indexOf('directPeers'));
  });

  test.each<[string, VideoGrant, JoinOptions]>([
    ['a client that cannot', {}, { direct: false }],
    ['a client that asks for sfu', {}, { policy: 'sfu' }],
    ['a viewer', { canPublish: false }, {}],
    ['one who may not receive', { canSubscribe: false }, {}],
  ])('are not named with %s', async (_who, grants, options) => {
    const ada = await enter('ada');
    const bob = await enter('bob', grants, options);
    expect(bob.reply.directPeers).toEqual(none);
    expect(await unnamed(ada)).toBe(true);
  });

  test.each<[string, () => Promise<() => void>]>([
    ['a third one', async () => leave(await enter('cleo'))],
    ['a viewer', async () => leave(await enter('cleo', { canPublish: false }))],
    ['a hidden viewer', async () => leave(await enter('cleo', { hidden: true }))],
    ['a client that cannot', async () => leave(await enter('cleo', {}, { direct: false }))],
    ['a recorder', () => record()],
  ])('use the server while there is %s, and go direct again some time after', async (_who, come) => {
    const { ada, bob, negotiation } = await enterTwo();
    const go = await come();
    for (const { client } of [ada, bob]) expect(await client.event('directPeers')).toEqual(none);
    const left = performance.now();
    go();
    for (const [one, other] of [
      [ada, bob],
      [bob, ada],
    ] as const) {
      const named = await one.client.event('directPeers');
      expect(idsIn(named)).toEqual([other.reply.peerId]);
      expect(named.peers[0]?.negotiation).toBeGreaterThan(negotiation);
    }
    expect(performance.now() - left).toBeGreaterThanOrEqual(DELAYS.directReturn);
  });

  test('use the server when one may no longer publish, and are named again', async () => {
    const admin = await enter('ada', grant({}));
    const bob = await enter('bob');
    await admin.client.event('directPeers');
    const { peerId } = bob.reply;
    await admin.client.request('setGrants', { peerId, grants: { canPublish: false } });
    for (const { client } of [admin, bob]) expect(await client.event('directPeers')).toEqual(none);
    await admin.client.request('setGrants', { peerId, grants: { canPublish: true } });
    expect(idsIn(await bob.client.event('directPeers'))).toEqual([admin.reply.peerId]);
  });

  test('end when one is removed', async () => {
    const admin = await enter('ada', grant({}));
    const bob = await enter('bob');
    await admin.client.event('directPeers');
    await admin.client.request('kick', { peerId: bob.reply.peerId });
    expect(await admin.client.event('directPeers')).toEqual(none);
  });

  test('are named at once when one of them joins anew', async () => {
    const { ada, bob, negotiation } = await enterTwo();
    const again = await enter('bob');
    expect(await ada.client.event('directPeers')).toEqual(none);
    const named = await ada.client.event('directPeers');
    expect(idsIn(named)).toEqual([again.reply.peerId]);
    expect(named.peers).toEqual([{ ...again.reply.directPeers.peers[0], peerId: again.reply.peerId }]);
    expect(named.peers[0]?.negotiation).toBeGreaterThan(negotiation);
    await bob.client.closed;
  });

  test('use the server after a failure, and are asked again later', async () => {
    const { ada, bob, negotiation } = await enterTwo();
    const failed = performance.now();
    await bob.client.request('reportDirectFailure', { peerId: ada.reply.peerId, negotiation });
    for (const { client } of [ada, bob]) expect(await client.event('directPeers')).toEqual(none);
    // One of a connection that has ended already changes nothing.
    await ada.client.request('reportDirectFailure', { peerId: bob.reply.peerId, negotiation });
    expect(idsIn(await ada.client.event('directPeers'))).toEqual([bob.reply.peerId]);
    expect(performance.now() - failed).toBeGreaterThanOrEqual(DELAYS.directRetry);
  });

  test('report no more failures than thirty a minute', async () => {
    const { bob } = await enterTwo();
    const report = () => bob.client.request('reportDirectFailure', { peerId: 'nobody', negotiation: 1 });
    await Promise.all(Array.from({ length: 30 }, report));
    await expect(report()).rejects.toMatchObject({ code: 'rateLimited', retryAfter: expect.any(Number) });
  });
});

describe('audio that is received directly', () => {
  test('is not to be sent to the server, until it is not received directly any more, or published anew', async () => {
    const transports = { send: true, recv: true };
    const ada = await enter('ada', {}, { transports });
    const bob = await enter('bob', {}, { transports });
    const microphone = { source: 'microphone', rtpParameters: opus() } as const;
    await bob.client.request('produce', microphone);
    const receive = (...sources: 'microphone'[]) =>
      ada.client.request('setDirectTracks', {
        tracks: sources.map((source) => ({ peerId: bob.reply.peerId, source })),
      });
    const layer = async () => (await bob.client.event('subscribedLayers')).maxSpatialLayer;
    await receive('microphone');
    expect(await layer()).toBe(-1);
    await receive();
    expect(await layer()).toBe(0);
    await receive('microphone');
    expect(await layer()).toBe(-1);
    await bob.client.request('closeProducer', { source: 'microphone' });
    await bob.client.request('produce', microphone);
    // It is sent to the server like any new track, and comes through it until its receiver says otherwise.
    expect(bob.client.unreadEvents('subscribedLayers')).toEqual([]);
    await receive('microphone');
    expect(await layer()).toBe(-1);
    bob.client.cut();
    await bob.client.closed;
    const again = await weir.connect({ firstId: 1000 });
    const { subscribedLayers } = await again.request('resume', { key: bob.reply.resumeKey });
    expect(subscribedLayers).toEqual([{ source: 'microphone', maxSpatialLayer: -1 }]);
  });
});

describe('signals', () => {
  test('reach the other, as they were sent and in their order', async () => {
    const { ada, bob, negotiation } = await enterTwo();
    const end: DirectSignal = { candidate: null };
    for (const signal of [offer, candidate, end]) {
      await ada.client.request('sendDirectSignal', { peerId: bob.reply.peerId, negotiation, signal });
      const { peerId } = ada.reply;
      expect(await bob.client.event('directSignal')).toEqual({ peerId, negotiation, signal });
    }
    expect(ada.client.unreadEvents('directSignal')).toEqual([]);
  });

  test('have the known fields of a candidate only', async () => {
    const { ada, bob, negotiation } = await enterTwo();
    const signal = { candidate: { ...candidate.candidate, sdpMLineIndex: 0, foundation: '1' } };
    await ada.client.requestRaw('sendDirectSignal', { peerId: bob.reply.peerId, negotiation, signal });
    expect((await bob.client.event('directSignal')).signal).toEqual(candidate);
  });

  test.each([
    ['a description that is too long', { ...offer, description: { type: 'offer', sdp: 'x'.repeat(48 * 1024 + 1) } }],
    ['a rollback', { ...offer, description: { type: 'rollback', sdp: '' } }],
    ['too many sources', { ...offer, sources: Array.from({ length: 33 }, () => ({ mid: '0', source: 'camera' })) }],
    ['a candidate of two lines', { candidate: { candidate: 'candidate:1\r\na=x' } }],
    ['a candidate that is too long', { candidate: { candidate: 'x'.repeat(1025) } }],
    ['both', { ...offer, ...candidate }],
    ['neither', {}],
  ])('are refused: %s', async (_what, signal) => {
    const { ada, bob, negotiation } = await enterTwo();
    const data = { peerId: bob.reply.peerId, negotiation, signal };
    expect((await ada.client.requestRaw('sendDirectSignal', data)).error?.code).toBe('badRequest');
  });

  test('reach nobody else, whether there is such a peer or not', async () => {
    const { ada, negotiation } = await enterTwo();
    const cleo = await enter('cleo');
    for (const peerId of [cleo.reply.peerId, 'nobody', ada.reply.peerId]) {
      const sent = ada.client.request('sendDirectSignal', { peerId, negotiation, signal: candidate });
      await expect(sent).rejects.toMatchObject(failure('notFound'));
    }
    await cleo.client.request('ping', {});
    expect(cleo.client.unreadEvents('directSignal')).toEqual([]);
  });

  test('are limited', async () => {
    const { ada, bob, negotiation } = await enterTwo();
    const to = { peerId: bob.reply.peerId, negotiation };
    const refused = async (signal: DirectSignal, count: number) => {
      const sent = Array.from({ length: count }, () => ada.client.request('sendDirectSignal', { ...to, signal }));
      const outcomes = await Promise.allSettled(sent);
      return outcomes.filter(({ status }) => status === 'rejected').length;
    };
    expect(await refused(offer, 19)).toBe(3);
    expect(await refused(candidate, 123)).toBe(3);
  });
});

describe('a client that resumes its session', () => {
  async function resume({ client, reply }: Joined) {
    client.cut();
    await client.closed;
    return async () => {
      const again = await weir.connect({ firstId: 1000 });
      return { client: again, reply: await again.request('resume', { key: reply.resumeKey }) };
    };
  }

  test('begins a new negotiation with the other, and signals of the former one are dropped', async () => {
    const { ada, bob, negotiation } = await enterTwo();
    const comeBack = await resume(bob);
    const lost = { peerId: bob.reply.peerId, negotiation, signal: offer };
    await ada.client.request('sendDirectSignal', lost);
    const again = await comeBack();
    const next = again.reply.directPeers.peers[0]?.negotiation ?? -1;
    expect(next).toBeGreaterThan(negotiation);
    expect(again.reply.directPeers.peers).toMatchObject([{ peerId: ada.reply.peerId, negotiation: next }]);
    expect((await ada.client.event('directPeers')).peers).toMatchObject([
      { peerId: bob.reply.peerId, negotiation: next },
    ]);
    await ada.client.request('sendDirectSignal', lost);
    await ada.client.request('sendDirectSignal', { ...lost, negotiation: next });
    expect((await again.client.event('directSignal')).negotiation).toBe(next);
    expect(again.client.unreadEvents('directSignal')).toEqual([]);
  });

  test('finds in the snapshot that media goes through the server', async () => {
    const { ada, bob } = await enterTwo();
    const comeBack = await resume(bob);
    await enter('cleo');
    expect(await ada.client.event('directPeers')).toEqual(none);
    expect((await comeBack()).reply.directPeers).toEqual(none);
  });
});

function leave({ client }: Joined): () => void {
  return () => client.socket.close(1000);
}

/** Adds a subscriber that is no participant. @returns what removes it */
async function record(): Promise<() => void> {
  const room = await weir.app.rooms.find('room');
  const recorder = room?.addSubscriber({
    subscribe: async () => {},
    unsubscribeAll() {},
    subscribeSlots: async () => {},
    unsubscribeSlots: async () => {},
    removePeer() {},
  });
  return () => recorder?.[Symbol.dispose]();
}

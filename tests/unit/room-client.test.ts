/** Tests of RoomClient with a fake media link and fake signalling: its events and state in every order of a session. */
import { FakeMediaStreamTrack } from 'fake-mediastreamtrack';
import { describe, expect, test } from 'vitest';
import type { BroadcastInfo, Grants } from '../../shared/protocol.ts';
import type { RoomClient } from '../../web/client/RoomClient.ts';
import {
  consumer,
  created,
  joined,
  joinReply,
  peer,
  resumeReply,
  rtpCapabilities,
  settled,
  speaker,
  video,
  viewer,
} from '../support/roomClient.ts';

describe('joining', () => {
  test('loads the media code while it connects, and creates the link after the reply', async () => {
    const { client, steps, events, connect, load, signalling, hasLink, link } = created();
    const joining = client.join({ room: 'here', token: async () => 'fresh', initialVideoLimit: 4 });
    expect(steps).toEqual(['connect', 'load media']);
    connect();
    await settled();
    expect(signalling().requests).toEqual([]);
    load();
    await settled();
    expect(signalling().requests).toEqual([
      [
        'join',
        {
          room: 'here',
          token: 'fresh',
          initialVideoLimit: 4,
          rtpCapabilities,
          transports: { send: true, recv: true },
        },
      ],
    ]);
    expect(hasLink()).toBe(false);
    const consumers = [consumer('one', 'ada')];
    signalling().joinReply.resolve(joinReply({ peers: [peer('ada'), peer('bob')], consumers }));
    await joining;
    expect(events).toEqual(['joining', 'ada joined', 'bob joined', 'joined']);
    expect(link().calls).toEqual([['consume', consumers]]);
    expect([client.peerId, client.name, client.token]).toEqual(['me', 'Me', 'fresh']);
  });

  test('applies the grants of the reply before it notifies of peers', async () => {
    const { client, connect, load, signalling } = created();
    const seen: (Grants | undefined)[] = [];
    client.on('peerJoined', () => seen.push(client.grants));
    const joining = client.join({ room: 'here' });
    connect();
    load();
    await settled();
    signalling().joinReply.resolve(joinReply({ grants: viewer, peers: [peer('ada')] }));
    await joining;
    expect(seen).toEqual([viewer]);
  });

  test('keeps a token that was refreshed before the reply', async () => {
    const { client, connect, load, signalling } = created();
    const joining = client.join({ room: 'here', token: 'first' });
    connect();
    load();
    await settled();
    signalling().options.listeners.tokenRefreshed?.({ token: 'second', seconds: 3600 });
    signalling().joinReply.resolve(joinReply());
    await joining;
    expect(client.token).toBe('second');
  });

  test('leaves a session that connects after `leave`, and sends no join', async () => {
    const { client, events, connect, load, signalling, aborted, hasLink } = created();
    const joining = client.join({ room: 'here' });
    client.leave();
    expect(aborted()).toBe(true);
    connect();
    load();
    await expect(joining).rejects.toMatchObject({ code: 'closed' });
    expect(signalling().left).toBe('left');
    expect(signalling().requests).toEqual([]);
    expect(hasLink()).toBe(false);
    expect(events).toEqual(['joining', 'closed']);
  });

  test('does not wait for a token after `leave`', async () => {
    const { client, connect, load, signalling } = created();
    const joining = client.join({ room: 'here', token: () => new Promise<string>(() => {}) });
    connect();
    load();
    await settled();
    client.leave();
    await expect(joining).rejects.toMatchObject({ code: 'closed' });
    expect(signalling().requests).toEqual([]);
  });

  test('creates no link for a reply that arrives after `leave`', async () => {
    const { client, connect, load, signalling, hasLink } = created();
    const joining = client.join({ room: 'here' });
    connect();
    load();
    await settled();
    // The reply has arrived; its promise callbacks have not run yet.
    signalling().joinReply.resolve(joinReply());
    client.leave();
    await expect(joining).rejects.toMatchObject({ code: 'closed' });
    expect(hasLink()).toBe(false);
    expect(client.state).toBe('closed');
  });

  test('that is left by a listener of its own events stays left', async () => {
    const { client, events, connect, load, signalling, link } = created();
    client.on('peerJoined', () => client.leave());
    const joining = client.join({ room: 'here' });
    connect();
    load();
    await settled();
    signalling().joinReply.resolve(joinReply({ peers: [peer('ada')], consumers: [consumer('one', 'ada')] }));
    await expect(joining).rejects.toMatchObject({ code: 'closed' });
    expect([client.state, client.peers]).toEqual(['closed', []]);
    expect(events.slice(events.indexOf('closed') + 1)).toEqual([]);
    expect(link().closed).toBe(true);
    expect(link().callsOf('consume')).toEqual([]);
  });

  test("rejects with the server's close reason", async () => {
    const { client, events, connect, load, signalling } = created();
    const joining = client.join({ room: 'here' });
    connect();
    load();
    await settled();
    signalling().close('serverClosing');
    await expect(joining).rejects.toMatchObject({ code: 'unavailable', reason: 'serverClosing' });
    expect(events).toEqual(['joining', 'closed']);
  });

  test('rejects with the connection error, and requests the token once', async () => {
    const { client, failToConnect } = created();
    let calls = 0;
    const joining = client.join({
      room: 'here',
      token: () => {
        calls += 1;
        throw new Error('no token either');
      },
    });
    failToConnect(new TypeError('no network'));
    await expect(joining).rejects.toMatchObject({ code: 'internal', cause: { message: 'no network' } });
    expect(calls).toBe(1);
    await expect(client.join({ room: 'here' })).rejects.toMatchObject({ code: 'alreadyJoined' });
  });
});

describe('publishing', () => {
  test('is rejected before and during the join', async () => {
    const { client, connect, load } = created();
    await expect(client.publish('camera', video())).rejects.toMatchObject({ code: 'notJoined' });
    const joining = client.join({ room: 'here' });
    connect();
    load();
    await settled();
    await expect(client.publish('camera', video())).rejects.toMatchObject({ code: 'notJoined' });
    client.leave();
    await expect(joining).rejects.toMatchObject({ code: 'closed' });
  });

  test('does not require a media connection, and shows a source when the link reports it', async () => {
    const { client, link, events } = await joined();
    const ready = Promise.withResolvers<void>();
    link.pending = ready.promise;
    const track = video();
    const publishing = client.publish('camera', track);
    expect(client.mediaConnectionState).toBe('connecting');
    expect(link.callsOf('publish')).toEqual([['camera', track]]);
    expect(client.sources).toEqual({});
    expect(events).toEqual([]);
    ready.resolve();
    await publishing;
    expect(client.sources).toEqual({ camera: 'live' });
    expect(client.localTrack('camera')).toBe(track);
    expect(events).toEqual(['local {"camera":"live"}']);
  });

  test('notifies of a refusal to unmute, which leaves the source muted', async () => {
    const { client, link, events } = await joined();
    await client.publish('camera', video());
    await client.mute('camera');
    events.length = 0;
    const refusal = Promise.withResolvers<void>();
    link.pending = refusal.promise;
    const unmuting = client.unmute('camera');
    refusal.reject(new Error('not now'));
    await expect(unmuting).rejects.toThrow('not now');
    expect(events).toEqual(['local {"camera":"live"}', 'local {"camera":"paused"}']);
  });

  test('notifies of a source that the link ends', async () => {
    const { client, link, events } = await joined();
    await client.publish('camera', video());
    events.length = 0;
    link.published.delete('camera');
    link.emit('localTrackEnded', 'camera');
    expect(events).toEqual(['local {}']);
  });
});

describe('receiving', () => {
  test('assigns tracks to peers and to audio slots, and ignores those of unknown peers', async () => {
    const { client, link, events } = await joined({ peers: [peer('ada')], slots: ['ada', null] });
    link.emit('trackAdded', { peerId: 'ada', source: 'camera', track: video() });
    link.emit('trackAdded', { peerId: 'nobody', source: 'camera', track: video() });
    link.emit('trackAdded', { slot: 0, source: 'microphone', track: new FakeMediaStreamTrack({ kind: 'audio' }) });
    expect(events).toEqual(['camera of ada added', 'slot 0 added']);
    expect(client.audioLevel('ada')).toBe(0.5);
    expect(link.callsOf('audioLevel')).toEqual([['ada', 0]]);
  });

  test('keeps a track that has replaced the removed one', async () => {
    const { client, link, events } = await joined({ peers: [peer('ada')] });
    const [former, latter] = [video(), video()];
    link.emit('trackAdded', { peerId: 'ada', source: 'camera', track: former });
    link.emit('trackAdded', { peerId: 'ada', source: 'camera', track: latter });
    events.length = 0;
    link.emit('trackRemoved', { peerId: 'ada', source: 'camera', track: former });
    expect(events).toEqual([]);
    expect(client.peers[0]?.tracks.get('camera')).toBe(latter);
  });

  test('knows of each peer whether it may exchange data', async () => {
    const { client, signalling } = await joined({ peers: [peer('ada', { canExchangeData: false }), peer('bob')] });
    const changed: string[] = [];
    client.on('peerChanged', ({ peerId }) => changed.push(peerId));
    const able = () => client.peers.filter(({ canExchangeData }) => canExchangeData).map(({ peerId }) => peerId);
    expect(able()).toEqual(['bob']);
    for (let repeated = 0; repeated < 2; repeated++) {
      signalling.options.listeners.peerGrants?.({ peerId: 'bob', canExchangeData: false });
    }
    expect([able(), changed]).toEqual([[], ['bob']]);
    signalling.reconnect();
    signalling.resume(resumeReply({ peers: [peer('ada'), peer('bob', { canExchangeData: false })] }));
    expect([able(), changed]).toEqual([['ada'], ['bob', 'ada']]);
  });

  test('expects media of peers that are connected and not muted', async () => {
    const { signalling, link } = await joined({
      peers: [peer('ada', { sources: { camera: 'live', microphone: 'paused' } })],
    });
    const { isExpected } = link.options;
    expect([isExpected('ada', 'camera'), isExpected('ada', 'microphone'), isExpected('bob', 'camera')]).toEqual([
      true,
      false,
      false,
    ]);
    signalling.options.listeners.peerAway?.({ peerId: 'ada', away: true });
    expect(isExpected('ada', 'camera')).toBe(false);
  });

  test('requests track settings of known peers only, and removes those of a peer that has left', async () => {
    const { client, signalling, link } = await joined({ peers: [peer('ada')] });
    const settings = { width: 640, height: 360 };
    client.updateTrackSettings('ada', 'camera', settings);
    client.updateTrackSettings('nobody', 'camera', settings);
    signalling.options.listeners.peerClosed?.({ peerId: 'ada', reason: 'left' });
    client.updateTrackSettings('ada', 'camera', undefined);
    expect(link.calls.slice(1)).toEqual([
      ['updateTrackSettings', 'ada', 'camera', settings],
      ['removePeer', 'ada'],
    ]);
  });

  test('delays playout for viewers of a smooth broadcast, until they may publish', async () => {
    const broadcast: BroadcastInfo = { state: 'live', liveSeconds: 0, viewers: 1, profile: 'smooth' };
    const { signalling, link } = await joined({ kind: 'broadcast', grants: viewer, broadcast });
    expect(link.callsOf('setPlayoutDelay').at(-1)).toEqual([1000]);
    signalling.options.listeners.broadcastChanged?.({ ...broadcast, profile: 'lowLatency' });
    expect(link.callsOf('setPlayoutDelay').at(-1)).toEqual([0]);
    signalling.options.listeners.broadcastChanged?.(broadcast);
    expect(link.callsOf('setPlayoutDelay').at(-1)).toEqual([1000]);
    signalling.options.listeners.grantsChanged?.({ grants: speaker });
    expect(link.callsOf('setPlayoutDelay').at(-1)).toEqual([0]);
  });
});

describe('a reconnect', () => {
  test('synchronises everything with the server, peers before their tracks', async () => {
    const { client, signalling, link, events } = await joined({ peers: [peer('ada'), peer('bob')] });
    signalling.reconnect();
    expect(client.reconnecting).toBe(true);
    const consumers = [consumer('two', 'cleo')];
    const subscribedLayers = [{ source: 'camera' as const, maxSpatialLayer: 1 }];
    link.onSync = () => link.emit('trackAdded', { peerId: 'cleo', source: 'camera', track: video() });
    const transports = { send: 'send', recv: 'recv' };
    signalling.resume(
      resumeReply({
        peers: [peer('bob'), peer('cleo')],
        consumers,
        subscribedLayers,
        transports,
        sources: { camera: 'live' },
      }),
    );
    expect(events).toEqual(['reconnecting', 'ada left', 'cleo joined', 'camera of cleo added', 'reconnected']);
    expect(link.callsOf('applyGrants')).toEqual([[speaker, { transports, sources: { camera: 'live' } }]]);
    expect(link.callsOf('sync')).toEqual([[consumers, subscribedLayers]]);
    expect(link.callsOf('restartIce')).toEqual([]);
  });

  test.each([
    ['the address has changed', { addressChanged: true }, 'connected' as const],
    ['the media is lost', {}, 'lost' as const],
  ])('restarts ICE if %s', async (_, reply, connectionState) => {
    const { signalling, link } = await joined();
    signalling.reconnect();
    link.connectionState = connectionState;
    signalling.resume(resumeReply(reply));
    expect(link.callsOf('restartIce')).toHaveLength(1);
  });

  test('notifies of unchanged grants if a publication has ended with them', async () => {
    const { signalling, link, events } = await joined();
    signalling.reconnect();
    signalling.resume(resumeReply());
    expect(events).toEqual(['reconnecting', 'reconnected']);
    link.endsPublished = true;
    signalling.resume(resumeReply());
    expect(events.slice(2)).toEqual(['may publish', 'reconnected']);
  });

  test('after which the application leaves because of its grants changes nothing more', async () => {
    const { client, events, signalling, link } = await joined();
    client.on('grantsChanged', () => client.leave());
    signalling.reconnect();
    signalling.resume(resumeReply({ grants: viewer, peers: [peer('ada')] }));
    expect(events.slice(events.indexOf('closed: left') + 1)).toEqual([]);
    expect([client.state, client.peers]).toEqual(['closed', []]);
    expect(link.callsOf('sync')).toEqual([]);
  });
});

describe('grants', () => {
  test('that are revoked end what they allowed, and refuse more of it', async () => {
    const { client, signalling, link, events } = await joined();
    await client.publish('camera', video());
    signalling.options.listeners.invited?.({ by: 'ada' });
    events.length = 0;
    signalling.options.listeners.grantsChanged?.({ grants: viewer });
    expect(link.callsOf('applyGrants')).toEqual([[viewer, undefined]]);
    expect(events).toEqual(['may not publish']);
    expect(client.broadcast.invitedBy).toBeUndefined();
    await expect(client.publish('screen', video())).rejects.toMatchObject({ code: 'forbidden' });
    expect(link.callsOf('publish')).toHaveLength(1);
  });

  test('that are unchanged are no event', async () => {
    const { signalling, events } = await joined();
    signalling.options.listeners.grantsChanged?.({ grants: { ...speaker } });
    expect(events).toEqual([]);
  });
});

describe('the media connection', () => {
  test('that is lost, or silent, triggers a check of the signalling, too', async () => {
    const { client, signalling, link, events } = await joined();
    link.connectionState = 'connected';
    link.emit('connectionStateChanged', 'connected');
    expect(signalling.probes).toEqual([]);
    link.emit('silence', undefined);
    link.connectionState = 'lost';
    link.emit('connectionStateChanged', 'lost');
    expect(signalling.probes).toEqual([true, true]);
    expect(client.mediaConnectionState).toBe('lost');
    expect(events).toEqual(['media connected', 'media lost']);
  });

  test('that fails ends the session, and the server is sent the reason', async () => {
    const { client, signalling, link, events } = await joined();
    link.emit('failed', undefined);
    expect(signalling.left).toBe('mediaFailed');
    expect(link.closed).toBe(true);
    expect(events).toEqual(['closed', 'closed: mediaFailed']);
    expect(client.state).toBe('closed');
  });
});

describe('the end', () => {
  test('closes the link, removes the peers and notifies once', async () => {
    const { client, signalling, link, events } = await joined({ peers: [peer('ada')], slots: ['ada'] });
    signalling.close('kicked');
    client.leave();
    signalling.close('disconnected');
    expect(link.closed).toBe(true);
    expect([client.peers, client.audioSlots]).toEqual([[], []]);
    expect(events).toEqual(['closed', 'closed: kicked']);
  });

  test.each([
    ['publish', (client: RoomClient) => client.publish('camera', video())],
    ['unpublish', (client: RoomClient) => client.unpublish('camera')],
    ['mute', (client: RoomClient) => client.mute('camera')],
    ['kick', (client: RoomClient) => client.kick('ada')],
    ['goLive', (client: RoomClient) => client.broadcast.goLive()],
  ])('leaves nothing to %s', async (_, call) => {
    const { client, signalling, link } = await joined();
    client.leave();
    await expect(call(client)).rejects.toMatchObject({ code: 'notJoined' });
    expect(signalling.requests).toHaveLength(1);
    expect(link.calls).toHaveLength(1);
  });
});

/** Tests of RoomClient with a fake media link and fake signalling: what it publishes and receives, and what it may. */
import { FakeMediaStreamTrack } from 'fake-mediastreamtrack';
import { describe, expect, test } from 'vitest';
import type { BroadcastInfo } from '../../shared/protocol.ts';
import { created, joined, peer, resumeReply, settled, speaker, video, viewer } from '../support/roomClient.ts';

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

  test('knows the name and the metadata of a peer, also when they are changed', async () => {
    const { client, signalling } = await joined({ peers: [peer('ada', { metadata: 'a' }), peer('bob')] });
    const changed: string[] = [];
    client.on('peerChanged', ({ peerId, name, metadata = 'none' }) => changed.push(`${peerId} ${name} ${metadata}`));
    for (let repeated = 0; repeated < 2; repeated++) {
      signalling.options.listeners.peerInfo?.({ peerId: 'ada', name: 'Ada L.' });
    }
    // About itself, and about nobody.
    signalling.options.listeners.peerInfo?.({ peerId: 'unknown', name: 'X' });
    signalling.reconnect();
    signalling.resume(resumeReply({ peers: [peer('ada', { name: 'Ada L.', metadata: 'b' }), peer('bob')] }));
    expect(changed).toEqual(['ada Ada L. none', 'ada Ada L. b']);
    expect(client.peers.map(({ metadata }) => metadata)).toEqual(['b', undefined]);
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

import { describe, expect, test } from 'vitest';
import type { Grants } from '../../shared/protocol.ts';
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

/** Covers what the grants of a token permit, and that the server enforces them. */
import { describe, expect, test } from 'vitest';
import { opus, vp8 } from '../../scripts/support/media/clientParameters.ts';
import { withoutRequestId } from '../support/client.ts';
import { failure, token, useServer, withTokens } from '../support/weir.ts';

const weir = useServer(withTokens);

const camera = { source: 'camera', rtpParameters: vp8() } as const;
const microphone = { source: 'microphone', rtpParameters: opus() } as const;
const screen = { source: 'screen', rtpParameters: vp8('screen') } as const;
const screenAudio = { source: 'screenAudio', rtpParameters: opus('screenAudio') } as const;

describe('grants', () => {
  test('that a token does not have default to true, except hidden and roomAdmin', async () => {
    const { reply } = await weir.enter('room', 'ada');
    expect(reply.grants).toEqual({
      canPublish: true,
      canPublishSources: ['camera', 'microphone', 'screen', 'screenAudio'],
      canSubscribe: true,
      canPublishData: true,
      hidden: false,
      roomAdmin: false,
    });
  });

  test('canSubscribe: false gives no receiving transport and no consumers', async () => {
    const ada = await weir.enter('room', 'ada');
    await ada.client.request('produce', camera);
    const bob = await weir.enter('room', 'bob', { canSubscribe: false });
    expect(Object.keys(bob.reply.transports)).toEqual(['send']);
    expect(bob.reply.consumers).toEqual([]);
    await ada.client.request('produce', microphone);
    await bob.client.event('peerSources');
    await bob.client.request('produce', camera);
    expect(bob.client.unreadEvents('newConsumers')).toEqual([]);
  });

  test('canPublish: false gives no sending transport, and produce is forbidden', async () => {
    const { client, reply } = await weir.enter('room', 'bob', { canPublish: false });
    expect(Object.keys(reply.transports)).toEqual(['recv']);
    await expect(client.request('produce', camera)).rejects.toMatchObject(failure('forbidden'));
  });

  test('canPublishSources allows those sources and no other', async () => {
    const { client, reply } = await weir.enter('room', 'bob', { canPublishSources: ['microphone'] });
    expect(reply.grants.canPublishSources).toEqual(['microphone']);
    await expect(client.request('produce', camera)).rejects.toMatchObject(failure('forbidden'));
    await expect(client.request('produce', microphone)).resolves.toHaveProperty('producerId');
  });

  test("canPublishSources accepts LiveKit's names of sources", async () => {
    const sources = ['screen_share', 'screen_share_audio'];
    const { client, reply } = await weir.enter('room', 'bob', { canPublishSources: sources });
    expect(reply.grants.canPublishSources).toEqual(['screen', 'screenAudio']);
    await expect(client.request('produce', screen)).resolves.toHaveProperty('producerId');
    await expect(client.request('produce', screenAudio)).resolves.toHaveProperty('producerId');
    await expect(client.request('produce', camera)).rejects.toMatchObject(failure('forbidden'));
  });

  test('canPublishSources with unknown names permits nothing, and an empty list permits everything', async () => {
    const unknown = await weir.enter('room', 'bob', { canPublishSources: ['hologram', '__proto__', 'constructor'] });
    expect(unknown.reply.grants.canPublishSources).toEqual([]);
    await expect(unknown.client.request('produce', camera)).rejects.toMatchObject(failure('forbidden'));
    const empty = await weir.enter('room', 'eve', { canPublishSources: [] });
    await expect(empty.client.request('produce', camera)).resolves.toHaveProperty('producerId');
  });
});

describe('kick', () => {
  test('is forbidden without roomAdmin, whether the peer exists or not', async () => {
    const ada = await weir.enter('room', 'ada');
    const bob = await weir.enter('room', 'bob');
    const real = await ada.client.requestRaw('kick', { peerId: bob.reply.peerId });
    const madeUp = await ada.client.requestRaw('kick', { peerId: 'nobody' });
    expect(real.error?.code).toBe('forbidden');
    expect(withoutRequestId(real)).toEqual(withoutRequestId(madeUp));
    expect(bob.client.open).toBe(true);
  });

  test('closes the peer with 4002 "kicked", and the others get the reason', async () => {
    const admin = await weir.enter('room', 'admin', { roomAdmin: true });
    const bob = await weir.enter('room', 'bob');
    await admin.client.request('kick', { peerId: bob.reply.peerId });
    expect(await bob.client.closed).toEqual({ code: 4002, reason: 'kicked' });
    expect(await admin.client.event('peerClosed')).toEqual({ peerId: bob.reply.peerId, reason: 'kicked' });
  });

  test('does not reach other rooms: their peers are as unknown as invented ones', async () => {
    const admin = await weir.enter('room', 'admin', { roomAdmin: true });
    const elsewhere = await weir.enter('other', 'bob');
    const foreign = await admin.client.requestRaw('kick', { peerId: elsewhere.reply.peerId });
    const madeUp = await admin.client.requestRaw('kick', { peerId: crypto.randomUUID() });
    expect(foreign.error?.code).toBe('notFound');
    expect(withoutRequestId(foreign)).toEqual(withoutRequestId(madeUp));
    expect(elsewhere.client.open).toBe(true);
  });

  test('revokes the token in use, and another that was issued before', async () => {
    const admin = await weir.enter('watched', 'admin', { roomAdmin: true });
    const tokens = [await token('watched', 'mallory'), await token('watched', 'mallory', { hidden: true })];
    const bob = await weir.connect();
    const { peerId } = await bob.join({ room: 'watched', token: tokens[0] });
    await admin.client.request('kick', { peerId });
    for (const old of tokens) {
      const again = await weir.connect();
      await expect(again.join({ room: 'watched', token: old })).rejects.toMatchObject(failure('unauthorized'));
    }
    expect(admin.client.unreadEvents('newPeer').length).toBe(1);
  });

  test('revokes the token even if everyone has left in between', async () => {
    const admin = await weir.enter('gone', 'admin', { roomAdmin: true });
    const old = await token('gone', 'bob');
    const bob = await weir.connect();
    const { peerId } = await bob.join({ room: 'gone', token: old });
    await admin.client.request('kick', { peerId });
    admin.client.cut();
    await expect.poll(() => weir.app.rooms.size).toBe(0);
    const again = await weir.connect();
    await expect(again.join({ room: 'gone', token: old })).rejects.toMatchObject(failure('unauthorized'));
  });

  test('affects neither other identities nor other rooms', async () => {
    const admin = await weir.enter('one', 'admin', { roomAdmin: true });
    const bob = await weir.enter('one', 'carol');
    const elsewhere = await token('two', 'carol');
    await admin.client.request('kick', { peerId: bob.reply.peerId });
    const client = await weir.connect();
    await expect(client.join({ room: 'two', token: elsewhere })).resolves.toBeDefined();
    await expect(weir.enter('one', 'dave')).resolves.toBeDefined();
  });
});

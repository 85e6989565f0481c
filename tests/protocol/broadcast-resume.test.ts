/** Tests of resuming a session in a broadcast: the snapshot contains what changed meanwhile. */
import { describe, expect, test } from 'vitest';
import { bringOnStage, camera, consumedSources, microphone, useBroadcast } from '../support/broadcast.ts';
import { failure, type Joined } from '../support/weir.ts';

const { weir, enter } = useBroadcast({ WEIR_RESUME_SECONDS: '2' }, 100);

/** Cuts a connection, and waits until the server has noticed. */
async function cut({ client }: Pick<Joined, 'client'>): Promise<void> {
  client.cut();
  await client.closed;
}

let firstId = 1000;

async function resume({ reply }: Joined) {
  // Above all ids that the client has used before.
  firstId += 1000;
  const client = await weir.connect({ firstId });
  return { client, reply: await client.request('resume', { key: reply.resumeKey }) };
}

describe('a viewer whose connection was cut', () => {
  test('is sent an invitation that was made meanwhile, and may accept it', async () => {
    const host = await enter('host', { name: 'Ada' });
    const viewer = await enter();
    await viewer.client.request('setHand', { raised: true });
    await cut(viewer);
    await host.client.request('invite', { peerId: viewer.reply.peerId });
    const again = await resume(viewer);
    expect(again.reply).toMatchObject({ grants: viewer.reply.grants, broadcast: { viewers: 1 } });
    expect(again.reply.hands).toBeUndefined();
    expect(await again.client.event('invited')).toEqual({ by: 'Ada' });
    await again.client.request('answerInvite', { accept: true });
    expect(await host.client.event('newPeer')).toMatchObject({ peerId: viewer.reply.peerId });
    // An answered invitation is not repeated.
    await cut(again);
    const third = await resume(viewer);
    await third.client.request('ping', {});
    expect(third.client.unreadEvents('invited')).toEqual([]);
    expect(third.reply.grants.canPublish).toBe(true);
  });

  test('has its new grants and what it may receive now, and no transport that it had not', async () => {
    const host = await enter('host');
    const viewer = await enter();
    const { peerId, transports } = viewer.reply;
    expect(viewer.reply.broadcast?.state).toBe('before');
    await cut(viewer);
    for (const track of [camera, microphone]) await host.client.request('produce', track);
    const { grants } = await host.client.request('setGrants', { peerId, grants: { canPublish: true } });
    await host.client.request('setBroadcast', { live: true, profile: 'smooth' });
    await host.client.event('newPeer');
    const again = await resume(viewer);
    expect(again.reply).toMatchObject({ grants, broadcast: { state: 'live', viewers: 0, profile: 'smooth' } });
    expect(again.reply.transports).toEqual({ recv: transports.recv?.transportId });
    await expect.poll(() => consumedSources(again)).toEqual(['camera', 'microphone']);
    await again.client.request('openTransport', { direction: 'send' });
    await again.client.request('produce', microphone);
    expect((await host.client.event('newConsumers')).consumers).toMatchObject([{ peerId }]);
  });

  test('is still counted as a viewer, keeps its place among the hands, and receives nothing that has ended', async () => {
    const host = await enter('host');
    await host.client.request('produce', camera);
    await host.client.request('setBroadcast', { live: true });
    const [first, second] = [await enter(), await enter()];
    for (const { client } of [first, second]) await client.request('setHand', { raised: true });
    await cut(first);
    const { broadcast } = await host.client.request('setBroadcast', { live: false });
    expect(broadcast.viewers).toBe(2);
    const again = await resume(first);
    expect(again.reply).toMatchObject({ consumers: [], broadcast: { state: 'ended', viewers: 2 } });
    const late = await enter('host');
    const ids = late.reply.hands?.first.map(({ peerId }) => peerId);
    expect(ids).toEqual([first.reply.peerId, second.reply.peerId]);
  });

  test('and does not resume in time is removed, with its hand', async () => {
    const host = await enter('host');
    const viewer = await enter();
    await viewer.client.request('setHand', { raised: true });
    await host.client.event('handsChanged', ({ total }) => total === 1);
    await cut(viewer);
    await host.client.event('handsChanged', ({ total }) => total === 0);
    await host.client.event('broadcastChanged', ({ viewers }) => viewers === 0);
    await expect(resume(viewer)).rejects.toMatchObject(failure('sessionExpired'));
  });
});

describe('a participant on the stage whose connection was cut', () => {
  test('and who was demoted meanwhile has no right to publish, no sending transport, and nothing to receive', async () => {
    const host = await enter('host');
    await host.client.request('produce', camera);
    const viewer = await enter();
    await bringOnStage(host, viewer);
    await viewer.client.request('produce', microphone);
    await cut(viewer);
    const change = { peerId: viewer.reply.peerId, grants: { canPublish: false } };
    const { grants } = await host.client.request('setGrants', change);
    const again = await resume(viewer);
    expect(again.reply).toMatchObject({ grants, consumers: [], subscribedLayers: [], broadcast: { viewers: 1 } });
    expect(again.reply.transports).toEqual({ recv: viewer.reply.transports.recv?.transportId });
    const opening = again.client.request('openTransport', { direction: 'send' });
    await expect(opening).rejects.toMatchObject(failure('forbidden'));
  });

  test('and is an administrator now gets the raised hands; the host gets those raised meanwhile', async () => {
    const host = await enter('host');
    const [speaker, viewer] = [await enter('speaker'), await enter()];
    await cut(speaker);
    await host.client.request('setGrants', { peerId: speaker.reply.peerId, grants: { roomAdmin: true } });
    await cut(host);
    await viewer.client.request('setHand', { raised: true, name: 'Vera' });
    const { peerId, identity } = viewer.reply;
    const hands = { total: 1, first: [{ peerId, identity, name: 'Vera', invited: false }] };
    expect((await resume(speaker)).reply).toMatchObject({ grants: { roomAdmin: true }, hands });
    const again = await resume(host);
    expect(again.reply).toMatchObject({ grants: host.reply.grants, hands });
    await again.client.request('invite', { peerId });
    expect(await viewer.client.event('invited')).toEqual({ by: host.reply.name });
  });
});

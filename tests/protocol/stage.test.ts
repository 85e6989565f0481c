/** Tests of the stage of a broadcast: raised hands, invitations, answers, stepping down. */
import { describe, expect, test } from 'vitest';
import { dtls } from '../../scripts/support/media/clientParameters.ts';
import { signToken } from '../../server/auth/tokens.ts';
import { MAX_HANDS } from '../../shared/protocol.ts';
import {
  bringOnStage,
  camera,
  consumedSources,
  eventNames,
  invite,
  microphone,
  useBroadcast,
} from '../support/broadcast.ts';
import { apiKey, apiSecret, failure, type Joined, useServer, withTokens } from '../support/weir.ts';

const { enter, room } = useBroadcast({ WEIR_MAX_CONNECTIONS_PER_IP: '100' }, 100);
const withToken = useServer(withTokens, { broadcastNotify: 100 });
/** Names of those on the stage. */
const inside = async () => (await room()).peers.map(({ name }) => name);

describe('raised hands of viewers', () => {
  test('are sent to administrators only, in the order in which they were raised', async () => {
    const host = await enter('host');
    const speaker = await enter('speaker');
    const [ann, bob, cat] = [await enter(), await enter(), await enter()];
    await bob.client.request('setHand', { raised: true, name: 'Bob' });
    await ann.client.request('setHand', { raised: true, name: 'Ann' });
    // Raising it again keeps its place, and may change the name.
    await bob.client.request('setHand', { raised: true, name: 'Robert' });
    const hands = await host.client.event('handsChanged', ({ total }) => total === 2);
    const named = (one: typeof bob, name: string) => {
      const { peerId, identity } = one.reply;
      return { peerId, identity, name, invited: false };
    };
    expect(hands.first).toEqual([named(bob, 'Robert'), named(ann, 'Ann')]);
    const second = await enter('host');
    expect(second.reply.hands).toEqual(hands);
    await bob.client.request('setHand', { raised: false });
    await cat.client.request('setHand', { raised: true });
    const later = await host.client.event('handsChanged', ({ first }) => first.at(-1)?.peerId === cat.reply.peerId);
    expect(later).toEqual({ total: 2, first: [named(ann, 'Ann'), named(cat, cat.reply.name)] });
    // A viewer who leaves has no hand.
    ann.client.cut();
    await host.client.event('handsChanged', ({ total }) => total === 1);
    expect(await second.client.event('handsChanged', ({ total }) => total === 1)).toMatchObject({
      first: [{ peerId: cat.reply.peerId }],
    });
    for (const { client } of [speaker, bob, cat]) {
      await client.request('ping', {});
      expect(eventNames(client)).not.toContain('handsChanged');
      expect(eventNames(client)).not.toContain('peerHand');
    }
  });

  test('of those on the stage are visible to all, as in a call', async () => {
    const host = await enter('host');
    const speaker = await enter('speaker');
    const viewer = await enter();
    await speaker.client.request('setHand', { raised: true });
    for (const { client } of [host, viewer]) {
      expect(await client.event('peerHand')).toEqual({ peerId: speaker.reply.peerId, raised: true });
    }
    expect((await room()).hands.total).toBe(0);
  });

  test('are all counted, and the first of them named', async () => {
    const none = { transports: { send: false, recv: false } };
    const host = await enter('host', none);
    const viewers = [];
    for (let count = 0; count < MAX_HANDS + 2; count += 1) viewers.push(await enter('viewer', none));
    for (const { client } of viewers) await client.request('setHand', { raised: true });
    const hands = await host.client.event('handsChanged', ({ total }) => total === viewers.length);
    const ids = viewers.map(({ reply }) => reply.peerId);
    expect(hands.first.map(({ peerId }) => peerId)).toEqual(ids.slice(0, MAX_HANDS));
    viewers[0]?.client.cut();
    // As many were up before the last one was raised: that event may still be unread.
    const next = await host.client.event('handsChanged', ({ first }) => first[0]?.peerId !== ids[0]);
    expect(next.total).toBe(viewers.length - 1);
    expect(next.first.map(({ peerId }) => peerId)).toEqual(ids.slice(1, MAX_HANDS + 1));
  });

  test("have the token's name, whatever the client sends", async () => {
    const host = await withToken.enter('show', 'host', { broadcast: true, roomAdmin: true });
    const video = { room: 'show', roomJoin: true, broadcast: true, canPublish: false };
    const viewer = await withToken.connect();
    await viewer.join({
      room: 'show',
      token: await signToken({ apiKey, apiSecret, identity: 'vera', name: 'Vera', video }),
    });
    await viewer.request('setHand', { raised: true, name: 'The host' });
    expect(await host.client.event('handsChanged')).toMatchObject({ first: [{ identity: 'vera', name: 'Vera' }] });
    const nameless = await withToken.enter('show', 'otto', { broadcast: true, canPublish: false });
    await nameless.client.request('setHand', { raised: true, name: 'Otto' });
    const { first } = await host.client.event('handsChanged', ({ total }) => total === 2);
    expect(first[1]).toMatchObject({ identity: 'otto', name: 'Otto' });
  });
});

describe('an invitation', () => {
  test('that is accepted: the viewer is on the stage, visible to everyone, and publishes without another join', async () => {
    const host = await enter('host');
    const [viewer, other] = [await enter(), await enter()];
    const { peerId } = viewer.reply;
    await host.client.request('setBroadcast', { live: true });
    await viewer.client.request('setHand', { raised: true, name: 'Vera' });
    await host.client.request('invite', { peerId });
    expect(await viewer.client.event('invited')).toEqual({ by: host.reply.name });
    await host.client.event('handsChanged', ({ first }) => first[0]?.invited === true);
    expect(await inside()).toEqual([host.reply.name]);
    const { grants } = await viewer.client.request('answerInvite', { accept: true });
    // Without a token, a viewer sends no data, and on the stage does.
    expect([viewer.reply.grants.canPublishData, grants.canPublishData]).toEqual([false, true]);
    expect(grants).toEqual({ ...viewer.reply.grants, canPublish: true, canPublishData: true, hidden: false });
    expect(await viewer.client.event('grantsChanged')).toEqual({ grants });
    // After the reply the client publishes.
    expect(grantMessages(viewer)).toEqual(['event', 'reply']);
    const { identity } = viewer.reply;
    for (const { client } of [host, other]) {
      const peer = { peerId, identity, name: 'Vera', sources: {}, hand: false, away: false, canExchangeData: true };
      expect(await client.event('newPeer')).toEqual(peer);
    }
    expect(await host.client.event('inviteAnswered')).toEqual({ peerId, name: 'Vera', accepted: true });
    await host.client.event('handsChanged', ({ total }) => total === 0);
    await host.client.event('broadcastChanged', ({ viewers }) => viewers === 1);
    expect(await inside()).toEqual([host.reply.name, 'Vera']);
    const { transport } = await viewer.client.request('openTransport', { direction: 'send' });
    await viewer.client.request('connectTransport', { transportId: transport.transportId, dtlsParameters: dtls });
    const { producerId } = await viewer.client.request('produce', microphone);
    for (const one of [host, other]) {
      expect(await one.client.event('peerSources')).toEqual({ peerId, sources: { microphone: 'live' } });
      const { consumers } = await one.client.event('newConsumers');
      expect(consumers).toMatchObject([{ peerId, producerId, source: 'microphone' }]);
    }
    expect(eventNames(other.client)).not.toContain('inviteAnswered');
    // It is valid once.
    await expect(viewer.client.request('answerInvite', { accept: true })).rejects.toMatchObject(failure('notFound'));
  });

  test('that is accepted before the broadcast is live shows the stage to that viewer, and nobody else', async () => {
    const host = await enter('host');
    await host.client.request('produce', camera);
    const [viewer, other] = [await enter(), await enter()];
    await bringOnStage(host, viewer);
    await expect.poll(() => consumedSources(viewer)).toEqual(['camera']);
    await viewer.client.request('produce', microphone);
    await expect.poll(() => consumedSources(host)).toEqual(['microphone']);
    // The worker handles requests in order: the earlier ones are done once this one is.
    await enter();
    await other.client.request('ping', {});
    expect(consumedSources(other)).toEqual([]);
    await host.client.request('setBroadcast', { live: true });
    await expect.poll(() => consumedSources(other)).toEqual(['camera', 'microphone']);
    expect(consumedSources(viewer)).toEqual(['camera']);
  });

  test('that is declined lowers the hand and changes nothing else', async () => {
    const host = await enter('host');
    const viewer = await enter();
    await invite(host, viewer);
    const { grants } = await viewer.client.request('answerInvite', { accept: false });
    expect(grants).toEqual(viewer.reply.grants);
    const { peerId, name } = viewer.reply;
    expect(await host.client.event('inviteAnswered')).toEqual({ peerId, name, accepted: false });
    await host.client.event('handsChanged', ({ total }) => total === 0);
    expect(eventNames(viewer.client)).not.toContain('grantsChanged');
    expect(eventNames(host.client)).not.toContain('newPeer');
    await expect(viewer.client.request('answerInvite', { accept: true })).rejects.toMatchObject(failure('notFound'));
    // The viewer may ask again.
    await bringOnStage(host, viewer);
  });

  test('requires a raised hand, and ends when it is lowered', async () => {
    const host = await enter('host');
    const viewer = await enter();
    const { peerId } = viewer.reply;
    for (const id of [peerId, host.reply.peerId, crypto.randomUUID()]) {
      await expect(host.client.request('invite', { peerId: id })).rejects.toMatchObject(failure('notFound'));
    }
    await invite(host, viewer);
    await viewer.client.request('setHand', { raised: false });
    await expect(viewer.client.request('answerInvite', { accept: true })).rejects.toMatchObject(failure('notFound'));
    expect((await room()).peers.length).toBe(1);
  });

  test('is not needed where an administrator grants publishing: the hand is lowered then', async () => {
    const host = await enter('host');
    const viewer = await enter();
    const { peerId } = viewer.reply;
    await viewer.client.request('setHand', { raised: true });
    const { grants } = await host.client.request('setGrants', { peerId, grants: { canPublish: true } });
    expect(await viewer.client.event('grantsChanged')).toEqual({ grants, by: host.reply.name });
    expect(await host.client.event('newPeer')).toMatchObject({ peerId, hand: false });
    expect((await room()).hands.total).toBe(0);
    await viewer.client.request('openTransport', { direction: 'send' });
    await viewer.client.request('produce', microphone);
  });
});

/** In which order a participant was sent its changed grants, as an event and in a reply. */
function grantMessages({ client }: Joined): ('event' | 'reply')[] {
  const isReply = ({ id, data }: (typeof client.messages)[number]) =>
    id !== undefined && JSON.stringify(data).startsWith('{"grants"');
  return client.messages.flatMap((message) =>
    message.event === 'grantsChanged' ? 'event' : isReply(message) ? 'reply' : [],
  );
}

describe.each([
  [
    'stepping down',
    async (_host, speaker) => {
      await speaker.client.request('stepDown', {});
      await expect.poll(() => grantMessages(speaker).length).toBe(2);
      // A change that comes after the reply counts as the decision of somebody else.
      expect(grantMessages(speaker)).toEqual(['event', 'reply']);
    },
  ],
  [
    "an administrator's setGrants",
    async (host, speaker) => {
      const change = { peerId: speaker.reply.peerId, grants: { canPublish: false } };
      await host.client.request('setGrants', change);
    },
  ],
] satisfies [string, (host: Joined, speaker: Joined) => Promise<void>][])('%s', (_, leaveStage) => {
  test('ends its publications and the transport; the participant is a hidden viewer again', async () => {
    const host = await enter('host');
    await host.client.request('produce', camera);
    const [speaker, viewer] = [await enter('speaker'), await enter()];
    const { peerId } = speaker.reply;
    await host.client.request('setBroadcast', { live: true });
    await speaker.client.request('produce', microphone);
    for (const one of [host, viewer]) await expect.poll(() => consumedSources(one)).toContain('microphone');
    await leaveStage(host, speaker);
    const { grants } = await speaker.client.event('grantsChanged');
    expect(grants).toEqual({ ...speaker.reply.grants, canPublish: false, hidden: true });
    for (const { client } of [host, viewer]) {
      expect(await client.event('peerClosed')).toEqual({ peerId, reason: 'left' });
    }
    await expect.poll(() => consumedSources(host)).toEqual([]);
    await expect.poll(() => consumedSources(viewer)).toEqual(['camera']);
    await host.client.event('broadcastChanged', ({ viewers }) => viewers === 2);
    expect(await inside()).toEqual([host.reply.name]);
    expect(consumedSources(speaker)).toEqual(['camera']);
    const { transportId = '' } = speaker.reply.transports.send ?? {};
    const ask = speaker.client;
    expect(await ask.requestRaw('connectTransport', { transportId, dtlsParameters: dtls })).toMatchObject({
      error: { code: 'notFound' },
    });
    expect(await ask.requestRaw('openTransport', { direction: 'send' })).toMatchObject({
      error: { code: 'forbidden' },
    });
    expect(await ask.requestRaw('produce', microphone)).toMatchObject({ error: { code: 'forbidden' } });
    expect(await ask.requestRaw('stepDown')).toMatchObject({ error: { code: 'conflict' } });
    // On the stage again.
    await bringOnStage(host, speaker);
    await speaker.client.request('produce', microphone);
    for (const one of [host, viewer]) await expect.poll(() => consumedSources(one)).toContain('microphone');
  });

  test('before the broadcast is live ends the consumers of the stage, too', async () => {
    const host = await enter('host');
    await host.client.request('produce', camera);
    const speaker = await enter('speaker');
    expect(consumedSources(speaker)).toEqual(['camera']);
    await leaveStage(host, speaker);
    await expect.poll(() => consumedSources(speaker)).toEqual([]);
    await host.client.request('produce', microphone);
    await host.client.request('setBroadcast', { live: true });
    await expect.poll(() => consumedSources(speaker)).toEqual(['camera', 'microphone']);
  });

  test('takes a raised hand down', async () => {
    const host = await enter('host');
    const speaker = await enter('speaker');
    await speaker.client.request('setHand', { raised: true });
    await leaveStage(host, speaker);
    expect((await room()).hands.total).toBe(0);
    await bringOnStage(host, speaker);
    expect(await host.client.event('newPeer', ({ hand }) => !hand)).toMatchObject({ peerId: speaker.reply.peerId });
  });
});

test('a host who steps down still runs the broadcast, hidden', async () => {
  const host = await enter('host');
  const viewer = await enter();
  await host.client.request('stepDown', {});
  expect(await viewer.client.event('peerClosed')).toEqual({ peerId: host.reply.peerId, reason: 'left' });
  await host.client.request('setBroadcast', { live: true });
  await viewer.client.request('setHand', { raised: true });
  await host.client.event('handsChanged', ({ total }) => total === 1);
  await host.client.request('setGrants', { peerId: host.reply.peerId, grants: { canPublish: true } });
  expect(await viewer.client.event('newPeer')).toMatchObject({ peerId: host.reply.peerId });
});

test('a new administrator is sent the raised hands', async () => {
  const host = await enter('host');
  const [speaker, viewer] = [await enter('speaker'), await enter()];
  await viewer.client.request('setHand', { raised: true });
  await host.client.event('handsChanged');
  await host.client.request('setGrants', { peerId: speaker.reply.peerId, grants: { roomAdmin: true } });
  expect(await speaker.client.event('handsChanged')).toMatchObject({
    total: 1,
    first: [{ peerId: viewer.reply.peerId }],
  });
  await speaker.client.request('invite', { peerId: viewer.reply.peerId });
});

test('a guest left alone on the stage by the last host may end the broadcast, and nothing else', async () => {
  const host = await enter('host');
  const [guest, viewer] = [await enter('speaker'), await enter()];
  await host.client.request('setBroadcast', { live: true });
  const forbidden = failure('forbidden');
  await expect(guest.client.request('setBroadcast', { live: false })).rejects.toMatchObject(forbidden);
  await host.client.request('leave', {});
  await guest.client.event('broadcastChanged', ({ unattended }) => unattended === true);
  for (const request of [{ live: true }, { profile: 'smooth' }, { live: false, profile: 'smooth' }] as const) {
    await expect(guest.client.request('setBroadcast', request)).rejects.toMatchObject(forbidden);
  }
  await expect(viewer.client.request('setBroadcast', { live: false })).rejects.toMatchObject(forbidden);
  const { broadcast } = await guest.client.request('setBroadcast', { live: false });
  expect(broadcast).toMatchObject({ state: 'ended' });
  await viewer.client.event('broadcastChanged', ({ state }) => state === 'ended');
  await expect(guest.client.request('setBroadcast', { live: false })).rejects.toMatchObject(forbidden);
});

test('a participant who is made a host attends, and one who is no longer a host does not', async () => {
  const host = await enter('host');
  const [second, guest] = [await enter('speaker'), await enter('speaker')];
  await host.client.request('setBroadcast', { live: true });
  await host.client.request('setGrants', { peerId: second.reply.peerId, grants: { roomAdmin: true } });
  await host.client.request('leave', {});
  await guest.client.event('peerClosed');
  expect(await room()).not.toHaveProperty('unattended');
  await second.client.request('setGrants', { peerId: second.reply.peerId, grants: { roomAdmin: false } });
  await guest.client.event('broadcastChanged', ({ unattended }) => unattended === true);
  await guest.client.request('setBroadcast', { live: false });
});

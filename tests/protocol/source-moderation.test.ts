/** Tests of administrators who mute and stop what others publish: what is forwarded, who is told, and the races with the owner. */
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { opus } from '../../scripts/support/media/clientParameters.ts';
import { Peer } from '../../server/room/Peer.ts';
import { camera, consumedSources, microphone, screen } from '../support/broadcast.ts';
import { failure, type Joined, useServer, withTokens } from '../support/weir.ts';

const weir = useServer({ ...withTokens, WEIR_RESUME_SECONDS: '3' });
const screenAudio = { source: 'screenAudio', rtpParameters: opus('screenAudio') } as const;

/** An administrator, and a participant who publishes these. */
async function call(...tracks: (typeof camera | typeof microphone | typeof screen | typeof screenAudio)[]) {
  const room = `moderated-${randomUUID()}`;
  const admin = await weir.enter(room, 'Ann', { roomAdmin: true });
  const bob = await weir.enter(room, 'Bob');
  await bob.client.request('ping', {});
  for (const track of tracks) await bob.client.request('produce', track);
  return { room, admin, bob };
}

/** What that participant publishes, as the server knows it. */
async function sourcesOf(room: string, { reply }: Joined) {
  return (await weir.app.rooms.find(room))?.participant(reply.peerId)?.info.sources;
}

describe('muteSource', () => {
  test('mutes that source, tells its owner who did it and the others that it is paused', async () => {
    const { room, admin, bob } = await call(microphone, camera);
    const { peerId } = bob.reply;
    await admin.client.request('muteSource', { peerId, source: 'microphone' });
    expect(await bob.client.event('sourceMuted')).toEqual({ source: 'microphone', by: 'Ann' });
    const sources = { microphone: 'paused', camera: 'live' };
    await admin.client.event('peerSources', (one) => one.sources.microphone === 'paused');
    expect(await sourcesOf(room, bob)).toEqual(sources);
    // Once more changes nothing, and tells nobody anything.
    await admin.client.request('muteSource', { peerId, source: 'microphone' });
    await bob.client.request('ping', {});
    expect(bob.client.unreadEvents('sourceMuted')).toEqual([]);
  });

  test('leaves it to the owner to unmute: there is no request by which somebody else could', async () => {
    const { room, admin, bob } = await call(microphone);
    await admin.client.request('muteSource', { peerId: bob.reply.peerId, source: 'microphone' });
    await expect(admin.client.request('resumeProducer', { source: 'microphone' })).rejects.toMatchObject(
      failure('notFound'),
    );
    expect(await sourcesOf(room, bob)).toEqual({ microphone: 'paused' });
    await bob.client.request('resumeProducer', { source: 'microphone' });
    expect(await sourcesOf(room, bob)).toEqual({ microphone: 'live' });
  });

  test('of what is not published, or of nobody, is `notFound`', async () => {
    const { admin, bob } = await call();
    for (const peerId of [bob.reply.peerId, 'nobody']) {
      await expect(admin.client.request('muteSource', { peerId, source: 'microphone' })).rejects.toMatchObject(
        failure('notFound'),
      );
    }
  });

  test('while it is being published mutes it once it is: nobody is left unmuted', async () => {
    const { room, admin, bob } = await call();
    const { peerId } = bob.reply;
    let muted = 0;
    for (let round = 0; round < 12; round += 1) {
      const producing = bob.client.request('produce', microphone);
      // A bit later in each round.
      for (let turn = 0; turn < round; turn += 1) await new Promise(setImmediate);
      const muting = admin.client.requestRaw('muteSource', { peerId, source: 'microphone' });
      const [, { error }] = await Promise.all([producing, muting]);
      if (error) expect(error.code).toBe('notFound');
      else {
        muted += 1;
        expect(await sourcesOf(room, bob)).toEqual({ microphone: 'paused' });
        await bob.client.event('sourceMuted');
      }
      await bob.client.request('closeProducer', { source: 'microphone' });
    }
    expect(muted).toBeGreaterThan(0);
  });

  test('and a stop wait for the worker, where it is creating the producer', async () => {
    const { room: name, bob } = await call();
    const room = await weir.app.rooms.find(name);
    const peer = room?.participant(bob.reply.peerId);
    if (!room || !(peer instanceof Peer)) throw new Error('nobody is there');
    const begin = () => peer.producers.produce('microphone', microphone.rtpParameters, { paused: false });
    const [publication] = await Promise.all([begin(), room.sourceModeration.mute(peer, 'microphone')]);
    expect(publication.track.paused).toBe(true);
    peer.producers.close('microphone');
    const [other] = await Promise.all([begin(), room.sourceModeration.stop(peer, 'microphone')]);
    expect(other.closed).toBe(true);
  });

  test('and the owner who unmutes at the same moment know the same: the event comes in the order of what happened', async () => {
    const { room, admin, bob } = await call(microphone);
    const { peerId } = bob.reply;
    for (let round = 0; round < 20; round += 1) {
      const muting = admin.client.request('muteSource', { peerId, source: 'microphone' });
      for (let turn = 0; turn < round % 5; turn += 1) await new Promise(setImmediate);
      await Promise.all([muting, bob.client.request('resumeProducer', { source: 'microphone' })]);
      await bob.client.request('ping', {});
      const messages = bob.client.messages.filter(
        ({ event, data, id }) => event === 'sourceMuted' || (id !== undefined && data),
      );
      const told = messages.findLastIndex(({ event }) => event === 'sourceMuted');
      const state = (await sourcesOf(room, bob))?.microphone;
      // Before the reply to `ping` there is the one to `resumeProducer`.
      const lastIsMute = told === messages.length - 2;
      expect(state).toBe(lastIsMute ? 'paused' : 'live');
      await bob.client.request('resumeProducer', { source: 'microphone' });
    }
  });

  test('of an owner without a connection is in the reply to its resume, until it unmutes', async () => {
    const { admin, bob } = await call(microphone, camera);
    const { peerId, resumeKey } = bob.reply;
    bob.client.cut();
    await bob.client.closed;
    await admin.client.request('muteSource', { peerId, source: 'microphone' });
    const again = await weir.connect({ firstId: 1000 });
    const reply = await again.request('resume', { key: resumeKey });
    expect(reply.sources).toEqual({ microphone: 'paused', camera: 'live' });
    expect(reply.muted).toEqual([{ source: 'microphone', by: 'Ann' }]);
    await again.request('resumeProducer', { source: 'microphone' });
    again.cut();
    await again.closed;
    const last = await weir.connect({ firstId: 2000 });
    expect((await last.request('resume', { key: resumeKey })).muted).toEqual([]);
  });
});

describe('muteAll', () => {
  test('mutes every microphone but that of the administrator, and says how many', async () => {
    const { room, admin, bob } = await call(microphone, camera);
    const cat = await weir.enter(room, 'Cat', { roomAdmin: true });
    const dan = await weir.enter(room, 'Dan');
    const eve = await weir.enter(room, 'Eve');
    for (const one of [admin, cat]) await one.client.request('produce', microphone);
    await dan.client.request('produce', { ...microphone, paused: true });
    expect(await admin.client.request('muteAll', {})).toEqual({ muted: 2 });
    for (const one of [bob, cat])
      expect(await one.client.event('sourceMuted')).toEqual({ source: 'microphone', by: 'Ann' });
    expect(await sourcesOf(room, admin)).toEqual({ microphone: 'live' });
    expect(await sourcesOf(room, bob)).toEqual({ microphone: 'paused', camera: 'live' });
    for (const one of [dan, eve]) {
      await one.client.request('ping', {});
      expect(one.client.unreadEvents('sourceMuted')).toEqual([]);
    }
    expect(await admin.client.request('muteAll', {})).toEqual({ muted: 0 });
  });
});

describe('stopSource', () => {
  test('ends that publication, tells its owner who did it, and leaves it to the owner to publish again', async () => {
    const { room, admin, bob } = await call(microphone, camera);
    const { peerId } = bob.reply;
    await expect.poll(() => consumedSources(admin)).toEqual(['camera', 'microphone']);
    await admin.client.request('stopSource', { peerId, source: 'camera' });
    expect(await bob.client.event('sourceStopped')).toEqual({
      source: 'camera',
      producerId: expect.any(String),
      by: 'Ann',
    });
    await expect.poll(() => consumedSources(admin)).toEqual(['microphone']);
    await bob.client.request('produce', camera);
    expect(await sourcesOf(room, bob)).toEqual({ microphone: 'live', camera: 'live' });
  });

  test('of a screen stops its sound as well', async () => {
    const { room, admin, bob } = await call(screen, screenAudio, camera);
    await admin.client.request('stopSource', { peerId: bob.reply.peerId, source: 'screen' });
    expect(await sourcesOf(room, bob)).toEqual({ camera: 'live' });
    const stopped = [await bob.client.event('sourceStopped'), await bob.client.event('sourceStopped')];
    expect(stopped.map(({ source }) => source)).toEqual(['screen', 'screenAudio']);
  });

  test('while it is being published names the producer of the reply, which its owner has had before', async () => {
    const { room, admin, bob } = await call();
    const { peerId } = bob.reply;
    let stopped = 0;
    for (let round = 0; round < 12; round += 1) {
      const producing = bob.client.request('produce', camera);
      for (let turn = 0; turn < round; turn += 1) await new Promise(setImmediate);
      const stopping = admin.client.requestRaw('stopSource', { peerId, source: 'camera' });
      const [{ producerId }, { error }] = await Promise.all([producing, stopping]);
      if (error) {
        expect(error.code).toBe('notFound');
        await bob.client.request('closeProducer', { source: 'camera' });
        continue;
      }
      stopped += 1;
      expect(await bob.client.event('sourceStopped')).toMatchObject({ producerId });
      const { messages } = bob.client;
      const replied = messages.findIndex(({ data }) => JSON.stringify(data) === JSON.stringify({ producerId }));
      expect(messages.findIndex(({ event }, index) => event === 'sourceStopped' && index > replied)).toBeGreaterThan(
        replied,
      );
      expect(await sourcesOf(room, bob)).toEqual({});
    }
    expect(stopped).toBeGreaterThan(0);
  });
});

describe('a right that is taken', () => {
  test('is told with the name of who took it; without the right to the microphone nobody unmutes', async () => {
    const { admin, bob } = await call(microphone);
    const { peerId } = bob.reply;
    await admin.client.request('setGrants', { peerId, grants: { canPublishSources: ['camera'] } });
    expect(await bob.client.event('grantsChanged')).toMatchObject({ by: 'Ann' });
    await expect(bob.client.request('resumeProducer', { source: 'microphone' })).rejects.toMatchObject(
      failure('notFound'),
    );
    await expect(bob.client.request('produce', microphone)).rejects.toMatchObject(failure('forbidden'));
  });
});

describe('a removal', () => {
  test('is told with the name of who removed, before the connection closes', async () => {
    const { admin, bob } = await call();
    await admin.client.request('kick', { peerId: bob.reply.peerId });
    expect(await bob.client.closed).toEqual({ code: 4002, reason: 'kicked' });
    expect(bob.client.unreadEvents('closing')).toEqual([{ by: 'Ann' }]);
  });
});

describe('a call without a server for media', () => {
  test('has its sources muted and stopped as well', async () => {
    const room = `direct-${randomUUID()}`;
    const direct = { direct: true };
    const admin = await weir.enter(room, 'Ann', { roomAdmin: true, policy: 'p2p' }, direct);
    const bob = await weir.enter(room, 'Bob', {}, direct);
    for (const source of ['microphone', 'camera'] as const) await bob.client.request('produce', { source });
    expect(await admin.client.request('muteAll', {})).toEqual({ muted: 1 });
    expect(await bob.client.event('sourceMuted')).toEqual({ source: 'microphone', by: 'Ann' });
    await admin.client.request('stopSource', { peerId: bob.reply.peerId, source: 'camera' });
    expect(await sourcesOf(room, bob)).toEqual({ microphone: 'paused' });
  });
});

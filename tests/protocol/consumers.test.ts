/** Tests of consumers: in the reply to join and in batches, their start, their end. */
import { describe, expect, test } from 'vitest';
import { dtls, opus, vp8 } from '../../scripts/support/media/clientParameters.ts';
import { pidOf } from '../../scripts/support/process/pidOf.ts';
import { arePaused, dumpOnlyRouter } from '../support/routers.ts';
import { failure, type Joined, useServer } from '../support/weir.ts';

const weir = useServer();

const produceBoth = ({ client }: Joined) =>
  Promise.all([
    client.request('produce', { source: 'camera', rtpParameters: vp8() }),
    client.request('produce', { source: 'microphone', rtpParameters: opus() }),
  ]);

/** All consumers announced to a client after its join. */
const consumersOf = ({ client }: Joined) => client.unreadEvents('newConsumers').flatMap(({ consumers }) => consumers);

describe('consumers', () => {
  test('of all publications are in the reply to join', async () => {
    const ada = await weir.join({ room: 'room' });
    const [camera, microphone] = await produceBoth(ada);
    const bob = await weir.join({ room: 'room' });
    const got = bob.reply.consumers.map(({ producerId, peerId, source, kind }) => ({
      producerId,
      peerId,
      source,
      kind,
    }));
    const { peerId } = ada.reply;
    expect(got).toContainEqual({ producerId: camera.producerId, peerId, source: 'camera', kind: 'video' });
    expect(got).toContainEqual({ producerId: microphone.producerId, peerId, source: 'microphone', kind: 'audio' });
    expect(got.length).toBe(2);
    expect(bob.client.unreadEvents('newConsumers')).toEqual([]);
  });

  test('have RTP parameters of a codec that both sides support', async () => {
    const ada = await weir.join({ room: 'room' });
    await produceBoth(ada);
    const bob = await weir.join({ room: 'room' });
    const codecs = Object.fromEntries(
      bob.reply.consumers.map(({ source, rtpParameters }) => [source, rtpParameters.codecs[0]?.mimeType]),
    );
    expect(codecs).toEqual({ camera: 'video/VP8', microphone: 'audio/opus' });
  });

  test('of producers that start at the same time come in fewer events than there are', async () => {
    const bob = await weir.join({ room: 'room' });
    const publishers = await Promise.all(Array.from({ length: 8 }, () => weir.join({ room: 'room' })));
    // All eight requests wait for the paused worker, which then answers them at once.
    const pid = pidOf(weir.app.pool.workers[0]);
    process.kill(pid, 'SIGSTOP');
    const produced = publishers.map(({ client }) =>
      client.request('produce', { source: 'camera', rtpParameters: vp8() }),
    );
    // A reply on a later connection means that the server has read the others.
    const later = await weir.connect();
    await later.requestRaw('nothing');
    process.kill(pid, 'SIGCONT');
    const ids = (await Promise.all(produced)).map(({ producerId }) => producerId);
    await bob.client.until('all consumers', () => (consumersOf(bob).length >= 8 ? true : undefined));
    expect(
      consumersOf(bob)
        .map(({ producerId }) => producerId)
        .sort(),
    ).toEqual(ids.sort());
    expect(bob.client.unreadEvents('newConsumers').length).toBeLessThan(8);
  });

  test('start paused, and flow once the client has resumed them', async () => {
    const ada = await weir.join({ room: 'room' });
    await produceBoth(ada);
    const bob = await weir.join({ room: 'room' });
    const ids = bob.reply.consumers.map(({ consumerId }) => consumerId);
    expect(await arePaused(ids)).toEqual([true, true]);
    await bob.client.request('resumeConsumers', { consumerIds: ids.slice(0, 1) });
    expect(await arePaused(ids)).toEqual([false, true]);
    await bob.client.request('resumeConsumers', { consumerIds: ids });
    expect(await arePaused(ids)).toEqual([false, false]);
  });

  test('end with their producer: one consumersClosed, and nothing left in the worker', async () => {
    const ada = await weir.join({ room: 'room' });
    const bob = await weir.join({ room: 'room' });
    await ada.client.request('produce', { source: 'camera', rtpParameters: vp8() });
    const [consumer] = (await bob.client.event('newConsumers')).consumers;
    await ada.client.request('closeProducer', { source: 'camera' });
    expect(await bob.client.event('consumersClosed')).toEqual({ consumerIds: [consumer?.consumerId] });
    expect(await dumpOnlyRouter()).toEqual({ transports: 4, consumers: 0 });
  });

  test('end with their peer, all of them', async () => {
    const ada = await weir.join({ room: 'room' });
    await produceBoth(ada);
    const bob = await weir.join({ room: 'room' });
    ada.client.cut();
    const ended = () => bob.client.unreadEvents('consumersClosed').flatMap(({ consumerIds }) => consumerIds);
    await bob.client.until('the end of both', () => (ended().length >= 2 ? true : undefined));
    expect(ended().sort()).toEqual(bob.reply.consumers.map(({ consumerId }) => consumerId).sort());
    await expect.poll(dumpOnlyRouter).toEqual({ transports: 2, consumers: 0 });
  });

  test('that ended before they were announced are never announced', async () => {
    const ada = await weir.join({ room: 'room' });
    const bob = await weir.join({ room: 'room' });
    for (let round = 0; round < 20; round += 1) {
      const produced = ada.client.request('produce', { source: 'camera', rtpParameters: vp8() });
      await Promise.all([produced, ada.client.request('closeProducer', { source: 'camera' })]);
    }
    await ada.client.request('produce', { source: 'microphone', rtpParameters: opus() });
    const living = () => {
      const ended = new Set(bob.client.unreadEvents('consumersClosed').flatMap(({ consumerIds }) => consumerIds));
      return consumersOf(bob).filter(({ consumerId }) => !ended.has(consumerId));
    };
    await bob.client.until('the microphone', () => living().find(({ source }) => source === 'microphone'));
    const opened = new Set(consumersOf(bob).map(({ consumerId }) => consumerId));
    for (const { consumerIds } of bob.client.unreadEvents('consumersClosed')) {
      for (const id of consumerIds) expect(opened).toContain(id);
    }
    await expect.poll(() => living().map(({ source }) => source)).toEqual(['microphone']);
  });

  test('have no layers before media flows, and nobody is told of them before a join', async () => {
    const ada = await weir.join({ room: 'room' });
    await produceBoth(ada);
    const bob = await weir.join({ room: 'room' });
    expect(bob.reply.consumers).toHaveLength(2);
    expect(await bob.client.request('getConsumerLayers', {})).toEqual({ videos: [] });
    const outside = await weir.connect();
    await expect(outside.request('getConsumerLayers', {})).rejects.toMatchObject(failure('notJoined'));
  });

  test('are not created without a receiving transport', async () => {
    const ada = await weir.join({ room: 'room' });
    await produceBoth(ada);
    const bob = await weir.join({ room: 'room', transports: { send: true, recv: false } });
    expect(bob.reply.consumers).toEqual([]);
    expect(bob.reply.peers[0]?.sources).toEqual({ camera: 'live', microphone: 'live' });
  });

  test('are not created for codecs that the device does not support; the others are', async () => {
    const ada = await weir.join({ room: 'room' });
    await produceBoth(ada);
    const client = await weir.connect();
    const codecs = client.welcome.rtpCapabilities.codecs.filter(({ kind }) => kind === 'audio');
    const reply = await client.request('join', {
      room: 'room',
      rtpCapabilities: { codecs },
      transports: { send: false, recv: true },
    });
    expect(reply.consumers.map(({ source }) => source)).toEqual(['microphone']);
  });
});

describe('publishing', () => {
  test('a source twice is a conflict, until the first is closed', async () => {
    const { client } = await weir.join();
    await client.request('produce', { source: 'camera', rtpParameters: vp8() });
    const again = { source: 'camera', rtpParameters: vp8('screen') } as const;
    await expect(client.request('produce', again)).rejects.toMatchObject(failure('conflict'));
    await client.request('closeProducer', { source: 'camera' });
    await expect(client.request('produce', again)).resolves.toHaveProperty('producerId');
  });

  test('requires a sending transport', async () => {
    const { client } = await weir.join({ transports: { send: false, recv: true } });
    const camera = { source: 'camera', rtpParameters: vp8() } as const;
    await expect(client.request('produce', camera)).rejects.toMatchObject(failure('notFound'));
  });

  test('all four sources at once works', async () => {
    const { client } = await weir.join({ room: 'room' });
    await Promise.all([
      client.request('produce', { source: 'camera', rtpParameters: vp8('camera') }),
      client.request('produce', { source: 'microphone', rtpParameters: opus('microphone') }),
      client.request('produce', { source: 'screen', rtpParameters: vp8('screen') }),
      client.request('produce', { source: 'screenAudio', rtpParameters: opus('screenAudio') }),
    ]);
    const bob = await weir.join({ room: 'room' });
    const sources = bob.reply.consumers.map(({ source }) => source);
    expect(sources.sort()).toEqual(['camera', 'microphone', 'screen', 'screenAudio']);
  });

  test.each(['closeProducer', 'pauseProducer', 'resumeProducer'] as const)(
    '%s of a source that is not published is notFound',
    async (method) => {
      const { client } = await weir.join();
      await expect(client.request(method, { source: 'camera' })).rejects.toMatchObject(failure('notFound'));
    },
  );

  test('a track of the wrong kind for its source is rejected', async () => {
    const { client } = await weir.join();
    const voice = { source: 'camera', rtpParameters: opus() } as const;
    const picture = { source: 'microphone', rtpParameters: vp8() } as const;
    await expect(client.request('produce', voice)).rejects.toMatchObject(failure('badRequest'));
    await expect(client.request('produce', picture)).rejects.toMatchObject(failure('badRequest'));
  });
});

describe('connectTransport', () => {
  test('connects each transport once; a second time is a conflict', async () => {
    const { client, reply } = await weir.join();
    for (const transport of [reply.transports.send, reply.transports.recv]) {
      const transportId = transport?.transportId ?? '';
      await client.request('connectTransport', { transportId, dtlsParameters: dtls });
      const again = client.request('connectTransport', { transportId, dtlsParameters: dtls });
      await expect(again).rejects.toMatchObject(failure('conflict'));
    }
  });
});

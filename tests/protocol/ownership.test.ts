/** Covers ownership: objects of other peers cannot be used, and look the same as objects that do not exist. */
import { describe, expect, test } from 'vitest';
import { dtls, opus, vp8 } from '../../scripts/support/media/clientParameters.ts';
import { withoutRequestId } from '../support/client.ts';
import { arePaused } from '../support/routers.ts';
import { failure, useServer } from '../support/weir.ts';

const weir = useServer();
const madeUp = '00000000-0000-4000-8000-000000000000';

describe("another peer's", () => {
  test('transport is as unknown as an invented one, and stays unconnected', async () => {
    const ada = await weir.join({ room: 'room' });
    const bob = await weir.join({ room: 'room' });
    const own = ada.reply.transports.send?.transportId ?? '';
    const foreign = await bob.client.requestRaw('connectTransport', { transportId: own, dtlsParameters: dtls });
    const invented = await bob.client.requestRaw('connectTransport', { transportId: madeUp, dtlsParameters: dtls });
    expect(foreign.error?.code).toBe('notFound');
    expect(withoutRequestId(foreign)).toEqual(withoutRequestId(invented));
    await expect(ada.client.request('connectTransport', { transportId: own, dtlsParameters: dtls })).resolves.toEqual(
      {},
    );
  });

  test('consumer is as unknown as an invented one, and stays paused', async () => {
    const ada = await weir.join({ room: 'room' });
    await ada.client.request('produce', { source: 'camera', rtpParameters: vp8() });
    const bob = await weir.join({ room: 'room' });
    const eve = await weir.join({ room: 'room' });
    const consumerIds = bob.reply.consumers.map(({ consumerId }) => consumerId);
    expect(consumerIds.length).toBe(1);
    const foreign = await eve.client.requestRaw('resumeConsumers', { consumerIds });
    const invented = await eve.client.requestRaw('resumeConsumers', { consumerIds: [madeUp] });
    expect(foreign.error?.code).toBe('notFound');
    expect(withoutRequestId(foreign)).toEqual(withoutRequestId(invented));
    expect(await arePaused(consumerIds)).toEqual([true]);
  });

  test('producer cannot be closed or paused: a source is always one of the sender', async () => {
    const ada = await weir.join({ room: 'room' });
    await ada.client.request('produce', { source: 'microphone', rtpParameters: opus() });
    const bob = await weir.join({ room: 'room' });
    for (const method of ['closeProducer', 'pauseProducer', 'resumeProducer'] as const) {
      await expect(bob.client.request(method, { source: 'microphone' })).rejects.toMatchObject(failure('notFound'));
    }
    const eve = await weir.join({ room: 'room' });
    expect(eve.reply.peers.find(({ peerId }) => peerId === ada.reply.peerId)?.sources).toEqual({ microphone: 'live' });
  });

  test.each(['\ud800', 'x'.repeat(257), '', '__proto__', 'constructor'])(
    'id %j is not found and has no effect',
    async (id) => {
      const { client } = await weir.join();
      const transport = await client.requestRaw('connectTransport', { transportId: id, dtlsParameters: dtls });
      expect(['notFound', 'badRequest']).toContain(transport.error?.code);
      const consumer = await client.requestRaw('resumeConsumers', { consumerIds: [id] });
      expect([undefined, 'notFound', 'badRequest']).toContain(consumer.error?.code);
      await expect(client.request('produce', { source: 'camera', rtpParameters: vp8() })).resolves.toHaveProperty(
        'producerId',
      );
    },
  );
});

describe('resumeConsumers', () => {
  test('resumes the others although one has closed meanwhile', async () => {
    const ada = await weir.join({ room: 'room' });
    await ada.client.request('produce', { source: 'camera', rtpParameters: vp8() });
    await ada.client.request('produce', { source: 'microphone', rtpParameters: opus() });
    const bob = await weir.join({ room: 'room' });
    const idOf = (source: string) => bob.reply.consumers.find((one) => one.source === source)?.consumerId ?? '';
    await ada.client.request('closeProducer', { source: 'camera' });
    await bob.client.event('consumersClosed');
    await bob.client.requestRaw('resumeConsumers', { consumerIds: [idOf('camera'), idOf('microphone')] });
    expect(await arePaused([idOf('microphone')])).toEqual([false]);
  });

  test('is answered with notFound when one has closed meanwhile', async () => {
    const ada = await weir.join({ room: 'room' });
    await ada.client.request('produce', { source: 'camera', rtpParameters: vp8() });
    const bob = await weir.join({ room: 'room' });
    await ada.client.request('closeProducer', { source: 'camera' });
    await bob.client.event('consumersClosed');
    const consumerIds = bob.reply.consumers.map(({ consumerId }) => consumerId);
    await expect(bob.client.request('resumeConsumers', { consumerIds })).rejects.toMatchObject({ code: 'notFound' });
  });
});

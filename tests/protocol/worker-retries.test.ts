/** Tests that failed worker requests are retried: video, audio and slot consumers, as long as they are wanted. */
import { errors, observer } from 'mediasoup';
import type { Transport } from 'mediasoup/types';
import { expect, onTestFinished, test, vi } from 'vitest';
import { dtls, opus, vp8 } from '../../scripts/support/media/clientParameters.ts';
import { AudioSlots } from '../../server/media/audio/AudioSlots.ts';
import { RoomRouters } from '../../server/media/RoomRouters.ts';
import { WeirError } from '../../shared/errors.ts';
import { serverMessages } from '../../shared/protocol.ts';
import { failure, useServer } from '../support/weir.ts';

/** Run for each transport that this process creates. */
const beforeTransport = new Set<(transport: Transport) => void>();
observer.on('newworker', (worker) => {
  worker.observer.on('newrouter', (router) => {
    router.observer.on('newtransport', (transport) => {
      for (const run of beforeTransport) run(transport);
    });
  });
});

const weir = useServer({ WEIR_MAX_AUDIBLE_SPEAKERS: '1' });

/** Lets the next calls fail as worker requests do. */
function failing(times: number) {
  const acquire = vi.spyOn(RoomRouters.prototype, 'acquire');
  onTestFinished(() => acquire.mockRestore());
  for (let left = times; left > 0; left -= 1) acquire.mockRejectedValueOnce(new WeirError('unavailable'));
  return acquire;
}

test.each([
  ['camera', vp8()],
  ['microphone', opus()],
] as const)('a %s consumer that could not be created is created a little later', async (source, rtpParameters) => {
  const ada = await weir.join({ room: 'room' });
  const bob = await weir.join({ room: 'room' });
  const acquire = failing(2);
  await ada.client.request('produce', { source, rtpParameters });
  const { consumers } = await bob.client.event('newConsumers');
  expect(consumers.map(({ peerId, source }) => [peerId, source])).toEqual([[ada.reply.peerId, source]]);
  expect(acquire).toHaveBeenCalledTimes(3);
});

test('a camera is not retried while it is hidden, and created when it is shown', async () => {
  const ada = await weir.join({ room: 'room' });
  const bob = await weir.join({ room: 'room' });
  const view = { peerId: ada.reply.peerId, source: 'camera', width: 320, height: 180 } as const;
  const acquire = failing(2);
  await ada.client.request('produce', { source: 'camera', rtpParameters: vp8() });
  await vi.waitUntil(() => acquire.mock.calls.length === 1, { interval: 1 });
  await bob.client.request('updateTrackSettings', { tracks: [{ ...view, width: 0 }] });
  // A microphone that fails after it is retried after it would be.
  await ada.client.request('produce', { source: 'microphone', rtpParameters: opus() });
  expect((await bob.client.event('newConsumers')).consumers.map(({ source }) => source)).toEqual(['microphone']);
  expect(acquire).toHaveBeenCalledTimes(3);
  await bob.client.request('updateTrackSettings', { tracks: [view] });
  expect((await bob.client.event('newConsumers')).consumers.map(({ source }) => source)).toEqual(['camera']);
});

test('slots that could not be created are, a little later', async () => {
  const producersOn = vi.spyOn(AudioSlots.prototype, 'producersOn');
  onTestFinished(() => producersOn.mockRestore());
  const members = [];
  for (let index = 0; index < 3; index += 1) members.push(await weir.join({ room: 'room' }));
  for (let left = 2 * members.length; left > 0; left -= 1) {
    producersOn.mockRejectedValueOnce(new WeirError('unavailable'));
  }
  for (const { client } of members) await client.request('produce', { source: 'microphone', rtpParameters: opus() });
  for (const { client } of members) {
    for (const slot of [0, 1]) {
      // They may be announced one by one.
      await client.until(`slot ${slot}`, () =>
        client.messages.find(({ event, data }) => event === 'newConsumers' && slotsIn(data).includes(slot)),
      );
    }
  }
});

test('a transport that could not be set up is `unavailable`, and can be opened afterwards', async () => {
  const { client } = await weir.join({ room: 'room', transports: { send: false, recv: true } });
  beforeTransport.add((transport) => {
    vi.spyOn(transport, 'setMaxIncomingBitrate').mockRejectedValueOnce(new errors.WorkerClosedError('no answer'));
  });
  await expect(client.request('openTransport', { direction: 'send' })).rejects.toMatchObject(failure('unavailable'));
  beforeTransport.clear();
  const { transport } = await client.request('openTransport', { direction: 'send' });
  await client.request('connectTransport', { transportId: transport.transportId, dtlsParameters: dtls });
});

/** The slots of the consumers that an event announces. */
function slotsIn(data: unknown): (number | undefined)[] {
  return serverMessages.events.newConsumers.data.parse(data).consumers.map(({ slot }) => slot);
}

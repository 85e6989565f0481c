/** Tests of SfuLink over a fake mediasoup handler: rights, transports and consumers in every order of the server's replies. */
import { FakeMediaStreamTrack } from 'fake-mediastreamtrack';
import { Device } from 'mediasoup-client';
import * as fake from 'mediasoup-client/fakeParameters';
import { FakeHandler } from 'mediasoup-client/handlers/FakeHandler';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { grantsOf } from '../../server/auth/grants.ts';
import { RtpParameters, TransportInfo } from '../../shared/media.ts';
import {
  type ClientMessages,
  type ConsumerInfo,
  clientMessages,
  type JoinReply,
  type ServerMessages,
  serverMessages,
} from '../../shared/protocol.ts';
import { RpcChannel } from '../../shared/RpcChannel.ts';
import { SfuLink } from '../../web/client/sfu/SfuLink.ts';
import { welcome } from '../support/roomClient.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const Sent = z.object({ id: z.number(), method: z.string(), data: z.record(z.string(), z.unknown()) });
const may = grantsOf('speaker');
const mayNot = { ...may, canSubscribe: false };

/** The parameters of a server's transport. */
function transportOf(transportId: string): TransportInfo {
  const { iceParameters, iceCandidates, dtlsParameters } = fake.generateTransportRemoteParameters();
  return TransportInfo.parse({ transportId, iceParameters, iceCandidates, dtlsParameters });
}

function consumerOf(consumerId: string): ConsumerInfo {
  const { rtpParameters } = fake.generateConsumerRemoteParameters({ codecMimeType: 'audio/opus' });
  return {
    consumerId,
    producerId: `producer of ${consumerId}`,
    peerId: `peer of ${consumerId}`,
    source: 'microphone',
    kind: 'audio',
    rtpParameters: RtpParameters.parse(rtpParameters),
  };
}

/** A link without a receiving transport, connected to a server that replies when the test says so. */
async function linked(transports: JoinReply['transports'] = {}, iceServers: JoinReply['iceServers'] = []) {
  const fakeFactory = FakeHandler.createFactory(fake);
  /** Of the transports, in the order of their creation. */
  const handlers: FakeHandler[] = [];
  const factory: typeof fakeFactory.factory = (options) => {
    const handler = fakeFactory.factory(options);
    if (handler instanceof FakeHandler) handlers.push(handler);
    return handler;
  };
  const device = new Device({ handlerFactory: { ...fakeFactory, factory } });
  await device.load({ routerRtpCapabilities: fake.generateRouterRtpCapabilities() });
  const sent: z.infer<typeof Sent>[] = [];
  const channel = new RpcChannel<ClientMessages, ServerMessages>({
    outgoing: clientMessages,
    incoming: serverMessages,
    handlers: { ping: () => ({}) },
    send: (message) => sent.push(Sent.parse(JSON.parse(message))),
  });
  const link = new SfuLink({
    device,
    video: { camera: 'VP8', screen: 'VP8' },
    limits: welcome.limits,
    reply: { kind: 'call', transports, iceServers },
    signalling: { reconnecting: false, request: (method, data) => channel.request(method, data) },
    isExpected: () => false,
  });
  const tracks: (string | undefined)[] = [];
  const events: string[] = [];
  link.on('trackAdded', ({ peerId }) => tracks.push(peerId));
  link.on('localTrackEnded', (source) => events.push(`${source} ended`));
  link.on('failed', () => events.push('failed'));
  const asked = (method: string) => sent.filter((one) => one.method === method);
  /** Replies to the latest request of that method. */
  const answer = async (method: string, reply: { data: unknown } | { error: { code: string; message: string } }) => {
    channel.receive(JSON.stringify({ id: asked(method).at(-1)?.id, ...reply }));
    await vi.advanceTimersByTimeAsync(0);
  };
  return { link, tracks, events, asked, answer, handlers };
}

const unavailable = { error: { code: 'unavailable', message: 'Not now.' } };

test('a consumer announced while the receiving transport is being opened is received as soon as that is open', async () => {
  const { link, tracks, asked, answer } = await linked();
  link.applyGrants(may);
  await link.consume([consumerOf('early'), consumerOf('closed again')]);
  link.closeConsumers(['closed again']);
  expect(tracks).toEqual([]);
  await answer('openTransport', { data: { transport: transportOf('one') } });
  expect(tracks).toEqual(['peer of early']);
  expect(asked('resumeConsumers').map(({ data }) => data)).toEqual([{ consumerIds: ['early'] }]);
});

test('a consumer announced under revoked grants is not received under the next ones', async () => {
  const { link, tracks, answer } = await linked();
  link.applyGrants(may);
  await link.consume([consumerOf('former')]);
  link.applyGrants(mayNot);
  link.applyGrants(may);
  await answer('openTransport', { error: { code: 'closed', message: 'It ended.' } });
  await answer('openTransport', { data: { transport: transportOf('two') } });
  expect(tracks).toEqual([]);
});

test('grants that were revoked and restored while a transport was being opened open another one', async () => {
  const { link, asked, answer, tracks } = await linked();
  link.applyGrants(may);
  link.applyGrants(mayNot);
  link.applyGrants(may);
  // The server opened it under the former grants, and has closed it with them.
  await answer('openTransport', { data: { transport: transportOf('former') } });
  expect(asked('openTransport')).toHaveLength(2);
  await link.consume([consumerOf('late')]);
  expect(tracks).toEqual([]);
  await answer('openTransport', { data: { transport: transportOf('second') } });
  expect(tracks).toEqual(['peer of late']);
});

test('what the server no longer has after a reconnect has ended, although the grants are restored', async () => {
  const { link, events, asked, answer } = await linked({ send: transportOf('send') });
  link.applyGrants(may);
  const publishing = link.publish('microphone', new FakeMediaStreamTrack({ kind: 'audio' }), {});
  await vi.advanceTimersByTimeAsync(0);
  expect(asked('produce')).toHaveLength(1);
  // Without a reply the request may be pending: it is sent again over the next connection.
  const transports = { send: 'send' };
  expect(link.applyGrants(may, { transports, sources: {} })).toBe(false);
  await answer('produce', { data: { producerId: 'one' } });
  await publishing;
  expect(link.applyGrants(may, { transports, sources: { microphone: 'live' } })).toBe(false);
  expect(events).toEqual([]);
  expect(link.applyGrants(may, { transports, sources: {} })).toBe(true);
  expect(events).toEqual(['microphone ended']);
  expect(link.publishedTrack('microphone')).toBeUndefined();
});

test('a change of unrelated grants keeps what is received', async () => {
  const { link, asked, answer, tracks } = await linked();
  link.applyGrants(may);
  await answer('openTransport', { data: { transport: transportOf('one') } });
  link.applyGrants({ ...may, canPublish: false });
  link.applyGrants(may);
  expect(asked('openTransport')).toHaveLength(1);
  await link.consume([consumerOf('next')]);
  await vi.advanceTimersByTimeAsync(0);
  expect(tracks).toEqual(['peer of next']);
});

test('a transport whose grant ends while it connects does not end the session', async () => {
  const { link, events, asked, answer } = await linked({ recv: transportOf('recv') });
  link.applyGrants(may);
  void link.consume([consumerOf('one')]);
  await vi.advanceTimersByTimeAsync(0);
  expect(asked('connectTransport')).toHaveLength(1);
  link.applyGrants(mayNot);
  await answer('connectTransport', { error: { code: 'notFound', message: 'You have no transport of that id.' } });
  expect(events).toEqual([]);
});

test('a track that is published under new grants does not wait for a transport of the former ones', async () => {
  const { link, asked, answer } = await linked({ recv: transportOf('recv') });
  link.applyGrants(may);
  link.publish('microphone', new FakeMediaStreamTrack({ kind: 'audio' }), {}).catch(() => {});
  await vi.advanceTimersByTimeAsync(0);
  link.applyGrants({ ...may, canPublish: false });
  link.applyGrants(may);
  const next = link.publish('screenAudio', new FakeMediaStreamTrack({ kind: 'audio' }), {});
  await vi.advanceTimersByTimeAsync(0);
  expect(asked('openTransport')).toHaveLength(2);
  await answer('openTransport', { data: { transport: transportOf('second') } });
  await answer('produce', { data: { producerId: 'one' } });
  await next;
  link.close();
});

test('a loss ends with the transport that was lost, and does not count for the next one', async () => {
  const { link, events, asked, handlers } = await linked({ send: transportOf('send'), recv: transportOf('recv') });
  const states: string[] = [];
  link.applyGrants(may);
  for (const handler of handlers) handler.setConnectionState('connected');
  link.on('connectionStateChanged', (state) => states.push(state));
  handlers[0]?.setConnectionState('disconnected');
  link.applyGrants({ ...may, canPublish: false });
  expect([states, link.connectionState]).toEqual([['lost', 'connected'], 'connected']);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked('restartIce')).toEqual([]);
  handlers[1]?.setConnectionState('disconnected');
  await vi.advanceTimersByTimeAsync(2000);
  expect(asked('restartIce')).toHaveLength(1);
  expect(events).toEqual([]);
  link.close();
});

test('statistics do not fail with a track that ends meanwhile', async () => {
  const { link, handlers } = await linked({ recv: transportOf('recv') });
  link.applyGrants(may);
  await link.consume([consumerOf('one'), consumerOf('two')]);
  const [handler] = handlers;
  if (!handler) throw new Error('there is no transport');
  vi.spyOn(handler, 'getReceiverStats').mockRejectedValueOnce(new Error('it has ended'));
  expect((await link.getStats()).map(({ peerId }) => peerId)).toEqual(['peer of two']);
  link.close();
});

test('a source muted while it is being published is sent as muted afterwards', async () => {
  const { link, asked, answer } = await linked({ send: transportOf('send') });
  link.applyGrants(may);
  const publishing = link.publish('microphone', new FakeMediaStreamTrack({ kind: 'audio' }), {});
  await vi.advanceTimersByTimeAsync(0);
  expect(asked('produce')).toMatchObject([{ data: { paused: false } }]);
  const muting = link.setMuted('microphone', true);
  await vi.advanceTimersByTimeAsync(0);
  expect(link.publishedTrack('microphone')?.track.enabled).toBe(false);
  expect(asked('pauseProducer')).toEqual([]);
  await answer('produce', { data: { producerId: 'one' } });
  await answer('pauseProducer', { data: {} });
  await Promise.all([publishing, muting]);
  expect(asked('pauseProducer')).toHaveLength(1);
});

test('a receiving transport that cannot be opened is requested again with growing delays, then given up', async () => {
  const { link, events, asked, answer } = await linked();
  link.applyGrants(may);
  for (const [index, delay] of [500, 1000, 2000, 4000].entries()) {
    await answer('openTransport', unavailable);
    await vi.advanceTimersByTimeAsync(delay - 1);
    expect(asked('openTransport')).toHaveLength(index + 1);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked('openTransport')).toHaveLength(index + 2);
  }
  expect(events).toEqual([]);
  await answer('openTransport', unavailable);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked('openTransport')).toHaveLength(5);
  expect(events).toEqual(['failed']);
});

test.each([
  ['the right is gone', (link: SfuLink) => link.applyGrants(mayNot)],
  ['the link is closed', (link: SfuLink) => link.close()],
])('no transport is requested again once %s', async (_, end) => {
  const { link, events, asked, answer } = await linked();
  link.applyGrants(may);
  await answer('openTransport', unavailable);
  end(link);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked('openTransport')).toHaveLength(1);
  expect(events).toEqual([]);
});

describe('a first connection that fails', () => {
  const turn = { urls: ['turn:turn.example:3478'], username: '1:ann', credential: 'secret' };
  const transports = () => ({ send: transportOf('send') });

  test('is attempted again for twelve seconds where there are TURN servers, since Firefox gives up early', async () => {
    const { link, events, asked, answer, handlers } = await linked(transports(), [turn]);
    await vi.advanceTimersByTimeAsync(6000);
    handlers[0]?.setConnectionState('failed');
    await vi.advanceTimersByTimeAsync(0);
    expect(asked('restartIce')).toHaveLength(1);
    await answer('restartIce', { data: { iceServers: [turn] } });
    expect(events).toEqual([]);
    handlers[0]?.setConnectionState('connecting');
    await vi.advanceTimersByTimeAsync(6000);
    handlers[0]?.setConnectionState('failed');
    expect(events).toEqual(['failed']);
    link.close();
  });

  test.each([
    ['never connects', 'connecting', ['failed']],
    ['has connected', 'connected', []],
  ] as const)('counts for twenty seconds: one that %s', async (_, state, expected) => {
    const { link, events, handlers } = await linked(transports(), [turn]);
    handlers[0]?.setConnectionState('connecting');
    handlers[0]?.setConnectionState(state);
    await vi.advanceTimersByTimeAsync(19_999);
    expect(events).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(events).toEqual(expected);
    link.close();
  });

  test('that is closed is none any more', async () => {
    const { link, events, handlers } = await linked(transports());
    handlers[0]?.setConnectionState('connecting');
    link.close();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(events).toEqual([]);
  });

  test('ends the session at once without TURN servers: there is nothing that is still to come', async () => {
    const { link, events, handlers } = await linked(transports());
    handlers[0]?.setConnectionState('failed');
    expect(events).toEqual(['failed']);
    link.close();
  });
});

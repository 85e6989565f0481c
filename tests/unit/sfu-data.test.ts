/** Covers how long the connection for data may take until its channels are open, from when on, and what its end does. */
import * as fake from 'mediasoup-client/fakeParameters';
import { expect, test, vi } from 'vitest';
import { type ClientMessages, clientMessages, type ServerMessages, serverMessages } from '../../shared/protocol.ts';
import { RpcChannel } from '../../shared/RpcChannel.ts';
import { SfuData } from '../../web/client/sfu/SfuData.ts';
import { FakeConnection, useFakeConnections } from '../support/FakeConnection.ts';
import { fakeOwnTimers } from '../support/fakeOwnTimers.ts';
import { welcome } from '../support/roomClient.ts';

/** As `FakeConnection`, with what the one for data also needs. */
class Connection extends FakeConnection {
  getConfiguration(): RTCConfiguration {
    return {};
  }

  setConfiguration(): void {}

  override async createOffer() {
    return { type: 'offer', sdp: 'a=fingerprint:sha-256 AB:CD\r\n' };
  }
}

fakeOwnTimers();
useFakeConnections(Connection);

/** One message that waits for its channel, which the server is asked for; what has become of it, in order. */
async function sending() {
  const events: string[] = [];
  const ids: number[] = [];
  const channel = new RpcChannel<ClientMessages, ServerMessages>({
    outgoing: clientMessages,
    incoming: serverMessages,
    handlers: { ping: () => ({}) },
    send: (message) => ids.push(JSON.parse(message).id),
    // While signalling is lost, requests wait for the next connection without a limit of their own.
    requestTimeout: 600_000,
  });
  const data = new SfuData({
    request: (method, request) => channel.request(method, request),
    limits: welcome.limits,
    iceTransportPolicy: undefined,
    onReceived: () => {},
    onPathLost: () => {},
    onFailed: ({ code }) => events.push(`failed: ${code}`),
  });
  data.send({ channel: 'reliable', topic: '', data: new Uint8Array(1) }).then(
    () => events.push('sent'),
    ({ code }) => events.push(`rejected: ${code}`),
  );
  await vi.advanceTimersByTimeAsync(0);
  const connection = FakeConnection.made.at(-1);
  if (!connection) throw new Error('There is no connection.');
  const reply = async () => {
    const { iceParameters, iceCandidates, dtlsParameters } = fake.generateTransportRemoteParameters();
    const size = 262_144;
    const sctpParameters = { port: 5000, OS: 1024, MIS: 1024, maxMessageSize: size };
    const transport = {
      ...{ transportId: 'data', iceParameters, iceCandidates, dtlsParameters },
      sctpParameters: { ...sctpParameters, maxSendMessageSize: size, maxReceiveMessageSize: size },
    };
    channel.receive(JSON.stringify({ id: ids[0], data: { transport, iceServers: [] } }));
    await vi.advanceTimersByTimeAsync(0);
  };
  return { data, events, connection, reply };
}

test('the twenty seconds begin with the reply of the server, which may wait for the signalling', async () => {
  const { events, connection, reply } = await sending();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(events).toEqual([]);
  await reply();
  await vi.advanceTimersByTimeAsync(19_999);
  expect([events, connection.connectionState]).toEqual([[], 'new']);
  await vi.advanceTimersByTimeAsync(1);
  expect([events, connection.connectionState]).toEqual([['failed: unavailable', 'rejected: unavailable'], 'closed']);
  expect(vi.getTimerCount()).toBe(0);
});

test('channels that open within them stay, and what waited is sent', async () => {
  const { events, connection, reply } = await sending();
  await reply();
  await vi.advanceTimersByTimeAsync(19_999);
  connection.connect();
  await vi.advanceTimersByTimeAsync(60_000);
  expect([events, connection.connectionState]).toEqual([['sent'], 'connected']);
  expect(vi.getTimerCount()).toBe(0);
});

test('a session that ends before the reply has no timer, whatever comes', async () => {
  const { data, events, connection, reply } = await sending();
  data.close();
  await reply();
  expect([events, connection.connectionState, vi.getTimerCount()]).toEqual([['rejected: closed'], 'closed', 0]);
});

/** Tests of TransportPair over a fake mediasoup handler: which ICE servers transports get, and when they are replaced. */
import { Device } from 'mediasoup-client';
import * as fake from 'mediasoup-client/fakeParameters';
import { FakeHandler } from 'mediasoup-client/handlers/FakeHandler';
import { expect, test, vi } from 'vitest';
import { type IceServer, TransportInfo } from '../../shared/media.ts';
import { type ClientMessages, clientMessages, type ServerMessages, serverMessages } from '../../shared/protocol.ts';
import { RpcChannel } from '../../shared/RpcChannel.ts';
import { TransportPair } from '../../web/client/sfu/TransportPair.ts';

const stun: IceServer = { urls: ['stun:weir.example:3478'] };
const relay = (expiry: number): IceServer => ({
  urls: ['turn:turn.example:3478?transport=udp', 'turns:turn.example:443?transport=tcp'],
  username: `${expiry}:ann`,
  credential: `made for ${expiry}`,
});

function transportOf(transportId: string): TransportInfo {
  const { iceParameters, iceCandidates, dtlsParameters } = fake.generateTransportRemoteParameters();
  return TransportInfo.parse({ transportId, iceParameters, iceCandidates, dtlsParameters });
}

/** A pair whose server replies to `restartIce` with these ICE servers, and what happens to its transports, in order. */
async function paired(joined: IceServer[], restarted: IceServer[], iceTransportPolicy?: RTCIceTransportPolicy) {
  const events: string[] = [];
  const fakeFactory = FakeHandler.createFactory(fake);
  const created: Parameters<typeof fakeFactory.factory>[0][] = [];
  const factory: typeof fakeFactory.factory = (options) => {
    created.push(options);
    const handler = fakeFactory.factory(options);
    const { direction } = options;
    vi.spyOn(handler, 'updateIceServers').mockImplementation(async (servers) => {
      events.push(`${direction} has ${servers.map(({ username }) => username).join()}`);
    });
    vi.spyOn(handler, 'restartIce').mockImplementation(async () => void events.push(`${direction} restarts`));
    return handler;
  };
  const device = new Device({ handlerFactory: { ...fakeFactory, factory } });
  await device.load({ routerRtpCapabilities: fake.generateRouterRtpCapabilities() });
  const parameters = { usernameFragment: 'fresh', password: 'fresh password' };
  const channel = new RpcChannel<ClientMessages, ServerMessages>({
    outgoing: clientMessages,
    incoming: serverMessages,
    handlers: { ping: () => ({}) },
    send: (message) => {
      const { id }: { id: number } = JSON.parse(message);
      channel.receive(JSON.stringify({ id, data: { send: parameters, recv: parameters, iceServers: restarted } }));
    },
  });
  const pair = new TransportPair({
    device,
    request: (method, data) => channel.request(method, data),
    iceServers: joined,
    iceTransportPolicy,
    onStateChange: () => {},
    onConnectTimeout: () => events.push('timeout'),
    onRefused: () => {},
    onDataRestart: () => {},
  });
  return { pair, events, created };
}

test('both transports have the TURN servers and the policy; STUN servers are of no use to them', async () => {
  const { pair, created } = await paired([stun, relay(100)], [], 'relay');
  pair.createSend(transportOf('send'));
  pair.createRecv(transportOf('recv'));
  expect(created).toMatchObject([
    { direction: 'send', iceServers: [relay(100)], iceTransportPolicy: 'relay' },
    { direction: 'recv', iceServers: [relay(100)], iceTransportPolicy: 'relay' },
  ]);
});

test('a transport that is opened later has the servers that came with it', async () => {
  const { pair, created } = await paired([relay(100)], []);
  pair.createRecv(transportOf('recv'));
  pair.createSend(transportOf('send'), [relay(900)]);
  expect(created.map(({ iceServers }) => iceServers)).toEqual([[relay(100)], [relay(900)]]);
});

test('before ICE restarts, both transports get the fresh servers in place of those whose credentials have expired', async () => {
  const { pair, events } = await paired([relay(100)], [stun, relay(900)]);
  pair.createSend(transportOf('send'));
  pair.createRecv(transportOf('recv'));
  await pair.restartIce();
  for (const direction of ['send', 'recv']) {
    expect(events.filter((event) => event.startsWith(direction))).toEqual([
      `${direction} has 900:ann`,
      `${direction} restarts`,
    ]);
  }
});

test('ICE restarts also in a browser that cannot replace its servers, and without any', async () => {
  const { pair, events } = await paired([relay(100)], [relay(900)]);
  const transport = pair.createSend(transportOf('send'));
  vi.spyOn(transport, 'updateIceServers').mockRejectedValue(new Error('not supported'));
  await pair.restartIce();
  expect(events).toEqual(['send restarts']);
  const without = await paired([], []);
  without.pair.createSend(transportOf('send'));
  await without.pair.restartIce();
  expect(without.events).toEqual(['send restarts']);
});

test('the ways to the server are those of the candidates and of the TURN servers, each once', async () => {
  const { pair } = await paired([relay(100)], []);
  expect(pair.triedPaths).toEqual([]);
  pair.createSend(transportOf('send'));
  pair.createRecv(transportOf('recv'));
  expect(pair.triedPaths).toEqual(['udp', 'turn-udp', 'turn-tls']);
  const restricted = await paired([{ ...relay(100), urls: ['turn:turn.example?transport=tcp'] }], [], 'relay');
  restricted.pair.createSend(transportOf('send'));
  expect(restricted.pair.triedPaths).toEqual(['turn-tcp']);
});

test('relayed media needs a TURN server', async () => {
  const refusal = { name: 'WeirError', code: 'unavailable', reason: 'noTurnServer' };
  await expect(paired([stun], [], 'relay')).rejects.toMatchObject(refusal);
});

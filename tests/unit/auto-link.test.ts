/** The link of a room with the policy `auto`: by which way data goes, and the state of media that both ways make. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { decodeDataFrame, encodeDataFrame } from '../../shared/dataFrame.ts';
import { WeirError } from '../../shared/errors.ts';
import type { DirectLinkOptions } from '../../web/client/DirectLink.ts';
import type { OutgoingData } from '../../web/client/MediaLink.ts';
import { AutoLink } from '../../web/client/p2p/AutoLink.ts';
import { FakeConnection, useFakeConnections } from '../support/FakeConnection.ts';
import { FakeMediaLink } from '../support/FakeMediaLink.ts';
import { joinReply } from '../support/roomClient.ts';

const cleanUp: (() => void)[] = [];
useFakeConnections();
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
});
afterEach(() => {
  for (const undo of cleanUp.splice(0)) undo();
  vi.useRealTimers();
});

const trackOf = (kind: 'audio' | 'video'): MediaStreamTrack => Object.create({ id: kind, kind });

/** Ada's link in a room with Bob and Cleo. */
function atAda(options: Partial<DirectLinkOptions> = {}) {
  // Requests are never answered.
  const request = () => new Promise<never>(() => {});
  const signalling = { request, reconnecting: false };
  const sfu = new FakeMediaLink({ reply: joinReply(), signalling, isExpected: () => true });
  sfu.connectionState = 'connected';
  const link = new AutoLink({
    ...{ sfu, peerId: 'ada', kind: 'call', video: { camera: 'VP8', screen: 'VP8' }, request, received: [] },
    peerIds: () => ['bob', 'cleo'],
    maySendData: () => true,
    isPublished: () => true,
    isExpected: () => false,
    ...options,
  });
  cleanUp.push(() => link.close());
  const name = (...peers: string[]) =>
    link.setDirectPeers({
      peers: peers.map((peerId) => ({ peerId, negotiation: 1, canPublishData: true })),
      iceServers: [],
    });
  const states: string[] = [];
  link.on('connectionStateChanged', (state) => states.push(state));
  /** Messages that went by the SFU: whom they are for. */
  const bySfu = () => sfu.callsOf('sendData').map(([message]) => message);
  return { link, sfu, name, states, bySfu };
}

/** Payloads that went over a direct connection on this channel. */
const sentOn = (connection: FakeConnection | undefined, label: string) =>
  connection?.channels
    .find((channel) => channel.label === label)
    ?.sent.map((bytes) => (bytes instanceof Uint8Array ? [...decodeDataFrame(bytes).data] : []));

const message = (channel: OutgoingData['channel'], value: number, ...to: string[]): OutgoingData => ({
  ...{ channel, topic: 'files', data: Uint8Array.of(value) },
  ...(to.length > 0 && { to }),
});

test('files go directly to whom there is a connection, and by the SFU to the others; all else goes by the SFU', async () => {
  const { link, name, bySfu } = atAda();
  name('bob');
  await link.sendData(message('bulk', 0, 'bob'));
  const [connection] = FakeConnection.made;
  connection?.connect();
  await link.sendData(message('bulk', 1, 'bob'));
  await link.sendData(message('bulk', 2, 'bob', 'cleo'));
  await link.sendData(message('bulk', 3, 'cleo'));
  await link.sendData(message('bulk', 4));
  await link.sendData(message('reliable', 5, 'bob'));
  await link.sendData(message('lossy', 6, 'bob'));
  expect(sentOn(connection, 'bulk')).toEqual([[1], [2]]);
  expect(sentOn(connection, 'reliable')).toEqual([]);
  expect(sentOn(connection, 'lossy')).toEqual([]);
  expect(bySfu()).toEqual([
    message('bulk', 0, 'bob'),
    message('bulk', 2, 'cleo'),
    message('bulk', 3, 'cleo'),
    message('bulk', 4),
    message('reliable', 5, 'bob'),
    message('lossy', 6, 'bob'),
  ]);
});

test.each([
  ['the server asks for no direct connection', (_: FakeConnection | undefined, name: () => void) => name()],
  [
    'the connection fails',
    (connection: FakeConnection | undefined) => {
      if (!connection) return;
      connection.connectionState = 'failed';
      connection.dispatchEvent(new Event('connectionstatechange'));
    },
  ],
])('when %s, what waits is dropped, nobody waits for it, and files go by the SFU', async (_, end) => {
  const { link, name, bySfu } = atAda();
  name('bob');
  const [connection] = FakeConnection.made;
  connection?.connect();
  const chunk = { ...message('bulk', 0, 'bob'), data: new Uint8Array(65_536) };
  for (let count = 0; count < 15; count += 1) await link.sendData(chunk);
  let done = 0;
  const count = () => {
    done += 1;
  };
  void link.sendData(chunk).then(count);
  void link.bufferedAmountLow('bulk').then(count);
  await vi.advanceTimersByTimeAsync(0);
  expect(done).toBe(0);
  expect(link.bufferedAmount('bulk')).toBeGreaterThan(1_048_576);
  end(connection, name);
  await vi.advanceTimersByTimeAsync(0);
  expect(done).toBe(2);
  expect(link.bufferedAmount('bulk')).toBe(0);
  await link.sendData(message('bulk', 1, 'bob'));
  expect(bySfu()).toEqual([message('bulk', 1, 'bob')]);
});

test('without the grant no file goes directly', async () => {
  const { link, name } = atAda({ maySendData: () => false });
  name('bob');
  FakeConnection.made[0]?.connect();
  await expect(link.sendData(message('bulk', 1, 'bob'))).rejects.toMatchObject({ code: 'forbidden' });
});

test('the state of media is reported when the way of a track changes it, although the link over the SFU says nothing', async () => {
  const { link, sfu, name, states } = atAda();
  name('bob');
  const [connection] = FakeConnection.made;
  if (connection) connection.track = trackOf('video');
  connection?.connect();
  const signal = {
    description: { type: 'offer', sdp: 'v=0\r\n' } as const,
    sources: [{ mid: '0', source: 'camera' as const }],
  };
  link.receiveDirectSignal({ peerId: 'bob', negotiation: 1, signal });
  await vi.advanceTimersByTimeAsync(1000);
  expect(link.receivesDirectly('bob', 'camera')).toBe(true);
  // Everything comes directly.
  sfu.connectionState = 'lost';
  sfu.emit('connectionStateChanged', 'lost');
  expect(states).toEqual([]);
  name();
  expect(states).toEqual(['lost']);
});

test('only files are taken from a direct connection: the server limits all else', () => {
  const { link, name } = atAda();
  const received: string[] = [];
  link.on('dataReceived', ({ channel }) => received.push(channel));
  name('bob');
  const [connection] = FakeConnection.made;
  connection?.connect();
  const data = encodeDataFrame({ sequence: 0, topic: 'files', peerIds: [], data: Uint8Array.of(1) }).buffer;
  for (const channel of connection?.channels ?? []) channel.dispatchEvent(new MessageEvent('message', { data }));
  expect(received).toEqual(['bulk']);
});

test.each([
  ['rateLimited', 1],
  ['notFound', 0],
  ['closed', 0],
] as const)('a description that is refused as %s: %i failures are reported', async (code, count) => {
  const requested: string[] = [];
  const request = async (method: string): Promise<never> => {
    requested.push(method);
    if (method === 'sendDirectSignal') throw new WeirError(code);
    return new Promise<never>(() => {});
  };
  const { link, name } = atAda({ request });
  name('bob');
  const [connection] = FakeConnection.made;
  connection?.connect();
  if (connection) connection.localDescription = { type: 'answer', sdp: '' };
  const offer = { description: { type: 'offer' as const, sdp: '' }, sources: [] };
  link.receiveDirectSignal({ peerId: 'bob', negotiation: 1, signal: offer });
  await vi.advanceTimersByTimeAsync(0);
  expect(requested).toContain('sendDirectSignal');
  expect(requested.filter((method) => method === 'reportDirectFailure')).toHaveLength(count);
});

/** A RoomClient with a fake media link and fake signalling, and the messages of a server. */
import { FakeMediaStreamTrack } from 'fake-mediastreamtrack';
import { onTestFinished } from 'vitest';
import { grantsOf } from '../../server/auth/grants.ts';
import {
  type ConsumerInfo,
  type JoinReply,
  type PeerInfo,
  PROTOCOL_VERSION,
  type ResumeReply,
} from '../../shared/protocol.ts';
import { RoomClient } from '../../web/client/RoomClient.ts';
import type { RoomClientDependencies } from '../../web/client/RoomSession.ts';
import type { ConnectedSignalling } from '../../web/client/Signalling.ts';
import { FakeMediaLink } from './FakeMediaLink.ts';
import { FakeSignalling } from './FakeSignalling.ts';

export const speaker = grantsOf('speaker');
export const viewer = grantsOf('viewer');
export const rtpCapabilities = { codecs: [], headerExtensions: [] };
export const welcome: ConnectedSignalling['welcome'] = {
  protocol: PROTOCOL_VERSION,
  auth: 'token',
  rtpCapabilities,
  video: { camera: 'VP8', screen: 'VP8' },
  joinReports: false,
  limits: {
    messageBytes: 65_536,
    joinSeconds: 10,
    queueSeconds: 10,
    pingSeconds: 5,
    silenceSeconds: 10,
    resumeSeconds: 30,
    dataBytes: 65_536,
    dataMessages: 200,
    dataBitrate: 2_000_000,
    fileBytes: 2_147_483_648,
    fileBitrate: 40_000_000,
  },
};

export function peer(peerId: string, info: Partial<PeerInfo> = {}): PeerInfo {
  return {
    peerId,
    identity: `identity of ${peerId}`,
    name: peerId,
    sources: {},
    hand: false,
    away: false,
    canExchangeData: true,
    ...info,
  };
}

export function consumer(consumerId: string, peerId: string): ConsumerInfo {
  return {
    consumerId,
    producerId: `producer of ${consumerId}`,
    peerId,
    source: 'camera',
    kind: 'video',
    rtpParameters: { codecs: [], encodings: [], headerExtensions: [], rtcp: {} },
  };
}

export function joinReply(reply: Partial<JoinReply> = {}): JoinReply {
  return {
    peerId: 'me',
    identity: 'my identity',
    name: 'Me',
    grants: speaker,
    resumeKey: 'key',
    peers: [],
    transports: {},
    iceServers: [],
    consumers: [],
    unsupportedCodecs: [],
    slots: [],
    kind: 'call',
    policy: 'sfu',
    directPeers: { peers: [], iceServers: [] },
    access: { locked: false, waitingRoom: false },
    ...reply,
  };
}

export function resumeReply(reply: Partial<ResumeReply> = {}): ResumeReply {
  return {
    peers: [],
    consumers: [],
    unsupportedCodecs: [],
    slots: [],
    subscribedLayers: [],
    addressChanged: false,
    sources: {},
    muted: [],
    grants: speaker,
    transports: {},
    directPeers: { peers: [], iceServers: [] },
    access: { locked: false, waitingRoom: false },
    ...reply,
  };
}

export const video = () => new FakeMediaStreamTrack({ kind: 'video' });

/** Runs all pending promise callbacks. */
export const settled = () => new Promise((resolve) => setTimeout(resolve));

/**
 * A client before its join, with its fakes; the test resolves connecting and loading. It leaves when the test has finished:
 * until then it watches the quality of its connection.
 * @param loadDirect loads direct media; without it there is none
 */
export function created(loadDirect?: RoomClientDependencies['loadDirect']) {
  const connected = Promise.withResolvers<FakeSignalling>();
  const loaded = Promise.withResolvers<void>();
  const steps: string[] = [];
  const events: string[] = [];
  let connectSignal: AbortSignal | undefined;
  let signalling: FakeSignalling | undefined;
  let link: FakeMediaLink | undefined;
  const client = new RoomClient(
    { url: 'https://weir.example' },
    {
      ...(loadDirect && { loadDirect }),
      connect: async (options, signal) => {
        steps.push('connect');
        connectSignal = signal;
        signalling = new FakeSignalling(options);
        return { signalling: await connected.promise, welcome };
      },
      loadMedia: () => {
        steps.push('load media');
        return {
          load: async () => {
            await loaded.promise;
            return {
              rtpCapabilities,
              createLink: (options) => {
                steps.push('create link');
                link = new FakeMediaLink(options);
                return link;
              },
            };
          },
        };
      },
    },
  );
  onTestFinished(() => client.leave());
  client.on('stateChanged', (state) => events.push(state));
  client.on('peerJoined', ({ peerId }) => events.push(`${peerId} joined`));
  client.on('peerLeft', ({ peer: { peerId }, reason }) => events.push(`${peerId} ${reason}`));
  client.on('trackAdded', ({ peer: { peerId }, source }) => events.push(`${source} of ${peerId} added`));
  client.on('trackRemoved', ({ peer: { peerId }, source }) => events.push(`${source} of ${peerId} removed`));
  client.on('audioSlotTrackAdded', ({ slot }) => events.push(`slot ${slot} added`));
  client.on('reconnectingChanged', (reconnecting) => events.push(reconnecting ? 'reconnecting' : 'reconnected'));
  client.on('grantsChanged', ({ canPublish }) => events.push(canPublish ? 'may publish' : 'may not publish'));
  client.on('localSourcesChanged', (sources) => events.push(`local ${JSON.stringify(sources)}`));
  client.on('mediaConnectionStateChanged', (state) => events.push(`media ${state}`));
  client.on('closed', ({ reason }) => events.push(`closed: ${reason}`));
  const current = () => {
    if (!signalling) throw new Error('there is no signalling yet');
    return signalling;
  };
  const currentLink = () => {
    if (!link) throw new Error('there is no link yet');
    return link;
  };
  return {
    client,
    steps,
    events,
    connect: () => connected.resolve(current()),
    failToConnect: (error: Error) => connected.reject(error),
    load: () => loaded.resolve(),
    aborted: () => connectSignal?.aborted,
    signalling: current,
    link: currentLink,
    hasLink: () => link !== undefined,
  };
}

/** A client that has joined. */
export async function joined(reply: Partial<JoinReply> = {}) {
  const room = created();
  const joining = room.client.join({ room: 'here', token: 'token' });
  room.connect();
  room.load();
  await settled();
  room.signalling().joinReply.resolve(joinReply(reply));
  await joining;
  room.events.length = 0;
  return { ...room, signalling: room.signalling(), link: room.link() };
}

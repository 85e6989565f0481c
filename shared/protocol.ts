/**
 * Owns the protocol, version 2: every request, reply and event that travels between a client and the server.
 *
 * What a client sends is strict: an unknown field is an error. What the server sends is tolerant: an unknown field is
 * dropped, so that old clients survive new servers. `docs/protocol.md` is generated from these tables.
 */
import { z } from 'zod';
import {
  DtlsParameters,
  IceParameters,
  MediaKind,
  RtpCapabilities,
  RtpParameters,
  Source,
  TransportCounters,
  TransportInfo,
  text,
} from './media.ts';
import {
  BroadcastInfo,
  BroadcastProfile,
  DisplayName,
  Grants,
  GrantsPatch,
  Id,
  PeerInfo,
  RaisedHands,
  Reaction,
  Role,
  RoomKind,
  RoomName,
  SourceStates,
} from './participants.ts';

export * from './participants.ts';

/** Raised when an old client could no longer talk to a new server. */
export const PROTOCOL_VERSION = 2;

/** Where the WebSocket is, under the address of the server. */
export const SIGNALLING_PATH = '/ws';

/** What a client needs in order to receive one producer of another member, or one of the room's audio slots. */
export const ConsumerInfo = z
  .object({
    consumerId: Id,
    producerId: Id,
    peerId: Id.optional().describe('missing for a slot: its voices change, see `slots`'),
    slot: z.int().optional().describe('which of the audio slots this is, from 0'),
    source: Source,
    kind: MediaKind,
    rtpParameters: RtpParameters,
  })
  .meta({ id: 'ConsumerInfo' });
export type ConsumerInfo = z.infer<typeof ConsumerInfo>;

/** Something that somebody publishes and this client has no decoder for. */
const UnsupportedCodec = z
  .object({ peerId: Id, source: Source, mimeType: z.string().describe('such as `video/H264`') })
  .meta({ id: 'UnsupportedCodec' });
export type UnsupportedCodec = z.infer<typeof UnsupportedCodec>;

/** Whose voice each audio slot carries now; `null` where it is nobody's. Empty while every microphone has a consumer. */
const AudioSlotHolders = z.array(Id.nullable()).meta({ id: 'AudioSlotHolders' });
export type AudioSlotHolders = z.infer<typeof AudioSlotHolders>;

/** Pixels of a device, not of CSS. */
const Pixels = z.int().min(0).max(16_384);

/** How one video of somebody else is shown by this client. */
export const TrackSettings = z
  .strictObject({
    peerId: Id,
    source: z.enum(['camera', 'screen']),
    width: Pixels.describe('of the element that shows it, in device pixels; 0 when nobody sees it'),
    height: Pixels,
    priority: z.enum(['normal', 'high']).optional().describe('`high` for who speaks, or is large'),
    quality: z
      .enum(['high', 'medium', 'low'])
      .optional()
      .describe('the highest, a middle or the lowest layer, whatever the size'),
  })
  .meta({ id: 'TrackSettings' });
export type TrackSettings = z.infer<typeof TrackSettings>;

/** The codecs that publishers should use, first choice first. */
export const CodecChoice = z.enum(['VP8', 'H264', 'VP9', 'AV1']).meta({ id: 'CodecChoice' });
export type CodecChoice = z.infer<typeof CodecChoice>;

const MaxSpatialLayer = z
  .int()
  .min(-1)
  .max(3)
  .describe('the highest layer that somebody watches, lowest 0; -1 when nobody does');

/** Something that only its owner knows, as random as 128 bits or more: base64url. */
const Secret = z.string().regex(/^[\w-]{22,86}$/, { error: 'is not 22 to 86 characters of base64url' });

const VideoSize = z.strictObject({ width: Pixels, height: Pixels });
const LayerCount = z.int().min(1).max(4);

const Nothing = z.object({});
const OwnSource = z.strictObject({ source: Source });

/** What a client asks of the server. */
const clientRequests = {
  join: {
    about:
      'Enter a room. The reply has everything that media needs: both transports, who is there, and all consumers, paused.',
    request: z.strictObject({
      room: RoomName,
      token: text(32 * 1024)
        .optional()
        .describe('required unless the server runs open'),
      name: DisplayName.optional().describe('used where the token gives no name'),
      guest: Secret.optional().describe(
        'on a server that runs open: whoever sends the same secret again is the same identity',
      ),
      kind: RoomKind.optional().describe(
        'calls and broadcasts have names of their own; a token may say which it is for',
      ),
      role: Role.optional().describe('on a server that runs open; where there are tokens, their grants decide'),
      rtpCapabilities: RtpCapabilities.describe('what this device can receive'),
      transports: z.strictObject({ send: z.boolean(), recv: z.boolean() }).describe('which transports it wants'),
      initialVideoLimit: z
        .int()
        .min(0)
        .max(1024)
        .optional()
        .describe(
          'how many videos it takes before `updateTrackSettings` asks for more; all of them where it is not given',
        ),
    }),
    reply: z.object({
      peerId: Id,
      identity: Id,
      name: z.string(),
      grants: Grants,
      resumeKey: z.string().describe('opens `resume`; keep it in memory only'),
      peers: z.array(PeerInfo).describe('the other members'),
      transports: z.object({ send: TransportInfo.optional(), recv: TransportInfo.optional() }),
      consumers: z.array(ConsumerInfo).describe('created paused; see `resumeConsumers`'),
      unsupportedCodecs: z.array(UnsupportedCodec),
      slots: AudioSlotHolders,
      kind: RoomKind,
      broadcast: BroadcastInfo.optional().describe('of a broadcast'),
      hands: RaisedHands.optional().describe('for its administrators'),
    }),
  },
  resume: {
    about:
      'Go on with a stay whose connection was cut, within `resumeSeconds`: on a new connection, instead of `join`. Peer, transports, producers and consumers are the same, media has flowed on, and the reply is what there is now. Requests that were not answered are then sent again with their old ids: none runs twice. `sessionExpired` says that the stay is over; `join` on the same connection.',
    request: z.strictObject({ key: Secret.describe('`resumeKey` of the reply to `join`') }),
    reply: z.object({
      peers: z.array(PeerInfo).describe('the other members'),
      consumers: z.array(ConsumerInfo).describe('all that this peer has; those that the client does not know are new'),
      unsupportedCodecs: z.array(UnsupportedCodec),
      slots: AudioSlotHolders,
      subscribedLayers: z
        .array(z.object({ source: Source, maxSpatialLayer: MaxSpatialLayer }))
        .describe('as `subscribedLayers` says it'),
      addressChanged: z.boolean().describe('this connection comes from another address than the one before'),
      sources: SourceStates.describe('what this peer publishes: a right that went and came back has ended the rest'),
      grants: Grants,
      transports: z
        .object({ send: Id.optional(), recv: Id.optional() })
        .describe('those that there are; one that is not named is gone'),
      broadcast: BroadcastInfo.optional(),
      hands: RaisedHands.optional(),
    }),
  },
  restartIce: {
    about:
      'Find the way of the media anew (RFC 8445, section 2.4), on both transports. `rateLimited` when it is asked for too often.',
    request: z.strictObject({}),
    reply: z.object({ send: IceParameters.optional(), recv: IceParameters.optional() }),
  },
  getTransportStats: {
    about:
      'How much RTP the server has sent to us and received from us: who compares it with what arrived here knows whether media gets through.',
    request: z.strictObject({}),
    reply: TransportCounters,
  },
  ping: { about: 'Are you there?', request: z.strictObject({}), reply: Nothing },
  openTransport: {
    about:
      'Get a transport that there was no right to at `join`, or that went with a right. What can be received then comes in `newConsumers`.',
    request: z.strictObject({ direction: z.enum(['send', 'recv']) }),
    reply: z.object({ transport: TransportInfo }),
  },
  connectTransport: {
    about: 'Give the DTLS parameters of the client end of a transport. No need to wait for the reply.',
    request: z.strictObject({ transportId: Id, dtlsParameters: DtlsParameters }),
    reply: Nothing,
  },
  produce: {
    about: 'Publish a source. No need to wait for the reply; an error means that nothing was published.',
    request: z.strictObject({
      source: Source,
      rtpParameters: RtpParameters,
      paused: z.boolean().optional().describe('start muted'),
      size: VideoSize.optional().describe(
        'of video: pixels of the highest layer, from which the server knows what a view needs',
      ),
      layers: LayerCount.optional().describe('how many of the spatial layers, from the lowest, are used for this size'),
    }),
    reply: z.object({ producerId: Id }),
  },
  resizeProducer: {
    about: 'The track of a video has another size now. Who watches it is sent the layer that fits the new size.',
    request: z.strictObject({
      source: z.enum(['camera', 'screen']),
      size: VideoSize.describe('pixels of the highest layer that is used'),
      layers: LayerCount.optional().describe('as of `produce`; all of them where it is not given'),
    }),
    reply: Nothing,
  },
  closeProducer: { about: 'Stop publishing a source.', request: OwnSource, reply: Nothing },
  pauseProducer: { about: 'Mute a source: nothing of it is forwarded.', request: OwnSource, reply: Nothing },
  resumeProducer: { about: 'Unmute a source.', request: OwnSource, reply: Nothing },
  resumeConsumers: {
    about:
      'The client is ready to decode these consumers: let media flow. If some are not there, or no longer, all others are resumed and the reply is `notFound`.',
    request: z.strictObject({ consumerIds: z.array(Id).min(1).max(1024) }),
    reply: Nothing,
  },
  updateTrackSettings: {
    about:
      'Say how these videos are shown now; the others stay as they were. What nobody sees is paused and, after a while, its consumer closed; what is small comes in a low layer. What was never named is shown, as far as `videos` goes.',
    request: z.strictObject({ tracks: z.array(TrackSettings).min(1).max(256) }),
    reply: Nothing,
  },
  setHand: {
    about: 'Raise or lower a hand. That of a viewer of a broadcast is seen by its administrators, see `handsChanged`.',
    request: z.strictObject({
      raised: z.boolean(),
      name: DisplayName.optional().describe('used from now on where the token gives none'),
    }),
    reply: Nothing,
  },
  react: {
    about: 'Show the others a reaction; `rateLimited` beyond one a second, or ten at once.',
    request: z.strictObject({ reaction: Reaction }),
    reply: Nothing,
  },
  kick: {
    about:
      'Remove a peer from the room (grant `roomAdmin`). The tokens that it had no longer open this room; one that is made later does.',
    request: z.strictObject({ peerId: Id }),
    reply: Nothing,
  },
  setGrants: {
    about:
      'Change what a peer may do (grant `roomAdmin`). It holds at once: what may no longer be published ends. It holds as well for later joins with tokens made before, also when the room has closed meanwhile.',
    request: z.strictObject({ peerId: Id, grants: GrantsPatch }),
    reply: z.object({ grants: Grants }),
  },
  setBroadcast: {
    about:
      'Run a broadcast (grant `roomAdmin`): go live, end it, choose how soon it is played. Whatever is missing stays. Whoever is on the stage may end it while it is `unattended`.',
    request: z.strictObject({ live: z.boolean().optional(), profile: BroadcastProfile.optional() }),
    reply: z.object({ broadcast: BroadcastInfo }),
  },
  invite: {
    about: 'Ask a viewer of a broadcast who has raised a hand onto the stage (grant `roomAdmin`).',
    request: z.strictObject({ peerId: Id }),
    reply: Nothing,
  },
  answerInvite: {
    about:
      'Accept an invitation: from now on one may publish, without joining anew. Or decline it. `notFound` when there is none.',
    request: z.strictObject({ accept: z.boolean() }),
    reply: z.object({ grants: Grants }),
  },
  stepDown: {
    about: 'Leave the stage of a broadcast and watch on.',
    request: z.strictObject({}),
    reply: z.object({ grants: Grants }),
  },
  leave: { about: 'Leave the room and close the connection.', request: z.strictObject({}), reply: Nothing },
} as const;

/** What the server asks of a client. */
const serverRequests = {
  ping: {
    about:
      'Are you there? Sent every few seconds; each side drops a connection on which it heard nothing for too long.',
    request: z.object({}),
    reply: z.strictObject({}),
  },
} as const;

/** What the server tells a client. */
const serverEvents = {
  welcome: {
    about: 'The first message of every connection.',
    data: z.object({
      protocol: z.int().describe('the version of this protocol'),
      auth: z.enum(['open', 'token']).describe('whether `join` needs a token'),
      rtpCapabilities: RtpCapabilities.describe("the server's codecs and header extensions, the same for all rooms"),
      video: z
        .object({ camera: CodecChoice, screen: CodecChoice })
        .describe('the codecs to publish with, where the client has them'),
      limits: z.object({
        messageBytes: z.int().describe('the largest message that the server reads'),
        joinSeconds: z.number().describe('how soon `join` must follow'),
        queueSeconds: z.number().describe('how long `join` may wait in line before its reply, where many come'),
        pingSeconds: z.number().describe('how often the server sends `ping`'),
        silenceSeconds: z.number().describe('after so long without a message, either side gives the connection up'),
        resumeSeconds: z.number().describe('how long a stay outlives its connection; 0 when it does not'),
      }),
    }),
  },
  newPeer: { about: 'Somebody joined.', data: PeerInfo },
  peerClosed: { about: 'Somebody left.', data: z.object({ peerId: Id, reason: z.string() }) },
  peerSources: {
    about: 'What a peer publishes has changed; the whole of it, so that a repeat does no harm.',
    data: z.object({ peerId: Id, sources: SourceStates }),
  },
  peerAway: {
    about: 'Somebody lost the connection, or is back. Media may flow all the while.',
    data: z.object({ peerId: Id, away: z.boolean() }),
  },
  draining: {
    about: 'The server lets nobody in any more, and ends after so long. Calls go on until then.',
    data: z.object({ seconds: z.number() }),
  },
  peerHand: { about: 'Somebody raised or lowered a hand.', data: z.object({ peerId: Id, raised: z.boolean() }) },
  reaction: { about: 'Somebody reacted.', data: z.object({ peerId: Id, reaction: Reaction }) },
  newConsumers: {
    about: 'More to receive, created paused. Make all of them in one turn, then send `resumeConsumers`.',
    data: z.object({ consumers: z.array(ConsumerInfo) }),
  },
  unsupportedCodec: {
    about: 'Somebody publishes what this client cannot decode: it is not sent. Say so instead of showing nothing.',
    data: UnsupportedCodec,
  },
  subscribedLayers: {
    about: 'How much of what this client publishes is watched: send no layer above it, and nothing at -1.',
    data: z.object({ source: Source, maxSpatialLayer: MaxSpatialLayer }),
  },
  slots: {
    about:
      'In a large room voices come by slots, which are fixed consumers: whose voice each of them carries from now on.',
    data: z.object({ slots: AudioSlotHolders }),
  },
  grantsChanged: {
    about:
      'What this client may do has changed. What may no longer be published has ended, and with the last of it the sending transport; the same goes for receiving.',
    data: z.object({ grants: Grants }),
  },
  tokenRefreshed: {
    about:
      'A token to join this room with from now on: the same person, with the grants that it has now. Sent after `join` and `resume`, while the peer is in the room before the last one expires, and when its grants change; not on a server that runs open.',
    data: z.object({ token: z.string(), seconds: z.number().describe('how long it can be used') }),
  },
  broadcastChanged: {
    about: 'A broadcast has changed: its state at once, the number of viewers no more than once a second.',
    data: BroadcastInfo,
  },
  handsChanged: { about: 'Which viewers want to speak; told to administrators of a broadcast.', data: RaisedHands },
  invited: {
    about:
      'Somebody asks this viewer onto the stage; see `answerInvite`. After `resume` it is said again while there is no answer.',
    data: z.object({ by: z.string() }),
  },
  inviteAnswered: {
    about: 'A viewer who was asked onto the stage has answered; told to administrators.',
    data: z.object({ peerId: Id, name: z.string(), accepted: z.boolean() }),
  },
  consumersClosed: { about: 'These consumers ended.', data: z.object({ consumerIds: z.array(Id) }) },
} as const;

/** What may be sent in the direction from a client to the server, and the other way round. */
export const clientMessages = { requests: clientRequests, events: {} } as const;
export const serverMessages = { requests: serverRequests, events: serverEvents } as const;

export type ClientMessages = typeof clientMessages;
export type ServerMessages = typeof serverMessages;
export type JoinReply = z.infer<typeof clientRequests.join.reply>;
export type ResumeReply = z.infer<typeof clientRequests.resume.reply>;
export type Welcome = z.infer<typeof serverEvents.welcome.data>;
export type ServerEvents = { [E in keyof typeof serverEvents]: z.infer<(typeof serverEvents)[E]['data']> };

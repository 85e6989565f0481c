/** Every request that a client sends to the server. */
import { z } from 'zod';
import { ChatInfo, chatRequests } from './chat.ts';
import { DirectPeers, DirectSignal, DirectTrack, Negotiation } from './direct.ts';
import {
  DtlsParameters,
  IceParameters,
  IceServer,
  RtpCapabilities,
  RtpParameters,
  Source,
  TransportCounters,
  TransportInfo,
  text,
} from './media.ts';
import { RoomAccess, WaitingPeers } from './moderation.ts';
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
  RoomPolicy,
  SourceModeration,
  SourceStates,
} from './participants.ts';
import {
  AudioSlotHolders,
  ConsumerInfo,
  ConsumerLayers,
  LayerCount,
  MaxSpatialLayer,
  TrackSettings,
  UnsupportedCodec,
  VideoSize,
} from './tracks.ts';

/** A secret of at least 128 random bits, in base64url. */
const Secret = z.string().regex(/^[\w-]{22,86}$/, { error: 'is not 22 to 86 characters of base64url' });

/** Servers of other versions may leave it out. */
const IceServers = z
  .array(IceServer)
  .max(16)
  .default([])
  .describe('STUN servers, and TURN servers with a fresh, time-limited credential');

/** Servers of earlier versions leave it out. */
const DirectPeersOrNone = DirectPeers.default({ peers: [], iceServers: [] }).describe('as in the event `directPeers`');

/** Servers of earlier versions leave it out. */
const AccessOrOpen = RoomAccess.default({ locked: false, waitingRoom: false });

const Empty = z.object({});
/** How long something took, in seconds. */
const Duration = z.number().min(0).max(600);
/** A share of packets. */
const LossRatio = z.number().min(0).max(1);
const OwnSource = z.strictObject({ source: Source });

export const clientRequests = {
  join: {
    about:
      'Join a room. The reply has everything that media needs: both transports, the other peers, and all consumers, paused.',
    request: z.strictObject({
      room: RoomName,
      token: text(32 * 1024)
        .optional()
        .describe('required unless `auth` in `welcome` is `open`'),
      name: DisplayName.optional().describe('used where the token has no name'),
      guest: Secret.optional().describe('without tokens: the same secret always has the same identity'),
      kind: RoomKind.optional().describe(
        'each kind has names of its own; a token may require one kind; `diagnosis` needs no token',
      ),
      role: Role.optional().describe('without tokens: the role asked for; with tokens, their grants decide'),
      rtpCapabilities: RtpCapabilities.describe('what this device can receive'),
      transports: z.strictObject({ send: z.boolean(), recv: z.boolean() }).describe('which transports to create'),
      initialVideoLimit: z
        .int()
        .min(0)
        .max(1024)
        .optional()
        .describe('how many cameras to receive before the first `updateTrackSettings`; all of them if missing'),
      policy: RoomPolicy.optional().describe(
        'without tokens: the policy of the room, if this join opens it. `sfu` also keeps this client out of direct media, which hides its address',
      ),
      direct: z
        .boolean()
        .optional()
        .describe('this client can exchange media directly; without it, nobody is asked to do so with it'),
    }),
    reply: z.object({
      peerId: Id,
      identity: Id,
      name: z.string(),
      grants: Grants,
      resumeKey: z.string().describe('secret for `resume`; keep it in memory only'),
      peers: z.array(PeerInfo).describe('the other peers'),
      transports: z.object({ send: TransportInfo.optional(), recv: TransportInfo.optional() }),
      iceServers: IceServers,
      consumers: z.array(ConsumerInfo).describe('created paused; see `resumeConsumers`'),
      unsupportedCodecs: z.array(UnsupportedCodec),
      slots: AudioSlotHolders,
      kind: RoomKind,
      policy: RoomPolicy.default('sfu').describe('of the room; with `p2p` there are no transports and no consumers'),
      directPeers: DirectPeersOrNone,
      access: AccessOrOpen,
      waiting: WaitingPeers.optional().describe('for administrators'),
      broadcast: BroadcastInfo.optional().describe('of a broadcast'),
      hands: RaisedHands.optional().describe('of a broadcast, for its administrators'),
      chat: ChatInfo.optional().describe('missing on servers without a chat'),
    }),
  },
  resume: {
    about:
      'Resume a session whose connection was lost, within `resumeSeconds`, on a new connection and instead of `join`. Peer, transports, producers and consumers are the same and media has continued; the reply is the current state. Then send the requests that had no reply again, with their old ids: each runs once. `sessionExpired` means that the session has ended: `join` on the same connection.',
    request: z.strictObject({ key: Secret.describe('`resumeKey` from the reply to `join`') }),
    reply: z.object({
      peers: z.array(PeerInfo).describe('the other peers'),
      consumers: z
        .array(ConsumerInfo)
        .describe('all consumers of this peer; those that the client does not know are new'),
      unsupportedCodecs: z.array(UnsupportedCodec),
      slots: AudioSlotHolders,
      subscribedLayers: z
        .array(z.object({ source: Source, maxSpatialLayer: MaxSpatialLayer }))
        .describe('as in the event `subscribedLayers`'),
      addressChanged: z.boolean().describe('this connection comes from another IP address than the last one'),
      sources: SourceStates.describe('what this peer publishes; what is missing ended when its grant was revoked'),
      muted: z
        .array(SourceModeration)
        .default([])
        .describe('sources of this client that an administrator has muted, and that it has not unmuted since'),
      grants: Grants,
      transports: z
        .object({ send: Id.optional(), recv: Id.optional(), data: Id.optional() })
        .describe('ids of the transports; one that is missing has closed'),
      directPeers: DirectPeersOrNone,
      access: AccessOrOpen,
      waiting: WaitingPeers.optional().describe('for administrators'),
      broadcast: BroadcastInfo.optional(),
      hands: RaisedHands.optional(),
      chat: ChatInfo.optional(),
    }),
  },
  restartIce: {
    about:
      'Restart ICE (RFC 8445, section 2.4) on all transports, with these ICE servers. `rateLimited` when it is requested too often.',
    request: z.strictObject({}),
    reply: z.object({
      send: IceParameters.optional(),
      recv: IceParameters.optional(),
      data: IceParameters.optional(),
      iceServers: IceServers,
    }),
  },
  getTransportStats: {
    about:
      'How much RTP the server has sent to and received from this client. Comparing it with the own counters shows whether media arrives.',
    request: z.strictObject({}),
    reply: TransportCounters,
  },
  getConsumerLayers: {
    about:
      'Which layers of the videos that this client receives are forwarded to it now, for a page that shows them. Nothing is sent when they change.',
    request: z.strictObject({}),
    reply: z.object({
      videos: z.array(ConsumerLayers).describe('without those that are not sent now, or have one layer only'),
    }),
  },
  getConnectionQuality: {
    about:
      'Whose connection is it? For a client that receives, or is received, badly; not to be sent while all is well. `rateLimited` above 90 a minute.',
    request: z.strictObject({
      peerIds: z
        .array(Id)
        .max(32)
        .describe('peers whose media arrives badly; those that are not in the room are left out of the reply'),
      uplinkLimited: z
        .boolean()
        .optional()
        .describe(
          'the bandwidth of this client is not enough for what it sends: others are told for some seconds that its uplink is `poor`',
        ),
    }),
    reply: z.object({
      overloaded: z.boolean().describe('the media worker of this client does not keep up, or did not some seconds ago'),
      uplinkLoss: LossRatio.describe('of the packets that this client has sent in the last seconds'),
      downlinkLoss: LossRatio.describe('of the packets that this client was sent in the last seconds'),
      downlinkLimited: z
        .boolean()
        .describe(
          'the bandwidth to this client is not enough for what it is to receive: the link was congested, or layers are missing',
        ),
      downlinkEstimateLow: z
        .boolean()
        .default(false)
        .describe(
          'the bandwidth estimate of the link to this client is low and used up, though maybe only since it starts low: what is fed back over that link may be late',
        ),
      peers: z.array(
        z.object({
          peerId: Id,
          uplink: z.enum(['good', 'poor']),
          overloaded: z.boolean().describe('as above, of the media worker of that peer'),
        }),
      ),
    }),
  },
  reportJoin: {
    about:
      'Report how the join went, for the metrics of the server: once, and only where `welcome` has `joinReports`. `conflict` for a second report.',
    request: z.strictObject({
      joinSeconds: Duration.describe('from the wish to join until the client was in the room'),
      firstFrame: z
        .union([Duration, z.enum(['missing', 'none'])])
        .describe(
          'from the wish to join until a video of another was decoded, in seconds; `missing` if none was although one was expected, `none` if there was nothing to show',
        ),
      candidate: z
        .strictObject({
          candidateType: z.enum(['host', 'srflx', 'prflx', 'relay']),
          protocol: z.enum(['udp', 'tcp', 'tls']).describe('of a relay: between the client and the relay'),
        })
        .optional()
        .describe("the client's end of the selected candidate pair; missing if no transport is connected"),
    }),
    reply: Empty,
  },
  ping: { about: 'Check that the server responds.', request: z.strictObject({}), reply: Empty },
  openTransport: {
    about:
      'Create a transport that was not permitted at `join`, or that was closed when its grant was revoked. For `recv`, consumers follow in `newConsumers`. The transport `data` has the three data channels in both directions, negotiated (RFC 8832 is not used); it is opened when there is something to send, or at `dataPending`. `rateLimited` when it is opened too often.',
    request: z.strictObject({
      direction: z.enum(['send', 'recv', 'data']),
      dtlsParameters: DtlsParameters.optional().describe(
        "of the client's end, if they are known already: `connectTransport` is not sent then",
      ),
    }),
    reply: z.object({ transport: TransportInfo, iceServers: IceServers }),
  },
  connectTransport: {
    about: "Set the DTLS parameters of the client's end of a transport. There is no need to wait for the reply.",
    request: z.strictObject({ transportId: Id, dtlsParameters: DtlsParameters }),
    reply: Empty,
  },
  produce: {
    about: 'Publish a source. There is no need to wait for the reply; an error means that nothing was published.',
    request: z.strictObject({
      source: Source,
      rtpParameters: RtpParameters.optional().describe('missing in a room of the policy `p2p`, required in others'),
      paused: z.boolean().optional().describe('start muted'),
      size: VideoSize.optional().describe('of a video: pixels of its highest layer; decides which layer fits a viewer'),
      layers: LayerCount.optional().describe('how many spatial layers, from the lowest, are sent at this size'),
    }),
    reply: z.object({ producerId: Id }),
  },
  resizeProducer: {
    about: 'The track of a published video has changed its size. Subscribers get the layer that fits the new size.',
    request: z.strictObject({
      source: z.enum(['camera', 'screen']),
      size: VideoSize.describe('pixels of the highest layer that is sent'),
      layers: LayerCount.optional().describe('as in `produce`; all of them if missing'),
    }),
    reply: Empty,
  },
  closeProducer: { about: 'Stop publishing a source.', request: OwnSource, reply: Empty },
  pauseProducer: { about: 'Mute a source: it is not forwarded.', request: OwnSource, reply: Empty },
  resumeProducer: { about: 'Unmute a source.', request: OwnSource, reply: Empty },
  resumeConsumers: {
    about:
      'The client is ready to decode these consumers: resume them. If some do not exist (any more), the others are resumed and the reply is `notFound`.',
    request: z.strictObject({ consumerIds: z.array(Id).min(1).max(1024) }),
    reply: Empty,
  },
  updateTrackSettings: {
    about:
      'Report how these videos are shown now; others keep their settings. A video that is not visible is paused, and its consumer is closed after a while; a small one is sent in a low layer. A video without settings counts as visible, within `initialVideoLimit`.',
    request: z.strictObject({ tracks: z.array(TrackSettings).min(1).max(256) }),
    reply: Empty,
  },
  sendDirectSignal: {
    about:
      'Send a signal to a peer of `directPeers`, which gets it as `directSignal`. `notFound` for any other peer; one of a former negotiation, or to a peer without a connection, is dropped. `rateLimited` above 16 descriptions or 120 candidates to one peer in ten seconds: the connection has to begin anew then, see `reportDirectFailure`.',
    request: z.strictObject({ peerId: Id, negotiation: Negotiation, signal: DirectSignal }),
    reply: Empty,
  },
  setDirectTracks: {
    about:
      'All tracks that this client receives directly now: the server does not send them, until they are missing here, or their peer is no longer in `directPeers`. Tracks of other peers are ignored.',
    request: z.strictObject({ tracks: z.array(DirectTrack).max(64) }),
    reply: Empty,
  },
  reportDirectFailure: {
    about:
      'The direct connection with this peer could not be made, or has failed. With the policy `auto` the two are not asked again for a minute; with `p2p` they begin a new negotiation. A report of a former negotiation changes nothing: both ends report the same failure. `rateLimited` above 30 a minute, or 8 of the same two, whoever reports them: `retryAfter` says when to repeat it.',
    request: z.strictObject({ peerId: Id, negotiation: Negotiation }),
    reply: Empty,
  },
  setHand: {
    about:
      'Raise or lower a hand. The hand of a broadcast viewer is shown to administrators only, see the event `handsChanged`.',
    request: z.strictObject({
      raised: z.boolean(),
      name: DisplayName.optional().describe('the display name from now on, where the token has none'),
    }),
    reply: Empty,
  },
  react: {
    about: 'Send a reaction to the other peers. `rateLimited` above one a second, or ten at once.',
    request: z.strictObject({ reaction: Reaction }),
    reply: Empty,
  },
  ...chatRequests,
  kick: {
    about:
      'Remove a peer from the room (grant `roomAdmin`). The tokens that were issued to it before no longer open this room; later ones do.',
    request: z.strictObject({ peerId: Id }),
    reply: Empty,
  },
  setGrants: {
    about:
      'Change the grants of a peer (grant `roomAdmin`), effective at once: sources that it may no longer publish end. The change also applies to later joins with tokens issued before, even if the room has closed in between.',
    request: z.strictObject({ peerId: Id, grants: GrantsPatch }),
    reply: z.object({ grants: Grants }),
  },
  getGrants: {
    about: 'What a peer may do (grant `roomAdmin`), for whoever is about to change it.',
    request: z.strictObject({ peerId: Id }),
    reply: z.object({ grants: Grants }),
  },
  muteSource: {
    about:
      'Mute a source of a peer (grant `roomAdmin`): it is not forwarded until the peer unmutes it, which nobody else can. The peer gets `sourceMuted`. `notFound` if it does not publish that source.',
    request: z.strictObject({ peerId: Id, source: Source }),
    reply: Empty,
  },
  muteAll: {
    about:
      'Mute the microphones of all other peers (grant `roomAdmin`), as `muteSource` does. Streams of gateways stay, since nobody could unmute them.',
    request: z.strictObject({}),
    reply: z.object({ muted: z.int().describe('how many were not muted before') }),
  },
  stopSource: {
    about:
      'Stop a source of a peer (grant `roomAdmin`), and with a screen its sound: it is no longer published, until the peer publishes it again. The peer gets `sourceStopped`. `notFound` if it does not publish that source.',
    request: z.strictObject({ peerId: Id, source: Source }),
    reply: Empty,
  },
  updateRoom: {
    about:
      'Lock the room, or let whoever joins wait until an administrator lets them in (grant `roomAdmin`). Missing fields stay as they are. Neither is about administrators, and whoever is inside or left less than a minute ago; a waiting room is not about viewers of a broadcast.',
    request: RoomAccess.partial().strict(),
    reply: z.object({ access: RoomAccess }),
  },
  admit: {
    about: 'Let somebody in who waits, or everybody (grant `roomAdmin`), also while the room is locked.',
    request: z.strictObject({ id: Id.optional().describe('as in `WaitingPeers`; everybody without it') }),
    reply: z.object({ count: z.int() }),
  },
  deny: {
    about:
      'Do not let somebody in who waits, or nobody (grant `roomAdmin`): their `join` fails with the reason `denied`, and so does another one within half a minute.',
    request: z.strictObject({ id: Id.optional().describe('as in `WaitingPeers`; everybody without it') }),
    reply: z.object({ count: z.int() }),
  },
  endRoom: {
    about:
      'End the room for everyone (grant `roomAdmin`): all connections to it close with `roomEnded`. For half a minute only administrators open it again.',
    request: z.strictObject({}),
    reply: Empty,
  },
  setBroadcast: {
    about:
      'Control a broadcast (grant `roomAdmin`): go live, end it, choose the playback profile. Missing fields stay as they are. While it is `unattended`, everyone on the stage may end it.',
    request: z.strictObject({ live: z.boolean().optional(), profile: BroadcastProfile.optional() }),
    reply: z.object({ broadcast: BroadcastInfo }),
  },
  invite: {
    about: 'Invite a viewer of a broadcast who has raised a hand onto the stage (grant `roomAdmin`).',
    request: z.strictObject({ peerId: Id }),
    reply: Empty,
  },
  answerInvite: {
    about:
      'Accept an invitation, which grants publishing from now on without a new join, or decline it. `notFound` when there is none.',
    request: z.strictObject({ accept: z.boolean() }),
    reply: z.object({ grants: Grants }),
  },
  stepDown: {
    about: 'Leave the stage of a broadcast and become a viewer.',
    request: z.strictObject({}),
    reply: z.object({ grants: Grants }),
  },
  leave: { about: 'Leave the room and close the connection.', request: z.strictObject({}), reply: Empty },
} as const;

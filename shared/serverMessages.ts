/** Every request and event that the server sends to a client. */
import { z } from 'zod';
import { chatEvents } from './chat.ts';
import { DirectPeers, DirectSignal, Negotiation } from './direct.ts';
import { WireError } from './errors.ts';
import { DataChannel, RtpCapabilities, Source } from './media.ts';
import { RoomAccess, WaitingPeers } from './moderation.ts';
import {
  BroadcastInfo,
  Grants,
  Id,
  ModeratorName,
  PeerInfo,
  RaisedHands,
  Reaction,
  RoomPolicy,
  SourceModeration,
  SourceStates,
  VideoProblem,
} from './participants.ts';
import { AudioSlotHolders, CodecChoice, ConsumerInfo, MaxSpatialLayer, UnsupportedCodec } from './tracks.ts';

export const serverRequests = {
  ping: {
    about:
      'Check that the client responds. Sent every `pingSeconds`; each side closes a connection on which it received nothing for `silenceSeconds`.',
    request: z.object({}),
    reply: z.strictObject({}),
  },
} as const;

export const serverEvents = {
  welcome: {
    about: 'The first message of every connection.',
    data: z.object({
      protocol: z.int().describe('the version of this protocol'),
      auth: z.enum(['open', 'token']).describe('whether `join` requires a token'),
      rtpCapabilities: RtpCapabilities.describe('codecs and header extensions of the server, the same for all rooms'),
      video: z
        .object({ camera: CodecChoice, screen: CodecChoice })
        .describe('the codecs to publish with, where the client has them'),
      policy: RoomPolicy.optional().describe(
        'of rooms for which nobody chooses one; missing where the server knows no direct media: `join` may not have `policy` and `direct` then',
      ),
      joinReports: z.boolean().default(false).describe('whether the server has a use for `reportJoin`'),
      limits: z.object({
        messageBytes: z.int().describe('maximum size of a message to the server'),
        joinSeconds: z.number().describe('time within which `join` or `resume` must follow'),
        queueSeconds: z.number().describe('how long `join` may wait in the admission queue before its reply'),
        pingSeconds: z.number().describe('interval at which the server sends `ping`'),
        silenceSeconds: z.number().describe('time without a message after which either side closes the connection'),
        resumeSeconds: z.number().describe('how long a session outlives its connection; 0 when it does not'),
        dataBytes: z.int().default(0).describe('maximum size of the payload of a data message'),
        dataMessages: z.number().default(0).describe('data messages a second of a client, on all channels but `bulk`'),
        dataBitrate: z.number().default(0).describe('bit/s of data of a client, on all channels but `bulk`'),
        fileBytes: z
          .number()
          .default(0)
          .describe('maximum size of a file that clients send one another, in bytes; 0 where files are off'),
        fileBitrate: z.number().default(0).describe('bit/s of data of a client on the channel `bulk`'),
      }),
    }),
  },
  newPeer: { about: 'A peer joined.', data: PeerInfo },
  peerClosed: { about: 'A peer left.', data: z.object({ peerId: Id, reason: z.string() }) },
  peerSources: {
    about: 'The sources that a peer publishes have changed. It has all of them, so repeating it is harmless.',
    data: z.object({ peerId: Id, sources: SourceStates }),
  },
  peerAway: {
    about: 'A peer has lost its connection, or is back. Its media may continue meanwhile.',
    data: z.object({ peerId: Id, away: z.boolean() }),
  },
  peerInfo: {
    about:
      'The name or the metadata of a peer was changed through the API. Also sent to the peer itself, whose `peerId` it has then.',
    data: z.object({ peerId: Id, name: z.string(), metadata: z.string().optional().describe('none if missing') }),
  },
  peerGrants: {
    about: 'The grants of a peer have changed so that others need to know it.',
    data: z.object({ peerId: Id, canExchangeData: z.boolean().describe('as in `PeerInfo`') }),
  },
  peerVideoProblem: {
    about:
      'Something is wrong with a video that a peer publishes. Tell the user: the peer itself may have no way to know.',
    data: z.object({ peerId: Id, problem: VideoProblem }),
  },
  draining: {
    about: 'The server admits nobody any more and ends after this time. Calls continue until then.',
    data: z.object({ seconds: z.number() }),
  },
  peerHand: { about: 'A peer raised or lowered a hand.', data: z.object({ peerId: Id, raised: z.boolean() }) },
  reaction: { about: 'A peer sent a reaction.', data: z.object({ peerId: Id, reaction: Reaction }) },
  ...chatEvents,
  newConsumers: {
    about:
      'New consumers, created paused. Create all of them in one turn of the event loop, then send `resumeConsumers`.',
    data: z.object({ consumers: z.array(ConsumerInfo) }),
  },
  unsupportedCodec: {
    about: 'A peer publishes a track that this client cannot decode, so it is not sent. Tell the user.',
    data: UnsupportedCodec,
  },
  subscribedLayers: {
    about:
      'Which layers of a source of this client are subscribed to: send no layer above it, and nothing at all at -1. Sent for videos; with the policy `auto` also for audio, whose only layer is 0.',
    data: z.object({ source: Source, maxSpatialLayer: MaxSpatialLayer }),
  },
  slots: {
    about:
      'In a large room microphones share a few audio slots, which are fixed consumers. These are their speakers now.',
    data: z.object({ slots: AudioSlotHolders }),
  },
  grantsChanged: {
    about:
      'The grants of this client have changed. Sources that it may no longer publish have ended; without the grant to publish, or to subscribe, that transport has closed.',
    data: z.object({ grants: Grants, by: ModeratorName }),
  },
  sourceMuted: {
    about:
      'An administrator has muted a source of this client, which is paused at the server. Stop sending it and tell the user; `resumeProducer` unmutes it again.',
    data: SourceModeration,
  },
  sourceStopped: {
    about:
      'An administrator has stopped a source of this client. Stop capturing it and tell the user; it may be published again.',
    data: SourceModeration.extend({ producerId: Id }),
  },
  waiting: {
    about:
      'The reply to `join` takes until an administrator lets this client in, for at most ten minutes. Tell the user. A client whose connection is lost meanwhile joins again as the same identity, and keeps its place for half a minute.',
    data: z.object({ attended: z.boolean().describe('whether an administrator is there who could let it in') }),
  },
  waitingChanged: { about: 'Who waits to be let in, for administrators.', data: WaitingPeers },
  roomAccessChanged: { about: 'The room was locked or opened, or its waiting room.', data: RoomAccess },
  closing: {
    about: 'Who is about to close this connection: it removes this client, or ends the room. The close follows.',
    data: z.object({ by: z.string().describe('display name of the administrator') }),
  },
  tokenRefreshed: {
    about:
      'A token to join this room with from now on, with the same identity and the current grants. Sent after `join` and `resume`, before the last one expires, and when the grants change; not where `auth` is `open`.',
    data: z.object({ token: z.string(), seconds: z.number().describe('its lifetime') }),
  },
  broadcastChanged: {
    about: 'A broadcast has changed. Its state is sent at once, the number of viewers at most once a second.',
    data: BroadcastInfo,
  },
  handsChanged: { about: 'The raised hands of viewers, for administrators of a broadcast.', data: RaisedHands },
  invited: {
    about:
      'An administrator invites this viewer onto the stage; reply with `answerInvite`. Sent again after `resume` while it is unanswered.',
    data: z.object({ by: z.string().describe('display name of the administrator') }),
  },
  inviteAnswered: {
    about: 'A viewer has answered an invitation, for administrators of a broadcast.',
    data: z.object({ peerId: Id, name: z.string(), accepted: z.boolean() }),
  },
  directPeers: {
    about:
      'With whom to exchange media directly from now on. All of them are named at every change; one that is missing is received through the server again, at once.',
    data: DirectPeers,
  },
  directSignal: {
    about: 'A signal of a peer of `directPeers`.',
    data: z.object({ peerId: Id, negotiation: Negotiation, signal: DirectSignal }),
  },
  dataPending: {
    about:
      'Data waits for this client, which has no transport for it: send `openTransport` with the direction `data`. What does not fit into a small buffer meanwhile is lost.',
    data: z.object({}),
  },
  dataRefused: {
    about: 'Messages of this client on this data channel were not forwarded. Sent at most once a second.',
    data: z.object({ channel: DataChannel, error: WireError }),
  },
  dataClosed: {
    about:
      'The data transport of this client has closed, with what was on its way: the client sent too much or malformed frames, received too slowly, or the connection failed. A new one can be opened.',
    data: z.object({
      transportId: Id.optional().describe('missing if it had not been opened yet'),
      error: WireError,
    }),
  },
  consumersClosed: { about: 'These consumers have closed.', data: z.object({ consumerIds: z.array(Id) }) },
} as const;

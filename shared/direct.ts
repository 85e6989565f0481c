/** Direct (peer-to-peer) media in the protocol: with whom a client is to exchange it, and the signals that set it up. */
import { z } from 'zod';
import { IceServer, line, Source, text } from './media.ts';
import { Id } from './participants.ts';

/** Maximum length of a session description, in UTF-16 code units: Chromium needs about 7000 for a video. */
export const MAX_SDP = 48 * 1024;
/** How many m-lines of one session description carry a source. */
const MAX_MEDIA = 32;

const Mid = line(32);

/** A session description (RFC 8866) of an `RTCPeerConnection`, and the source that the sender of it sends by each m-line. */
const DescriptionSignal = z.strictObject({
  description: z.strictObject({
    type: z.enum(['offer', 'answer']),
    sdp: text(MAX_SDP).describe('as `RTCSessionDescription.sdp`'),
  }),
  sources: z
    .array(z.strictObject({ mid: Mid, source: Source }))
    .max(MAX_MEDIA)
    .describe('what whoever made the description sends by which m-line'),
});

/** A trickled ICE candidate (RFC 8838); `null` when there are no more. Other fields of `RTCIceCandidateInit` are dropped. */
const CandidateSignal = z.strictObject({
  candidate: z
    .object({
      candidate: line(1024),
      sdpMid: Mid.nullish(),
      usernameFragment: line(256).nullish(),
    })
    .nullable(),
});

/** What two peers send each other through the server to connect directly. The server relays it unread. */
export const DirectSignal = z.union([DescriptionSignal, CandidateSignal]).meta({ id: 'DirectSignal' });
export type DirectSignal = z.infer<typeof DirectSignal>;

/** Number of the negotiation with one peer. */
export const Negotiation = z
  .int()
  .min(0)
  .max(Number.MAX_SAFE_INTEGER)
  .describe(
    'raised when signals between the two may have been lost, as after `resume`: both begin a new connection. Signals of a former negotiation are dropped',
  );

/** A peer to exchange media with directly. The one of the two whose `peerId` is smaller, as a string, is the polite one. */
export const DirectPeer = z
  .object({
    peerId: Id,
    negotiation: Negotiation,
    canPublishData: z
      .boolean()
      .default(true)
      .describe('its grant: otherwise drop the data messages that come from it, since no server does'),
  })
  .meta({ id: 'DirectPeer' });
export type DirectPeer = z.infer<typeof DirectPeer>;

/** All peers with whom media should be exchanged directly now. */
export const DirectPeers = z
  .object({
    peers: z.array(DirectPeer).describe('empty: all media goes through the server'),
    iceServers: z
      .array(IceServer)
      .max(16)
      .describe('STUN servers, and TURN servers with a fresh, time-limited credential; empty without peers'),
  })
  .meta({ id: 'DirectPeers' });
export type DirectPeers = z.infer<typeof DirectPeers>;

/** A track of another peer that a client receives directly. */
export const DirectTrack = z.strictObject({ peerId: Id, source: Source }).meta({ id: 'DirectTrack' });
export type DirectTrack = z.infer<typeof DirectTrack>;

/**
 * The protocol of the step server: one request per step, as most mediasoup applications have it.
 *
 * The order of steps is that of versatica's mediasoup-demo: the router's capabilities, one request per transport,
 * `join`, one request per consumer, one to connect a transport, one to produce.
 */
import { z } from 'zod';
import {
  DtlsParameters,
  MediaKind,
  RtpCapabilities,
  RtpParameters,
  Source,
  TransportInfo,
  text,
} from '../../../shared/media.ts';
import { DisplayName, MAX_NAME } from '../../../shared/protocol.ts';

/** Path of the WebSocket; the room is its query parameter `room`, because it must be known before the first request. */
export const STEP_PATH = '/steps';

const Id = text(MAX_NAME).min(1);
const Nothing = z.object({});

export const Direction = z.enum(['send', 'recv']);
export type Direction = z.infer<typeof Direction>;

const StepPeerInfo = z.object({ peerId: Id, name: z.string() });

export const StepConsumer = z.object({
  consumerId: Id,
  producerId: Id,
  peerId: Id,
  source: Source,
  kind: MediaKind,
  rtpParameters: RtpParameters,
});
export type StepConsumer = z.infer<typeof StepConsumer>;

export const stepClientTable = {
  requests: {
    getRouterRtpCapabilities: {
      about: 'What the room can forward.',
      request: z.strictObject({}),
      reply: z.object({ rtpCapabilities: RtpCapabilities }),
    },
    createWebRtcTransport: {
      about: 'Make one transport.',
      request: z.strictObject({ direction: Direction }),
      reply: TransportInfo,
    },
    connectWebRtcTransport: {
      about: 'Give the DTLS parameters of the client end.',
      request: z.strictObject({ transportId: Id, dtlsParameters: DtlsParameters }),
      reply: Nothing,
    },
    join: {
      about: 'Enter the room; consumers follow as requests, one each.',
      request: z.strictObject({ name: DisplayName, rtpCapabilities: RtpCapabilities.optional() }),
      reply: z.object({ peers: z.array(StepPeerInfo), consumers: z.int().describe('how many will follow') }),
    },
    produce: {
      about: 'Publish a track.',
      request: z.strictObject({ transportId: Id, source: Source, rtpParameters: RtpParameters }),
      reply: z.object({ producerId: Id }),
    },
  },
  events: {},
} as const;

export const stepServerTable = {
  requests: {
    newConsumer: {
      about: 'Make your end of this consumer, which is paused until you have answered.',
      request: StepConsumer,
      reply: z.strictObject({}),
    },
  },
  events: {
    newPeer: { about: 'Somebody joined.', data: StepPeerInfo },
    peerClosed: { about: 'Somebody left.', data: z.object({ peerId: Id }) },
    consumerClosed: { about: 'A consumer ended.', data: z.object({ consumerId: Id }) },
  },
} as const;

export type StepClientTable = typeof stepClientTable;
export type StepServerTable = typeof stepServerTable;

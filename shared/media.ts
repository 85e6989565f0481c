/**
 * Schemas of RTP, ICE and DTLS parameters, as mediasoup and mediasoup-client write them, and the sources of tracks.
 *
 * Unknown fields are dropped rather than refused: browsers add fields to these objects. Every number has the bounds of the
 * wire field that it ends up in, because mediasoup packs it unchecked.
 */
import { z } from 'zod';
import { dataChannelLabels } from './dataChannels.ts';

/** Where a track comes from. A peer has at most one producer per source. */
export const sources = ['camera', 'microphone', 'screen', 'screenAudio'] as const;
export const Source = z.enum(sources).meta({ id: 'Source' });
export type Source = z.infer<typeof Source>;

export const MediaKind = z.enum(['audio', 'video']).meta({ id: 'MediaKind' });
export type MediaKind = z.infer<typeof MediaKind>;

/** Bytes of RTP that the server has sent to a peer and received from it, over its current transports. */
export const TransportCounters = z.object({ sent: z.number(), received: z.number() }).meta({ id: 'TransportCounters' });
export type TransportCounters = z.infer<typeof TransportCounters>;

/** The media kind of each source. */
export const kindOf: Readonly<Record<Source, MediaKind>> = {
  camera: 'video',
  microphone: 'audio',
  screen: 'video',
  screenAudio: 'audio',
};

/** Text of at most `max` code points, without lone surrogates, which UTF-8 cannot encode. */
export function text(max: number) {
  return z
    .string()
    .max(max)
    .refine((value) => value.isWellFormed(), { error: 'is not valid Unicode (lone surrogate)' });
}

/** Text that becomes part of a line of another client's SDP. Control characters could add lines, so there are none. */
export function line(max: number) {
  return text(max).regex(/^\P{Cc}*$/u, { error: 'contains control characters' });
}

const uint = (max: number) => z.int().min(0).max(max);
const Uint8 = uint(0xff);
const Uint32 = uint(0xffff_ffff);
const PayloadType = uint(127);

const CodecParameters = z.record(
  line(64),
  z.union([line(1024), z.number().min(-0x8000_0000).max(0xffff_ffff), z.boolean()]),
);

const RtcpFeedback = z.object({ type: text(32), parameter: text(32).optional() });

/** The RTP header extensions that both mediasoup and mediasoup-client support. */
const headerExtensionUris = [
  'urn:ietf:params:rtp-hdrext:sdes:mid',
  'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id',
  'urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id',
  'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
  'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
  'urn:ietf:params:rtp-hdrext:ssrc-audio-level',
  'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension',
  'urn:3gpp:video-orientation',
  'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time',
  'http://www.webrtc.org/experiments/rtp-hdrext/playout-delay',
  'urn:mediasoup:params:rtp-hdrext:packet-id',
] as const;
const HeaderExtensionUri = z.enum(headerExtensionUris);
const knownUris: ReadonlySet<string> = new Set(headerExtensionUris);

/** Whether both mediasoup and mediasoup-client support this header extension. */
export function isKnownExtension(uri: string): uri is z.infer<typeof HeaderExtensionUri> {
  return knownUris.has(uri);
}

/** A list without the entries that name an unsupported header extension. */
function knownExtensions<T extends z.ZodType>(entry: T) {
  const isKnown = (item: unknown) =>
    typeof item !== 'object' ||
    item === null ||
    !('uri' in item) ||
    typeof item.uri !== 'string' ||
    isKnownExtension(item.uri);
  return z.preprocess((list) => (Array.isArray(list) ? list.filter(isKnown) : list), z.array(entry).max(64));
}

/** The fields that codec capabilities and codec parameters have in common. */
const codec = {
  mimeType: text(64).regex(/^(audio|video)\/.+$/i),
  clockRate: Uint32,
  channels: Uint8.optional(),
  parameters: CodecParameters.optional(),
  rtcpFeedback: z.array(RtcpFeedback).max(32).optional(),
};

const RtpCodecCapability = z.object({ kind: MediaKind, preferredPayloadType: PayloadType, ...codec });

const RtpHeaderExtension = z.object({
  kind: MediaKind,
  uri: HeaderExtensionUri,
  preferredId: z.int().min(1).max(255),
  preferredEncrypt: z.boolean().optional(),
  direction: z.enum(['sendrecv', 'sendonly', 'recvonly', 'inactive']).optional(),
});

/** RTP capabilities, like those of mediasoup's `Router.rtpCapabilities` and of `Device.recvRtpCapabilities`. */
export const RtpCapabilities = z
  .object({
    codecs: z.array(RtpCodecCapability).max(128),
    headerExtensions: knownExtensions(RtpHeaderExtension).optional(),
  })
  .meta({ id: 'RtpCapabilities' });
export type RtpCapabilities = z.infer<typeof RtpCapabilities>;

const RtpCodecParameters = z.object({ payloadType: PayloadType, ...codec });

const RtpEncodingParameters = z.object({
  ssrc: Uint32.optional(),
  rid: text(16).optional(),
  codecPayloadType: PayloadType.optional(),
  rtx: z.object({ ssrc: Uint32 }).optional(),
  dtx: z.boolean().optional(),
  scalabilityMode: text(16).optional(),
  maxBitrate: Uint32.optional(),
});

const RtpHeaderExtensionParameters = z.object({
  uri: HeaderExtensionUri,
  id: z.int().min(1).max(255),
  encrypt: z.boolean().optional(),
});

/** RTP parameters of one producer or consumer, which is one m-line of SDP. */
export const RtpParameters = z
  .object({
    mid: line(32).optional(),
    codecs: z.array(RtpCodecParameters).min(1).max(32),
    headerExtensions: knownExtensions(RtpHeaderExtensionParameters).optional(),
    encodings: z.array(RtpEncodingParameters).min(1).max(4),
    rtcp: z.object({ cname: line(256).optional(), reducedSize: z.boolean().optional() }).optional(),
    msid: line(256).optional(),
  })
  .meta({ id: 'RtpParameters' });
export type RtpParameters = z.infer<typeof RtpParameters>;

export const IceParameters = z.object({
  usernameFragment: text(256),
  password: text(256),
  iceLite: z.boolean().optional(),
});
export type IceParameters = z.infer<typeof IceParameters>;

const IceCandidate = z.object({
  foundation: text(64),
  priority: Uint32,
  ip: text(256),
  address: text(256),
  protocol: z.enum(['udp', 'tcp']),
  port: uint(0xffff),
  type: z.enum(['host', 'srflx', 'prflx', 'relay']),
  tcpType: z.enum(['active', 'passive', 'so']).optional(),
});
export type IceCandidate = z.infer<typeof IceCandidate>;

/** DTLS parameters. At least one fingerprint is required: without any, a whole worker once crashed. */
export const DtlsParameters = z
  .object({
    role: z.enum(['auto', 'client', 'server']).optional(),
    fingerprints: z
      .array(
        z.object({
          algorithm: z.enum(['sha-1', 'sha-224', 'sha-256', 'sha-384', 'sha-512']),
          value: text(256).regex(/^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})+$/, { error: 'is not a certificate fingerprint' }),
        }),
      )
      .min(1)
      .max(8),
  })
  .meta({ id: 'DtlsParameters' });
export type DtlsParameters = z.infer<typeof DtlsParameters>;

/** A STUN or TURN server, as `RTCIceServer` of the WebRTC API. Only TURN servers have credentials. */
export const IceServer = z
  .object({
    urls: z.array(line(1024)).min(1).max(16),
    username: line(512).optional(),
    credential: line(512).optional(),
  })
  .meta({ id: 'IceServer' });
export type IceServer = z.infer<typeof IceServer>;

/** A data channel of a data transport. */
export const DataChannel = z.enum(dataChannelLabels).meta({ id: 'DataChannel' });

/** SCTP of a data transport, as mediasoup has it: port, numbers of streams, and the largest message in bytes. */
export const SctpParameters = z
  .object({
    port: uint(0xffff),
    OS: uint(0xffff),
    MIS: uint(0xffff),
    maxMessageSize: Uint32,
    maxSendMessageSize: Uint32,
    maxReceiveMessageSize: Uint32,
  })
  .meta({ id: 'SctpParameters' });
export type SctpParameters = z.infer<typeof SctpParameters>;

/** What a client needs to create its end of a WebRTC transport. */
export const TransportInfo = z
  .object({
    transportId: text(64),
    iceParameters: IceParameters,
    iceCandidates: z.array(IceCandidate),
    dtlsParameters: DtlsParameters,
    sctpParameters: SctpParameters.optional().describe('of a transport for data'),
  })
  .meta({ id: 'TransportInfo' });
export type TransportInfo = z.infer<typeof TransportInfo>;

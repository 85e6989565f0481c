/** The settings of mediasoup: codecs, listening addresses, transports. */
import { generateRouterRtpCapabilities } from 'mediasoup/ortc';
import type { RouterRtpCodecCapability, TransportListenInfo, WebRtcTransportOptions } from 'mediasoup/types';
import { MAX_DATA_BYTES, MAX_FRAME_BYTES } from '../../shared/dataFrame.ts';
import { RtpCapabilities } from '../../shared/media.ts';

const videoFeedback = [
  { type: 'nack' },
  { type: 'nack', parameter: 'pli' },
  { type: 'ccm', parameter: 'fir' },
  { type: 'goog-remb' },
  { type: 'transport-cc' },
];

/** The codecs of this server, best supported first. */
export const mediaCodecs: RouterRtpCodecCapability[] = [
  {
    kind: 'audio',
    mimeType: 'audio/opus',
    clockRate: 48_000,
    channels: 2,
    rtcpFeedback: [{ type: 'nack' }, { type: 'transport-cc' }],
  },
  { kind: 'video', mimeType: 'video/VP8', clockRate: 90_000, rtcpFeedback: videoFeedback },
  {
    kind: 'video',
    mimeType: 'video/H264',
    clockRate: 90_000,
    parameters: { 'packetization-mode': 1, 'profile-level-id': '42e01f', 'level-asymmetry-allowed': 1 },
    rtcpFeedback: videoFeedback,
  },
  {
    kind: 'video',
    mimeType: 'video/VP9',
    clockRate: 90_000,
    parameters: { 'profile-id': 0 },
    rtcpFeedback: videoFeedback,
  },
  { kind: 'video', mimeType: 'video/AV1', clockRate: 90_000, rtcpFeedback: videoFeedback },
];

/** The capabilities of every router of this server: known without a router, as `welcome` contains them. */
export const serverRtpCapabilities: RtpCapabilities = RtpCapabilities.parse(generateRouterRtpCapabilities(mediaCodecs));

/**
 * How long ICE consent may be missing before a transport counts as disconnected, in seconds: mediasoup's maximum, which
 * is longer than a session may be without a connection. Nothing ends because of it.
 */
const ICE_CONSENT_TIMEOUT = 60;

/** Settings of every WebRtcTransport, except where it listens. */
export const webRtcTransportOptions = {
  enableUdp: true,
  enableTcp: true,
  preferUdp: true,
  iceConsentTimeout: ICE_CONSENT_TIMEOUT,
  initialAvailableOutgoingBitrate: 1_000_000,
} satisfies Partial<WebRtcTransportOptions>;

/** Settings of transports for data: they carry no RTP. */
export const dataTransportOptions = {
  enableSctp: true,
  /** What is larger never reaches Node.js, so its sender would not be told. */
  maxReceiveMessageSize: 4 * MAX_DATA_BYTES,
  maxSendMessageSize: MAX_FRAME_BYTES,
  /** For each channel and for all of them, in bytes: what a receiver may be behind. */
  sctpPerStreamSendQueueLimit: 4 * 1024 * 1024,
  sctpSendBufferSize: 8 * 1024 * 1024,
  /** Never reached: nobody waits for the event, which would come after every message. */
  sctpDefaultStreamBufferedAmountLowThreshold: 0xffff_ffff,
} satisfies Partial<WebRtcTransportOptions>;

/**
 * The least that is assumed to reach a receiver, in bit/s: the lowest layer of a camera, and audio. mediasoup stops all
 * videos when its estimate falls below the lowest layer, which happens for seconds when a link becomes congested.
 */
export const MIN_OUTGOING_BITRATE = 250_000;

/**
 * The least time between two key-frame requests for one SSRC, in milliseconds. While viewers join a broadcast there is
 * always one that needs a key frame, and each key frame lowers the quality for all others.
 */
export const KEY_FRAME_REQUEST_DELAY = { call: 1000, broadcast: 2000, diagnosis: 1000 } as const;

/**
 * UDP and TCP on one port of each address, IPv4 and IPv6 in sockets of their own: one for both would show IPv4 clients as
 * `::ffff:192.0.2.1`. What browsers are told is made by `iceCandidates`, so nothing is announced here.
 */
export function listenInfos(ips: readonly string[], port: number): TransportListenInfo[] {
  return ips.flatMap((ip) =>
    (['udp', 'tcp'] as const).map((protocol) => ({ protocol, ip, port, flags: { ipv6Only: true } })),
  );
}

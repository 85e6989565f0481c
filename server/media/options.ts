/** The settings of mediasoup: codecs, listening addresses, transports. */
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { generateRouterRtpCapabilities } from 'mediasoup/ortc';
import type { RouterRtpCodecCapability, TransportListenInfo, WebRtcTransportOptions } from 'mediasoup/types';
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
 * UDP and TCP on one port. mediasoup announces one address per listenInfo; see `MediaWorker.candidatesOf` for further
 * ones.
 */
export function listenInfos(ip: string, port: number, announcedAddress: string): TransportListenInfo[] {
  return [
    { protocol: 'udp', ip, port, announcedAddress },
    { protocol: 'tcp', ip, port, announcedAddress },
  ];
}

/**
 * The addresses at which browsers may reach this machine: its IPv4 addresses without loopback, public ones first;
 * loopback only where there is no other.
 */
export function ownAddresses(interfaces: NodeJS.Dict<NetworkInterfaceInfo[]> = networkInterfaces()): string[] {
  const found = Object.values(interfaces)
    .flatMap((list) => list ?? [])
    .filter(({ family, internal, address }) => family === 'IPv4' && !internal && !address.startsWith('169.254.'))
    .map(({ address }) => address);
  if (found.length === 0) return ['127.0.0.1'];
  return found.sort((a, b) => Number(isPrivateAddress(a)) - Number(isPrivateAddress(b)));
}

/** Whether an IPv4 address cannot be reached from the Internet (RFC 1918, RFC 6598, loopback, link-local). */
export function isPrivateAddress(address: string): boolean {
  const [a = 0, b = 0] = address.split('.').map(Number);
  return (
    a === 10 ||
    a === 127 ||
    (a === 172 && b >= 16 && b <= 31) ||
    (a === 192 && b === 168) ||
    (a === 100 && b >= 64 && b <= 127) ||
    (a === 169 && b === 254)
  );
}

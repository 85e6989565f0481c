/** RTP capabilities, RTP parameters and DTLS parameters as a browser would send them, valid for mediasoup. */
import type { DtlsParameters, RtpCapabilities, RtpParameters, Source } from '../../../shared/media.ts';

/** A device that supports Opus and VP8. */
export const capabilities: RtpCapabilities = {
  codecs: [
    {
      kind: 'audio',
      mimeType: 'audio/opus',
      preferredPayloadType: 111,
      clockRate: 48_000,
      channels: 2,
      parameters: { useinbandfec: 1 },
      rtcpFeedback: [{ type: 'transport-cc' }],
    },
    {
      kind: 'video',
      mimeType: 'video/VP8',
      preferredPayloadType: 96,
      clockRate: 90_000,
      rtcpFeedback: [
        { type: 'nack' },
        { type: 'nack', parameter: 'pli' },
        { type: 'ccm', parameter: 'fir' },
        { type: 'transport-cc' },
      ],
    },
    {
      kind: 'video',
      mimeType: 'video/rtx',
      preferredPayloadType: 97,
      clockRate: 90_000,
      parameters: { apt: 96 },
    },
  ],
  headerExtensions: [
    { kind: 'audio', uri: 'urn:ietf:params:rtp-hdrext:sdes:mid', preferredId: 1 },
    { kind: 'video', uri: 'urn:ietf:params:rtp-hdrext:sdes:mid', preferredId: 1 },
  ],
};

const mid = { uri: 'urn:ietf:params:rtp-hdrext:sdes:mid', id: 1 } as const;
const numberOf: Readonly<Record<Source, number>> = { camera: 0, microphone: 1, screen: 2, screenAudio: 3 };

/** RTP parameters of an Opus track; those of different sources can share a transport. */
export function opus(source: Source = 'microphone'): RtpParameters {
  const number = numberOf[source];
  return {
    mid: String(number),
    codecs: [
      { mimeType: 'audio/opus', payloadType: 111, clockRate: 48_000, channels: 2, parameters: { useinbandfec: 1 } },
    ],
    headerExtensions: [mid],
    encodings: [{ ssrc: 1111 + number }],
    rtcp: { cname: 'test', reducedSize: true },
  };
}

/** RTP parameters of a VP8 track with retransmission. */
export function vp8(source: Source = 'camera'): RtpParameters {
  const number = numberOf[source];
  return {
    mid: String(number),
    codecs: [
      {
        mimeType: 'video/VP8',
        payloadType: 96,
        clockRate: 90_000,
        parameters: {},
        rtcpFeedback: [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }],
      },
      { mimeType: 'video/rtx', payloadType: 97, clockRate: 90_000, parameters: { apt: 96 } },
    ],
    headerExtensions: [mid],
    encodings: [{ ssrc: 2222 + number, rtx: { ssrc: 3333 + number } }],
    rtcp: { cname: 'test', reducedSize: true },
  };
}

/** DTLS parameters with a made-up certificate fingerprint. */
export const dtls: DtlsParameters = {
  role: 'client',
  fingerprints: [{ algorithm: 'sha-256', value: Array.from({ length: 32 }, () => 'AB').join(':') }],
};

/** RTP capabilities and parameters of a headless member. */
import type { RtpCapabilities, RtpParameters } from '../../../shared/media.ts';
import type { Stream } from '../media/Stream.ts';

/** The header extension that carries the time of sending through the SFU unchanged. */
export const CAPTURE_TIME = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time';
const MID = 'urn:ietf:params:rtp-hdrext:sdes:mid';
const AUDIO_LEVEL = 'urn:ietf:params:rtp-hdrext:ssrc-audio-level';
const ABS_SEND_TIME = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time';

/** What a member supports. Retransmissions use the same stream (no RTX), so that there is one sequence to count. */
const understood = {
  codecs: /^(audio\/opus|video\/vp8|video\/h264)$/i,
  extensions: [MID, ABS_SEND_TIME, CAPTURE_TIME],
};
/** Bandwidth estimation by REMB: one message a second, where transport-cc needs ten. */
const feedback = /^(nack|ccm|goog-remb)$/;

/**
 * The server's capabilities, reduced to those of a headless member.
 * @param estimates whether it sends bandwidth estimates; without them the server does not limit it
 */
export function receiveCapabilities(server: RtpCapabilities, { estimates = true } = {}): RtpCapabilities {
  const isGiven = ({ type }: { type: string }) => feedback.test(type) && (estimates || type !== 'goog-remb');
  return {
    codecs: server.codecs
      .filter(({ mimeType }) => understood.codecs.test(mimeType))
      .map((codec) => ({ ...codec, rtcpFeedback: codec.rtcpFeedback?.filter(isGiven) })),
    headerExtensions: server.headerExtensions
      ?.filter(({ uri }) => understood.extensions.includes(uri))
      .map((extension) => ({ ...extension, direction: 'sendrecv' })),
  };
}

/** Ids of the header extensions that a publisher writes. */
export const sent = { mid: 1, absSendTime: 2, captureTime: 3, audioLevel: 4 } as const;

const PAYLOAD_TYPES = { 'audio/opus': 111, 'video/VP8': 96, 'video/H264': 102 } as const;

export function payloadTypeOf({ mimeType }: Stream): number {
  return PAYLOAD_TYPES[mimeType];
}

/** RTP parameters of a track; several layers make it simulcast, lowest first. */
export function sendParameters(mid: string, layers: readonly { stream: Stream; ssrc: number }[]): RtpParameters {
  const [first] = layers;
  if (!first) throw new Error('a track needs a stream');
  const { mimeType, clockRate } = first.stream;
  const isAudio = mimeType === 'audio/opus';
  return {
    mid,
    codecs: [
      {
        mimeType,
        payloadType: PAYLOAD_TYPES[mimeType],
        clockRate,
        ...(isAudio && { channels: 2 }),
        ...(mimeType === 'video/H264' && {
          parameters: { 'packetization-mode': 1, 'profile-level-id': '42e01f', 'level-asymmetry-allowed': 1 },
        }),
        rtcpFeedback: isAudio
          ? []
          : [
              { type: 'nack' },
              { type: 'nack', parameter: 'pli' },
              { type: 'ccm', parameter: 'fir' },
              { type: 'goog-remb' },
            ],
      },
    ],
    headerExtensions: [
      { uri: MID, id: sent.mid },
      { uri: ABS_SEND_TIME, id: sent.absSendTime },
      { uri: CAPTURE_TIME, id: sent.captureTime },
      ...(isAudio ? [{ uri: AUDIO_LEVEL, id: sent.audioLevel } as const] : []),
    ],
    encodings: layers.map(({ ssrc }) => ({ ssrc })),
    rtcp: { cname: `load-${first.ssrc}`, reducedSize: true },
  };
}

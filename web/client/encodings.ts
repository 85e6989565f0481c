/** Owns how each source is encoded. */
import type { types } from 'mediasoup-client';
import type { Source } from '../../shared/media.ts';

/** Bitrates in bit/s. */
const encodings: Readonly<Record<Source, types.RtpEncodingParameters[]>> = {
  camera: [{ maxBitrate: 1_500_000 }],
  microphone: [{ maxBitrate: 64_000 }],
  screen: [{ maxBitrate: 2_500_000 }],
  screenAudio: [{ maxBitrate: 128_000 }],
};

export function encodingsOf(source: Source): types.RtpEncodingParameters[] {
  return encodings[source];
}

/** What else the browser is told: speech may fall silent (DTX) and repairs itself (FEC), music is stereo. */
export function producerOptionsOf(source: Source): { codecOptions?: types.ProducerCodecOptions } {
  if (source === 'microphone') return { codecOptions: { opusDtx: true, opusFec: true } };
  if (source === 'screenAudio') return { codecOptions: { opusStereo: true, opusFec: true } };
  if (source === 'camera') return { codecOptions: { videoGoogleStartBitrate: 800 } };
  return {};
}

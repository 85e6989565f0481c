/** The type of a prepared stream: encoded frames packetised once, to be sent repeatedly. */

/** One encoded frame, or one packet of audio. */
export interface Frame {
  /** RTP payloads in order; the last one gets the marker bit. At most 1150 bytes each. */
  readonly payloads: readonly Buffer[];
  /** Whether it is a key frame. */
  readonly key: boolean;
  /** Duration in ticks of the stream's clock. */
  readonly ticks: number;
}

/** A stream that loops: its first frame is a key frame. */
export interface Stream {
  readonly mimeType: 'video/VP8' | 'video/H264' | 'audio/opus';
  /** Ticks a second: 90000 for video, 48000 for Opus. */
  readonly clockRate: number;
  readonly frames: readonly Frame[];
  /** Pixels; 0 for audio. */
  readonly width: number;
  readonly height: number;
}

/** Mean rate of the payloads in bit/s, without RTP, SRTP and UDP headers. */
export function bitrateOf({ frames, clockRate }: Stream): number {
  const bytes = frames.reduce((sum, { payloads }) => payloads.reduce((all, one) => all + one.length, sum), 0);
  const seconds = frames.reduce((sum, { ticks }) => sum + ticks, 0) / clockRate;
  return seconds > 0 ? (bytes * 8) / seconds : 0;
}

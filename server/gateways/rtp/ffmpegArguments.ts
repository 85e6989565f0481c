/** Arguments of ffmpeg that send what a session of plain RTP expects, and whole command lines of ffmpeg and GStreamer. */
import { isIPv6 } from 'node:net';
import type { SrtpSuite } from './ingestRequest.ts';
import type { RtpCodec } from './rtpCodecs.ts';
import type { AddressedStream } from './rtpSdp.ts';

/** What is to be sent. */
export type Input =
  | { readonly file: string }
  | { readonly pattern: { readonly width: number; readonly height: number } };

export interface Target {
  /** IP address of the server. */
  readonly address: string;
  readonly video?: AddressedStream | undefined;
  readonly audio?: AddressedStream | undefined;
}

/** Command lines that can be pasted into a shell; undefined where the program has no way to do it. */
export interface CommandLines {
  /** ffmpeg with a test picture and a tone. */
  readonly ffmpeg: string | undefined;
  /** ffmpeg with the file `clip.mp4` in a loop. */
  readonly ffmpegFile: string | undefined;
  readonly gstreamer: string | undefined;
}

/** Bytes of a packet of RTP: with SRTP and header extensions it stays below what all networks take. */
const PACKET_SIZE = 1200;
const PATTERN = { width: 1280, height: 720 };

/** ffmpeg hears no request for a key frame: whoever begins to watch waits for the next one, a second at most. */
const keyFrames = ['-force_key_frames', 'expr:gte(t,n_forced)'];

/**
 * Encoders in real time, without B-frames, which browsers cannot show in order. VP9 and AV1 in RTP count as experimental in
 * ffmpeg; AV1 needs version 8.
 */
const encoders: Readonly<Record<RtpCodec, readonly string[]>> = {
  VP8: [
    '-c:v',
    'libvpx',
    ...words('-deadline realtime -cpu-used 8 -auto-alt-ref 0 -lag-in-frames 0 -error-resilient 1'),
  ],
  VP9: [
    '-c:v',
    'libvpx-vp9',
    ...words('-deadline realtime -cpu-used 8 -row-mt 1 -lag-in-frames 0 -strict experimental'),
  ],
  H264: ['-c:v', 'libx264', ...words('-preset veryfast -tune zerolatency -profile:v baseline -bf 0')],
  AV1: ['-c:v', 'libaom-av1', ...words('-usage realtime -cpu-used 8 -lag-in-frames 0 -strict experimental')],
  Opus: ['-c:a', 'libopus', ...words('-ar 48000 -ac 2 -b:a 96k')],
};
const videoBitrate = words('-pix_fmt yuv420p -b:v 1500k -maxrate 2000k -bufsize 1000k');

/** SRTP suites that ffmpeg has. */
const ffmpegSuites: ReadonlySet<string> = new Set(['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32']);

/** Whether ffmpeg can encrypt as this stream asks for. */
export const isForFfmpeg = ({ srtp }: AddressedStream): boolean => !srtp || ffmpegSuites.has(srtp.cryptoSuite);

/** All arguments of ffmpeg, without its name. The file is looped. */
export function ffmpegArguments(input: Input, { address, video, audio }: Target): string[] {
  const [videoMap, audioMap] = 'file' in input || !video ? ['0:v:0', '0:a:0'] : ['0:v:0', '1:a:0'];
  return [
    ...words('-hide_banner -loglevel warning -nostdin'),
    ...inputArguments(input, video !== undefined, audio !== undefined),
    ...(video ? ['-map', videoMap, ...encoderArguments(video.codec), ...outputArguments(address, video)] : []),
    ...(audio ? ['-map', audioMap, ...encoderArguments(audio.codec), ...outputArguments(address, audio)] : []),
  ];
}

/** How ffmpeg makes a codec in real time. */
export function encoderArguments(codec: RtpCodec): string[] {
  return [...encoders[codec], ...(codec === 'Opus' ? [] : [...videoBitrate, ...keyFrames])];
}

/** The output of one stream: the muxer, its settings and the URL. */
export function outputArguments(
  address: string,
  { payloadType, ssrc, port, rtcpPort, srtp }: AddressedStream,
): string[] {
  const host = isIPv6(address) ? `[${address}]` : address;
  const url = `${srtp ? 'srtp' : 'rtp'}://${host}:${port}?rtcpport=${rtcpPort}&pkt_size=${PACKET_SIZE}`;
  return [
    ...['-payload_type', String(payloadType), '-ssrc', String(ssrc)],
    ...(srtp ? ['-srtp_out_suite', srtp.cryptoSuite, '-srtp_out_params', srtp.keyBase64] : []),
    ...['-f', 'rtp', url],
  ];
}

/** The command lines for an answer. */
export function commandLines(target: Target): CommandLines {
  const { video, audio } = target;
  const streams = [video, audio].filter((stream) => stream !== undefined);
  const ffmpeg = (input: Input) =>
    streams.every(isForFfmpeg) ? shellLine(['ffmpeg', ...ffmpegArguments(input, target)]) : undefined;
  return {
    ffmpeg: ffmpeg({ pattern: PATTERN }),
    ffmpegFile: ffmpeg({ file: 'clip.mp4' }),
    gstreamer: shellLine(['gst-launch-1.0', ...streams.flatMap((stream) => gstreamerBranch(target.address, stream))]),
  };
}

/** A line for a POSIX shell. */
export function shellLine(arguments_: readonly string[]): string {
  return arguments_
    .map((text) => (/^[\w@%+=:,./-]+$/.test(text) || text === '!' ? text : `'${text.replaceAll("'", "'\\''")}'`))
    .join(' ');
}

function inputArguments(input: Input, hasVideo: boolean, hasAudio: boolean): string[] {
  if ('file' in input) return ['-re', '-stream_loop', '-1', '-i', input.file];
  const { width, height } = input.pattern;
  const picture = ['-re', '-f', 'lavfi', '-i', `testsrc2=size=${width}x${height}:rate=30`];
  const tone = ['-re', '-f', 'lavfi', '-i', 'sine=frequency=440:beep_factor=4:sample_rate=48000'];
  return [...(hasVideo ? picture : []), ...(hasAudio ? tone : [])];
}

/** Source, encoder and payloader, by codec. */
const gstreamerParts: Readonly<Record<RtpCodec, { readonly encoder: string; readonly payloader: string }>> = {
  VP8: {
    encoder: 'vp8enc deadline=1 cpu-used=8 error-resilient=default keyframe-max-dist=30 target-bitrate=1500000',
    payloader: 'rtpvp8pay picture-id-mode=15-bit',
  },
  VP9: {
    encoder: 'vp9enc deadline=1 cpu-used=8 keyframe-max-dist=30 target-bitrate=1500000',
    payloader: 'rtpvp9pay picture-id-mode=15-bit',
  },
  H264: {
    encoder:
      'x264enc tune=zerolatency speed-preset=veryfast key-int-max=30 bitrate=1500 ! video/x-h264,profile=constrained-baseline',
    payloader: 'rtph264pay config-interval=-1 aggregate-mode=zero-latency',
  },
  AV1: {
    encoder: 'av1enc usage-profile=realtime cpu-used=8 keyframe-max-dist=30 target-bitrate=1500 ! av1parse',
    payloader: 'rtpav1pay',
  },
  Opus: { encoder: 'opusenc bitrate=96000', payloader: 'rtpopuspay' },
};

/** Cipher and authentication of RTP and of RTCP, whose keys have to be of the same length. */
const gstreamerSrtp: Readonly<Record<SrtpSuite, string>> = {
  AES_CM_128_HMAC_SHA1_80: 'rtp-cipher=aes-128-icm rtp-auth=hmac-sha1-80',
  AES_CM_128_HMAC_SHA1_32: 'rtp-cipher=aes-128-icm rtp-auth=hmac-sha1-32',
  AEAD_AES_128_GCM: 'rtp-cipher=aes-128-gcm rtp-auth=null rtcp-cipher=aes-128-gcm rtcp-auth=null',
  AEAD_AES_256_GCM: 'rtp-cipher=aes-256-gcm rtp-auth=null rtcp-cipher=aes-256-gcm rtcp-auth=null',
};

function gstreamerBranch(address: string, { codec, payloadType, ssrc, port, srtp }: AddressedStream): string[] {
  const { encoder, payloader } = gstreamerParts[codec];
  const source =
    codec === 'Opus'
      ? 'audiotestsrc is-live=true wave=ticks ! audioconvert ! audioresample'
      : `videotestsrc is-live=true ! video/x-raw,width=${PATTERN.width},height=${PATTERN.height},framerate=30/1 ! videoconvert`;
  const encryption = srtp
    ? ` ! srtpenc key=${Buffer.from(srtp.keyBase64, 'base64').toString('hex')} ${gstreamerSrtp[srtp.cryptoSuite]}`
    : '';
  return words(
    `${source} ! ${encoder} ! ${payloader} pt=${payloadType} ssrc=${ssrc} mtu=${PACKET_SIZE}${encryption} ! udpsink host=${address} port=${port}`,
  );
}

function words(text: string): string[] {
  return text.split(' ');
}

/** SDP of plain RTP (RFC 8866): what a sender is to send, or what a receiver gets. */
import { isIPv6 } from 'node:net';
import type { SrtpKey } from './ingestRequest.ts';
import { kindOfCodec, type RtpStream, sdpFormat } from './rtpCodecs.ts';

/** A stream, and the ports that it is sent to; the SSRC is undefined where it changes. */
export interface SdpStream extends Omit<RtpStream, 'ssrc'> {
  readonly ssrc?: number | undefined;
  readonly port: number;
  /** The same as `port` where RTCP shares it. */
  readonly rtcpPort: number;
  readonly srtp?: SrtpKey | undefined;
}

/** A stream with the SSRC that it is to have. */
export interface AddressedStream extends SdpStream {
  readonly ssrc: number;
}

export interface RtpDescription {
  /** Where the streams are sent to. */
  readonly address: string;
  readonly streams: readonly SdpStream[];
  /** Digits only. */
  readonly sessionId: string;
}

/** The profile is AVPF: receivers ask for key frames (RFC 4585). */
export function rtpSdp({ address, streams, sessionId }: RtpDescription): string {
  const connection = `IN ${isIPv6(address) ? 'IP6' : 'IP4'} ${address}`;
  const lines = [
    'v=0',
    `o=- ${sessionId} 1 ${connection}`,
    's=Weir',
    `c=${connection}`,
    't=0 0',
    ...streams.flatMap(streamLines),
  ];
  return `${lines.join('\r\n')}\r\n`;
}

function streamLines(stream: SdpStream): string[] {
  const { codec, payloadType, ssrc, port, rtcpPort, srtp } = stream;
  return [
    `m=${kindOfCodec(codec)} ${port} ${srtp ? 'RTP/SAVPF' : 'RTP/AVPF'} ${payloadType}`,
    rtcpPort === port ? 'a=rtcp-mux' : `a=rtcp:${rtcpPort}`,
    ...sdpFormat(stream).map((line) => `a=${line}`),
    ...(codec === 'Opus' ? [] : [`a=rtcp-fb:${payloadType} nack pli`]),
    ...(srtp ? [`a=crypto:1 ${srtp.cryptoSuite} inline:${srtp.keyBase64}`] : []),
    ...(ssrc === undefined ? [] : [`a=ssrc:${ssrc} cname:weir`]),
    'a=sendonly',
  ];
}

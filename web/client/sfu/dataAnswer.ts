/** The SDP answer that stands for a transport for data of the server: it sends parameters, and browsers take descriptions. */
import { WeirError } from '../../../shared/errors.ts';
import type { TransportInfo } from '../../../shared/media.ts';

/**
 * @param offer SDP with one media section, that of data channels (RFC 8841)
 * @returns the SDP answer of the server, which is ICE-lite
 * @throws {WeirError} `unavailable` if the transport has no SCTP
 */
export function dataAnswerOf(
  offer: string,
  { iceParameters, iceCandidates, dtlsParameters, sctpParameters }: TransportInfo,
): string {
  if (!sctpParameters) throw new WeirError('unavailable', 'The server has opened no transport for data.');
  const mid = /^a=mid:(\S+)/m.exec(offer)?.[1] ?? '0';
  const lines = [
    'v=0',
    'o=- 1 1 IN IP4 0.0.0.0',
    's=-',
    't=0 0',
    'a=ice-lite',
    `a=group:BUNDLE ${mid}`,
    'm=application 7 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 0.0.0.0',
    `a=mid:${mid}`,
    `a=ice-ufrag:${iceParameters.usernameFragment}`,
    `a=ice-pwd:${iceParameters.password}`,
    ...dtlsParameters.fingerprints.map(({ algorithm, value }) => `a=fingerprint:${algorithm} ${value}`),
    'a=setup:passive',
    ...iceCandidates.map(
      ({ foundation, protocol, priority, address, port, type, tcpType }) =>
        `a=candidate:${foundation} 1 ${protocol} ${priority} ${address} ${port} typ ${type}${tcpType ? ` tcptype ${tcpType}` : ''}`,
    ),
    'a=end-of-candidates',
    `a=sctp-port:${sctpParameters.port}`,
    `a=max-message-size:${sctpParameters.maxReceiveMessageSize}`,
  ];
  return `${lines.join('\r\n')}\r\n`;
}

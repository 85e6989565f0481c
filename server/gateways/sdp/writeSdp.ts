/** Writes SDP of the server: answers, counter-offers, and fragments with the ICE parameters of a restart. */
import type { IceCandidate, IceParameters, MediaKind, TransportInfo } from '../../../shared/media.ts';
import type { SdpCodec } from './parseSdp.ts';

/** One m-line of the server. */
export interface ServerMedia {
  readonly kind: MediaKind;
  readonly mid: string;
  readonly protocol: string;
  readonly direction: 'recvonly' | 'sendonly';
  /** In an answer with payload types and parameters of the offer, the media codec first. */
  readonly codecs: readonly SdpCodec[];
  readonly headerExtensions: readonly { readonly uri: string; readonly id: number }[];
  /** Layers of simulcast that are received, in the order of the offer. */
  readonly receivedRids: readonly string[];
  readonly rtcpRsize: boolean;
  /** Ids of the stream and of the track that are sent; undefined where nothing is. */
  readonly msid?: string | undefined;
}

export interface ServerDescription {
  /** Unique to the session, digits only. */
  readonly sessionId: string;
  readonly extmapAllowMixed: boolean;
  readonly media: readonly ServerMedia[];
  readonly transport: Pick<TransportInfo, 'iceParameters' | 'iceCandidates' | 'dtlsParameters'>;
  /** `actpass` in an offer. */
  readonly setup: 'active' | 'passive' | 'actpass';
}

/** Trickled candidates of clients are accepted; the server follows RFC 8445. */
const ICE = ['a=ice-lite', 'a=ice-options:trickle ice2'] as const;

/**
 * A whole description (RFC 9429, sections 5.2.1 and 5.3.1). All candidates are in the first m-line, UDP before TCP: some
 * clients use the first one only.
 */
export function writeSdp({ sessionId, extmapAllowMixed, media, transport, setup }: ServerDescription): string {
  const { iceParameters, iceCandidates, dtlsParameters } = transport;
  const { fingerprints } = dtlsParameters;
  const fingerprint = fingerprints.find(({ algorithm }) => algorithm === 'sha-256') ?? fingerprints[0];
  const shared = [
    ...credentials(iceParameters),
    ...(fingerprint ? [`a=fingerprint:${fingerprint.algorithm} ${fingerprint.value}`] : []),
    `a=setup:${setup}`,
  ];
  return text([
    'v=0',
    `o=- ${sessionId} 1 IN IP4 127.0.0.1`,
    's=-',
    't=0 0',
    `a=group:BUNDLE ${media.map(({ mid }) => mid).join(' ')}`,
    ...(extmapAllowMixed ? ['a=extmap-allow-mixed'] : []),
    ...ICE,
    ...media.flatMap((one, index) => [
      ...mediaLines(one, shared),
      ...(index === 0 ? candidateLines(iceCandidates) : []),
    ]),
  ]);
}

/** The answer to an ICE restart (RFC 9725, section 4.3.3): new parameters, and all candidates again. */
export function writeIceFragment(
  media: readonly ServerMedia[],
  iceParameters: IceParameters,
  candidates: readonly IceCandidate[],
): string {
  const [first] = media;
  return text([
    ...ICE,
    `a=group:BUNDLE ${media.map(({ mid }) => mid).join(' ')}`,
    ...(first ? [mediaLine(first), `a=mid:${first.mid}`] : []),
    ...credentials(iceParameters),
    ...candidateLines(candidates),
  ]);
}

function mediaLines(media: ServerMedia, transport: readonly string[]): string[] {
  const { mid, direction, headerExtensions, codecs, receivedRids, rtcpRsize, msid } = media;
  return [
    mediaLine(media),
    'c=IN IP4 0.0.0.0',
    ...transport,
    `a=mid:${mid}`,
    ...headerExtensions.map(({ id, uri }) => `a=extmap:${id} ${uri}`),
    `a=${direction}`,
    ...(msid === undefined ? [] : [`a=msid:${msid}`]),
    'a=rtcp-mux',
    'a=rtcp-mux-only',
    ...(rtcpRsize ? ['a=rtcp-rsize'] : []),
    ...codecs.flatMap(codecLines),
    ...receivedRids.map((rid) => `a=rid:${rid} recv`),
    ...(receivedRids.length > 0 ? [`a=simulcast:recv ${receivedRids.join(';')}`] : []),
  ];
}

function mediaLine({ kind, protocol, codecs }: ServerMedia): string {
  return `m=${kind} 9 ${protocol} ${codecs.map(({ payloadType }) => payloadType).join(' ')}`;
}

function codecLines({ payloadType, name, clockRate, channels, parameters, rtcpFeedback }: SdpCodec): string[] {
  const format = Object.entries(wantedParameters(parameters)).map(([key, value]) => `${key}=${value}`);
  return [
    `a=rtpmap:${payloadType} ${name}/${clockRate}${channels > 1 ? `/${channels}` : ''}`,
    ...(format.length > 0 ? [`a=fmtp:${payloadType} ${format.join(';')}`] : []),
    ...rtcpFeedback.map(({ type, parameter }) => `a=rtcp-fb:${payloadType} ${type}${parameter ? ` ${parameter}` : ''}`),
  ];
}

/**
 * Parameters say what is wanted, which is all that was offered: stereo, where the sender has it. What describes the client's
 * own stream (`sprop-...`) stays out.
 */
function wantedParameters(parameters: SdpCodec['parameters']): SdpCodec['parameters'] {
  const own = Object.entries(parameters).filter(([name]) => !name.startsWith('sprop-'));
  return { ...Object.fromEntries(own), ...(parameters['sprop-stereo'] === 1 && { stereo: 1 }) };
}

function credentials({ usernameFragment, password }: IceParameters): string[] {
  return [`a=ice-ufrag:${usernameFragment}`, `a=ice-pwd:${password}`];
}

function candidateLines(candidates: readonly IceCandidate[]): string[] {
  const lines = candidates.map(
    ({ foundation, protocol, priority, address, port, type, tcpType }) =>
      `a=candidate:${foundation} 1 ${protocol} ${priority} ${address} ${port} typ ${type}${tcpType ? ` tcptype ${tcpType}` : ''}`,
  );
  return [...lines, 'a=end-of-candidates'];
}

function text(lines: readonly string[]): string {
  return `${lines.join('\r\n')}\r\n`;
}

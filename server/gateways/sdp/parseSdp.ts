/** Reads SDP into typed descriptions: limits first, then the parser, then a schema of what the parser made. */
import { parse } from 'sdp-transform';
import { z } from 'zod';
import { DtlsParameters, type IceParameters } from '../../../shared/media.ts';
import { assertWithinLimits, malformed, SDP_LIMITS } from './limits.ts';

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
type Parameters = Readonly<Record<string, string | number>>;

/** A payload type of an m-line. */
export interface SdpCodec {
  readonly payloadType: number;
  /** As it is written: `opus`, `OPUS`, `VP8`. */
  readonly name: string;
  readonly clockRate: number;
  /** Of audio; 1 where it is not written. */
  readonly channels: number;
  /** From `a=fmtp`, names in lower case. */
  readonly parameters: Parameters;
  readonly rtcpFeedback: readonly { readonly type: string; readonly parameter?: string }[];
}

/** A synchronization source of an m-line (RFC 5576). */
export interface SdpSource {
  readonly ssrc: number;
  readonly cname: string | undefined;
  /** The SSRC of its retransmissions. */
  readonly rtx: number | undefined;
}

/** One m-line with its attributes; those of the session apply where it has none of its own. */
export interface SdpMedia {
  readonly kind: string;
  readonly port: number;
  readonly protocol: string;
  readonly mid: string | undefined;
  readonly direction: Direction;
  /** In the order of preference; those without an `a=rtpmap` are left out. */
  readonly codecs: readonly SdpCodec[];
  readonly headerExtensions: readonly { readonly id: number; readonly uri: string; readonly direction: Direction }[];
  /** The media that is sent, without what repairs it. Of a group the first one, which also stands for old kinds of simulcast. */
  readonly sources: readonly SdpSource[];
  /** The ids of restrictions that are to be sent (RFC 8851), in the order of `a=simulcast`. */
  readonly sentRids: readonly { readonly id: string; readonly parameters: Parameters }[];
  /** The stream ids of `a=msid`, or else of `a=ssrc ... msid`. */
  readonly streamIds: readonly string[];
  readonly bundleOnly: boolean;
  readonly rtcpMux: boolean;
  readonly rtcpRsize: boolean;
  readonly ice: IceParameters | undefined;
  readonly fingerprint: DtlsParameters['fingerprints'][number] | undefined;
  readonly setup: string | undefined;
}

export interface SessionDescription {
  readonly media: readonly SdpMedia[];
  /** The mids of the first BUNDLE group (RFC 9143). */
  readonly bundle: readonly string[];
  readonly iceLite: boolean;
  readonly extmapAllowMixed: boolean;
}

// The parser makes numbers of what looks like one, such as `NaN` or the ICE user name `1234`.
const text = (max: number) =>
  z.preprocess((value) => (typeof value === 'number' ? String(value) : value), z.string().max(max));
const token = (max: number) => text(max).pipe(z.string().regex(/^[\x21-\x7e]+$/, { error: 'is malformed' }));
const uint = (max: number) => z.int().min(0).max(max);
const flag = z
  .string()
  .optional()
  .transform((value) => value !== undefined);
const list = <T extends z.ZodType>(entry: T, max: number) => z.array(entry).max(max).default([]);

const Rtpmap = z.object({
  payload: uint(127),
  codec: token(64),
  rate: uint(0xffff_ffff),
  encoding: z.union([uint(255), z.string()]).optional(),
});
const Fmtp = z.object({ payload: uint(127), config: text(SDP_LIMITS.line) });
const RtcpFeedback = z.object({
  payload: z.union([uint(127), z.literal('*')]),
  type: token(32),
  subtype: text(32).optional(),
});
const Extension = z.object({ value: z.int().min(1).max(4351), direction: z.string().optional(), uri: token(256) });
const Ssrc = z.object({ id: uint(0xffff_ffff), attribute: text(64).optional(), value: text(512).optional() });
const SsrcGroup = z.object({ semantics: token(32), ssrcs: text(512) });
const Rid = z.object({ id: token(16), direction: z.string(), params: text(512).optional() });
const Simulcast = z.object({
  dir1: z.string(),
  list1: text(512),
  dir2: z.string().optional(),
  list2: text(512).optional(),
});

/** Parameters of a format, or of a restriction. */
const MAX_PARAMETERS = 64;

const directions = ['sendrecv', 'sendonly', 'recvonly', 'inactive'] as const;
const Direction = z.enum(directions);
const Transport = z.object({
  iceUfrag: token(256).optional(),
  icePwd: token(256).optional(),
  fingerprint: z.object({ type: token(16), hash: token(256) }).optional(),
  setup: token(16).optional(),
  direction: Direction.optional(),
  invalid: list(z.object({ value: text(SDP_LIMITS.line).optional() }), SDP_LIMITS.lines),
});

const Media = Transport.extend({
  type: token(32),
  port: uint(0xffff),
  protocol: token(64),
  payloads: text(SDP_LIMITS.line).optional(),
  mid: token(32).optional(),
  rtp: list(Rtpmap, SDP_LIMITS.payloadTypes),
  fmtp: list(Fmtp, SDP_LIMITS.payloadTypes),
  rtcpFb: list(RtcpFeedback, 8 * SDP_LIMITS.payloadTypes),
  ext: list(Extension, SDP_LIMITS.headerExtensions),
  ssrcs: list(Ssrc, 4 * SDP_LIMITS.ssrcs),
  ssrcGroups: list(SsrcGroup, SDP_LIMITS.ssrcs),
  rids: list(Rid, 2 * SDP_LIMITS.rids),
  simulcast: Simulcast.optional(),
  msid: list(z.object({ id: text(256) }), SDP_LIMITS.ssrcs),
  bundleOnly: flag,
  rtcpMux: flag,
  rtcpRsize: flag,
});
type Media = z.infer<typeof Media>;

const Session = Transport.extend({
  version: z.int().optional(),
  groups: list(z.object({ type: z.string(), mids: text(SDP_LIMITS.line) }), 16),
  icelite: flag,
  extmapAllowMixed: flag,
  media: z.array(Media).max(SDP_LIMITS.media),
});
type Session = z.infer<typeof Session>;

/** @throws {WeirError} `badRequest` for what is no complete SDP */
export function parseSdp(sdp: string): SessionDescription {
  if (!/^v=0\r?\n/.test(sdp)) throw malformed('does not begin with "v=0"');
  const session = parseText(sdp);
  if (session.media.length === 0) throw malformed('has no media section');
  return {
    media: session.media.map((media) => readMedia(media, session)),
    bundle: words(session.groups.find(({ type }) => type === 'BUNDLE')?.mids),
    iceLite: session.icelite,
    extmapAllowMixed: session.extmapAllowMixed,
  };
}

/** @throws {WeirError} `badRequest` */
function parseText(sdp: string): Session {
  assertWithinLimits(sdp);
  const parsed = Session.safeParse(parse(sdp));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const [, index, name] = issue?.path[0] === 'media' ? issue.path : [undefined, undefined, issue?.path[0]];
  const where = index === undefined ? '' : ` in media section ${Number(index) + 1}`;
  throw malformed(`has a malformed "${String(name ?? 'media')}"${where}`);
}

function readMedia(media: Media, session: Session): SdpMedia {
  const { type: kind, port, protocol, mid, bundleOnly, rtcpMux, rtcpRsize } = media;
  const usernameFragment = media.iceUfrag ?? session.iceUfrag;
  const password = media.icePwd ?? session.icePwd;
  return {
    kind,
    port,
    protocol,
    mid,
    bundleOnly,
    rtcpMux,
    rtcpRsize,
    direction: media.direction ?? session.direction ?? 'sendrecv',
    codecs: codecsOf(media),
    headerExtensions: media.ext.map(({ value: id, uri, direction = 'sendrecv' }) => ({
      id,
      uri,
      direction: directions.find((known) => known === direction) ?? 'inactive',
    })),
    sources: sourcesOf(media),
    sentRids: sentRids(media),
    streamIds: streamIds(media),
    ice: usernameFragment !== undefined && password !== undefined ? { usernameFragment, password } : undefined,
    fingerprint: fingerprintOf(media.fingerprint ?? session.fingerprint),
    setup: media.setup ?? session.setup,
  };
}

function codecsOf({ payloads, rtp, fmtp, rtcpFb }: Media): SdpCodec[] {
  const order = words(payloads).slice(0, SDP_LIMITS.payloadTypes).map(Number);
  return [...new Set(order)].flatMap((payloadType) => {
    const map = rtp.find(({ payload }) => payload === payloadType);
    if (!map) return [];
    const feedback = rtcpFb.filter(({ payload }) => payload === payloadType || payload === '*');
    return {
      payloadType,
      name: map.codec,
      clockRate: map.rate,
      channels: typeof map.encoding === 'number' && map.encoding > 0 ? map.encoding : 1,
      parameters: parametersOf(fmtp.find(({ payload }) => payload === payloadType)?.config),
      rtcpFeedback: feedback.map(({ type, subtype }) => ({ type, ...(subtype && { parameter: subtype }) })),
    };
  });
}

/** `a=1;b=2` as an object; what has no equals sign is left out. Whole numbers are numbers, as mediasoup expects them. */
function parametersOf(config = ''): Parameters {
  const entries = config.split(';').flatMap((part): [string, string | number][] => {
    const [, name, value] = /^([\w.-]+)\s*=(.*)$/.exec(part.trim()) ?? [];
    if (name === undefined || value === undefined || name === '__proto__') return [];
    const trimmed = value.trim();
    return [[name.toLowerCase(), /^-?(0|[1-9]\d{0,8})$/.test(trimmed) ? Number(trimmed) : trimmed]];
  });
  return Object.fromEntries(entries.slice(0, MAX_PARAMETERS));
}

/** The first source of each group, with its retransmissions: the second SSRC of its group FID (RFC 4588, section 8.8). */
function sourcesOf({ ssrcs, ssrcGroups }: Media): SdpSource[] {
  const groups = ssrcGroups.map(({ semantics, ssrcs: list }) => ({ semantics, ssrcs: words(list).map(Number) }));
  const others = new Set(groups.flatMap(({ ssrcs: [, ...following] }) => following));
  const first = [...new Set(ssrcs.map(({ id }) => id))].filter((ssrc) => !others.has(ssrc));
  return first.map((ssrc) => ({
    ssrc,
    cname: ssrcs.find(({ id, attribute }) => id === ssrc && attribute === 'cname')?.value,
    rtx: groups.find(({ semantics, ssrcs: [of] }) => semantics === 'FID' && of === ssrc)?.ssrcs[1],
  }));
}

/** Of alternatives the first one; those that begin paused are sent later on (RFC 8853, section 5.2). */
function sentRids({ rids, simulcast }: Media): SdpMedia['sentRids'] {
  const { dir1, list1, dir2, list2 } = simulcast ?? {};
  const sent = dir1 === 'send' ? list1 : dir2 === 'send' ? list2 : undefined;
  const ids = sent?.split(';').map((alternatives) => alternatives.split(',', 1)[0]?.replace('~', '') ?? '') ?? [];
  return ids.slice(0, SDP_LIMITS.rids).flatMap((id) => {
    const rid = rids.find((one) => one.id === id && one.direction === 'send');
    return rid ? [{ id, parameters: parametersOf(rid.params) }] : [];
  });
}

function streamIds({ msid, ssrcs, invalid }: Media): string[] {
  // The parser knows no braces, in which some versions of Firefox write ids.
  const braced = invalid.flatMap(({ value }) => /^msid:(\S+)/.exec(value ?? '')?.[1] ?? []);
  const own = [...msid.map(({ id }) => id), ...braced];
  const ofSources = ssrcs.flatMap(({ attribute, value }) => (attribute === 'msid' ? (words(value)[0] ?? []) : []));
  return [...new Set(own.length > 0 ? own : ofSources)];
}

function fingerprintOf(line: Media['fingerprint']): SdpMedia['fingerprint'] {
  if (!line) return undefined;
  const fingerprints = [{ algorithm: line.type.toLowerCase(), value: line.hash.toUpperCase() }];
  const parsed = DtlsParameters.safeParse({ fingerprints });
  if (!parsed.success) throw malformed('has a fingerprint that is malformed, or of an unknown hash function');
  return parsed.data.fingerprints[0];
}

function words(value = ''): string[] {
  return value.split(/\s+/).filter(Boolean);
}

/** Chooses the codec of an m-line that the server takes, and describes it for mediasoup. */
import type { MediaKind, RtpCapabilities, RtpParameters } from '../../../shared/media.ts';
import { unsupported } from './limits.ts';
import type { SdpCodec, SdpMedia } from './parseSdp.ts';

export interface ChosenCodec {
  /** As it was offered. */
  readonly codec: SdpCodec;
  /** Its retransmissions (RFC 4588), if they were offered and the server takes them. */
  readonly rtx: SdpCodec | undefined;
  /** Both for mediasoup, with the payload types of the offer. */
  readonly parameters: RtpParameters['codecs'];
}

type Capability = RtpCapabilities['codecs'][number];

/** The format parameters that receivers have a use for, by MIME type. */
const forwarded: Readonly<Record<string, readonly string[]>> = {
  'audio/opus': [
    'useinbandfec',
    'usedtx',
    'stereo',
    'sprop-stereo',
    'maxaveragebitrate',
    'minptime',
    'ptime',
    'maxptime',
  ],
  // Of streams that have them nowhere else.
  'video/h264': ['sprop-parameter-sets'],
};

/**
 * Profiles of H.264 that browsers decode (`profile_idc`): Baseline, Main, High. What a stream really is, it says itself; OBS
 * announces Constrained Baseline whatever it sends.
 */
const h264Profiles: ReadonlySet<string> = new Set(['42', '4d', '64']);

/**
 * The first codec of the offer that the server takes.
 * @throws {WeirError} `unsupported`, with the codecs of both sides
 */
export function chooseCodec({ kind, codecs }: SdpMedia, capabilities: RtpCapabilities): ChosenCodec {
  for (const codec of codecs) {
    const capability = capabilities.codecs.find((known) => matches(codec, kind, known));
    if (capability) return describe(codec, capability, retransmissionOf(codec, codecs, capability, capabilities));
  }
  const offered = [...new Set(codecs.map(({ name }) => name))].slice(0, 16).join(', ') || 'none';
  const taken = capabilities.codecs.filter((known) => known.kind === kind && !isRtx(known)).map(nameOf);
  throw unsupported(`The server takes ${[...new Set(taken)].join(', ')} as ${kind}; the offer has ${offered}.`);
}

/** A codec that both sides have. */
export interface CommonCodec {
  /** As it was offered. */
  readonly offered: SdpCodec;
  readonly known: Capability;
}

/** Every codec of the server that an m-line offers, in the order of the offer; once each, the closest one where there are several. */
export function commonCodecs({ kind, codecs }: SdpMedia, capabilities: RtpCapabilities): CommonCodec[] {
  const chosen = capabilities.codecs.flatMap((known) => {
    const [offered] = codecs
      .filter((codec) => matches(codec, kind, known))
      .toSorted((a, b) => closeness(b, known) - closeness(a, known));
    return offered ? { offered, known } : [];
  });
  return chosen.toSorted((a, b) => codecs.indexOf(a.offered) - codecs.indexOf(b.offered));
}

/** Of H.264: how packets are made matters more than the profile, which streams say themselves. */
function closeness({ parameters }: SdpCodec, known: Capability): number {
  const same = (name: string) =>
    String(parameters[name] ?? '').toLowerCase() === String(known.parameters?.[name] ?? '').toLowerCase();
  return (same('packetization-mode') ? 2 : 0) + (same('profile-level-id') ? 1 : 0);
}

/** Whether a header extension or feedback is for this kind of media at the server. */
export function takesExtension(uri: string, kind: MediaKind, { headerExtensions = [] }: RtpCapabilities): boolean {
  return headerExtensions.some((known) => known.uri === uri && known.kind === kind);
}

function matches(codec: SdpCodec, kind: string, known: Capability): boolean {
  const { name, clockRate, channels, parameters } = codec;
  const mimeType = `${kind}/${name}`.toLowerCase();
  if (known.mimeType.toLowerCase() !== mimeType || known.clockRate !== clockRate || isRtx(known)) return false;
  if (mimeType === 'video/h264') return isPlayableH264(parameters);
  if (mimeType === 'video/vp9') return (parameters['profile-id'] ?? 0) === (known.parameters?.['profile-id'] ?? 0);
  if (mimeType === 'video/av1') return (parameters.profile ?? 0) === 0;
  // Some write "OPUS/48000", which is the same (RFC 7587, section 7: always two channels).
  return mimeType === 'audio/opus' || (known.channels ?? 1) === channels;
}

/** Interleaved packets (mode 2) are of no use to browsers; single NAL units (mode 0) are what mode 1 has too (RFC 6184). */
function isPlayableH264({
  'packetization-mode': mode = 0,
  'profile-level-id': profile = '42000a',
}: SdpCodec['parameters']) {
  return (mode === 0 || mode === 1) && h264Profiles.has(String(profile).slice(0, 2).toLowerCase());
}

function retransmissionOf(
  { payloadType }: SdpCodec,
  codecs: readonly SdpCodec[],
  { preferredPayloadType }: Capability,
  capabilities: RtpCapabilities,
): SdpCodec | undefined {
  if (!capabilities.codecs.some((known) => isRtx(known) && known.parameters?.apt === preferredPayloadType))
    return undefined;
  return codecs.find(({ name, parameters }) => name.toLowerCase() === 'rtx' && parameters.apt === payloadType);
}

function describe(codec: SdpCodec, capability: Capability, rtx: SdpCodec | undefined): ChosenCodec {
  const { mimeType, clockRate, channels, rtcpFeedback = [] } = capability;
  const parameters: Record<string, string | number | boolean> = { ...capability.parameters };
  for (const name of forwarded[mimeType.toLowerCase()] ?? []) {
    const value = codec.parameters[name];
    if (value !== undefined) parameters[name] = value;
  }
  const media = {
    mimeType,
    payloadType: codec.payloadType,
    clockRate,
    ...(channels !== undefined && { channels }),
    parameters,
    rtcpFeedback: rtcpFeedback.filter(({ type, parameter }) =>
      codec.rtcpFeedback.some((offered) => offered.type === type && (offered.parameter ?? '') === (parameter ?? '')),
    ),
  };
  if (!rtx) return { codec, rtx, parameters: [media] };
  const repair = {
    mimeType: 'video/rtx',
    payloadType: rtx.payloadType,
    clockRate,
    parameters: { apt: codec.payloadType },
  };
  return { codec, rtx, parameters: [media, repair] };
}

function isRtx({ mimeType }: Capability): boolean {
  return /\/rtx$/i.test(mimeType);
}

function nameOf({ mimeType }: Capability): string {
  return mimeType.replace(/^.*\//, '');
}

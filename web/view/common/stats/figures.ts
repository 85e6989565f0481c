/** The figures of the statistics panel as texts: of a track, and of a transport. */
import type {
  CandidateStats,
  ConnectionStats,
  ConsumerLayers,
  SignallingKind,
  TrackRates,
  TrackStats,
} from '../../../client/index.ts';
import { translateStats } from '../../locales/stats.ts';
import { formatBitrate } from '../formatBitrate.ts';

export interface Figure {
  readonly label: string;
  readonly value: string;
}

/**
 * What is known of a track.
 * @param rates undefined until there are two samples
 * @param layers of a received video, those that the server forwards
 */
export function trackFigures(track: TrackStats, rates: TrackRates | undefined, layers?: ConsumerLayers): Figure[] {
  const isVideo = track.source === 'camera' || track.source === 'screen';
  const { codec, codecImplementation, scalabilityMode, jitter, qualityLimitationReason, direction } = track;
  const roundTrip = track.roundTripTime ?? track.currentRoundTripTime;
  const name = codec?.replace(/^\w+\//, '');
  return compact([
    ['path', track.direct ? translateStats('toPeer') : undefined],
    ['codec', name && (codecImplementation ? `${name} (${codecImplementation})` : name)],
    ['layers', isVideo ? scalabilityMode : undefined],
    ['currentLayers', layers && `${layers.spatialLayer}/${layers.temporalLayer ?? 0}`],
    ['size', isVideo ? sizeOf(track) : undefined],
    ['framesPerSecond', isVideo && rates ? String(Math.round(rates.framesPerSecond(track))) : undefined],
    ['bitrate', rates && formatBitrate(rates.bitrate(track))],
    ['loss', rates && formatShare(rates.loss(track))],
    ['jitter', jitter === undefined ? undefined : formatTime(jitter)],
    ['roundTrip', roundTrip === undefined ? undefined : formatTime(roundTrip)],
    [
      'limitedBy',
      direction === 'send' && qualityLimitationReason ? translateStats(qualityLimitationReason) : undefined,
    ],
  ]);
}

/** How a transport is connected. Addresses are not shown: they say little, and a picture of the page would have them. */
export function connectionFigures({ direction, state, pair }: ConnectionStats): Figure[] {
  const { local, remote, currentRoundTripTime, availableOutgoingBitrate } = pair ?? {};
  return compact([
    ['path', local ? pathOf(local) : translateStats('pathNone')],
    ['candidates', local && remote && `${local.candidateType} → ${remote.candidateType}`],
    ['state', state === 'connected' ? undefined : state],
    ['roundTrip', currentRoundTripTime === undefined ? undefined : formatTime(currentRoundTripTime)],
    [
      'available',
      direction === 'send' && availableOutgoingBitrate ? formatBitrate(availableOutgoingBitrate) : undefined,
    ],
    ['network', local?.networkType === 'unknown' ? undefined : local?.networkType],
  ]);
}

/** What carries the signalling. @param kind undefined before there is a connection */
export function signallingFigures(kind: SignallingKind | undefined): Figure[] {
  return compact([['path', translateStats(kind ?? 'pathNone')]]);
}

function pathOf({ candidateType, protocol, relayProtocol }: CandidateStats): string {
  if (candidateType === 'relay')
    return translateStats('pathRelay', { protocol: (relayProtocol ?? 'udp').toUpperCase() });
  return translateStats('pathDirect', { protocol: protocol.toUpperCase() });
}

/** `640×360`; of a video that is sent the size of each encoding, the largest first. */
function sizeOf({ encodings, frameWidth, frameHeight }: TrackStats): string | undefined {
  const sizes = encodings?.toReversed() ?? [{ frameWidth, frameHeight }];
  return sizes
    .filter(({ frameWidth: width, frameHeight: height }) => width && height)
    .map(({ frameWidth: width, frameHeight: height }) => `${width}×${height}`)
    .join(', ');
}

/** `20 ms`, with a decimal below 10 ms. @param seconds the time */
function formatTime(seconds: number): string {
  const milliseconds = seconds * 1000;
  return `${milliseconds < 10 ? Number(milliseconds.toFixed(1)) : Math.round(milliseconds)} ms`;
}

/** `0.3 %` */
function formatShare(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}

function compact(entries: readonly [Parameters<typeof translateStats>[0], string | undefined][]): Figure[] {
  return entries.flatMap(([key, value]) => (value ? [{ label: translateStats(key), value }] : []));
}

/** Opens a session of plain RTP out of a room: admits the receiver, opens its transports, and describes what it gets. */
import { randomInt } from 'node:crypto';
import type { Logger } from 'pino';
import { WeirError } from '../../../shared/errors.ts';
import type { MediaKind, RtpCapabilities } from '../../../shared/media.ts';
import type { Admission } from '../../auth/AccessControl.ts';
import type { IpNetworks } from '../../common/IpNetworks.ts';
import { serverRtpCapabilities } from '../../media/options.ts';
import type { PlainTransports } from '../../media/PlainTransports.ts';
import type { Room } from '../../room/Room.ts';
import { sourceOf } from '../openPublisher.ts';
import { joinViewer, reserveViewer, type ViewerContext, viewerOptions } from '../openViewer.ts';
import type { EgressRequest } from './egressRequest.ts';
import { shellLine } from './ffmpegArguments.ts';
import { RtpSession } from './RtpSession.ts';
import { type RtpOutput, RtpViewer } from './RtpViewer.ts';
import { mimeTypeOf, type RtpCodec, VideoCodec } from './rtpCodecs.ts';
import { rtpSdp, type SdpStream } from './rtpSdp.ts';

export interface EgressContext extends ViewerContext {
  readonly plain: PlainTransports;
  /** The networks that may be sent to. */
  readonly networks: IpNetworks;
  /** Whether the server itself listens on it. */
  isOwnPort(port: number): boolean;
  /** How long nothing may be published, in milliseconds. */
  readonly idleTimeout: number;
  readonly log: Logger;
}

const DEFAULT_NAME = 'RTP receiver';

/**
 * @param admission of the receiver to the room
 * @throws {WeirError} `forbidden`, `conflict` while nothing is live, `notFound` without that member, `roomFull`, `busy`,
 *   `unavailable`, `closed`. Nothing is left open then
 */
export async function openEgress(
  context: EgressContext,
  admission: Admission,
  target: { readonly room: string; readonly signal: AbortSignal },
  request: EgressRequest,
): Promise<RtpSession> {
  const { address } = request;
  if (!context.networks.contains(address)) {
    throw new WeirError('forbidden', `Nothing is sent to ${address} from here: see WEIR_RTP_EGRESS_NETWORKS.`);
  }
  const viewerRequest = { ...target, name: request.name };
  using seat = await reserveViewer(context, admission, viewerRequest);
  const { room } = seat;
  const member = request.member === undefined ? undefined : findMember(room, request.member);
  const streams = requestedOutputs(request, codecNow(room, request, member));
  const own = streams.flatMap(({ stream }) => [stream.port, stream.rtcpPort]).find((port) => context.isOwnPort(port));
  if (own !== undefined) throw new WeirError('forbidden', `Port ${own} is one of this server's own.`);
  const { plain, idleTimeout } = context;
  const log = context.log.child({ room: room.key });
  const viewer = new RtpViewer({
    ...(await viewerOptions(context, room, admission, viewerRequest, DEFAULT_NAME)),
    room,
    plain,
    member: member === undefined ? undefined : { peerId: member, source: request.source },
    idleTimeout,
    log,
  });
  try {
    const opened = await viewer.start(streams.map(({ output }) => output));
    if (target.signal.aborted) throw new WeirError('closed');
    const onIdle = () => {
      const { identity, id: peer } = viewer;
      log.info({ identity, peer, seconds: idleTimeout / 1000 }, 'nothing to send by RTP, the session ends');
    };
    await joinViewer(room, admission, viewer, { time: idleTimeout, onIdle });
    const described = streams.map(
      ({ output, stream }, index) => [output.kind, { ...stream, from: opened[index]?.port }] as const,
    );
    const description = {
      peerId: viewer.id,
      from: opened[0]?.address ?? '',
      address,
      ...Object.fromEntries(described),
      sdp: rtpSdp({ address, streams: streams.map(({ stream }) => stream), sessionId: String(randomInt(1, 2 ** 47)) }),
      commands: { ffmpeg: recordLine('weir.sdp') },
    };
    return new RtpSession(viewer, description, viewer);
  } catch (error) {
    viewer.close('left');
    throw error;
  }
}

/** @throws {WeirError} `notFound` */
function findMember(room: Room, wanted: string): string {
  const found = room.visiblePeers().find(({ peerId, identity }) => peerId === wanted || identity === wanted);
  if (!found) throw new WeirError('notFound', 'Nobody of that identity is in the room.');
  return found.peerId;
}

/** The codec of the video that would be sent first; VP8 where there is none. */
function codecNow(room: Room, { source, video }: EgressRequest, member: string | undefined): VideoCodec {
  if (video?.codec) return video.codec;
  const videos = room.publications.map(({ track }) => track).filter(({ kind }) => kind === 'video');
  const track = member
    ? videos.find(({ peerId, source: own }) => peerId === member && own === sourceOf[source].video)
    : (videos.find((one) => one.source === 'screen') ?? videos[0]);
  const mimeType = track?.mimeTypes[0]?.toLowerCase();
  return VideoCodec.find((codec) => mimeTypeOf(codec).toLowerCase() === mimeType) ?? 'VP8';
}

function requestedOutputs(
  { address, rtcpMux, audio, video }: EgressRequest,
  codec: VideoCodec,
): { readonly output: RtpOutput; readonly stream: SdpStream }[] {
  const one = (kind: MediaKind, name: RtpCodec, ports: { port: number; rtcpPort?: number | undefined }) => {
    const { port } = ports;
    const rtcpPort = rtcpMux ? port : (ports.rtcpPort ?? port + 1);
    const { capabilities, payloadType } = capabilitiesOf(name);
    return {
      output: { kind, capabilities, remote: { ip: address, port, rtcpPort }, rtcpMux },
      stream: { codec: name, payloadType, port, rtcpPort },
    };
  };
  return [...(video ? [one('video', codec, video)] : []), ...(audio ? [one('audio', 'Opus', audio)] : [])];
}

/** What a receiver of plain RTP takes: one codec, lost packets again, and no header extensions. */
function capabilitiesOf(codec: RtpCodec): { capabilities: RtpCapabilities; payloadType: number } {
  const mimeType = mimeTypeOf(codec).toLowerCase();
  const found = serverRtpCapabilities.codecs.find((known) => known.mimeType.toLowerCase() === mimeType);
  if (!found) throw new Error(`The routers have no ${mimeType}.`);
  const rtcpFeedback = (found.rtcpFeedback ?? []).filter(({ type }) => type === 'nack' || type === 'ccm');
  return {
    capabilities: { codecs: [{ ...found, rtcpFeedback }], headerExtensions: [] },
    payloadType: found.preferredPayloadType,
  };
}

/** Records with ffmpeg from an SDP file. */
function recordLine(file: string): string {
  return shellLine(['ffmpeg', '-protocol_whitelist', 'file,udp,rtp', '-i', file, '-c', 'copy', 'recording.mkv']);
}

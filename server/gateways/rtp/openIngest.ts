/** Opens a session of plain RTP into a room: its publisher, its ports, and what its sender needs to know. */
import { randomInt } from 'node:crypto';
import type { Logger } from 'pino';
import type { Admission } from '../../auth/AccessControl.ts';
import { roomKey } from '../../common/roomKey.ts';
import type { PlainTransports } from '../../media/PlainTransports.ts';
import { openPublisher, type PublishContext, sourceOf } from '../openPublisher.ts';
import { commandLines } from './ffmpegArguments.ts';
import { type IngestRequest, requestedStreams } from './ingestRequest.ts';
import { RtpPublisher } from './RtpPublisher.ts';
import { RtpSession } from './RtpSession.ts';
import { type AddressedStream, rtpSdp } from './rtpSdp.ts';

export interface IngestContext extends PublishContext {
  readonly plain: PlainTransports;
  /** How long nothing may come, in milliseconds. */
  readonly idleTimeout: number;
  /** What a sender may send, in bit/s. */
  readonly maxIncomingBitrate: number;
  readonly log: Logger;
}

/** Where the request is for, and whether its client still waits. */
export interface IngestTarget {
  readonly room: string;
  readonly signal: AbortSignal;
}

/** @throws what `openPublisher` and `RtpPublisher.listen` throw; nothing is left in the room then */
export async function openIngest(
  context: IngestContext,
  admission: Admission,
  { room, signal }: IngestTarget,
  request: IngestRequest,
): Promise<RtpSession> {
  const { plain, idleTimeout, maxIncomingBitrate } = context;
  const log = context.log.child({ room: roomKey(admission.credentials.kind, room) });
  const { name, source, rtcpMux } = request;
  const requested = requestedStreams(request).map((stream) => ({ ...stream, source: sourceOf[source][stream.kind] }));
  const { publisher, opened } = await openPublisher(
    context,
    admission,
    { room, name, sources: requested.map((stream) => stream.source), signal },
    {
      create: (options) => new RtpPublisher({ ...options, plain, idleTimeout, maxIncomingBitrate, log }),
      open: (created) => created.listen(requested, { rtcpMux }),
    },
  );
  const [first] = opened;
  const address = first?.address ?? '';
  const streams = requested.flatMap((stream, index) => {
    const ports = opened[index];
    return ports ? [{ ...stream, port: ports.port, rtcpPort: ports.rtcpPort, serverSrtp: ports.srtp }] : [];
  });
  const video = streams.find(({ kind }) => kind === 'video');
  const audio = streams.find(({ kind }) => kind === 'audio');
  return new RtpSession(publisher, {
    peerId: publisher.id,
    address,
    ...(video && { video: described(video) }),
    ...(audio && { audio: described(audio) }),
    sdp: rtpSdp({ address, streams, sessionId: String(randomInt(1, 2 ** 47)) }),
    commands: commandLines({ address, video, audio }),
  });
}

/** A stream as the answer has it. */
function described(stream: AddressedStream & { readonly serverSrtp: unknown }) {
  const { codec, payloadType, ssrc, port, rtcpPort, srtp, serverSrtp } = stream;
  return { codec, payloadType, ssrc, port, rtcpPort, ...(srtp && { srtp, serverSrtp }) };
}

/** Puts the publisher of a gateway into a room: checks what it may do, opens its transports, and announces what it publishes. */
import { WeirError } from '../../shared/errors.ts';
import type { MediaKind, Source } from '../../shared/media.ts';
import type { RoomPolicy } from '../../shared/protocol.ts';
import type { AccessControl, Admission } from '../auth/AccessControl.ts';
import { KEY_FRAME_REQUEST_DELAY } from '../media/options.ts';
import type { RoomManager } from '../room/RoomManager.ts';
import { assertServerMedia } from './assertServerMedia.ts';
import type { GatewayPublisher, PublisherOptions } from './GatewayPublisher.ts';
import { type ParticipantRequest, participantOptions } from './participantOptions.ts';

export interface PublishContext {
  readonly rooms: RoomManager;
  readonly access: AccessControl;
  /** Of calls for which nobody chooses a policy. */
  readonly roomPolicy: RoomPolicy;
}

export interface PublishRequest extends ParticipantRequest {
  readonly room: string;
  /** All that it publishes. */
  readonly sources: readonly Source[];
}

/** How a gateway makes its publisher. */
export interface PublisherSteps<P extends GatewayPublisher, T> {
  create(options: PublisherOptions): P;
  /** Opens its transports, and publishes its tracks. @returns what the gateway needs for its answer */
  open(publisher: P): Promise<T>;
}

const DEFAULT_NAME = 'Stream';

/** Whether the video of a client is a camera or a screen also says what its audio is. */
export type VideoSource = 'camera' | 'screen';

/** The sources of a client, by the kind of its tracks. */
export const sourceOf: Readonly<Record<VideoSource, Readonly<Record<MediaKind, Source>>>> = {
  camera: { audio: 'microphone', video: 'camera' },
  screen: { audio: 'screenAudio', video: 'screen' },
};

/**
 * @param admission of the client to the room
 * @throws {WeirError} `unauthorized`, `forbidden`, `conflict`, `roomFull`, `busy`, `unavailable`, `closed`, and what `steps`
 *   throw. Nothing is left in the room then
 */
export async function openPublisher<P extends GatewayPublisher, T>(
  { rooms, roomPolicy }: PublishContext,
  admission: Admission,
  request: PublishRequest,
  { create, open }: PublisherSteps<P, T>,
): Promise<{ readonly publisher: P; readonly opened: T }> {
  const { kind, identity, policy = roomPolicy } = admission.credentials;
  const { signal } = request;
  assertMayPublish(admission, request.sources);
  const isAdmin = admission.grants.roomAdmin;
  using seat = await rooms.reserve(request.room, identity, kind, { signal, policy, isAdmin });
  const { room } = seat;
  assertServerMedia(room);
  const options = await participantOptions(room, admission, request, DEFAULT_NAME);
  const publisher = create({ ...options, keyFrameRequestDelay: KEY_FRAME_REQUEST_DELAY[room.kind] });
  try {
    const opened = await open(publisher);
    // An administrator may have decided otherwise meanwhile, and the client may be gone.
    admission.assertNotRevoked();
    assertMayPublish(admission, request.sources);
    publisher.setGrants(admission.grants);
    if (signal.aborted) throw new WeirError('closed');
    await room.join(publisher);
    for (const publication of publisher.publications) {
      room.publish(publication);
      publisher.watch(publication, (problem) => room.videoProblemFound(publisher, problem));
    }
    if (publisher.closed) throw new WeirError('closed');
    return { publisher, opened };
  } catch (error) {
    publisher.close('left');
    throw error;
  }
}

/** Nothing is published partly. @throws {WeirError} `forbidden` */
function assertMayPublish({ grants }: Admission, sources: readonly Source[]): void {
  if (!grants.canPublish) throw new WeirError('forbidden', 'You may not publish here.');
  const refused = sources.find((source) => !grants.canPublishSources.includes(source));
  if (refused) throw new WeirError('forbidden', `You may not publish ${refused} here.`);
}

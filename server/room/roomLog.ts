/** Logs the lifecycle of a room and of those in it. */
import type { Logger } from 'pino';
import type { VideoProblem } from '../../shared/protocol.ts';
import type { Participant } from './Participant.ts';
import type { RoomEventSource } from './RoomEvents.ts';

const problems: Readonly<Record<VideoProblem, string>> = {
  bFrames: 'the video has B-frames, which browsers show out of order: set them to 0 in the encoder',
};

/**
 * @param log with the room's key bound to it
 * @param participants those in the room now
 */
export function logRoomEvents(events: RoomEventSource, log: Logger, participants: { readonly size: number }): void {
  events.on({
    joined: ({ participant }) => log.info({ ...idsOf(participant), size: participants.size }, 'peer joined'),
    left: ({ participant, reason }) =>
      log.info({ ...idsOf(participant), size: participants.size, reason }, 'peer left'),
    grantsChanged: ({ participant }) =>
      log.info({ ...idsOf(participant), grants: participant.grants }, 'grants changed'),
    videoProblem: ({ participant, problem }) => log.warn({ ...idsOf(participant), problem }, problems[problem]),
    liveChanged: ({ live }) => log.info({ live }, 'broadcast state changed'),
    closed: ({ reason }) => log.info({ reason }, 'room closed'),
  });
}

function idsOf({ id: peer, identity }: Participant) {
  return { peer, identity };
}

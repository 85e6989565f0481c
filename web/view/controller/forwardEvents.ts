/** Forwards the events of a room client to the events of its call: participants instead of peers. */
import type { CloseReason, RemotePeer, RoomClient } from '../../client/index.ts';
import type { CallEvents } from './callEvents.ts';
import { participantId, toParticipant } from './Participant.ts';
import type { ParticipantRetention } from './ParticipantRetention.ts';

export interface ForwardOptions {
  /** Whether this client is the call's current one: a rejoin creates further ones. */
  isCurrent(): boolean;
  readonly participants: ParticipantRetention;
  emit<E extends keyof CallEvents>(event: E, data: CallEvents[E]): void;
}

/** Events that change nothing but state. */
const changeEvents = [
  'peerChanged',
  'trackAdded',
  'trackRemoved',
  'audioSlotTrackAdded',
  'audioSlotTrackRemoved',
  'localSourcesChanged',
  'mediaConnectionStateChanged',
  'awayChanged',
  'broadcastChanged',
  'handsChanged',
  'invited',
  'waitingChanged',
  'roomAccessChanged',
] as const;

/** Media of the participant or their media worker failed, or they joined from another device: they are about to rejoin. */
const returnReasons: ReadonlySet<string> = new Set<CloseReason>(['mediaFailed', 'mediaLost', 'replaced']);

export function forwardEvents(client: RoomClient, { isCurrent, participants, emit }: ForwardOptions): void {
  const changed = () => isCurrent() && emit('changed', undefined);
  for (const event of changeEvents) client.on(event, changed);
  client.on('fileOffered', (transfer) => isCurrent() && emit('fileOffered', transfer));
  for (const event of ['fileStateChanged', 'fileProgress'] as const) {
    client.on(event, (transfer) => isCurrent() && emit('fileChanged', transfer));
  }
  client.on('chatMessage', (data) => isCurrent() && emit('chatMessage', data));
  client.on('chatChanged', (message) => isCurrent() && emit('chatChanged', message));
  client.on('chatStateChanged', (state) => isCurrent() && emit('chatStateChanged', state));
  client.on('waitingChanged', (waiting) => isCurrent() && emit('waitingChanged', waiting));
  client.on('roomAccessChanged', (access) => isCurrent() && emit('roomAccessChanged', access));
  client.on('invited', ({ by }) => emit('invited', by));
  client.on('inviteAnswered', (answer) => emit('inviteAnswered', answer));
  client.on('reconnectingChanged', (reconnecting) => isCurrent() && emit('reconnecting', reconnecting));
  client.on('draining', ({ seconds }) => isCurrent() && emit('draining', seconds));
  client.on('reaction', ({ peer, reaction }) => emit('reaction', { participant: toParticipant(peer), reaction }));
  client.on('handChanged', (peer) => {
    changed();
    if (peer.hand) emit('handRaised', toParticipant(peer));
  });
  client.on('peerJoined', (peer) => {
    // Not for those who were there before the join, nor for those who return.
    const isNew = client.state === 'joined' && !participants.isAwaited(participantId(peer.identity));
    changed();
    if (isNew) emit('participantJoined', toParticipant(peer));
  });
  client.on('peerLeft', ({ peer, reason }) => {
    if (returnReasons.has(reason)) participants.awaitReturn(participantId(peer.identity));
    else emit('participantLeft', toParticipant(peer));
    changed();
  });
  forwardScreenShares(client, emit);
  forwardVideoProblems(client, emit);
}

function forwardVideoProblems(client: RoomClient, emit: ForwardOptions['emit']): void {
  const known = new WeakSet<RemotePeer>();
  for (const event of ['peerJoined', 'peerChanged'] as const) {
    client.on(event, (peer) => {
      const { videoProblem: problem } = peer;
      if (!problem || known.has(peer)) return;
      known.add(peer);
      emit('videoProblem', { participant: toParticipant(peer), problem });
    });
  }
}

/** Emits `screenShared` once for each screen share. */
function forwardScreenShares(client: RoomClient, emit: ForwardOptions['emit']): void {
  const sharing = new Set<string>();
  for (const event of ['peerJoined', 'peerChanged'] as const) {
    client.on(event, (peer) => {
      const shares = peer.sources.screen !== undefined;
      if (shares && !sharing.has(peer.peerId)) emit('screenShared', toParticipant(peer));
      if (shares) sharing.add(peer.peerId);
      else sharing.delete(peer.peerId);
    });
  }
  client.on('peerLeft', ({ peer }) => sharing.delete(peer.peerId));
}

/** Forwards what the client of a call tells to the call's page: people instead of peers, and what is news of them. */
import type { RoomClient } from '../../client/index.ts';
import type { CallEvents } from './callEvents.ts';
import { participantId, toParticipant } from './Participant.ts';
import type { ParticipantRetention } from './ParticipantRetention.ts';

export interface ForwardOptions {
  /** Whether this client is the one of the call: while it comes back, others are tried. */
  isCurrent(): boolean;
  readonly participants: ParticipantRetention;
  emit<E extends keyof CallEvents>(event: E, data: CallEvents[E]): void;
}

/** After these something looks different. */
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
] as const;

export function forwardEvents(client: RoomClient, { isCurrent, participants, emit }: ForwardOptions): void {
  const changed = () => isCurrent() && emit('changed', undefined);
  for (const event of changeEvents) client.on(event, changed);
  client.on('invited', ({ by }) => emit('invited', by));
  client.on('inviteAnswered', (answer) => emit('inviteAnswered', answer));
  client.on('reconnectingChanged', (cut) => isCurrent() && emit('reconnecting', cut));
  client.on('draining', ({ seconds }) => isCurrent() && emit('draining', seconds));
  client.on('reaction', ({ peer, reaction }) => emit('reaction', { person: toParticipant(peer), reaction }));
  client.on('handChanged', (peer) => {
    changed();
    if (peer.hand) emit('handRaised', toParticipant(peer));
  });
  client.on('peerJoined', (peer) => {
    // Those who are there when we come in are no news, nor are those who are back.
    const news = client.state === 'joined' && !participants.isAwaited(participantId(peer.identity));
    changed();
    if (news) emit('participantJoined', toParticipant(peer));
  });
  client.on('peerLeft', ({ peer, reason }) => {
    // Who found no way for the media, or is in from elsewhere, is about to be here again.
    if (reason === 'mediaFailed' || reason === 'replaced') participants.awaitReturn(participantId(peer.identity));
    else emit('participantLeft', toParticipant(peer));
    changed();
  });
  forwardScreenShares(client, emit);
}

/** Tells that somebody begins to share a screen, once each time. */
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

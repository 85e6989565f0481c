/** Owns the requests that change who may do what, and those that run a broadcast. */

import { WeirError } from '../../shared/errors.ts';
import type { ClientMessages, Grants } from '../../shared/protocol.ts';
import type { Handlers } from '../../shared/RpcChannel.ts';
import type { Broadcast } from '../room/Broadcast.ts';
import type { Participant } from '../room/Participant.ts';
import type { Room } from '../room/Room.ts';
import type { RequestContext } from './RequestContext.ts';

type ModerationHandlers = Pick<
  Handlers<ClientMessages>,
  'setGrants' | 'setBroadcast' | 'invite' | 'answerInvite' | 'stepDown'
>;

export function moderationHandlers(caller: RequestContext): ModerationHandlers {
  return {
    setGrants({ peerId, grants }) {
      const { peer, room } = caller.session;
      assertAdmin(peer);
      const participant = room.participant(peerId);
      if (!participant) throw new WeirError('notFound', 'There is no peer of that id in this room.');
      return { grants: room.changeGrants(participant, grants) };
    },

    setBroadcast({ live, profile }) {
      const { peer, room } = caller.session;
      const ends = live === false && profile === undefined;
      if (!(ends && room.broadcast?.mayEnd(peer))) assertAdmin(peer);
      const broadcast = requireBroadcast(room);
      broadcast.set({ live, profile });
      return { broadcast: broadcast.info };
    },

    invite({ peerId }) {
      const { peer, room } = caller.session;
      assertAdmin(peer);
      requireBroadcast(room).invite(peerId, peer);
      return {};
    },

    answerInvite({ accept }) {
      const { peer, room } = caller.session;
      requireBroadcast(room).answer(peer, accept);
      peer.setHand(false);
      const grants: Grants = accept ? room.changeGrants(peer, { canPublish: true }) : peer.grants;
      return { grants };
    },

    stepDown() {
      const { peer, room } = caller.session;
      requireBroadcast(room);
      if (!peer.grants.canPublish) throw new WeirError('conflict', 'You are not on the stage.');
      return { grants: room.stepDown(peer) };
    },
  };
}

/** @throws {WeirError} `forbidden` */
export function assertAdmin({ grants }: Pick<Participant, 'grants'>): void {
  if (!grants.roomAdmin) throw new WeirError('forbidden', 'You are not an administrator of this room.');
}

/** @throws {WeirError} `notFound` */
function requireBroadcast({ broadcast }: Room): Broadcast {
  if (!broadcast) throw new WeirError('notFound', 'This room is a call, not a broadcast.');
  return broadcast;
}

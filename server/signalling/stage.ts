/** Owns the requests that change who may do what, and those that run a broadcast. */
import type { Handlers } from '../../shared/Channel.ts';
import { WeirError } from '../../shared/errors.ts';
import type { ClientTable, Grants } from '../../shared/protocol.ts';
import type { Broadcast } from '../room/Broadcast.ts';
import type { Member } from '../room/Member.ts';
import type { Room } from '../room/Room.ts';
import type { Caller } from './Caller.ts';

type StageHandlers = Pick<Handlers<ClientTable>, 'setGrants' | 'setBroadcast' | 'invite' | 'answerInvite' | 'stepDown'>;

export function stageHandlers(caller: Caller): StageHandlers {
  return {
    setGrants({ peerId, grants }) {
      const { peer, room } = caller.stay;
      mustBeAdmin(peer);
      const member = room.member(peerId);
      if (!member) throw new WeirError('notFound', 'There is no peer of that id in this room.');
      return { grants: room.changeGrants(member, grants) };
    },

    setBroadcast({ live, profile }) {
      const { peer, room } = caller.stay;
      const ends = live === false && profile === undefined;
      if (!(ends && room.broadcast?.mayEnd(peer))) mustBeAdmin(peer);
      const broadcast = mustBeBroadcast(room);
      broadcast.set({ live, profile });
      return { broadcast: broadcast.info };
    },

    invite({ peerId }) {
      const { peer, room } = caller.stay;
      mustBeAdmin(peer);
      mustBeBroadcast(room).invite(peerId, peer);
      return {};
    },

    answerInvite({ accept }) {
      const { peer, room } = caller.stay;
      mustBeBroadcast(room).answer(peer, accept);
      peer.setHand(false);
      const grants: Grants = accept ? room.changeGrants(peer, { canPublish: true }) : peer.grants;
      return { grants };
    },

    stepDown() {
      const { peer, room } = caller.stay;
      mustBeBroadcast(room);
      if (!peer.grants.canPublish) throw new WeirError('conflict', 'You are not on the stage.');
      return { grants: room.stepDown(peer) };
    },
  };
}

/** @throws {WeirError} `forbidden` */
export function mustBeAdmin({ isAdmin }: Pick<Member, 'isAdmin'>): void {
  if (!isAdmin) throw new WeirError('forbidden', 'You are not an administrator of this room.');
}

/** @throws {WeirError} `notFound` */
function mustBeBroadcast({ broadcast }: Room): Broadcast {
  if (!broadcast) throw new WeirError('notFound', 'This room is a call, not a broadcast.');
  return broadcast;
}

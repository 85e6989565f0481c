/** The requests that run a broadcast, and those by which somebody comes onto its stage or leaves it. */
import { WeirError } from '../../../shared/errors.ts';
import type { ClientMessages, Grants } from '../../../shared/protocol.ts';
import type { Handlers } from '../../../shared/RpcChannel.ts';
import type { Broadcast } from '../../room/Broadcast.ts';
import type { Room } from '../../room/Room.ts';
import type { CurrentContext } from '../RequestContext.ts';
import { assertAdmin } from './assertAdmin.ts';

type BroadcastHandlers = Pick<Handlers<ClientMessages>, 'setBroadcast' | 'invite' | 'answerInvite' | 'stepDown'>;

export function broadcastHandlers(current: CurrentContext): BroadcastHandlers {
  return {
    setBroadcast({ live, profile }) {
      const { peer, room } = current();
      const ends = live === false && profile === undefined;
      if (!(ends && room.broadcast?.mayEnd(peer))) assertAdmin(peer);
      const broadcast = requireBroadcast(room);
      broadcast.set({ live, profile });
      return { broadcast: broadcast.info };
    },

    invite({ peerId }) {
      const { peer, room } = current();
      assertAdmin(peer);
      requireBroadcast(room).invite(peerId, peer);
      return {};
    },

    answerInvite({ accept }) {
      const { peer, room, authenticated } = current();
      requireBroadcast(room).answer(peer, accept);
      peer.setHand(false);
      // Without a token, data comes with the stage.
      const change = { canPublish: true, ...(!authenticated && { canPublishData: true }) };
      const grants: Grants = accept ? room.changeGrants(peer, change) : peer.grants;
      // The client has its new grants before the reply, after which it uses them.
      peer.flush();
      return { grants };
    },

    stepDown() {
      const { peer, room } = current();
      requireBroadcast(room);
      if (!peer.grants.canPublish) throw new WeirError('conflict', 'You are not on the stage.');
      const grants = room.stepDown(peer);
      // As above: a client takes a change after the reply for the decision of somebody else.
      peer.flush();
      return { grants };
    },
  };
}

/** @throws {WeirError} `notFound` */
function requireBroadcast({ broadcast }: Room): Broadcast {
  if (!broadcast) throw new WeirError('notFound', 'This room is not a broadcast.');
  return broadcast;
}

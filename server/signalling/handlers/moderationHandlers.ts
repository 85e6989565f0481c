/** The requests by which an administrator removes or mutes other peers, changes their grants, or ends the room. */
import { WeirError } from '../../../shared/errors.ts';
import type { ClientMessages } from '../../../shared/protocol.ts';
import type { Handlers } from '../../../shared/RpcChannel.ts';
import type { Participant } from '../../room/Participant.ts';
import type { CurrentContext, RequestContext } from '../RequestContext.ts';
import { assertAdmin } from './assertAdmin.ts';

type ModerationHandlers = Pick<
  Handlers<ClientMessages>,
  | 'kick'
  | 'setGrants'
  | 'getGrants'
  | 'muteSource'
  | 'muteAll'
  | 'stopSource'
  | 'updateRoom'
  | 'admit'
  | 'deny'
  | 'endRoom'
>;

export function moderationHandlers(current: CurrentContext): ModerationHandlers {
  return {
    kick({ peerId }) {
      const context = current();
      context.room.remove(requireTarget(context, peerId), context.peer);
      return {};
    },

    setGrants({ peerId, grants }) {
      const context = current();
      const { room, peer } = context;
      return { grants: room.changeGrants(requireTarget(context, peerId), grants, peer) };
    },

    getGrants({ peerId }) {
      return { grants: requireTarget(current(), peerId).grants };
    },

    async muteSource({ peerId, source }) {
      const context = current();
      const { room, peer } = context;
      await room.sourceModeration.mute(requireTarget(context, peerId), source, peer);
      return {};
    },

    async muteAll() {
      const { room, peer } = current();
      assertAdmin(peer);
      return { muted: await room.sourceModeration.muteAll(peer) };
    },

    async stopSource({ peerId, source }) {
      const context = current();
      const { room, peer } = context;
      await room.sourceModeration.stop(requireTarget(context, peerId), source, peer);
      return {};
    },

    updateRoom(access) {
      const { room, peer } = current();
      assertAdmin(peer);
      const { locked, waitingRoom } = room.updateSettings(access);
      return { access: { locked, waitingRoom } };
    },

    admit({ id }) {
      const { room, peer } = current();
      assertAdmin(peer);
      return { count: room.waitingRoom.admit(id) };
    },

    deny({ id }) {
      const { room, peer } = current();
      assertAdmin(peer);
      return { count: room.waitingRoom.deny(id) };
    },

    endRoom() {
      const { room, peer } = current();
      assertAdmin(peer);
      // After the reply, since this connection closes as well.
      setImmediate(() => room.end(peer));
      return {};
    },
  };
}

/** The peer that an administrator names. @throws {WeirError} `forbidden`, whether there is such a peer or not; `notFound` */
function requireTarget({ peer, room }: RequestContext, peerId: string): Participant {
  assertAdmin(peer);
  const participant = room.participant(peerId);
  if (!participant) throw new WeirError('notFound', 'There is no peer of that id in this room.');
  return participant;
}

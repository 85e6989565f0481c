/** The requests by which an administrator removes another peer or changes its grants. */
import { WeirError } from '../../../shared/errors.ts';
import type { ClientMessages } from '../../../shared/protocol.ts';
import type { Handlers } from '../../../shared/RpcChannel.ts';
import type { Participant } from '../../room/Participant.ts';
import type { CurrentContext, RequestContext } from '../RequestContext.ts';
import { assertAdmin } from './assertAdmin.ts';

type ModerationHandlers = Pick<Handlers<ClientMessages>, 'kick' | 'setGrants'>;

export function moderationHandlers(current: CurrentContext): ModerationHandlers {
  return {
    kick({ peerId }) {
      const context = current();
      context.room.remove(requireTarget(context, peerId));
      return {};
    },

    setGrants({ peerId, grants }) {
      const context = current();
      return { grants: context.room.changeGrants(requireTarget(context, peerId), grants) };
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

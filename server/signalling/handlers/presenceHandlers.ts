/** The requests by which a peer shows something to the others: a raised hand, a reaction. */
import { WeirError } from '../../../shared/errors.ts';
import type { ClientMessages } from '../../../shared/protocol.ts';
import type { Handlers } from '../../../shared/RpcChannel.ts';
import type { CurrentContext } from '../RequestContext.ts';

type PresenceHandlers = Pick<Handlers<ClientMessages>, 'setHand' | 'react'>;

export function presenceHandlers(current: CurrentContext): PresenceHandlers {
  return {
    setHand({ raised, name }) {
      const { peer, room } = current();
      peer.setHand(raised, name);
      room.handChanged(peer, raised);
      return {};
    },

    react({ reaction }) {
      const { peer, room, reactions } = current();
      if (!reactions.tryTake()) throw new WeirError('rateLimited', 'You have sent too many reactions in a short time.');
      room.react(peer, reaction);
      return {};
    },
  };
}

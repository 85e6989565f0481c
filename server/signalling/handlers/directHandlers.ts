/** The requests about direct media: signals to other peers, what is received directly, and what has failed. */
import { WeirError } from '../../../shared/errors.ts';
import type { ClientMessages } from '../../../shared/protocol.ts';
import type { Handlers } from '../../../shared/RpcChannel.ts';
import type { CurrentContext } from '../RequestContext.ts';

type DirectHandlers = Pick<Handlers<ClientMessages>, 'sendDirectSignal' | 'setDirectTracks' | 'reportDirectFailure'>;

export function directHandlers(current: CurrentContext): DirectHandlers {
  return {
    sendDirectSignal({ peerId, negotiation, signal }) {
      const { peer, room } = current();
      if (!room.direct) throw new WeirError('notFound', 'Media goes through the server in this room.');
      room.direct.relay(peer, peerId, negotiation, signal);
      return {};
    },

    setDirectTracks({ tracks }) {
      const { peer, room } = current();
      room.direct?.setTracks(peer, tracks);
      return {};
    },

    reportDirectFailure({ peerId, negotiation }) {
      const { peer, room } = current();
      room.direct?.reportFailure(peer, peerId, negotiation);
      return {};
    },
  };
}

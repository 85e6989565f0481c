/** The requests about direct media: signals to other peers, what is received directly, and what has failed. */
import { WeirError } from '../../../shared/errors.ts';
import type { ClientMessages } from '../../../shared/protocol.ts';
import type { Handlers } from '../../../shared/RpcChannel.ts';
import type { CurrentContext } from '../RequestContext.ts';

type DirectHandlers = Pick<Handlers<ClientMessages>, 'sendDirectSignal' | 'setDirectTracks' | 'reportDirectFailure'>;

export function directHandlers(current: CurrentContext): DirectHandlers {
  return {
    sendDirectSignal() {
      current();
      throw new WeirError('notFound', 'You are not to exchange media directly with this peer.');
    },

    setDirectTracks() {
      current();
      return {};
    },

    reportDirectFailure() {
      current();
      return {};
    },
  };
}

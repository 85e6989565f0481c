/** The requests of the chat. */
import { WeirError } from '../../../shared/errors.ts';
import type { ClientMessages } from '../../../shared/protocol.ts';
import type { Handlers } from '../../../shared/RpcChannel.ts';
import type { CurrentContext } from '../RequestContext.ts';

type ChatHandlers = Pick<Handlers<ClientMessages>, 'sendChat' | 'editChat' | 'deleteChat' | 'getChat'>;

export function chatHandlers(current: CurrentContext): ChatHandlers {
  return {
    sendChat(message) {
      const { peer, room } = current();
      return room.chat.send(peer, message);
    },

    editChat({ id, text }) {
      const { peer, room } = current();
      return room.chat.edit(peer, id, text);
    },

    deleteChat({ id }) {
      const { peer, room } = current();
      return room.chat.delete(peer, id);
    },

    getChat({ after }) {
      const { peer, room, chatPages } = current();
      if (!chatPages.tryTake()) throw new WeirError('rateLimited', 'You have asked for the chat too often.');
      return room.chat.page(peer, after);
    },
  };
}

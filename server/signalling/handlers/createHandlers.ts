/** The handlers of all requests of a client, for one connection. */
import { WeirError } from '../../../shared/errors.ts';
import type { ClientMessages } from '../../../shared/protocol.ts';
import type { Handlers } from '../../../shared/RpcChannel.ts';
import type { ClientConnection } from '../ClientConnection.ts';
import type { CurrentContext } from '../RequestContext.ts';
import { broadcastHandlers } from './broadcastHandlers.ts';
import { chatHandlers } from './chatHandlers.ts';
import { directHandlers } from './directHandlers.ts';
import { mediaHandlers } from './mediaHandlers.ts';
import { moderationHandlers } from './moderationHandlers.ts';
import { presenceHandlers } from './presenceHandlers.ts';
import { sessionHandlers } from './sessionHandlers.ts';

/** One function a request. It returns the reply, or throws the `WeirError` that is sent instead. */
export function createHandlers(connection: ClientConnection): Handlers<ClientMessages> {
  const current: CurrentContext = () => {
    if (!connection.context) throw new WeirError('notJoined', 'Join a room first.');
    return connection.context;
  };
  return {
    ...sessionHandlers(connection),
    ...mediaHandlers(current, connection.server.iceServers),
    ...directHandlers(current),
    ...presenceHandlers(current),
    ...chatHandlers(current),
    ...moderationHandlers(current),
    ...broadcastHandlers(current),
  };
}

/** The requests that begin, continue and end a session, and the one that keeps its connection alive. */
import { WeirError } from '../../../shared/errors.ts';
import type { ClientMessages } from '../../../shared/protocol.ts';
import type { Handlers } from '../../../shared/RpcChannel.ts';
import type { ClientConnection } from '../ClientConnection.ts';
import { PeerSession } from '../PeerSession.ts';
import { join, notifyDraining } from './join.ts';

type SessionHandlers = Pick<Handlers<ClientMessages>, 'join' | 'resume' | 'reportJoin' | 'leave' | 'ping'>;

export function sessionHandlers(connection: ClientConnection): SessionHandlers {
  return {
    join(request) {
      assertNotJoined(connection);
      const { refusals } = connection.server.rooms;
      return refusals.watch(request.room, request.kind, () => join(connection, request));
    },

    resume({ key }) {
      assertNotJoined(connection);
      const { sessions, rooms } = connection.server;
      const session = sessions.find(key);
      if (session instanceof PeerSession) {
        notifyDraining(session, rooms);
        return session.resume(connection);
      }
      // The close frame says why the session was ended: this client must not join again by itself.
      connection.close(session);
      throw new WeirError('sessionExpired');
    },

    reportJoin(report) {
      if (!connection.context) throw new WeirError('notJoined', 'Join a room first.');
      const { peer, room } = connection.context;
      if (!connection.context.takeJoinReport()) throw new WeirError('conflict', 'You have reported this join already.');
      room.joinReported(peer, report);
      return {};
    },

    leave() {
      const peer = connection.context?.peer;
      // After the reply. The peer leaves even if another connection has been attached to its session by then.
      setImmediate(() => {
        peer?.close('left');
        connection.close('left');
      });
      return {};
    },

    ping() {
      return {};
    },
  };
}

/** @throws {WeirError} `alreadyJoined` */
function assertNotJoined({ context }: ClientConnection): void {
  if (context) throw new WeirError('alreadyJoined');
}

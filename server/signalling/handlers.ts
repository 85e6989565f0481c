/** Owns what each request does: one function a request; what it returns is the reply. */

import { WeirError } from '../../shared/errors.ts';
import { shortDisplayName } from '../../shared/names.ts';
import type { ClientMessages } from '../../shared/protocol.ts';
import type { Handlers } from '../../shared/RpcChannel.ts';
import { KEY_FRAME_REQUEST_DELAY } from '../media/options.ts';
import { Peer } from '../room/Peer.ts';
import type { RoomManager } from '../room/RoomManager.ts';
import { assertAdmin, moderationHandlers } from './moderationHandlers.ts';
import { broadcastSnapshotFor, PeerSession } from './PeerSession.ts';
import type { RequestContext } from './RequestContext.ts';

/** The name of somebody who gives none, and whose identity shows nothing. */
const DEFAULT_NAME = 'Guest';

export function createHandlers(caller: RequestContext): Handlers<ClientMessages> {
  const { context } = caller;
  return {
    ...moderationHandlers(caller),

    async join({
      room: roomName,
      name,
      rtpCapabilities,
      transports,
      initialVideoLimit = Number.POSITIVE_INFINITY,
      ...who
    }) {
      if (caller.joined) throw new WeirError('alreadyJoined');
      const admission = await context.access.admit({ ...who, room: roomName });
      const { kind, identity, metadata, token, name: givenName } = admission.credentials;
      using _joining = caller.pauseJoinTimeout();
      using seat = await context.rooms.reserve(roomName, identity, kind, caller.signal);
      const { room } = seat;
      const { grants } = admission;
      const placement = await room.place(grants);
      if (caller.signal.aborted) {
        placement[Symbol.dispose]();
        throw new WeirError('closed');
      }
      const peer: Peer = new Peer({
        identity,
        name: {
          text: givenName ?? name ?? (shortDisplayName(identity) || DEFAULT_NAME),
          fixed: givenName !== undefined,
        },
        metadata,
        grants,
        rtpCapabilities,
        routers: room.routers,
        placement,
        batchTimer: room.batchTimer,
        initialVideoLimit,
        consumerLinger: room.delays.consumerLinger,
        keyFrameRequestDelay: KEY_FRAME_REQUEST_DELAY[kind],
        maxIncomingBitrate: context.config.maxIncomingBitrate,
        send: (event, data) => stay.notify(event, data),
      });
      const stay = context.sessions.open({
        peer,
        room,
        authenticated: token !== undefined,
        tokens: {
          sign: (grants) => admission.refreshToken(grants),
          onError: (error) => caller.log.error({ err: error, peer: peer.id }, 'token refresh failed'),
        },
      });
      caller.onEnd((reason) => stay.attachedOnce || peer.close(reason));
      try {
        const opened = await peer.openTransports(transports);
        // An administrator may have decided otherwise meanwhile.
        admission.assertNotRevoked();
        peer.setGrants(admission.grants);
        stay.attach(caller);
        await room.join(peer, { subscriber: peer, sink: peer });
        if (peer.closed) throw new WeirError('closed');
        // From here to the reply nothing is awaited: it is one snapshot, and news follows it.
        stay.joinReplySent();
        notifyDraining(stay, context.rooms);
        const { send, recv } = peer.transports;
        return {
          peerId: peer.id,
          identity,
          name: peer.info.name,
          grants: peer.grants,
          resumeKey: stay.key,
          peers: room.visiblePeers(peer),
          transports: { ...(send && { send: opened.send }), ...(recv && { recv: opened.recv }) },
          consumers: peer.start(),
          unsupportedCodecs: peer.unsupportedCodecs,
          slots: room.slots,
          kind,
          ...broadcastSnapshotFor(peer, room),
        };
      } catch (error) {
        peer.close('left');
        throw error;
      }
    },

    resume({ key }) {
      if (caller.joined) throw new WeirError('alreadyJoined');
      const stay = context.sessions.find(key);
      if (stay instanceof PeerSession) {
        notifyDraining(stay, context.rooms);
        return stay.resume(caller);
      }
      // It hears why its stay ended, and does not come back by itself.
      caller.close(stay);
      throw new WeirError('sessionExpired');
    },

    async restartIce() {
      return await caller.session.peer.restartIce();
    },

    async getTransportStats() {
      return await caller.session.peer.getTransportStats();
    },

    ping() {
      return {};
    },

    async openTransport({ direction }) {
      const { peer, room } = caller.session;
      if (direction === 'send') return { transport: await peer.openSending() };
      const transport = await peer.openReceiving();
      // After the reply, since what is offered is made on the transport that it tells of.
      setImmediate(() => void room.subscribeToAll(peer));
      return { transport };
    },

    async connectTransport({ transportId, dtlsParameters }) {
      await caller.session.peer.connectTransport(transportId, dtlsParameters);
      return {};
    },

    async produce({ source, rtpParameters, paused = false, size, layers }) {
      const { peer, room } = caller.session;
      const publication = await peer.produce(source, rtpParameters, { paused, size, layers });
      room.publish(publication);
      return { producerId: publication.track.id };
    },

    resizeProducer({ source, size, layers }) {
      caller.session.peer.resizeProducer(source, size, layers);
      return {};
    },

    closeProducer({ source }) {
      caller.session.peer.closeProducer(source);
      return {};
    },

    async pauseProducer({ source }) {
      await caller.session.peer.pauseProducer(source);
      return {};
    },

    async resumeProducer({ source }) {
      await caller.session.peer.resumeProducer(source);
      return {};
    },

    async resumeConsumers({ consumerIds }) {
      await caller.session.peer.resumeConsumers(consumerIds);
      return {};
    },

    updateTrackSettings({ tracks }) {
      caller.session.peer.updateTrackSettings(tracks);
      return {};
    },

    setHand({ raised, name }) {
      const { peer, room } = caller.session;
      peer.setHand(raised, name);
      if (peer.grants.hidden) room.broadcast?.setHand(peer, raised);
      else room.notifyOthers(peer, 'peerHand', { peerId: peer.id, raised });
      return {};
    },

    react({ reaction }) {
      const { peer, room, reactions } = caller.session;
      if (!reactions.tryTake()) throw new WeirError('rateLimited', 'These are too many reactions in too short a time.');
      room.notifyOthers(peer, 'reaction', { peerId: peer.id, reaction });
      return {};
    },

    kick({ peerId }) {
      const { peer, room } = caller.session;
      assertAdmin(peer);
      const participant = room.participant(peerId);
      if (!participant) throw new WeirError('notFound', 'There is no peer of that id in this room.');
      room.remove(participant);
      return {};
    },

    leave() {
      // The reply first, then the end; of the stay, too, if another connection speaks for it by then.
      const peer = caller.joined ? caller.session.peer : undefined;
      setImmediate(() => {
        peer?.close('left');
        caller.close('left');
      });
      return {};
    },
  };
}

/** Whoever comes in, or back, while the server drains is told how long it may stay, after the reply. */
function notifyDraining(stay: PeerSession, { secondsLeft: seconds }: RoomManager): void {
  if (seconds !== undefined) setImmediate(() => stay.notify('draining', { seconds }));
}

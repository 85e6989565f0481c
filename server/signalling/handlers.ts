/** Owns what each request does: one function a request; what it returns is the reply. */
import type { Handlers } from '../../shared/Channel.ts';
import { WeirError } from '../../shared/errors.ts';
import type { ClientTable } from '../../shared/protocol.ts';
import { Peer } from '../room/Peer.ts';
import type { Caller } from './Caller.ts';
import { Stay } from './Stay.ts';

export function createHandlers(caller: Caller): Handlers<ClientTable> {
  const { context } = caller;
  return {
    async join({ room: roomName, token, name, guest, rtpCapabilities, transports, videos = Number.POSITIVE_INFINITY }) {
      if (caller.joined) throw new WeirError('alreadyJoined');
      const credentials = await context.gate.admit(token, roomName, guest);
      using seat = await context.rooms.reserve(roomName, credentials.identity);
      const { room } = seat;
      const { identity, metadata, grants } = credentials;
      const peer: Peer = new Peer({
        identity,
        name: credentials.name ?? name ?? identity,
        metadata,
        grants,
        rtpCapabilities,
        fabric: room.fabric,
        place: await room.fabric.place(),
        pace: room.pace,
        videos,
        maxIncomingBitrate: context.config.maxIncomingBitrate,
        send: (event, data) => stay.tell(event, data),
      });
      const stay = context.stays.open({ peer, room });
      caller.onEnd((reason) => stay.begun || peer.close(reason));
      try {
        const opened = await peer.openTransports(transports);
        context.gate.recheck(credentials, roomName);
        stay.attach(caller);
        await room.enter(peer);
        if (peer.closed) throw new WeirError('closed');
        // From here to the reply nothing is awaited: it is one snapshot, and news follows it.
        stay.answered();
        return {
          peerId: peer.id,
          identity,
          name: peer.info.name,
          grants,
          resumeKey: stay.key,
          peers: room.peersSeenBy(peer),
          transports: opened,
          consumers: peer.start(),
          undecodable: peer.undecodable,
          slots: room.slots,
        };
      } catch (error) {
        peer.close('left');
        throw error;
      }
    },

    resume({ key }) {
      if (caller.joined) throw new WeirError('alreadyJoined');
      const stay = context.stays.find(key);
      if (stay instanceof Stay) {
        const { secondsLeft: seconds } = context.rooms;
        if (seconds !== undefined) setImmediate(() => stay.tell('draining', { seconds }));
        return stay.resume(caller);
      }
      // It hears why its stay ended, and does not come back by itself.
      caller.close(stay);
      throw new WeirError('gone');
    },

    async restartIce() {
      return await caller.stay.peer.restartIce();
    },

    ping() {
      return {};
    },

    async connectTransport({ transportId, dtlsParameters }) {
      await caller.stay.peer.connectTransport(transportId, dtlsParameters);
      return {};
    },

    async produce({ source, rtpParameters, paused = false, size }) {
      const { peer, room } = caller.stay;
      const publication = await peer.produce(source, rtpParameters, { paused, size });
      room.publish(publication);
      return { producerId: publication.producer.id };
    },

    closeProducer({ source }) {
      caller.stay.peer.closeProducer(source);
      return {};
    },

    async pauseProducer({ source }) {
      await caller.stay.peer.pauseProducer(source);
      return {};
    },

    async resumeProducer({ source }) {
      await caller.stay.peer.resumeProducer(source);
      return {};
    },

    async resumeConsumers({ consumerIds }) {
      await caller.stay.peer.resumeConsumers(consumerIds);
      return {};
    },

    setViews({ views }) {
      caller.stay.peer.setViews(views);
      return {};
    },

    setHand({ raised }) {
      const { peer, room } = caller.stay;
      peer.setHand(raised);
      room.tellOf(peer, 'peerHand', { peerId: peer.id, raised });
      return {};
    },

    react({ reaction }) {
      const { peer, room } = caller.stay;
      room.tellOf(peer, 'reaction', { peerId: peer.id, reaction });
      return {};
    },

    kick({ peerId }) {
      const { peer, room } = caller.stay;
      if (!peer.isAdmin)
        throw new WeirError('forbidden', 'Your token does not make you an administrator of this room.');
      const member = room.member(peerId);
      if (!member) throw new WeirError('notFound', 'There is no peer of that id in this room.');
      context.gate.revoke(room.name, member.identity);
      member.close('kicked');
      return {};
    },

    leave() {
      // The reply first, then the end; of the stay, too, if another connection speaks for it by then.
      const peer = caller.joined ? caller.stay.peer : undefined;
      setImmediate(() => {
        peer?.close('left');
        caller.close('left');
      });
      return {};
    },
  };
}

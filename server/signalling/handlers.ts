/** Owns what each request does: one function a request; what it returns is the reply. */
import type { Handlers } from '../../shared/Channel.ts';
import { WeirError } from '../../shared/errors.ts';
import { shortDisplayName } from '../../shared/names.ts';
import type { ClientTable } from '../../shared/protocol.ts';
import { KEY_FRAME_REQUEST_DELAY } from '../media/options.ts';
import { Peer } from '../room/Peer.ts';
import { roomKey } from '../room/Room.ts';
import type { Rooms } from '../room/Rooms.ts';
import type { Caller } from './Caller.ts';
import { broadcastSeenBy, Stay } from './Stay.ts';
import { mustBeAdmin, stageHandlers } from './stage.ts';

/** The name of somebody who gives none, and whose identity shows nothing. */
const NAMELESS = 'Guest';

export function createHandlers(caller: Caller): Handlers<ClientTable> {
  const { context } = caller;
  return {
    ...stageHandlers(caller),

    async join({ room: roomName, name, rtpCapabilities, transports, videos = Number.POSITIVE_INFINITY, ...who }) {
      if (caller.joined) throw new WeirError('alreadyJoined');
      const credentials = await context.gate.admit({ ...who, room: roomName });
      const { moderation } = context;
      const { kind, identity, metadata, token } = credentials;
      const admission = { room: roomKey(kind, roomName), identity, token };
      moderation.admit(admission);
      using _joining = caller.joining();
      using seat = await context.rooms.reserve(roomName, identity, kind, caller.signal);
      const { room } = seat;
      const grants = room.grantsFor(admission, credentials.grants);
      const place = await room.place(grants);
      if (caller.signal.aborted) {
        place[Symbol.dispose]();
        throw new WeirError('closed');
      }
      const peer: Peer = new Peer({
        identity,
        name: {
          text: credentials.name ?? name ?? (shortDisplayName(identity) || NAMELESS),
          fixed: credentials.name !== undefined,
        },
        metadata,
        grants,
        rtpCapabilities,
        fabric: room.fabric,
        place,
        pace: room.pace,
        videos,
        consumerLinger: room.delays.consumerLinger,
        keyFrameRequestDelay: KEY_FRAME_REQUEST_DELAY[kind],
        maxIncomingBitrate: context.config.maxIncomingBitrate,
        send: (event, data) => stay.tell(event, data),
      });
      const stay = context.stays.open({
        peer,
        room,
        authenticated: token !== undefined,
        tokens: {
          sign: () => context.gate.refresh(room, { ...credentials, grants: peer.grants }),
          onSigned: ({ presented }) => moderation.know({ ...admission, token: presented }),
          onError: (error) => caller.log.error({ err: error, peer: peer.id }, 'token refresh failed'),
        },
      });
      caller.onEnd((reason) => stay.begun || peer.close(reason));
      try {
        const opened = await peer.openTransports(transports);
        // An administrator may have decided otherwise meanwhile.
        moderation.assertNotRemoved(admission);
        peer.setGrants(room.grantsFor(admission, credentials.grants));
        stay.attach(caller);
        await room.enter(peer);
        if (peer.closed) throw new WeirError('closed');
        // From here to the reply nothing is awaited: it is one snapshot, and news follows it.
        stay.answered();
        tellOfDraining(stay, context.rooms);
        const { send, recv } = peer.transports;
        return {
          peerId: peer.id,
          identity,
          name: peer.info.name,
          grants: peer.grants,
          resumeKey: stay.key,
          peers: room.peersSeenBy(peer),
          transports: { ...(send && { send: opened.send }), ...(recv && { recv: opened.recv }) },
          consumers: peer.start(),
          undecodable: peer.undecodable,
          slots: room.slots,
          kind,
          ...broadcastSeenBy(peer, room),
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
        tellOfDraining(stay, context.rooms);
        return stay.resume(caller);
      }
      // It hears why its stay ended, and does not come back by itself.
      caller.close(stay);
      throw new WeirError('gone');
    },

    async restartIce() {
      return await caller.stay.peer.restartIce();
    },

    async getTransportStats() {
      return await caller.stay.peer.getTransportStats();
    },

    ping() {
      return {};
    },

    async openTransport({ direction }) {
      const { peer, room } = caller.stay;
      if (direction === 'send') return { transport: await peer.openSending() };
      const transport = await peer.openReceiving();
      // After the reply, since what is offered is made on the transport that it tells of.
      setImmediate(() => void room.offerEverything(peer));
      return { transport };
    },

    async connectTransport({ transportId, dtlsParameters }) {
      await caller.stay.peer.connectTransport(transportId, dtlsParameters);
      return {};
    },

    async produce({ source, rtpParameters, paused = false, size, layers }) {
      const { peer, room } = caller.stay;
      const publication = await peer.produce(source, rtpParameters, { paused, size, layers });
      room.publish(publication);
      return { producerId: publication.producer.id };
    },

    resizeProducer({ source, size, layers }) {
      caller.stay.peer.resizeProducer(source, size, layers);
      return {};
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

    setHand({ raised, name }) {
      const { peer, room } = caller.stay;
      peer.setHand(raised, name);
      if (peer.hidden) room.broadcast?.setHand(peer, raised);
      else room.tellOf(peer, 'peerHand', { peerId: peer.id, raised });
      return {};
    },

    react({ reaction }) {
      const { peer, room, reactions } = caller.stay;
      if (!reactions.tryTake()) throw new WeirError('rateLimited', 'These are too many reactions in too short a time.');
      room.tellOf(peer, 'reaction', { peerId: peer.id, reaction });
      return {};
    },

    kick({ peerId }) {
      const { peer, room } = caller.stay;
      mustBeAdmin(peer);
      const member = room.member(peerId);
      if (!member) throw new WeirError('notFound', 'There is no peer of that id in this room.');
      room.remove(member);
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

/** Whoever comes in, or back, while the server drains is told how long it may stay, after the reply. */
function tellOfDraining(stay: Stay, { secondsLeft: seconds }: Rooms): void {
  if (seconds !== undefined) setImmediate(() => stay.tell('draining', { seconds }));
}

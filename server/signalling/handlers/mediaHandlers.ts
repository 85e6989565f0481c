/** The requests about transports, producers and consumers. */
import { WeirError } from '../../../shared/errors.ts';
import type { TransportInfo } from '../../../shared/media.ts';
import type { ClientMessages } from '../../../shared/protocol.ts';
import type { Handlers } from '../../../shared/RpcChannel.ts';
import type { IceServers } from '../../ice/IceServers.ts';
import type { Peer } from '../../room/Peer.ts';
import type { Room } from '../../room/Room.ts';
import type { CurrentContext } from '../RequestContext.ts';

type MediaHandlers = Pick<
  Handlers<ClientMessages>,
  | 'openTransport'
  | 'connectTransport'
  | 'restartIce'
  | 'getTransportStats'
  | 'getConsumerLayers'
  | 'getConnectionQuality'
  | 'produce'
  | 'resizeProducer'
  | 'closeProducer'
  | 'pauseProducer'
  | 'resumeProducer'
  | 'resumeConsumers'
  | 'updateTrackSettings'
>;

export function mediaHandlers(current: CurrentContext, iceServers: IceServers): MediaHandlers {
  // A diagnosis has them from its join, and ends soon: whoever needs no token gets no further credentials.
  const serversFor = ({ info }: Peer, { kind }: Room) => (kind === 'diagnosis' ? [] : iceServers.for(info.identity));
  return {
    async openTransport({ direction, dtlsParameters }) {
      const { peer, room } = current();
      if (room.policy === 'p2p') throw new WeirError('conflict', 'Media goes directly in this room.');
      const servers = serversFor(peer, room);
      const transport = await open(peer, room, direction);
      if (dtlsParameters) await peer.connectTransport(transport.transportId, dtlsParameters);
      // After the reply: consumers are created on the transport that it describes.
      if (direction === 'recv') setImmediate(() => void room.subscribeToAll(peer));
      return { transport, iceServers: servers };
    },

    async connectTransport({ transportId, dtlsParameters }) {
      await current().peer.connectTransport(transportId, dtlsParameters);
      return {};
    },

    async restartIce() {
      const { peer, room } = current();
      return { ...(await peer.restartIce()), iceServers: serversFor(peer, room) };
    },

    async getTransportStats() {
      return await current().peer.getTransportStats();
    },

    getConsumerLayers() {
      return { videos: current().peer.consumerLayers };
    },

    async getConnectionQuality({ peerIds, uplinkLimited = false }) {
      const { peer, room } = current();
      const [report, peers] = await Promise.all([peer.getLinkReport(uplinkLimited), room.getUplinkReports(peerIds)]);
      return { ...report, peers };
    },

    async produce({ source, rtpParameters, paused = false, size, layers }) {
      const { peer, room } = current();
      const publication = await peer.producers.produce(source, rtpParameters, { paused, size, layers });
      room.publish(publication);
      return { producerId: publication.track.id };
    },

    resizeProducer({ source, size, layers }) {
      current().peer.producers.resize(source, size, layers);
      return {};
    },

    closeProducer({ source }) {
      current().peer.producers.close(source);
      return {};
    },

    async pauseProducer({ source }) {
      await current().peer.producers.pause(source);
      return {};
    },

    async resumeProducer({ source }) {
      await current().peer.producers.resume(source);
      return {};
    },

    async resumeConsumers({ consumerIds }) {
      await current().peer.resumeConsumers(consumerIds);
      return {};
    },

    updateTrackSettings({ tracks }) {
      current().peer.updateTrackSettings(tracks);
      return {};
    },
  };
}

/** @throws {WeirError} `forbidden`, `conflict`, `rateLimited`, `closed`, `unavailable` */
function open(peer: Peer, { kind }: Room, direction: 'send' | 'recv' | 'data'): Promise<TransportInfo> {
  if (direction === 'send') return peer.openSending();
  if (direction === 'recv') return peer.openReceiving();
  if (kind === 'diagnosis') throw new WeirError('forbidden', 'A test of the connection has no data channels.');
  return peer.data.open();
}

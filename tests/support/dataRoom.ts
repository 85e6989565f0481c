/** A room of data channels without a media worker: what its workers were given to send is written down. */
import { EventEmitter } from 'node:events';
import { grantsOf } from '../../server/auth/grants.ts';
import type { DataStreamsEvents } from '../../server/media/data/DataStreams.ts';
import { DataForwarding } from '../../server/room/data/DataForwarding.ts';
import type { DataAddress } from '../../server/room/data/DataPort.ts';
import { PeerData, type PeerStreams } from '../../server/room/data/PeerData.ts';
import type { Participant } from '../../server/room/Participant.ts';
import type { CloseReason } from '../../shared/closeReasons.ts';
import { type DataChannelLabel, decodeDataFrame, encodeDataFrame } from '../../shared/dataFrame.ts';
import type { Grants, ServerEvents } from '../../shared/protocol.ts';

const limits = { dataBitrate: 2_000_000, fileBitrate: 40_000_000 };
const info = {
  transportId: 'transport',
  iceCandidates: [],
  iceParameters: { usernameFragment: 'u', password: 'p' },
  dtlsParameters: { fingerprints: [] },
};

/** What one worker was given to send: to which subchannels, or to all but one. */
interface Sent {
  readonly router: string;
  readonly channel: DataChannelLabel;
  readonly text: string;
  readonly from: readonly string[];
  readonly to: Parameters<DataAddress['direct']['send']>[2];
}

const read = (data: Uint8Array) => new TextDecoder().decode(data);
export const frame = (text: string, to: string[] = []) =>
  Buffer.from(encodeDataFrame({ sequence: 0, topic: '', peerIds: to, data: new TextEncoder().encode(text) }));

/** A room whose workers write down what they are to send. */
export class DataRoom {
  readonly sent: Sent[] = [];
  readonly forwarding = new DataForwarding();
  readonly #directs = new Map<string, DataAddress['direct']>();
  #subchannel = 0;

  direct(router: string): DataAddress['direct'] {
    const known = this.#directs.get(router);
    const direct = known ?? {
      send: (channel: DataChannelLabel, message: Buffer, to: Sent['to']) => {
        const { data, peerIds } = decodeDataFrame(message);
        this.sent.push({ router, channel, text: read(data), from: peerIds, to });
      },
    };
    this.#directs.set(router, direct);
    return direct;
  }

  join(id: string, changes: Partial<Grants> = {}, router = 'one', allowed = limits): DataClient {
    const grants = { ...grantsOf('speaker'), ...changes };
    return new DataClient({ room: this, id, grants, router, subchannel: this.#subchannel++, limits: allowed });
  }
}

interface DataClientOptions {
  readonly room: DataRoom;
  readonly id: string;
  readonly grants: Grants;
  /** Where its channels are. */
  readonly router: string;
  readonly subchannel: number;
  readonly limits: typeof limits;
}

/** A participant whose channels exist in this test only. */
export class DataClient {
  readonly notified: [event: string, data: unknown][] = [];
  readonly port: PeerData;
  readonly subchannel: number;
  grants: Grants;
  receiving: boolean | undefined;
  /** Ends its role in the room, and then itself, as a peer does. */
  leave: (reason: CloseReason) => void;
  #events = new EventEmitter<DataStreamsEvents>();
  #end = () => {};

  constructor({ room, id, grants, router, subchannel, limits: allowed }: DataClientOptions) {
    this.grants = grants;
    this.subchannel = subchannel;
    this.port = new PeerData({
      limits: allowed,
      grants: () => this.grants,
      open: async () => ({ info, streams: this.#streams(room.direct(router)) }),
      close: () => this.#end(),
      notify: <E extends keyof ServerEvents>(event: E, data: ServerEvents[E]) => void this.notified.push([event, data]),
    });
    const participant: Participant = {
      id,
      identity: id,
      grants,
      info: { peerId: id, identity: id, name: id, sources: {}, hand: false, away: false, canExchangeData: true },
      setGrants: () => {},
      close: () => {},
      onEnd: () => {},
    };
    const remove = room.forwarding.add(participant, this.port);
    this.leave = (reason) => {
      remove();
      this.#end();
      this.port.close(reason);
    };
  }

  async open(): Promise<this> {
    await this.port.open();
    return this;
  }

  send(message: Buffer, channel: DataChannelLabel = 'reliable'): void {
    this.#events.emit('message', channel, message);
  }

  sendBufferFull(channel: DataChannelLabel): void {
    this.#events.emit('sendBufferFull', channel);
  }

  /** What its client was told of that kind. */
  told(event: string): unknown[] {
    return this.notified.filter(([name]) => name === event).map(([, data]) => data);
  }

  #streams(direct: DataAddress['direct']): PeerStreams {
    const events = new EventEmitter<DataStreamsEvents>();
    this.#events = events;
    return {
      events,
      direct,
      subchannel: this.subchannel,
      transportId: info.transportId,
      setReceiving: (receiving) => {
        this.receiving = receiving;
      },
      onEnd: (listener) => {
        this.#end = () => {
          events.removeAllListeners();
          listener();
        };
      },
    };
  }
}

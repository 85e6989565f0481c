/** One client of the step server: its socket, its transports, and each of its consumers as a separate step. */
import { randomUUID } from 'node:crypto';
import type { Producer, WebRtcTransport } from 'mediasoup/types';
import type { WebSocket } from 'ws';
import { Lifetime } from '../../../server/common/Lifetime.ts';
import { ConsumerFactory, consumerParameters, type MediaConsumer } from '../../../server/media/ConsumerFactory.ts';
import { KEY_FRAME_REQUEST_DELAY } from '../../../server/media/options.ts';
import type { RoomRouter } from '../../../server/media/RoomRouter.ts';
import { WeirError } from '../../../shared/errors.ts';
import { kindOf, RtpCapabilities, type Source } from '../../../shared/media.ts';
import { type Handlers, RpcChannel } from '../../../shared/RpcChannel.ts';
import {
  type Direction,
  type StepClientTable,
  type StepServerTable,
  stepClientTable,
  stepServerTable,
} from './stepProtocol.ts';
import type { Traffic } from './Traffic.ts';

export interface StepPublication {
  readonly peer: StepPeer;
  readonly source: Source;
  readonly producer: Producer;
}

/** The part of a room that its peers use. */
export interface StepRoom {
  readonly router: RoomRouter;
  /** Members that have joined, except `than`. */
  others(than: StepPeer): readonly StepPeer[];
}

export interface StepPeerOptions {
  readonly room: StepRoom;
  readonly traffic: Traffic;
  /** Maximum bit/s that the peer may send. */
  readonly maxIncomingBitrate: number;
  /**
   * How a new member's consumers are created: one after another, or all at once (256 at most, the limit of pending
   * requests on a channel).
   */
  readonly consumers: 'oneByOne' | 'atOnce';
  onFailure(error: unknown): void;
}

export class StepPeer {
  readonly id = randomUUID();
  readonly #options: StepPeerOptions;
  readonly #channel: RpcChannel<StepServerTable, StepClientTable>;
  readonly #lifetime = new Lifetime<'left'>();
  readonly #transports = new Map<string, { direction: Direction; transport: WebRtcTransport }>();
  readonly #publications = new Map<string, StepPublication>();
  readonly #consumers = new Map<string, MediaConsumer>();
  #joined: { name: string; device: ConsumerFactory | undefined } | undefined;

  constructor(socket: WebSocket, options: StepPeerOptions) {
    this.#options = options;
    const { traffic, onFailure } = options;
    this.#channel = new RpcChannel<StepServerTable, StepClientTable>({
      outgoing: stepServerTable,
      incoming: stepClientTable,
      handlers: this.#handlers(),
      send: traffic.sender(socket),
      onFailure,
    });
    this.#lifetime.defer(() => this.#channel.close());
    traffic.receive(socket, (message) => this.#channel.receive(message));
    socket.on('error', onFailure);
    socket.on('close', () => this.#end());
  }

  get joined(): boolean {
    return this.#joined !== undefined;
  }

  /** Current number of consumers. */
  get consumers(): number {
    return this.#consumers.size;
  }

  get info(): { peerId: string; name: string } {
    return { peerId: this.id, name: this.#joined?.name ?? '' };
  }

  get publications(): readonly StepPublication[] {
    return [...this.#publications.values()];
  }

  onEnd(listener: () => void): void {
    this.#lifetime.defer(listener);
  }

  /** The steps of one consumer: create it, let the client create its end, wait for the reply, resume. */
  async consume({ peer, source, producer }: StepPublication): Promise<void> {
    if (this.#lifetime.closed || !this.#canConsume(producer)) return;
    try {
      const device = this.#joined?.device;
      const transport = this.#receiving;
      if (!device || !transport) return;
      const consumer = await device.consume(transport, producer);
      if (!consumer) return;
      if (this.#lifetime.closed || producer.closed) consumer.close();
      if (consumer.closed) return;
      this.#consumers.set(consumer.id, consumer);
      consumer.observer.once('close', () => {
        this.#consumers.delete(consumer.id);
        this.#channel.notify('consumerClosed', { consumerId: consumer.id });
      });
      await this.#channel.request('newConsumer', {
        consumerId: consumer.id,
        producerId: producer.id,
        peerId: peer.id,
        source,
        kind: consumer.kind,
        rtpParameters: consumerParameters(consumer),
      });
      await consumer.resume();
    } catch (error) {
      // A peer or track that closed meanwhile is not a failure.
      if (!this.#lifetime.closed && !producer.closed) this.#options.onFailure(error);
    }
  }

  #handlers(): Handlers<StepClientTable> {
    const { room, maxIncomingBitrate } = this.#options;
    return {
      getRouterRtpCapabilities: () => ({ rtpCapabilities: RtpCapabilities.parse(room.router.router.rtpCapabilities) }),
      createWebRtcTransport: async ({ direction }) => {
        const transport = await room.router.createTransport();
        this.#lifetime.defer(() => transport.close());
        this.#transports.set(transport.id, { direction, transport });
        // As in mediasoup-demo: the reply does not wait for the limit.
        if (direction === 'send') transport.setMaxIncomingBitrate(maxIncomingBitrate).catch(() => {});
        return room.router.describe(transport);
      },
      connectWebRtcTransport: async ({ transportId, dtlsParameters }) => {
        await this.#transport(transportId).connect({ dtlsParameters });
        return {};
      },
      join: (data) => {
        if (this.#joined) throw new WeirError('alreadyJoined');
        this.#joined = {
          name: data.name,
          device: data.rtpCapabilities && new ConsumerFactory(data.rtpCapabilities),
        };
        const others = room.others(this);
        const publications = others.flatMap((other) => other.publications);
        const offered = publications.filter(({ producer }) => this.#canConsume(producer));
        for (const other of others) other.#channel.notify('newPeer', this.info);
        // The reply is sent first: the worker call that the first consumer awaits completes in a later turn.
        void this.#consumeAll(offered);
        return { peers: others.map(({ info }) => info), consumers: offered.length };
      },
      produce: async ({ transportId, source, rtpParameters }) => {
        if (!this.#joined) throw new WeirError('notJoined');
        const producer = await this.#transport(transportId).produce({
          kind: kindOf[source],
          rtpParameters,
          keyFrameRequestDelay: KEY_FRAME_REQUEST_DELAY.call,
        });
        if (this.#lifetime.closed) producer.close();
        if (producer.closed) throw new WeirError('closed');
        const publication = { peer: this, source, producer };
        this.#publications.set(producer.id, publication);
        producer.observer.once('close', () => this.#publications.delete(producer.id));
        for (const other of room.others(this)) void other.consume(publication);
        return { producerId: producer.id };
      },
    };
  }

  get #receiving(): WebRtcTransport | undefined {
    return [...this.#transports.values()].find(({ direction }) => direction === 'recv')?.transport;
  }

  #canConsume(producer: Producer): boolean {
    return (
      !producer.closed &&
      this.#receiving !== undefined &&
      this.#joined?.device?.canConsume({ mimeTypes: producer.rtpParameters.codecs.map(({ mimeType }) => mimeType) }) ===
        true
    );
  }

  async #consumeAll(publications: readonly StepPublication[]): Promise<void> {
    if (this.#options.consumers === 'atOnce') await Promise.all(publications.map((one) => this.consume(one)));
    else for (const publication of publications) await this.consume(publication);
  }

  #transport(id: string): WebRtcTransport {
    const entry = this.#transports.get(id);
    if (!entry) throw new WeirError('notFound', 'You have no transport of that id.');
    return entry.transport;
  }

  #end(): void {
    const others = this.joined ? this.#options.room.others(this) : [];
    this.#lifetime.end('left');
    for (const other of others) other.#channel.notify('peerClosed', { peerId: this.id });
  }
}

/** The data channels of one client's transport: what it sends arrives in Node.js, and what Node.js sends arrives there. */
import { EventEmitter } from 'node:events';
import type { DataConsumer, DataProducer, SctpState, WebRtcTransport } from 'mediasoup/types';
import { type DataChannelLabel, dataChannelLabels, dataChannels } from '../../../shared/dataFrame.ts';
import { WeirError } from '../../../shared/errors.ts';
import { Lifetime } from '../../common/Lifetime.ts';
import { rethrowUnavailable } from '../rethrowUnavailable.ts';
import type { DirectDataTransport } from './DirectDataTransport.ts';

/**
 * How long a lossy message may wait for its turn to be sent, in milliseconds. mediasoup retransmits none of them; without a
 * time it drops all that do not leave at once.
 */
const LOSSY_LIFETIME = 500;

export interface DataStreamsEvents {
  message: [channel: DataChannelLabel, message: Buffer];
  /** A message for the client did not fit into the send buffer of the channel. */
  sendBufferFull: [channel: DataChannelLabel];
  /** The SCTP association has failed, or the client has closed it. */
  failed: [];
}

export class DataStreams {
  readonly events = new EventEmitter<DataStreamsEvents>();
  readonly transportId: string;
  readonly direct: DirectDataTransport;
  /** Addresses the client within `direct`. */
  readonly subchannel: number;
  readonly #lifetime = new Lifetime();
  #consumers: readonly DataConsumer[] = [];

  private constructor(transportId: string, direct: DirectDataTransport) {
    this.transportId = transportId;
    this.direct = direct;
    this.subchannel = direct.acquireSubchannel();
    this.#lifetime.defer(() => direct.releaseSubchannel(this.subchannel));
    this.#lifetime.defer(() => this.events.removeAllListeners());
  }

  /**
   * Opens the channels on a transport with SCTP; they end with it. Nothing is sent before `setReceiving`.
   * @throws {WeirError} `closed`, `unavailable`
   */
  static async open(transport: WebRtcTransport, direct: DirectDataTransport): Promise<DataStreams> {
    if (transport.closed) throw new WeirError('closed');
    const streams = new DataStreams(transport.id, direct);
    transport.observer.once('close', () => streams.#lifetime.end('closed'));
    transport.on('sctpstatechange', (state) => streams.#onSctpState(state));
    await rethrowUnavailable(streams.#open(transport));
    if (transport.closed) throw new WeirError('closed');
    return streams;
  }

  /** Runs `listener` once they have ended, with their transport. */
  onEnd(listener: () => void): void {
    this.#lifetime.defer(listener);
  }

  /**
   * Whether the client is sent the messages that follow this call; it is not at first. The worker keeps their order, so that
   * no message is lost or early.
   */
  setReceiving(receiving: boolean): void {
    for (const consumer of this.#consumers) {
      const done = receiving ? consumer.resume() : consumer.pause();
      // A consumer that has closed meanwhile receives nothing.
      done.catch(() => {});
    }
  }

  async #open(transport: WebRtcTransport): Promise<void> {
    const channels = await Promise.all(
      dataChannelLabels.map(async (label) => {
        // All requests leave in this turn: mediasoup numbers the streams of consumers in the order of the calls.
        const [producer, consumer] = await Promise.all([produce(transport, label), this.#consume(transport, label)]);
        if (consumer.sctpStreamParameters?.streamId !== dataChannels[label].id) throw new WeirError('unavailable');
        return { label, producer, consumer };
      }),
    );
    this.#consumers = channels.map(({ consumer }) => consumer);
    await Promise.all(
      channels.map(({ label, producer }) =>
        this.direct.receive(producer, (message) => void this.events.emit('message', label, message)),
      ),
    );
  }

  async #consume(transport: WebRtcTransport, label: DataChannelLabel): Promise<DataConsumer> {
    const consumer = await transport.consumeData({
      dataProducerId: this.direct.producerId(label),
      ...(dataChannels[label].ordered ? { ordered: true } : { ordered: false, maxPacketLifeTime: LOSSY_LIFETIME }),
      subchannels: [this.subchannel],
      paused: true,
    });
    consumer.on('sctpsendbufferfull', () => void this.events.emit('sendBufferFull', label));
    return consumer;
  }

  #onSctpState(state: SctpState): void {
    if (state === 'failed' || state === 'closed') this.events.emit('failed');
  }
}

function produce(transport: WebRtcTransport, label: DataChannelLabel): Promise<DataProducer> {
  const { id: streamId, ...reliability } = dataChannels[label];
  return transport.produceData({ label, sctpStreamParameters: { streamId, ...reliability } });
}

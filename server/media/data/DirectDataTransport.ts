/** The data messages of one router in Node.js: a direct transport that receives from and sends to its data channels. */
import type { DataProducer, DirectTransport, Router } from 'mediasoup/types';
import type { DataChannelLabel } from '../../../shared/dataFrame.ts';
import { WeirError } from '../../../shared/errors.ts';
import { rethrowUnavailable } from '../rethrowUnavailable.ts';

/** Binary data (RFC 8831, section 8). */
const PPID_BINARY = 53;
/** Subchannels of mediasoup are of 16 bits. */
const MAX_SUBCHANNELS = 0x1_0000;

/**
 * Every receiver has one data consumer a channel, of the producer of that channel here, and a subchannel of its own: a
 * message to many is written to the worker once.
 */
export class DirectDataTransport {
  readonly #transport: DirectTransport;
  readonly #producers: Readonly<Record<DataChannelLabel, DataProducer>>;
  readonly #subchannels = new Set<number>();
  #nextSubchannel = 0;

  private constructor(transport: DirectTransport, producers: Readonly<Record<DataChannelLabel, DataProducer>>) {
    this.#transport = transport;
    this.#producers = producers;
  }

  /** It closes with the router. @throws {WeirError} `closed`, `unavailable` when the worker fails meanwhile */
  static async open(router: Router): Promise<DirectDataTransport> {
    const transport = await rethrowUnavailable(router.createDirectTransport());
    const produce = (label: DataChannelLabel) => transport.produceData({ label });
    const [reliable, lossy, bulk] = await rethrowUnavailable(
      Promise.all([produce('reliable'), produce('lossy'), produce('bulk')]),
    );
    return new DirectDataTransport(transport, { reliable, lossy, bulk });
  }

  /** The id of the producer that a receiver's consumer of this channel consumes. */
  producerId(channel: DataChannelLabel): string {
    return this.#producers[channel].id;
  }

  /** Reserves a subchannel for a receiver. @throws {WeirError} `unavailable` if there are too many */
  acquireSubchannel(): number {
    if (this.#subchannels.size >= MAX_SUBCHANNELS) throw new WeirError('unavailable');
    while (this.#subchannels.has(this.#nextSubchannel))
      this.#nextSubchannel = (this.#nextSubchannel + 1) % MAX_SUBCHANNELS;
    const subchannel = this.#nextSubchannel;
    this.#subchannels.add(subchannel);
    this.#nextSubchannel = (subchannel + 1) % MAX_SUBCHANNELS;
    return subchannel;
  }

  releaseSubchannel(subchannel: number): void {
    this.#subchannels.delete(subchannel);
  }

  /**
   * Calls `onMessage` with each message that a client sends on a data channel, until that closes.
   * @throws {WeirError} `closed`, `unavailable`
   */
  async receive(producer: DataProducer, onMessage: (message: Buffer) => void): Promise<void> {
    const consumer = await rethrowUnavailable(this.#transport.consumeData({ dataProducerId: producer.id }));
    consumer.on('message', onMessage);
  }

  /** Sends a message to the receivers with these subchannels, or to all but one. */
  send(
    channel: DataChannelLabel,
    message: Buffer,
    to: readonly number[] | { readonly except: number | undefined },
  ): void {
    const producer = this.#producers[channel];
    // That of a worker that has died closes before anything can be sent; the channel would throw.
    if (producer.closed) return;
    if ('except' in to) producer.send(message, PPID_BINARY, [], undefined, to.except);
    else if (to.length > 0) producer.send(message, PPID_BINARY, [...to]);
  }
}

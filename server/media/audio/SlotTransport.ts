/**
 * The packets of one router in Node: a direct transport with the consumers of its microphones and the producers of the
 * slots.
 */
import { WeirError } from '../../../shared/errors.ts';
import { Lifetime } from '../../common/Lifetime.ts';
import { EXTENSIONS } from './rtp.ts';
import { PAYLOAD_TYPE } from './SlotStream.ts';
import type { MicrophoneConsumer, SlotDirectTransport, SlotProducer, SlotRouter } from './slotMedia.ts';

export class SlotTransport {
  readonly #router: SlotRouter;
  readonly #lifetime = new Lifetime();
  #transport: Promise<SlotDirectTransport> | undefined;
  #producers: Promise<readonly SlotProducer[]> | undefined;
  /** The producers by slot, once all of them are open. */
  #open: readonly SlotProducer[] = [];

  constructor(router: SlotRouter) {
    this.#router = router;
    const close = () => this.close();
    router.observer.once('close', close);
    this.#lifetime.defer(() => router.observer.off('close', close));
    if (router.closed) close();
  }

  /** Runs `listener` once it has ended, with its router at the latest. */
  onEnd(listener: () => void): void {
    this.#lifetime.defer(listener);
  }

  /**
   * A consumer of a microphone of this router, whose packets arrive in Node.
   * @throws what mediasoup throws, such as when the producer or the router has ended
   */
  async listen(microphone: { readonly id: string }): Promise<MicrophoneConsumer> {
    const transport = await this.#openTransport();
    return transport.consume({ producerId: microphone.id, rtpCapabilities: this.#router.rtpCapabilities });
  }

  /**
   * A producer for each SSRC, created once.
   * @throws what mediasoup throws, such as when the router has ended; the next call tries again
   */
  produce(ssrcs: readonly number[]): Promise<readonly SlotProducer[]> {
    this.#producers ??= this.#produce(ssrcs).catch((error: unknown) => {
      this.#producers = undefined;
      throw error;
    });
    return this.#producers;
  }

  /** Writes a packet to the producer of a slot, if there is one. */
  send(slot: number, packet: Buffer): void {
    const producer = this.#open[slot];
    // The producer of a worker that has died closes before anything can be sent; the channel would throw.
    if (producer && !producer.closed) producer.send(packet);
  }

  close(): void {
    this.#lifetime.end('closed');
  }

  async #openTransport(): Promise<SlotDirectTransport> {
    // `maxMessageSize` is for data channels; RTP packets may have 64 KB.
    this.#transport ??= this.#router.createDirectTransport().then(
      (transport) => {
        this.#lifetime.defer(() => transport.close());
        return transport;
      },
      (error: unknown) => {
        this.#transport = undefined;
        throw error;
      },
    );
    const transport = await this.#transport;
    this.#assertOpen();
    return transport;
  }

  async #produce(ssrcs: readonly number[]): Promise<readonly SlotProducer[]> {
    const transport = await this.#openTransport();
    const results = await Promise.allSettled(ssrcs.map((ssrc, slot) => produceSlot(transport, slot, ssrc)));
    const producers = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const failure = results.find((result) => result.status === 'rejected');
    if (failure) {
      for (const producer of producers) producer.close();
      throw failure.reason;
    }
    this.#assertOpen();
    this.#open = producers;
    return producers;
  }

  /** @throws {WeirError} `closed` */
  #assertOpen(): void {
    if (this.#lifetime.closed) throw new WeirError('closed', 'The audio slots, or their router, have closed.');
  }
}

/**
 * Node writes no RTCP sender reports for these: those of each consumer come from the worker, which maps the RTP time of
 * the newest packet to the moment at which it passed, and stops 2 s after the last packet. They do not cover the time
 * from the microphone to here: the worker would take that from abs-capture-time only with sender reports for this
 * transport as well (RemoteCaptureTimeEstimator). The capture time is in the packets; its offset to the sender's clock
 * stays right, because all workers of a machine use the same clock.
 */
function produceSlot(transport: SlotDirectTransport, slot: number, ssrc: number): Promise<SlotProducer> {
  return transport.produce({
    kind: 'audio',
    rtpParameters: {
      codecs: [
        {
          mimeType: 'audio/opus',
          payloadType: PAYLOAD_TYPE,
          clockRate: 48_000,
          channels: 2,
          // What talkers may use. There is no NACK: Node keeps no packets to retransmit.
          parameters: { useinbandfec: 1, usedtx: 1 },
        },
      ],
      headerExtensions: EXTENSIONS.map(({ uri, id }) => ({ uri, id })),
      encodings: [{ ssrc, dtx: true }],
      // A stream id of its own: without one, a browser takes the transport's CNAME for it, and delays the tracks of one
      // stream to synchronize them. A slot belongs to no picture and to no other slot.
      msid: `voice-${slot} voice-${slot}`,
    },
  });
}

/** Owns where one router's packets come out to Node and go in from it: its DirectTransport, and the slots' producers. */
import type { Consumer, DirectTransport, Producer, Router } from 'mediasoup/types';
import { WeirError } from '../../../shared/errors.ts';
import { Lifetime } from '../../Lifetime.ts';
import { EXTENSIONS } from './rtp.ts';
import { PAYLOAD_TYPE } from './SlotStream.ts';

export class SlotTransport {
  readonly #router: Router;
  readonly #lifetime = new Lifetime();
  #transport: Promise<DirectTransport> | undefined;
  #producers: Promise<readonly Producer[]> | undefined;
  /** The producers by slot, once there are all of them. */
  #open: readonly Producer[] = [];

  constructor(router: Router) {
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
   * A consumer of `microphone` whose packets Node hears.
   * @throws what mediasoup throws, such as when the producer or the router has ended
   */
  async listen(microphone: Producer): Promise<Consumer> {
    const transport = await this.#openTransport();
    return transport.consume({ producerId: microphone.id, rtpCapabilities: this.#router.rtpCapabilities });
  }

  /**
   * A producer for each SSRC, made once.
   * @throws what mediasoup throws, such as when the router has ended; the next call tries again
   */
  produce(ssrcs: readonly number[]): Promise<readonly Producer[]> {
    this.#producers ??= this.#produce(ssrcs).catch((error: unknown) => {
      this.#producers = undefined;
      throw error;
    });
    return this.#producers;
  }

  /** Puts a packet into the slot's producer, where there is one. */
  send(slot: number, packet: Buffer): void {
    const producer = this.#open[slot];
    // A producer of a worker that died is closed before anything can be sent: the channel would throw.
    if (producer && !producer.closed) producer.send(packet);
  }

  close(): void {
    this.#lifetime.end('closed');
  }

  async #openTransport(): Promise<DirectTransport> {
    // `maxMessageSize` is for data channels; RTP may be 64 KB.
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
    return this.#transport;
  }

  async #produce(ssrcs: readonly number[]): Promise<readonly Producer[]> {
    const transport = await this.#openTransport();
    const made = await Promise.allSettled(ssrcs.map((ssrc, slot) => produceSlot(transport, slot, ssrc)));
    const producers = made.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const failure = made.find((result) => result.status === 'rejected');
    if (failure) {
      for (const producer of producers) producer.close();
      throw failure.reason;
    }
    if (this.#lifetime.closed) throw new WeirError('closed', 'The audio slots closed while their producers were made.');
    this.#open = producers;
    return producers;
  }
}

/**
 * Nobody needs to write sender reports for these: each consumer's come from the worker, which ties the RTP time of the
 * newest packet to the moment at which the packet passed it, and sends none 2 s after the last one. They lack the way
 * from the microphone to here: the worker would take that from abs-capture-time only if it had sender reports for this
 * transport as well (RemoteCaptureTimeEstimator). Whoever wants it finds the capture time in the packets; its offset to
 * the sender's clock stays right, because all workers of a machine go by the same one.
 */
function produceSlot(transport: DirectTransport, slot: number, ssrc: number): Promise<Producer> {
  return transport.produce({
    kind: 'audio',
    rtpParameters: {
      codecs: [
        {
          mimeType: 'audio/opus',
          payloadType: PAYLOAD_TYPE,
          clockRate: 48_000,
          channels: 2,
          // What talkers may use. There is no NACK: nobody here could send anything again.
          parameters: { useinbandfec: 1, usedtx: 1 },
        },
      ],
      headerExtensions: EXTENSIONS.map(({ uri, id }) => ({ uri, id })),
      encodings: [{ ssrc, dtx: true }],
      // One transport has one CNAME, and a browser takes it for the name of a stream where there is no other. A slot is no
      // part of a stream: in one of several voices, or with a picture, it would be held back to match what is not its own.
      msid: `voice-${slot} voice-${slot}`,
    },
  });
}

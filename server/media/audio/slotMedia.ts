/** What audio slots use of mediasoup's routers, direct transports, producers and consumers. */
import type { ProducerOptions, RtpCapabilities, RtpParameters } from 'mediasoup/types';
import type { ConsumableProducer } from '../ConsumerFactory.ts';

/** A consumer whose packets arrive in Node. */
export interface MicrophoneConsumer {
  readonly closed: boolean;
  readonly rtpParameters: RtpParameters;
  readonly observer: { once(event: 'close', listener: () => void): unknown };
  on(event: 'producerpause', listener: () => void): unknown;
  on(event: 'rtp', listener: (packet: Buffer) => void): unknown;
  close(): void;
}

/** A producer whose packets Node writes. */
export interface SlotProducer extends ConsumableProducer {
  readonly closed: boolean;
  send(packet: Buffer): void;
  close(): void;
}

export interface SlotDirectTransport {
  consume(options: { producerId: string; rtpCapabilities: RtpCapabilities }): Promise<MicrophoneConsumer>;
  produce(options: ProducerOptions): Promise<SlotProducer>;
  close(): void;
}

export interface SlotRouter {
  readonly closed: boolean;
  readonly rtpCapabilities: RtpCapabilities;
  readonly observer: {
    once(event: 'close', listener: () => void): unknown;
    off(event: 'close', listener: () => void): unknown;
  };
  createDirectTransport(): Promise<SlotDirectTransport>;
}

/** A microphone on one router; disposed of when it is not read any more. */
export interface Microphone extends Disposable {
  readonly producer: { readonly id: string; readonly closed: boolean };
  readonly router: SlotRouter;
}

/** Looks for B-frames in the H.264 of a publisher, at its beginning: encoders have them on by default, and browsers show them out of order. */
import type { Router } from 'mediasoup/types';
import { Lifetime } from '../common/Lifetime.ts';
import { payloadEnd, payloadStart } from '../media/audio/rtp.ts';
import { hasBSlice } from '../media/h264.ts';

export interface BFrameWatchOptions {
  /** That the publisher's media arrives on. */
  readonly router: Pick<Router, 'createDirectTransport' | 'rtpCapabilities'>;
  readonly producerId: string;
  /** Called once, when there is one. */
  onFound(): void;
}

/** Encoders that use B-frames have one in two pictures or more; after so many slices without, there will be none. */
const ENOUGH = 300;
/** Packets after which it ends without as many slices, which key frames alone are none of: each is copied to this process. */
const MAX_PACKETS = 3000;

export class BFrameWatch {
  readonly #lifetime = new Lifetime<'closed' | 'seen'>();
  #slices = 0;
  #packets = 0;

  /** Begins to look. What cannot be read is not looked at: this is advice, which nothing depends on. */
  static start(options: BFrameWatchOptions): BFrameWatch {
    const watch = new BFrameWatch();
    watch.#read(options).catch(() => watch.close());
    return watch;
  }

  /** Stops looking; idempotent. */
  close(): void {
    this.#lifetime.end('closed');
  }

  async #read({ router, producerId, onFound }: BFrameWatchOptions): Promise<void> {
    const transport = await router.createDirectTransport();
    this.#lifetime.defer(() => transport.close());
    if (this.#lifetime.closed) return;
    const { rtpCapabilities } = router;
    const consumer = await transport.consume({ producerId, rtpCapabilities });
    consumer.on('rtp', (packet) => {
      if (this.#lifetime.closed) return;
      this.#packets += 1;
      if (this.#packets >= MAX_PACKETS) this.#lifetime.end('seen');
      const start = payloadStart(packet);
      const found = start < 0 ? undefined : hasBSlice(packet.subarray(start, payloadEnd(packet, start)));
      if (found === undefined) return;
      this.#slices += 1;
      if (found || this.#slices >= ENOUGH) this.#lifetime.end('seen');
      if (found) onFound();
    });
    consumer.observer.once('close', () => this.close());
    if (consumer.closed) this.close();
  }
}

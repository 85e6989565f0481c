/** A transport on a given worker that sends back the audio that it receives: RTP up and down for self-tests. */
import { randomInt } from 'node:crypto';
import type { Consumer, RtpParameters as MediasoupRtpParameters, WebRtcTransport } from 'mediasoup/types';
import type { DtlsParameters, TransportInfo } from '../../shared/media.ts';
import { Lifetime } from '../common/Lifetime.ts';
import type { MediaWorker } from './MediaWorker.ts';
import { serverRtpCapabilities } from './options.ts';
import { RoomRouter } from './RoomRouter.ts';
import { rethrowUnavailable } from './rethrowUnavailable.ts';

const PAYLOAD_TYPE = 111;

/** One stream of RTP. */
export interface LoopbackStream {
  readonly ssrc: number;
  readonly payloadType: number;
}

export class Loopback {
  /** What a client needs to connect. */
  readonly info: TransportInfo;
  /** What the client sends: Opus. */
  readonly sent: LoopbackStream;
  /** What comes back: the same payloads. */
  readonly received: LoopbackStream;
  readonly #transport: WebRtcTransport;
  readonly #lifetime: Lifetime<'closed' | 'mediaLost'>;

  private constructor(
    router: RoomRouter,
    transport: WebRtcTransport,
    ssrc: number,
    consumer: Consumer,
    lifetime: Life,
  ) {
    this.#transport = transport;
    this.#lifetime = lifetime;
    this.info = router.describe(transport);
    this.sent = { ssrc, payloadType: PAYLOAD_TYPE };
    this.received = streamOf(consumer.rtpParameters);
  }

  /**
   * Opens a router, a transport, a producer, and its consumer on the same transport.
   * @throws {WeirError} `unavailable` when the worker fails meanwhile; nothing is left open
   */
  static async open(worker: MediaWorker): Promise<Loopback> {
    const lifetime: Life = new Lifetime();
    try {
      const router = await RoomRouter.open(worker);
      lifetime.defer(() => router.close());
      router.onEnd((reason) => lifetime.end(reason));
      const transport = await router.createTransport();
      const ssrc = randomInt(1, 0xffff_ffff);
      const rtpParameters = {
        codecs: [{ mimeType: 'audio/opus', payloadType: PAYLOAD_TYPE, clockRate: 48_000, channels: 2 }],
        encodings: [{ ssrc }],
      };
      const producer = await rethrowUnavailable(transport.produce({ kind: 'audio', rtpParameters }));
      const consumer = await rethrowUnavailable(
        transport.consume({ producerId: producer.id, rtpCapabilities: serverRtpCapabilities }),
      );
      return new Loopback(router, transport, ssrc, consumer, lifetime);
    } catch (error) {
      lifetime.end('closed');
      throw error;
    }
  }

  /** Tells the transport who the client is. @throws {WeirError} when it has closed, or the worker fails */
  async connect(dtlsParameters: DtlsParameters): Promise<void> {
    await rethrowUnavailable(this.#transport.connect({ dtlsParameters }));
  }

  /** Runs `listener` once it has ended: `mediaLost` when its worker died. */
  onEnd(listener: (reason: 'closed' | 'mediaLost') => void): void {
    this.#lifetime.defer(listener);
  }

  close(): void {
    this.#lifetime.end('closed');
  }
}

/** Its worker may die. */
type Life = Lifetime<'closed' | 'mediaLost'>;

function streamOf({ encodings, codecs }: MediasoupRtpParameters): LoopbackStream {
  const ssrc = encodings?.[0]?.ssrc;
  const payloadType = codecs[0]?.payloadType;
  if (ssrc === undefined || payloadType === undefined) throw new Error('A consumer has an SSRC and a codec.');
  return { ssrc, payloadType };
}

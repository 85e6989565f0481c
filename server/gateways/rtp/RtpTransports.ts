/** The transports of one session of plain RTP: one for each of its tracks. */
import type { PlainTransport } from 'mediasoup/types';
import { WeirError } from '../../../shared/errors.ts';

/** What has come to all of them, in bytes. */
export interface ReceivedBytes {
  /** RTCP included. */
  readonly bytes: number;
  /** RTP from the one source of each. */
  readonly rtpBytes: number;
}

export class RtpTransports {
  /** By source where they receive, by kind of media where they send. */
  readonly #transports = new Map<string, PlainTransport>();
  #closed = false;

  get(_direction: 'send', source: string): PlainTransport | undefined {
    return this.#transports.get(source);
  }

  /** Takes over a transport, which is closed with the others. @throws {WeirError} `closed` */
  add(key: string, transport: PlainTransport): void {
    if (this.#closed) {
      transport.close();
      throw new WeirError('closed');
    }
    this.#transports.set(key, transport);
  }

  /** @throws what mediasoup throws, of transports that have closed */
  async received(): Promise<ReceivedBytes> {
    const stats = (await Promise.all([...this.#transports.values()].map((transport) => transport.getStats()))).flat();
    return {
      bytes: stats.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0),
      rtpBytes: stats.reduce((sum, { rtpBytesReceived }) => sum + rtpBytesReceived, 0),
    };
  }

  closeAll(): void {
    this.#closed = true;
    for (const transport of this.#transports.values()) transport.close();
  }
}

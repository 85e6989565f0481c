/** Tests one way to a transport that sends audio back: ICE, DTLS, and RTP up and down. */
import { randomBytes, randomInt } from 'node:crypto';
import { RtpHeader } from 'werift';
import type { DtlsParameters, TransportInfo } from '../../../shared/media.ts';
import { errorCode } from '../../common/errno.ts';
import { afterPackets } from './afterPackets.ts';
import { ClientTransport } from './ClientTransport.ts';
import type { OpenIcePath } from './IcePath.ts';

/** The transport that is tested: the part of a `Loopback` that a client sees. */
export interface ProbeTarget {
  readonly info: Pick<TransportInfo, 'iceParameters' | 'dtlsParameters'>;
  /** The stream that the client sends, and the one in which its payloads come back. */
  readonly sent: { readonly ssrc: number; readonly payloadType: number };
  readonly received: { readonly ssrc: number };
  /** Tells the server's end who the client is. */
  connect(dtlsParameters: DtlsParameters): Promise<void>;
}

export interface ProbeOptions {
  readonly openPath: OpenIcePath;
  /** How long ICE may wait for an answer, in milliseconds. */
  readonly iceTimeout: number;
  /** Runs what costs CPU time: DTLS and RTP. */
  readonly limit: <T>(task: () => Promise<T>) => Promise<T>;
  readonly signal: AbortSignal;
}

/** How far the probe came. Times in milliseconds. */
export type ProbeResult =
  | { readonly reached: 'media'; readonly roundTripTime: number }
  | {
      /** What did not succeed. */
      readonly failed: 'ice' | 'dtls' | 'rtp';
      /** Such as `ECONNREFUSED`; undefined where nothing came. */
      readonly code: string | undefined;
      readonly message: string;
      readonly error: unknown;
    };

/** Limits of the handshake and of the wait for the first RTP packet, in milliseconds. */
const TIMEOUT = { dtls: 3000, rtp: 1500 };
/** Milliseconds between RTP packets: those of audio. */
const PACKET_INTERVAL = 20;
/** As large as packets of video, so that a path that drops large ones is found. */
const PAYLOAD_BYTES = 1150;

/** Never rejects: a failure is the result. */
export async function probe(target: ProbeTarget, options: ProbeOptions): Promise<ProbeResult> {
  const { openPath, iceTimeout, limit, signal } = options;
  const echo = new RtpEcho(target);
  const transport = await ClientTransport.create({ onRtp: (packet) => echo.receive(packet, transport) });
  const abort = () => transport.close();
  signal.addEventListener('abort', abort);
  let stage: 'ice' | 'dtls' | 'rtp' = 'ice';
  try {
    signal.throwIfAborted();
    await transport.check(target.info.iceParameters, openPath, iceTimeout);
    return await limit(async () => {
      stage = 'dtls';
      await target.connect(transport.dtlsParameters);
      await transport.shakeHands(target.info.dtlsParameters, TIMEOUT.dtls);
      stage = 'rtp';
      return { reached: 'media', roundTripTime: await echo.run(transport, signal) };
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { failed: stage, code: errorCode(error), message, error };
  } finally {
    signal.removeEventListener('abort', abort);
    transport.close();
  }
}

/** Sends RTP until the first payload has come back. */
class RtpEcho {
  readonly #target: ProbeTarget;
  readonly #payload = randomBytes(PAYLOAD_BYTES);
  /** When each packet was sent, by its number. */
  readonly #sentAt: number[] = [];
  readonly #returned = Promise.withResolvers<number>();
  readonly #firstSequence = randomInt(0x8000);
  readonly #firstTimestamp = randomInt(0x8000_0000);

  constructor(target: ProbeTarget) {
    this.#target = target;
    this.#returned.promise.catch(() => {});
  }

  /** @returns the round-trip time in milliseconds @throws {Error} when nothing comes back in time */
  async run(transport: ClientTransport, signal: AbortSignal): Promise<number> {
    const timer = setInterval(() => this.#send(transport), PACKET_INTERVAL);
    const fail = () => this.#returned.reject(new Error('RTP: nothing came back.'));
    const late = setTimeout(afterPackets(fail), TIMEOUT.rtp);
    const abort = () => this.#returned.reject(signal.reason);
    signal.addEventListener('abort', abort);
    this.#send(transport);
    try {
      return await this.#returned.promise;
    } finally {
      signal.removeEventListener('abort', abort);
      clearInterval(timer);
      clearTimeout(late);
    }
  }

  receive(packet: Buffer, transport: ClientTransport): void {
    if (packet.length < 12 || packet.readUInt32BE(8) !== this.#target.received.ssrc) return;
    try {
      const payload = transport.decrypt(packet).subarray(-PAYLOAD_BYTES);
      const sentAt = this.#sentAt[payload.readUInt32BE(0)];
      if (sentAt === undefined || !payload.subarray(4).equals(this.#payload.subarray(4))) return;
      this.#returned.resolve(performance.now() - sentAt);
    } catch {
      // What cannot be decrypted has not come back.
    }
  }

  #send(transport: ClientTransport): void {
    const number = this.#sentAt.length;
    this.#payload.writeUInt32BE(number, 0);
    const header = new RtpHeader({
      ...this.#target.sent,
      sequenceNumber: this.#firstSequence + number,
      timestamp: this.#firstTimestamp + number * 960,
    });
    const packet = transport.protect(header, this.#payload);
    this.#sentAt.push(performance.now());
    transport.send(packet);
  }
}

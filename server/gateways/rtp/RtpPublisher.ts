/** Somebody who publishes by plain RTP: a transport for each track, and the end when nothing comes any more. */
import type { Logger } from 'pino';
import type { CloseReason } from '../../../shared/closeReasons.ts';
import type { Source } from '../../../shared/media.ts';
import type { OpenedPlain, OpenPlainOptions, PlainTransports } from '../../media/PlainTransports.ts';
import { GatewayPublisher, type PublisherOptions } from '../GatewayPublisher.ts';
import type { SrtpKey } from './ingestRequest.ts';
import { RtpTransports } from './RtpTransports.ts';
import { type RtpStream, rtpParametersOf } from './rtpCodecs.ts';

export interface RtpPublisherOptions extends PublisherOptions {
  readonly plain: PlainTransports;
  /** `rtp` by default. */
  readonly gateway?: 'rtp' | 'rtmp';
  /** How long nothing may come, at the beginning or later, in milliseconds. */
  readonly idleTimeout: number;
  /** What it may send, in bit/s; anything by default. */
  readonly maxIncomingBitrate?: number | undefined;
  readonly log: Logger;
}

/** A track that is to come by plain RTP. */
export interface RtpTrack extends RtpStream {
  readonly source: Source;
  readonly srtp?: SrtpKey | undefined;
}

/** How often it is looked whether something comes: so many times while it may be idle, and at least every two seconds. */
const LOOKS = 4;
const MAX_INTERVAL = 2000;
/** So many times in turn it may send too much: a key frame or a moment is not meant. */
const TOO_FAST = 3;

export class RtpPublisher extends GatewayPublisher {
  override readonly gateway: 'rtp' | 'rtmp';
  readonly #options: RtpPublisherOptions;
  readonly #transports: RtpTransports;
  /** How much had come when something last came, and when that was (`performance.now()`). */
  #received = { bytes: 0, at: performance.now() };
  #looks = { bytes: 0, at: performance.now(), tooFast: 0 };

  constructor(options: RtpPublisherOptions) {
    const transports = new RtpTransports();
    super(options, transports);
    this.gateway = options.gateway ?? 'rtp';
    this.#options = options;
    this.#transports = transports;
    const interval = Math.min(options.idleTimeout / LOOKS, MAX_INTERVAL);
    const looks = setInterval(() => void this.#look(), interval);
    this.lifetime.defer(() => clearInterval(looks));
  }

  /**
   * Opens a transport for each of these tracks and publishes it; the first packet says where it comes from.
   * @returns the transports, in the order of the tracks
   * @throws {WeirError} `badRequest`, `forbidden`, `unavailable`, `closed`
   */
  async listen(
    tracks: readonly RtpTrack[],
    options: Pick<OpenPlainOptions, 'rtcpMux' | 'local'>,
  ): Promise<OpenedPlain[]> {
    const { plain, placement } = this.#options;
    const opened: OpenedPlain[] = [];
    for (const { source, srtp } of tracks) {
      const one = await plain.open(placement.router, { ...options, srtp });
      this.#transports.add(source, one.transport);
      opened.push(one);
    }
    await this.publish(
      tracks.map((track) => ({ source: track.source, rtpParameters: rtpParametersOf(track, this.id) })),
    );
    return opened;
  }

  /** Ends it when nothing has come for too long. mediasoup tells of that for simulcast alone. */
  async #look(): Promise<void> {
    // A request that fails has met the end of a transport.
    const received = await this.#transports.received().catch(() => undefined);
    if (!received || this.closed) return;
    const bytes = received.rtpBytes;
    const now = performance.now();
    if (this.#isTooFast(bytes, now)) return;
    if (bytes > this.#received.bytes) {
      this.#received = { bytes, at: now };
      this.setConnected();
    } else if (now - this.#received.at >= this.#options.idleTimeout) this.#endIdle(bytes > 0);
  }

  /** Ends it when it has sent more than it may for some time: nothing can slow a sender of plain RTP down. */
  #isTooFast(bytes: number, now: number): boolean {
    const { maxIncomingBitrate = Number.POSITIVE_INFINITY, log } = this.#options;
    const { bytes: before, at, tooFast } = this.#looks;
    const bitrate = ((bytes - before) * 8000) / (now - at);
    this.#looks = { bytes, at: now, tooFast: bitrate > maxIncomingBitrate ? tooFast + 1 : 0 };
    if (this.#looks.tooFast < TOO_FAST) return false;
    const limits = { bitrate: Math.round(bitrate), maxIncomingBitrate };
    log.warn({ identity: this.identity, peer: this.id, ...limits }, 'RTP comes faster than it may, the session ends');
    this.close('rateLimited');
    return true;
  }

  #endIdle(hasReceived: boolean): void {
    const { idleTimeout, log } = this.#options;
    const reason: CloseReason = hasReceived ? 'disconnected' : 'mediaFailed';
    const text = hasReceived ? 'RTP has stopped, the session ends' : 'no RTP has come, the session ends';
    log.info({ identity: this.identity, peer: this.id, seconds: idleTimeout / 1000, reason }, text);
    this.close(reason);
  }
}

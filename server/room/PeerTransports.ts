/** The transports of a peer: to send media, to receive it, and for data, each opened and closed by itself. */
import { EventEmitter } from 'node:events';
import type { WebRtcTransport } from 'mediasoup/types';
import { WeirError } from '../../shared/errors.ts';
import type { DtlsParameters, IceParameters, TransportCounters, TransportInfo } from '../../shared/media.ts';
import { DownlinkLimiter } from '../media/DownlinkLimiter.ts';
import { DataStreams } from '../media/data/DataStreams.ts';
import { MIN_OUTGOING_BITRATE } from '../media/options.ts';
import type { RoomRouter } from '../media/RoomRouter.ts';
import { rethrowUnavailable } from '../media/rethrowUnavailable.ts';
import type { LinkStats } from './LinkQuality.ts';
import { mapMediasoupError } from './mapMediasoupError.ts';
import { SlidingWindowLimit } from './SlidingWindowLimit.ts';

/** Media from or to the client; `data` is the SCTP transport, which carries both directions. */
export type Direction = 'send' | 'recv' | 'data';

/** Limit of ICE restarts; times in milliseconds. */
const ICE_RESTARTS = { limit: 5, window: 60_000, minInterval: 5000 };
/**
 * How long the WebSocket's close frame may take to arrive after the DTLS alert, in milliseconds: it says why the client
 * leaves.
 */
const DTLS_CLOSE_DELAY = 500;
/** Least time between two `tupleChanged` of a direction, in milliseconds: each causes a key frame of every video. */
const TUPLE_CHANGED_INTERVAL = 1000;

export interface PeerTransportsOptions {
  readonly router: RoomRouter;
  /** What the client may send, in bit/s. */
  readonly maxIncomingBitrate: number;
  /** How long ICE consent may be missing before `disconnected`, in seconds; as long as mediasoup allows by default. */
  readonly iceConsentTimeout?: number | undefined;
}

/** By event: its arguments. */
export interface PeerTransportsEvents {
  /** The client has closed a transport, which it does when it leaves. Its connection has had time to say why. */
  dtlsClosed: [];
  /** A transport uses another path: packets that were sent over the former one are lost. */
  tupleChanged: [direction: Direction];
  /** DTLS is established on a transport. */
  connected: [direction: Direction];
  /** ICE consent has expired on a transport (RFC 7675): the client is gone, or its network. It may return with an ICE restart. */
  disconnected: [direction: Direction];
  /** The downlink is congested: reduce each video by so many spatial layers; 0 when it has recovered. */
  congestion: [layerReduction: number];
}

export class PeerTransports {
  readonly events = new EventEmitter<PeerTransportsEvents>();
  readonly #options: PeerTransportsOptions;
  readonly #open = new Map<Direction, WebRtcTransport>();
  /**
   * Those that the worker is creating, each with a token of its own; removed when the transport is not wanted any more.
   */
  readonly #opening = new Map<Direction, symbol>();
  readonly #connected = new Set<string>();
  readonly #iceRestarts = new SlidingWindowLimit(ICE_RESTARTS);
  readonly #tupleChangedTimers = new Map<Direction, NodeJS.Timeout>();
  #dtlsClosedTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: PeerTransportsOptions) {
    this.#options = options;
  }

  get(direction: Direction): WebRtcTransport | undefined {
    return this.#open.get(direction);
  }

  /** Their ids, by direction. */
  get ids(): { send?: string; recv?: string; data?: string } {
    const [send, recv, data] = [this.get('send'), this.get('recv'), this.get('data')];
    return { ...(send && { send: send.id }), ...(recv && { recv: recv.id }), ...(data && { data: data.id }) };
  }

  /** @throws {WeirError} `conflict` when there is one already, `closed`, `unavailable` */
  async open(direction: Direction): Promise<TransportInfo> {
    if (this.#closed) throw new WeirError('closed');
    if (this.#open.has(direction) || this.#opening.has(direction)) {
      throw new WeirError('conflict', 'You have this transport already.');
    }
    const token = Symbol(direction);
    this.#opening.set(direction, token);
    const wanted = () => !this.#closed && this.#opening.get(direction) === token;
    try {
      const { router, iceConsentTimeout } = this.#options;
      const transport = await router.createTransport({ forData: direction === 'data', iceConsentTimeout });
      if (!wanted()) {
        transport.close();
        throw new WeirError('closed');
      }
      this.#open.set(direction, transport);
      this.#listen(direction, transport);
      await this.#setUp(direction, transport);
      if (transport.closed) throw new WeirError('closed');
      return router.describe(transport);
    } finally {
      if (this.#opening.get(direction) === token) this.#opening.delete(direction);
    }
  }

  /** Opens the transport for data, with its channels. @throws as `open` */
  async openData(): Promise<{ info: TransportInfo; streams: DataStreams }> {
    const info = await this.open('data');
    const transport = this.#open.get('data');
    if (!transport) throw new WeirError('closed');
    try {
      const streams = await DataStreams.open(transport, await this.#options.router.directData());
      return { info, streams };
    } catch (error) {
      if (this.#open.get('data') === transport) this.close('data');
      throw error;
    }
  }

  /** Closes a transport, or cancels its opening. mediasoup does not tell the client. */
  close(direction: Direction): void {
    this.#opening.delete(direction);
    this.#open.get(direction)?.close();
    this.#open.delete(direction);
  }

  /** @throws {WeirError} `notFound`, `conflict` when it is connected already, `badRequest` */
  async connect(transportId: string, dtlsParameters: DtlsParameters): Promise<void> {
    const transport = [...this.#open.values()].find(({ id }) => id === transportId);
    if (!transport) throw new WeirError('notFound', 'You have no transport of that id.');
    if (this.#connected.has(transport.id)) throw new WeirError('conflict', 'This transport is connected already.');
    this.#connected.add(transport.id);
    try {
      await mapMediasoupError(transport.connect({ dtlsParameters }), 'These DTLS parameters were not accepted.');
    } catch (error) {
      this.#connected.delete(transport.id);
      throw error;
    }
  }

  /**
   * New ICE credentials for all transports. Media keeps its path until the client has found another one with them.
   * @throws {WeirError} `rateLimited`
   */
  async restartIce(): Promise<{ send?: IceParameters; recv?: IceParameters; data?: IceParameters }> {
    const wait = this.#iceRestarts.take();
    if (wait > 0) {
      const retryAfter = Math.ceil(wait / 1000);
      throw new WeirError('rateLimited', `ICE can be restarted again in ${retryAfter} s.`, { retryAfter });
    }
    const restart = (transport: WebRtcTransport | undefined) =>
      transport && mapMediasoupError(transport.restartIce(), 'This transport cannot be restarted.');
    const [send, recv, data] = await Promise.all([
      restart(this.get('send')),
      restart(this.get('recv')),
      restart(this.get('data')),
    ]);
    return { ...(send && { send }), ...(recv && { recv }), ...(data && { data }) };
  }

  /** Bytes of RTP sent to the client and received from it. @throws {WeirError} `closed` when the worker has failed */
  async getStats(): Promise<TransportCounters> {
    const stats = (direction: Direction) => {
      const transport = this.get(direction);
      return transport && mapMediasoupError(transport.getStats(), 'This transport has no statistics.');
    };
    const [recv, send] = await Promise.all([stats('recv'), stats('send')]);
    return { sent: recv?.[0]?.rtpBytesSent ?? 0, received: send?.[0]?.rtpBytesReceived ?? 0 };
  }

  /** What the server measures of both links; zeros without a transport. @throws {WeirError} `closed` when the worker has failed */
  async getLinkStats(): Promise<LinkStats> {
    const stats = (direction: Direction) => {
      const transport = this.get(direction);
      return transport && mapMediasoupError(transport.getStats(), 'This transport has no statistics.');
    };
    const [recv, send] = await Promise.all([stats('recv'), stats('send')]);
    const [down, up] = [recv?.[0], send?.[0]];
    return {
      uplinkLoss: up?.rtpPacketLossReceived ?? 0,
      downlinkLoss: down?.rtpPacketLossSent ?? 0,
      downlinkBitrate: (down?.rtpSendBitrate ?? 0) + (down?.rtxSendBitrate ?? 0),
      availableBitrate: down?.availableOutgoingBitrate ?? 0,
    };
  }

  closeAll(): void {
    this.#closed = true;
    this.events.removeAllListeners();
    for (const timer of this.#tupleChangedTimers.values()) clearTimeout(timer);
    clearTimeout(this.#dtlsClosedTimer);
    this.close('send');
    this.close('recv');
    this.close('data');
  }

  #listen(direction: Direction, transport: WebRtcTransport): void {
    transport.observer.once('close', () => this.#connected.delete(transport.id));
    transport.on('icestatechange', (state) => {
      if (state === 'disconnected') this.events.emit('disconnected', direction);
    });
    transport.on('dtlsstatechange', (state) => {
      if (state === 'connected') this.events.emit('connected', direction);
      // The client has sent close_notify (RFC 5246, section 7.2.1); one that has lost its path sends nothing.
      if (state !== 'closed') return;
      if (direction === 'data') {
        // It is replaced without leaving.
        this.close('data');
        return;
      }
      this.#dtlsClosedTimer ??= setTimeout(() => this.events.emit('dtlsClosed'), DTLS_CLOSE_DELAY);
    });
    transport.on('iceselectedtuplechange', () => {
      if (transport.dtlsState === 'connected' && direction !== 'data') this.#onTupleChanged(direction);
    });
  }

  /** Sets the limits of a transport; one that cannot be limited closes. @throws {WeirError} `unavailable`, `closed` */
  async #setUp(direction: Direction, transport: WebRtcTransport): Promise<void> {
    try {
      await rethrowUnavailable(this.#limit(direction, transport));
    } catch (error) {
      if (this.#open.get(direction) === transport) this.close(direction);
      throw error;
    }
  }

  async #limit(direction: Direction, transport: WebRtcTransport): Promise<void> {
    const { maxIncomingBitrate } = this.#options;
    if (direction === 'send') await transport.setMaxIncomingBitrate(maxIncomingBitrate);
    else if (direction === 'recv') {
      const onCongestion = (layerReduction: number) => void this.events.emit('congestion', layerReduction);
      await Promise.all([
        transport.setMinOutgoingBitrate(MIN_OUTGOING_BITRATE),
        DownlinkLimiter.follow(transport, { minBitrate: MIN_OUTGOING_BITRATE, onCongestion }),
      ]);
    }
  }

  #onTupleChanged(direction: Direction): void {
    if (this.#tupleChangedTimers.has(direction)) return;
    const forget = () => this.#tupleChangedTimers.delete(direction);
    this.#tupleChangedTimers.set(direction, setTimeout(forget, TUPLE_CHANGED_INTERVAL));
    this.events.emit('tupleChanged', direction);
  }
}

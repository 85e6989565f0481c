/** What one peer sends and receives on data channels: its transport for data, its limits, and the messages that wait. */
import { EventEmitter } from 'node:events';
import type { CloseReason } from '../../../shared/closeReasons.ts';
import { type DataChannelLabel, type DataFrame, decodeDataFrame } from '../../../shared/dataFrame.ts';
import { WeirError } from '../../../shared/errors.ts';
import type { TransportInfo } from '../../../shared/media.ts';
import type { Grants, ServerEvents } from '../../../shared/protocol.ts';
import { TokenBucket } from '../../../shared/TokenBucket.ts';
import { Lifetime } from '../../common/Lifetime.ts';
import type { DataStreams } from '../../media/data/DataStreams.ts';
import { SlidingWindowLimit } from '../SlidingWindowLimit.ts';
import type { DataAddress, DataPort, DataPortEvents } from './DataPort.ts';
import { type DataLimits, DataRate } from './DataRate.ts';
import { HeldData } from './HeldData.ts';
import { Pacer } from './Pacer.ts';

/** How often the transport may be opened; times in milliseconds. */
const OPENINGS = { limit: 10, window: 60_000, minInterval: 0 };
/** A client whose messages are refused more often than this is cut off. One that keeps to the limits has none refused. */
const REFUSALS = { perSecond: 50, burst: 200 };
/** How many malformed frames a client may send. */
const MAX_BAD_FRAMES = 5;
/** Least time between two `dataRefused`, in milliseconds. */
const REFUSED_INTERVAL = 1000;
/** Whoever leaves for one of these was removed, or cut off: what they had sent before is not forwarded any more. */
const droppingReasons: ReadonlySet<CloseReason> = new Set(['kicked', 'protocolError', 'rateLimited']);

/** What of its channels it uses. */
export type PeerStreams = DataAddress & Pick<DataStreams, 'events' | 'transportId' | 'onEnd' | 'setReceiving'>;

export interface PeerDataOptions {
  readonly limits: DataLimits;
  grants(): Grants;
  /** Opens the transport with its channels. @throws {WeirError} `conflict`, `closed`, `unavailable` */
  open(): Promise<{ readonly info: TransportInfo; readonly streams: PeerStreams }>;
  /** Closes the transport, if there is one. */
  close(): void;
  notify<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void;
}

export class PeerData implements DataPort {
  readonly events = new EventEmitter<DataPortEvents>();
  readonly #options: PeerDataOptions;
  readonly #lifetime = new Lifetime<'left'>();
  readonly #rate: DataRate;
  readonly #pacer: Pacer;
  readonly #openings = new SlidingWindowLimit(OPENINGS);
  readonly #held = new HeldData(() => this.#notifyClosed(undefined, tooSlow()));
  readonly #refusals = new TokenBucket(REFUSALS.perSecond, REFUSALS.burst);
  #badFrames = 0;
  #lastRefusal = Number.NEGATIVE_INFINITY;
  /** Once it is open. */
  #streams: PeerStreams | undefined;

  constructor(options: PeerDataOptions) {
    this.#options = options;
    this.#rate = new DataRate(options.limits);
    this.#pacer = new Pacer(options.limits, (channel, frame) => void this.events.emit('frame', channel, frame));
  }

  get mayReceive(): boolean {
    return this.#options.grants().canSubscribe;
  }

  get address(): DataAddress | undefined {
    return this.#streams;
  }

  hold(channel: DataChannelLabel, message: Buffer): void {
    const wasEmpty = this.#held.isEmpty;
    this.#held.add({ channel, message });
    if (wasEmpty) this.remind();
  }

  /** Tells the client that data waits for it, if so; also after a resume, since events without a connection are dropped. */
  remind(): void {
    if (!this.#held.isEmpty) this.#options.notify('dataPending', {});
  }

  /**
   * Opens the transport with its channels, in place of an older one: its client has lost the other end.
   * @throws {WeirError} `forbidden` for one who may neither send nor receive, `rateLimited`, `conflict`, `closed`, `unavailable`
   */
  async open(): Promise<TransportInfo> {
    const { canPublishData, canSubscribe } = this.#options.grants();
    if (!canPublishData && !canSubscribe)
      throw new WeirError('forbidden', 'You may neither send nor receive data here.');
    const wait = this.#openings.take();
    if (wait > 0) {
      throw new WeirError('rateLimited', `Data channels can be opened again in ${Math.ceil(wait / 1000)} s.`);
    }
    this.#options.close();
    const { info, streams } = await this.#options.open();
    this.#start(streams);
    return info;
  }

  /** Ends what the grants do not allow any more, and receives again what they allow. */
  applyGrants(): void {
    const { canPublishData, canSubscribe } = this.#options.grants();
    if (!canSubscribe) this.#held.take();
    if (!canPublishData) this.drop();
    if (canPublishData || canSubscribe) this.#streams?.setReceiving(canSubscribe);
    else this.#options.close();
  }

  drop(): void {
    this.#pacer.clear();
  }

  onEnd(listener: () => void): void {
    this.#lifetime.defer(listener);
  }

  /** Its peer has left for that reason. What it had sent within its limits is still forwarded, unless it was removed. */
  close(reason: CloseReason): void {
    this.#held.take();
    if (droppingReasons.has(reason)) this.drop();
    this.#pacer.end(() => this.#lifetime.end('left'));
  }

  #start(streams: PeerStreams): void {
    this.#streams = streams;
    streams.onEnd(() => {
      if (this.#streams === streams) this.#streams = undefined;
    });
    const fail = (error: WeirError) => {
      this.#options.close();
      this.#notifyClosed(streams.transportId, error);
    };
    streams.events.on('message', (channel, message) => {
      const error = this.#receive(channel, message);
      if (!error) return;
      // What a client that is cut off has sent too fast is not forwarded afterwards.
      this.drop();
      fail(error);
    });
    streams.events.on('sendBufferFull', (channel) => {
      // Lossy messages are lost; reliable ones would be missing without anybody knowing.
      if (channel !== 'lossy') fail(tooSlow());
    });
    streams.events.on('failed', () => {
      fail(new WeirError('unavailable', 'The connection for data has failed. What was on its way is lost.'));
    });
    streams.setReceiving(this.mayReceive);
    for (const { channel, message } of this.#held.take()) streams.direct.send(channel, message, [streams.subchannel]);
  }

  /** @returns why the transport has to close, if it has to */
  #receive(channel: DataChannelLabel, message: Buffer): WeirError | undefined {
    if (!this.#rate.tryTake(channel, message.length)) return this.#refuse(channel, tooFast());
    if (!this.#options.grants().canPublishData) {
      return this.#refuse(channel, new WeirError('forbidden', 'Your grants do not allow you to send data.'));
    }
    let frame: DataFrame;
    try {
      frame = decodeDataFrame(message);
    } catch (error) {
      const refusal = WeirError.from(error);
      this.#badFrames++;
      return this.#badFrames > MAX_BAD_FRAMES ? refusal : this.#refuse(channel, refusal);
    }
    if (channel === 'bulk' && frame.peerIds.length === 0) return this.#refuse(channel, unaddressed());
    this.#pacer.add(channel, frame, message.length);
    return undefined;
  }

  /** @returns the error, if the client does not stop */
  #refuse(channel: DataChannelLabel, error: WeirError): WeirError | undefined {
    if (!this.#refusals.tryTake()) return error;
    if (performance.now() - this.#lastRefusal < REFUSED_INTERVAL) return undefined;
    this.#lastRefusal = performance.now();
    this.#options.notify('dataRefused', { channel, error: error.toWire() });
    return undefined;
  }

  #notifyClosed(transportId: string | undefined, error: WeirError): void {
    this.#options.notify('dataClosed', { ...(transportId !== undefined && { transportId }), error: error.toWire() });
  }
}

function tooSlow(): WeirError {
  const message = 'Data came faster than this client received it. What was on its way is lost.';
  return new WeirError('closed', message, { reason: 'sendBufferFull' });
}

/** Files may be sent many times as fast as other data: to all viewers of a broadcast at once, that is more than a server has. */
function unaddressed(): WeirError {
  return new WeirError('badRequest', 'Messages on the channel `bulk` have to name their receivers.');
}

function tooFast(): WeirError {
  return new WeirError('rateLimited', 'You send more data than the server allows: see `limits` in `welcome`.');
}

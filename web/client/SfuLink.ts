/** Owns the media between this client and the SFU: the device, both transports, and whether media has its way. */
import { Device, type types } from 'mediasoup-client';
import { WeirError } from '../../shared/errors.ts';
import { RtpCapabilities, type TransportInfo } from '../../shared/media.ts';
import type { ConsumerInfo, Grants, ResumeReply } from '../../shared/protocol.ts';
import type { MediaConnectionState } from './events.ts';
import { IceRestartPolicy } from './IceRestartPolicy.ts';
import { type LocalCounters, MediaPath } from './MediaPath.ts';
import { Publisher, type PublisherOptions } from './Publisher.ts';
import type { prefetchHandler } from './prefetchHandler.ts';
import { SendFeedback } from './SendFeedback.ts';
import { Subscriber, type SubscriberOptions } from './Subscriber.ts';
import { countTransport, type TransportReport } from './stats.ts';

type Transport = types.Transport;

/** How long to wait before a receiving transport that could not be opened is asked for again, in milliseconds. */
const REOPEN_DELAYS = [500, 1000, 2000, 4000];

export interface SfuLinkOptions
  extends Pick<SubscriberOptions, 'request' | 'onTrack' | 'onTrackEnded'>,
    Pick<PublisherOptions, 'device' | 'video' | 'kind' | 'onSourceEnded'> {
  readonly transports: { send?: TransportInfo; recv?: TransportInfo };
  /** `connection` has changed. */
  onConnection(): void;
  /** Media is not to be had on this link any more: a transport found no way, was refused, or broke. */
  onFailed(): void;
}

/**
 * The client end of both transports. It never waits for the server where it need not: mediasoup-client's callbacks are
 * answered at once, and an object that the server refuses is closed.
 */
export class SfuLink {
  readonly publisher: Publisher;
  readonly subscriber: Subscriber;
  readonly #options: SfuLinkOptions;
  #send: Transport | undefined;
  #recv: Transport | undefined;
  /** The current right to send, and to receive: another one each time that it is given; undefined without it. */
  #sendRight: symbol | undefined = Symbol('send');
  #receiveRight: symbol | undefined = Symbol('recv');
  #opening = false;
  #reopening: ReturnType<typeof setTimeout> | undefined;
  readonly #restarts: IceRestartPolicy;
  readonly #path: MediaPath;
  readonly #feedback = new SendFeedback(() => count(this.#send));
  #wasConnected = false;
  #closed = false;

  constructor(options: SfuLinkOptions) {
    this.#options = options;
    this.publisher = new Publisher({ ...options, openTransport: () => this.#openSending() });
    this.subscriber = new Subscriber(options);
    const { send, recv } = options.transports;
    if (send) this.#sendOver(send);
    if (recv) this.#receiveOver(recv);
    this.#restarts = new IceRestartPolicy({
      restart: () => this.#restartIce(),
      connection: () => this.connection,
      onGivenUp: () => options.onFailed(),
    });
    this.#path = new MediaPath({
      local: () => this.#counters(),
      remote: () => options.request('getTransportStats', {}),
      onChange: () => this.#pathChanged(),
    });
  }

  /**
   * A device that knows what browser and server have in common, and what of it it can receive, as `join` takes it.
   * @throws {WeirError} `unsupported` when this is no browser that can do calls
   */
  static async device(
    handler: ReturnType<typeof prefetchHandler>,
    routerRtpCapabilities: RtpCapabilities,
  ): Promise<{ device: Device; rtpCapabilities: RtpCapabilities }> {
    try {
      const device = new Device(handler && { handlerFactory: handler });
      await device.load({ routerRtpCapabilities });
      return { device, rtpCapabilities: RtpCapabilities.parse(device.recvRtpCapabilities) };
    } catch (cause) {
      throw new WeirError('unsupported', 'This browser cannot do calls; a current one can.', { cause });
    }
  }

  /**
   * Makes of the media what we may do now: ends what we may not, and begins to receive where we may again.
   * @param there the transports and our sources that the server has, where it said so
   * @returns whether anything that we published has ended
   */
  applyGrants(grants: Grants, there?: Pick<ResumeReply, 'transports' | 'sources'>): boolean {
    const sends = grants.canPublish && (!there || there.transports.send === this.#send?.id);
    const forbidden = this.publisher.applyGrants(sends ? grants : { ...grants, canPublish: false });
    const missing = there !== undefined && this.publisher.syncSources(there.sources);
    if (!sends) this.#send = undefined;
    this.#sendRight = grants.canPublish ? (this.#sendRight ?? Symbol('send')) : undefined;
    if (!grants.canSubscribe || (there && there.transports.recv !== this.#recv?.id)) {
      this.#recv?.close();
      this.#recv = undefined;
      this.subscriber.attach(undefined);
      clearTimeout(this.#reopening);
    }
    this.#receiveRight = grants.canSubscribe ? (this.#receiveRight ?? Symbol('recv')) : undefined;
    if (grants.canSubscribe && !this.#recv) void this.#openReceiving();
    return forbidden || missing;
  }

  /** Finds the way of the media anew, on both transports; what flows goes on until there is a better one. */
  restartIce(): void {
    this.#restarts.request();
  }

  /** Whether media has ever found its way. */
  get wasConnected(): boolean {
    return this.#wasConnected;
  }

  /**
   * How long ago the server was last heard of by the media, in milliseconds: by what comes in, or else by its reports on what
   * is sent; undefined where nothing is to be expected.
   */
  lastPacketAt(isExpected: (info: ConsumerInfo) => boolean): number | undefined {
    return this.subscriber.lastPacketAt(isExpected) ?? this.#feedback.poll();
  }

  /** Finds out with the server whether media still gets through; where it does not, ICE is restarted. */
  checkPath(): void {
    void this.#path.check();
  }

  /** How the media is connected: `lost` as soon as one transport has lost its way, or nothing gets through. */
  get connection(): MediaConnectionState {
    if (this.#path.lost) return 'lost';
    const states = [this.#send, this.#recv].map((transport) => transport?.connectionState);
    if (states.some((state) => state === 'disconnected' || state === 'failed')) return 'lost';
    return states.includes('connecting') ? 'connecting' : 'connected';
  }

  /** Every sender and receiver with its statistics. */
  async stats() {
    const [sent, received] = await Promise.all([this.publisher.stats(), this.subscriber.stats()]);
    return [...sent, ...received];
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#reopening);
    this.#restarts.close();
    this.#path.close();
    this.#send?.close();
    this.#recv?.close();
    this.publisher.close();
    this.subscriber.close();
  }

  #sendOver(info: TransportInfo): Transport {
    const transport = this.#connecting(this.#options.device.createSendTransport(toOptions(info)));
    this.#send = transport;
    this.publisher.attach(transport);
    return transport;
  }

  #receiveOver(info: TransportInfo): void {
    this.#recv = this.#connecting(this.#options.device.createRecvTransport(toOptions(info)));
    this.subscriber.attach(this.#recv);
  }

  async #openSending(): Promise<Transport> {
    const right = this.#sendRight;
    const { transport } = await this.#options.request('openTransport', { direction: 'send' });
    if (this.#closed) throw new WeirError('closed');
    // A transport ends with the right that it was opened for, although there may be another right by now.
    if (this.#sendRight !== right) throw new WeirError('forbidden', 'You may not publish here.');
    return this.#sendOver(transport);
  }

  /** Asks for a receiving transport until there is one, nobody may receive any more, or asking has failed too often. */
  async #openReceiving(failures = 0): Promise<void> {
    clearTimeout(this.#reopening);
    if (this.#opening) return;
    this.#opening = true;
    const right = this.#receiveRight;
    try {
      const { transport } = await this.#options.request('openTransport', { direction: 'recv' });
      this.#opening = false;
      if (this.#closed || !this.#receiveRight) return;
      // A transport ends with the right that it was opened for.
      if (this.#receiveRight === right) this.#receiveOver(transport);
      else await this.#openReceiving();
    } catch {
      this.#opening = false;
      if (this.#closed || !this.#receiveRight) return;
      if (this.#receiveRight !== right) await this.#openReceiving();
      else if (failures < REOPEN_DELAYS.length) {
        this.#reopening = setTimeout(() => void this.#openReceiving(failures + 1), REOPEN_DELAYS[failures]);
      } else this.#options.onFailed();
    }
  }

  #connecting(transport: Transport): Transport {
    transport.on('connectionstatechange', (state) => {
      if (state === 'connected') this.#wasConnected = true;
      this.#options.onConnection();
      if (state === 'failed' && !this.#wasConnected) this.#options.onFailed();
      else if (state === 'failed') this.#restarts.request();
      else this.#restarts.onConnectionChanged();
    });
    transport.on('connect', ({ dtlsParameters }, callback) => {
      const answer = this.#options.request('connectTransport', { transportId: transport.id, dtlsParameters });
      answer.catch((error) => WeirError.from(error).code !== 'closed' && this.#options.onFailed());
      callback();
    });
    return transport;
  }

  /** Browsers themselves take five seconds and more to say that a path is lost. */
  #pathChanged(): void {
    this.#options.onConnection();
    this.#restarts.onConnectionChanged();
    if (this.#path.lost) this.#restarts.request();
  }

  async #counters(): Promise<LocalCounters> {
    const [send, recv] = await Promise.all([count(this.#send), count(this.#recv)]);
    return { sent: send?.sent ?? 0, received: recv?.received ?? 0 };
  }

  async #restartIce(): Promise<void> {
    const { send, recv } = await this.#options.request('restartIce', {});
    await Promise.all([
      send && this.#send?.restartIce({ iceParameters: send }),
      recv && this.#recv?.restartIce({ iceParameters: recv }),
    ]);
  }
}

async function count(transport: Transport | undefined): Promise<TransportReport | undefined> {
  return transport && !transport.closed ? countTransport(await transport.getStats()) : undefined;
}

function toOptions({ transportId, ...rest }: TransportInfo) {
  return { id: transportId, ...rest };
}

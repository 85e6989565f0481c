/** Owns the media between this client and the SFU: the device, both transports, and whether media has its way. */
import { Device, type types } from 'mediasoup-client';
import { WeirError } from '../../shared/errors.ts';
import { RtpCapabilities, type TransportInfo } from '../../shared/media.ts';
import type { Connection } from './events.ts';
import type { earlyHandler } from './handler.ts';
import { IceRestarts } from './IceRestarts.ts';
import { Receiving, type ReceivingOptions } from './Receiving.ts';
import { Sending, type SendingOptions } from './Sending.ts';

type Transport = types.Transport;

export interface SfuLinkOptions
  extends Pick<ReceivingOptions, 'request' | 'onTrack' | 'onTrackEnded'>,
    Pick<SendingOptions, 'device' | 'video' | 'onSourceEnded'> {
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
  readonly sending: Sending;
  readonly receiving: Receiving;
  readonly #options: SfuLinkOptions;
  readonly #send: Transport | undefined;
  readonly #recv: Transport | undefined;
  readonly #restarts: IceRestarts;
  #wasConnected = false;

  constructor(options: SfuLinkOptions) {
    this.#options = options;
    const { send, recv } = options.transports;
    this.#send = send && this.#connecting(options.device.createSendTransport(toOptions(send)));
    this.#recv = recv && this.#connecting(options.device.createRecvTransport(toOptions(recv)));
    this.sending = new Sending({ ...options, transport: this.#send });
    this.receiving = new Receiving({ ...options, transport: this.#recv });
    this.#restarts = new IceRestarts({
      restart: () => this.#restartIce(),
      connection: () => this.connection,
      onHopeless: () => options.onFailed(),
    });
  }

  /**
   * A device that knows what browser and server have in common, and what of it it can receive, as `join` takes it.
   * @throws {WeirError} `incapable` when this is no browser that can do calls
   */
  static async device(
    handler: ReturnType<typeof earlyHandler>,
    routerRtpCapabilities: RtpCapabilities,
  ): Promise<{ device: Device; rtpCapabilities: RtpCapabilities }> {
    try {
      const device = new Device(handler && { handlerFactory: handler });
      await device.load({ routerRtpCapabilities });
      return { device, rtpCapabilities: RtpCapabilities.parse(device.recvRtpCapabilities) };
    } catch (cause) {
      throw new WeirError('incapable', 'This browser cannot do calls; a current one can.', { cause });
    }
  }

  /** Finds the way of the media anew, on both transports; what flows goes on until there is a better one. */
  restartIce(): void {
    this.#restarts.want();
  }

  /** Whether media has ever found its way. */
  get wasConnected(): boolean {
    return this.#wasConnected;
  }

  /** How the media is connected: `lost` as soon as one transport has lost its way. */
  get connection(): Connection {
    const states = [this.#send, this.#recv].map((transport) => transport?.connectionState);
    if (states.some((state) => state === 'disconnected' || state === 'failed')) return 'lost';
    return states.includes('connecting') ? 'connecting' : 'connected';
  }

  /** Every sender and receiver with its statistics. */
  async stats() {
    const [sent, received] = await Promise.all([this.sending.stats(), this.receiving.stats()]);
    return [...sent, ...received];
  }

  close(): void {
    this.#restarts.close();
    this.#send?.close();
    this.#recv?.close();
    this.sending.close();
    this.receiving.close();
  }

  #connecting(transport: Transport): Transport {
    transport.on('connectionstatechange', (state) => {
      if (state === 'connected') this.#wasConnected = true;
      this.#options.onConnection();
      if (state === 'failed' && !this.#wasConnected) this.#options.onFailed();
      else if (state === 'failed') this.#restarts.want();
      else this.#restarts.look();
    });
    transport.on('connect', ({ dtlsParameters }, callback) => {
      const answer = this.#options.request('connectTransport', { transportId: transport.id, dtlsParameters });
      answer.catch((error) => WeirError.from(error).code !== 'closed' && this.#options.onFailed());
      callback();
    });
    return transport;
  }

  async #restartIce(): Promise<void> {
    const { send, recv } = await this.#options.request('restartIce', {});
    await Promise.all([
      send && this.#send?.restartIce({ iceParameters: send }),
      recv && this.#recv?.restartIce({ iceParameters: recv }),
    ]);
  }
}

function toOptions({ transportId, ...rest }: TransportInfo) {
  return { id: transportId, ...rest };
}

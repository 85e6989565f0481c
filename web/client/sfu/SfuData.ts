/** Data messages through the SFU: opens its transport when there is something to send or to receive, and replaces a lost one. */
import {
  type DataChannelLabel,
  dataChannelLabels,
  decodeDataFrame,
  encodeDataFrame,
} from '../../../shared/dataFrame.ts';
import { WeirError } from '../../../shared/errors.ts';
import type { IceParameters, IceServer } from '../../../shared/media.ts';
import type { Grants, ServerEvents, Welcome } from '../../../shared/protocol.ts';
import { SendRate } from '../../../shared/SendRate.ts';
import { ChannelSender } from '../data/ChannelSender.ts';
import { receivedDataOf } from '../data/receivedData.ts';
import type { OutgoingData, ReceivedData } from '../MediaLink.ts';
import type { Request } from '../Signalling.ts';
import { DataConnection } from './DataConnection.ts';

/** How long a connection may take until its channels are open, in milliseconds. */
const CONNECT_TIMEOUT = 20_000;
/** How long to wait for the server to say why a connection has ended, in milliseconds. */
const REASON_TIMEOUT = 1000;
/** What the browser and `sendData` may hold of each channel, in bytes; lossy messages are dropped instead. */
const LIMITS = {
  reliable: { high: 256 * 1024, low: 64 * 1024, waiting: 4 * 1024 * 1024 },
  lossy: { high: 64 * 1024, low: 64 * 1024, waiting: 0 },
  bulk: { high: 1024 * 1024, low: 256 * 1024, waiting: 4 * 1024 * 1024 },
} as const;

export interface SfuDataOptions {
  readonly request: Request;
  readonly limits: Welcome['limits'];
  readonly iceTransportPolicy: RTCIceTransportPolicy | undefined;
  onConnection?: ((connection: RTCPeerConnection) => void) | undefined;
  onReceived(data: ReceivedData): void;
  /** The path is lost, so that ICE has to restart. */
  onPathLost(): void;
  /** Messages from or for us are lost. */
  onFailed(error: WeirError): void;
}

export class SfuData {
  readonly #options: SfuDataOptions;
  readonly #senders: Readonly<Record<DataChannelLabel, ChannelSender>>;
  readonly #sequences = { reliable: 0, lossy: 0, bulk: 0 };
  #connection: DataConnection | undefined;
  #opening = false;
  /** There is something to send or to receive. */
  #wanted = false;
  /** A connection that has ended, until it is known why. */
  #lost: { readonly id: string | undefined; readonly timer: ReturnType<typeof setTimeout> } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: SfuDataOptions) {
    this.#options = options;
    const rate = new SendRate(options.limits);
    const sender = (channel: DataChannelLabel) =>
      new ChannelSender({
        limits: LIMITS[channel],
        dropsWhenBusy: channel === 'lossy',
        take: (bytes) => rate.take(channel, bytes),
      });
    this.#senders = { reliable: sender('reliable'), lossy: sender('lossy'), bulk: sender('bulk') };
  }

  /** As `MediaLink.sendData`. */
  async send({ channel, topic, to = [], data }: OutgoingData): Promise<void> {
    const sequence = this.#sequences[channel];
    const frame = encodeDataFrame({ sequence, topic, peerIds: to, data });
    this.#sequences[channel] = (sequence + 1) >>> 0;
    this.open();
    await this.#senders[channel].send(frame);
  }

  bufferedAmount(channel: DataChannelLabel): number {
    return this.#senders[channel].bufferedAmount;
  }

  low(channel: DataChannelLabel): Promise<void> {
    return this.#senders[channel].low();
  }

  /** Opens the connection, unless there is one. */
  open(): void {
    this.#wanted = true;
    if (this.#connection || this.#opening || this.#closed) return;
    this.#opening = true;
    void this.#open().then(() => {
      this.#opening = false;
      // It has ended while it was being opened.
      if (this.#wanted && !this.#connection) this.open();
    });
  }

  /** The server has not forwarded messages of this channel. */
  onRefused({ channel, error }: ServerEvents['dataRefused']): void {
    const refusal = WeirError.fromWire(error);
    this.#senders[channel].fail(refusal);
    this.#options.onFailed(refusal);
  }

  /** The server has closed its end. */
  onClosed({ transportId, error: wireError }: ServerEvents['dataClosed']): void {
    const error = WeirError.fromWire(wireError);
    if (transportId === undefined) this.#options.onFailed(error);
    else if (transportId === this.#lost?.id) this.#report(error);
    else if (transportId === this.#connection?.id) {
      this.#lose();
      this.#report(error);
    }
  }

  /** Ends what the grants do not allow. */
  applyGrants({ canPublishData, canSubscribe }: Grants): void {
    if (canPublishData) return;
    const error = new WeirError('forbidden', 'Your grants do not allow you to send data: see `grants`.');
    for (const label of dataChannelLabels) this.#senders[label].fail(error);
    if (canSubscribe) return;
    this.#wanted = false;
    this.#disconnect();
  }

  /** @param transportId of the transport that the server has after a reconnect */
  sync(transportId: string | undefined): void {
    if (this.#connection?.id === undefined || this.#connection.id === transportId) return;
    this.#lose();
  }

  async restartIce(iceParameters: IceParameters, iceServers: readonly IceServer[]): Promise<void> {
    const connection = this.#connection;
    await connection?.restartIce(iceParameters, iceServers).catch((cause: unknown) => {
      if (this.#connection === connection) this.#fail(new WeirError('unavailable', undefined, { cause }));
    });
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#lost?.timer);
    this.#disconnect();
    for (const label of dataChannelLabels) this.#senders[label].close();
  }

  async #open(): Promise<void> {
    const { request, iceTransportPolicy, onConnection, onPathLost } = this.#options;
    const connection = new DataConnection({ iceTransportPolicy, ...(onConnection && { onConnection }) });
    this.#connection = connection;
    for (const label of dataChannelLabels) this.#listen(connection, label);
    connection.onState((state) => {
      if (state === 'failed' && this.#connection === connection) onPathLost();
    });
    try {
      const dtlsParameters = await connection.dtlsParameters();
      // Its reply may wait until the signalling has been resumed.
      const { transport, iceServers } = await request('openTransport', { direction: 'data', dtlsParameters });
      if (this.#connection !== connection) return;
      this.#timer = setTimeout(() => this.#onTimeout(), CONNECT_TIMEOUT);
      await connection.connect(transport, iceServers);
    } catch (error) {
      if (this.#connection === connection) this.#fail(WeirError.from(error));
    }
  }

  #listen(connection: DataConnection, label: DataChannelLabel): void {
    const channel = connection.channels[label];
    channel.addEventListener('message', ({ data }) => {
      if (data instanceof ArrayBuffer && this.#connection === connection) this.#receive(label, data);
    });
    channel.addEventListener('open', () => clearTimeout(this.#timer));
    channel.addEventListener('close', () => {
      if (this.#connection === connection) this.#lose();
    });
    this.#senders[label].attach(channel);
  }

  #receive(channel: DataChannelLabel, message: ArrayBuffer): void {
    const frame = decodeDataFrame(new Uint8Array(message));
    this.#options.onReceived(receivedDataOf(frame.peerIds[0], channel, frame));
  }

  #onTimeout(): void {
    this.#fail(new WeirError('unavailable', 'No connection for data to the server could be made.'));
  }

  /** No connection can be made, or the next one would end as well: what waits is not sent. */
  #fail(error: WeirError): void {
    this.#wanted = false;
    this.#disconnect();
    for (const label of dataChannelLabels) this.#senders[label].fail(error);
    if (!this.#closed) this.#options.onFailed(error);
  }

  /** The connection has ended. The server says why, as a rule, by another connection. */
  #lose(): void {
    clearTimeout(this.#lost?.timer);
    const error = new WeirError('unavailable', 'The connection for data has failed. What was on its way is lost.');
    this.#lost = { id: this.#connection?.id, timer: setTimeout(() => this.#report(error), REASON_TIMEOUT) };
    this.#wanted = false;
    this.#disconnect();
  }

  /** Why the connection has ended: what waits is sent over the next one, unless that would end for the same reason. */
  #report(error: WeirError): void {
    clearTimeout(this.#lost?.timer);
    this.#lost = undefined;
    if (error.code === 'rateLimited' || error.code === 'badMessage' || error.code === 'forbidden') {
      this.#fail(error);
      return;
    }
    this.#options.onFailed(error);
    if (dataChannelLabels.some((label) => this.#senders[label].hasWaiting)) this.open();
  }

  #disconnect(): void {
    clearTimeout(this.#timer);
    const connection = this.#connection;
    this.#connection = undefined;
    for (const label of dataChannelLabels) this.#senders[label].attach(undefined);
    connection?.close();
  }
}

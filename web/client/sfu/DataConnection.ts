/** The peer connection to the data transport of the server: SCTP and nothing else, with the channels negotiated beforehand. */
import { type DataChannelLabel, dataChannels } from '../../../shared/dataFrame.ts';
import { WeirError } from '../../../shared/errors.ts';
import type { DtlsParameters, IceParameters, IceServer, TransportInfo } from '../../../shared/media.ts';
import { dataAnswerOf } from './dataAnswer.ts';
import { turnServers } from './TransportPair.ts';

export interface DataConnectionOptions {
  readonly iceTransportPolicy: RTCIceTransportPolicy | undefined;
  /** Is called with the peer connection before it is used. */
  onConnection?(connection: RTCPeerConnection): void;
}

/**
 * mediasoup-client would create the channels one after another, some of them after the first message may have come. The
 * server is ICE-lite and answers every offer with the same description.
 */
export class DataConnection {
  readonly channels: Readonly<Record<DataChannelLabel, RTCDataChannel>>;
  readonly #connection: RTCPeerConnection;
  /** Since `connect`. */
  #info: TransportInfo | undefined;
  #negotiating: Promise<void> = Promise.resolve();

  constructor({ iceTransportPolicy, onConnection }: DataConnectionOptions) {
    const connection = new RTCPeerConnection({
      bundlePolicy: 'max-bundle',
      ...(iceTransportPolicy && { iceTransportPolicy }),
    });
    this.#connection = connection;
    onConnection?.(connection);
    const create = (label: DataChannelLabel) => {
      const channel = connection.createDataChannel(label, { negotiated: true, ...dataChannels[label] });
      channel.binaryType = 'arraybuffer';
      return channel;
    };
    this.channels = { reliable: create('reliable'), lossy: create('lossy'), bulk: create('bulk') };
  }

  /** The id of the transport; undefined before `connect`. */
  get id(): string | undefined {
    return this.#info?.transportId;
  }

  /**
   * Our DTLS parameters. The server must have them before we connect: SCTP begins as soon as DTLS has ended, and what is lost
   * then is sent again only a second later.
   * @throws {WeirError} `unsupported`, or what the browser throws
   */
  async dtlsParameters(): Promise<DtlsParameters> {
    const { sdp = '' } = await this.#connection.createOffer();
    const [, name, value = ''] = /^a=fingerprint:(\S+) (\S+)/m.exec(sdp) ?? [];
    const algorithm = algorithms.find((one) => one === name?.toLowerCase());
    if (!algorithm) throw new WeirError('unsupported', 'This browser has no certificate that the server knows.');
    return { role: 'client', fingerprints: [{ algorithm, value }] };
  }

  /** Connects to a transport of the server, which has our DTLS parameters. @throws what the browser throws */
  async connect(info: TransportInfo, iceServers: readonly IceServer[]): Promise<void> {
    this.#info = info;
    await this.#negotiate(info, iceServers, false);
  }

  /** Restarts ICE with new parameters of the server; messages that were lost meanwhile are sent again by SCTP. */
  async restartIce(iceParameters: IceParameters, iceServers: readonly IceServer[]): Promise<void> {
    if (this.#info) await this.#negotiate({ ...this.#info, iceParameters }, iceServers, true);
  }

  /** Calls `listener` when the connection has connected, or cannot any more without an ICE restart. */
  onState(listener: (state: RTCPeerConnectionState) => void): void {
    this.#connection.addEventListener('connectionstatechange', () => listener(this.#connection.connectionState));
  }

  close(): void {
    this.#connection.close();
  }

  #negotiate(info: TransportInfo, iceServers: readonly IceServer[], iceRestart: boolean): Promise<void> {
    const connection = this.#connection;
    const negotiation = this.#negotiating.then(async () => {
      connection.setConfiguration({ ...connection.getConfiguration(), iceServers: turnServers(iceServers) });
      const offer = await connection.createOffer({ iceRestart });
      await connection.setLocalDescription(offer);
      await connection.setRemoteDescription({ type: 'answer', sdp: dataAnswerOf(offer.sdp ?? '', info) });
    });
    this.#negotiating = negotiation.catch(() => {});
    return negotiation;
  }
}

const algorithms = ['sha-256', 'sha-384', 'sha-512'] as const;

/** Somebody who publishes by WHIP: its one transport, which it has to connect in time. */
import { WeirError } from '../../../shared/errors.ts';
import type { DtlsParameters, IceParameters, TransportInfo } from '../../../shared/media.ts';
import { PeerTransports } from '../../room/PeerTransports.ts';
import { GatewayPublisher, type PublisherOptions } from '../GatewayPublisher.ts';

export interface WhipPublisherOptions extends PublisherOptions {
  /** What it may send, in bit/s. */
  readonly maxIncomingBitrate: number;
  /** How long it may take to connect, in milliseconds; 30 s by default. */
  readonly connectTimeout?: number | undefined;
  /** How long it may be without ICE consent, in seconds; 30 s by default. */
  readonly iceConsentTimeout?: number | undefined;
}

/** A client that connects does so within a few seconds; one that never does must not stay in the room. */
const CONNECT_TIMEOUT = 30_000;
/**
 * After so long without ICE consent the client is gone, in seconds (RFC 7675, section 5.1): nothing else tells, since there is
 * no connection for signalling.
 */
const CONSENT_TIMEOUT = 30;

export class WhipPublisher extends GatewayPublisher {
  override readonly gateway = 'whip';
  readonly #transports: PeerTransports;

  constructor(options: WhipPublisherOptions) {
    const { connectTimeout = CONNECT_TIMEOUT, iceConsentTimeout = CONSENT_TIMEOUT } = options;
    const { placement, maxIncomingBitrate } = options;
    const transports = new PeerTransports({ router: placement.router, maxIncomingBitrate, iceConsentTimeout });
    super(options, transports);
    this.#transports = transports;
    const connectTimer = setTimeout(() => this.close('mediaFailed'), connectTimeout);
    this.lifetime.defer(() => clearTimeout(connectTimer));
    transports.events.on('connected', () => {
      clearTimeout(connectTimer);
      this.setConnected();
    });
    transports.events.on('disconnected', () => this.close('disconnected'));
    transports.events.on('dtlsClosed', () => this.close('left'));
    transports.events.on('tupleChanged', () => this.producers.pathChanged());
  }

  /**
   * Opens its transport for a client with these DTLS parameters.
   * @throws {WeirError} `badRequest`, `closed`, `unavailable`
   */
  async connect(dtlsParameters: DtlsParameters): Promise<TransportInfo> {
    const info = await this.#transports.open('send');
    await this.#transports.connect(info.transportId, dtlsParameters);
    return info;
  }

  /** New ICE parameters of the server; media keeps its path meanwhile. @throws {WeirError} `rateLimited`, `closed` */
  async restartIce(): Promise<IceParameters> {
    const { send } = await this.#transports.restartIce();
    if (!send) throw new WeirError('closed');
    return send;
  }
}

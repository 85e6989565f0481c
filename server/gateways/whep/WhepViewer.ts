/** Somebody who receives by WHEP: its one transport, which it has to answer for and to connect in time. */
import { WeirError } from '../../../shared/errors.ts';
import type {
  DtlsParameters,
  IceParameters,
  MediaKind,
  RtpCapabilities,
  TransportInfo,
} from '../../../shared/media.ts';
import { PeerTransports } from '../../room/PeerTransports.ts';
import { GatewayViewer, type ViewerOptions } from '../GatewayViewer.ts';

export interface WhepViewerOptions extends ViewerOptions {
  /** What a client may send, in bit/s; this one sends nothing. */
  readonly maxIncomingBitrate: number;
  /** How long it may take to answer, and then to connect, in milliseconds; 30 s each by default. */
  readonly connectTimeout?: number | undefined;
}

/** The m-lines that a player receives, and what it can receive. */
export interface Playback {
  readonly dtlsParameters: DtlsParameters;
  readonly capabilities: RtpCapabilities;
  readonly received: readonly { readonly kind: MediaKind; readonly mid: string }[];
}

/** As `WhipPublisher` has them. */
const CONNECT_TIMEOUT = 30_000;
/** A counter-offer is good for 30 s from when it is sent (section 4.3.2 of the draft), which is a moment later. */
const ANSWER_TIMEOUT = 32_000;
const CONSENT_TIMEOUT = 30;

export class WhepViewer extends GatewayViewer {
  override readonly gateway = 'whep';
  readonly #connectTimeout: number;
  readonly #transports: PeerTransports;
  #connectTimer: NodeJS.Timeout | undefined;

  constructor(options: WhepViewerOptions) {
    const { placement, maxIncomingBitrate, connectTimeout } = options;
    const transports = new PeerTransports({
      router: placement.router,
      maxIncomingBitrate,
      iceConsentTimeout: CONSENT_TIMEOUT,
    });
    super(options, transports);
    this.#connectTimeout = connectTimeout ?? CONNECT_TIMEOUT;
    this.#transports = transports;
    this.#expectProgress(connectTimeout ?? ANSWER_TIMEOUT);
    this.lifetime.defer(() => clearTimeout(this.#connectTimer));
    transports.events.on('connected', () => {
      clearTimeout(this.#connectTimer);
      this.setConnected();
    });
    transports.events.on('disconnected', () => this.close('disconnected'));
    transports.events.on('dtlsClosed', () => this.close('left'));
    transports.events.on('tupleChanged', () => this.requestKeyFrame());
    transports.events.on('congestion', (layers) => this.setLayerReduction(layers));
  }

  /** Opens its transport. @throws {WeirError} `closed`, `unavailable` */
  open(): Promise<TransportInfo> {
    return this.#transports.open('recv');
  }

  /**
   * The client is known: it receives what it is subscribed to from now on.
   * @throws {WeirError} `conflict` the second time, `badRequest`, `closed`
   */
  async start({ dtlsParameters, capabilities, received }: Playback): Promise<void> {
    const transport = this.#transports.get('recv');
    if (!transport) throw new WeirError('closed');
    await this.#transports.connect(transport.id, dtlsParameters);
    if (this.closed) throw new WeirError('closed');
    this.#expectProgress(this.#connectTimeout);
    for (const { kind, mid } of received) this.play({ kind, mid, transport, rtpCapabilities: capabilities });
  }

  /** New ICE parameters of the server; media keeps its path meanwhile. @throws {WeirError} `rateLimited`, `closed` */
  async restartIce(): Promise<IceParameters> {
    const { recv } = await this.#transports.restartIce();
    if (!recv) throw new WeirError('closed');
    return recv;
  }

  /** Leaves unless it has answered, and then connected, within so many milliseconds. */
  #expectProgress(time: number): void {
    clearTimeout(this.#connectTimer);
    this.#connectTimer = setTimeout(() => this.close('mediaFailed'), time);
  }
}

/** Somebody who publishes by WHIP: a participant, which receives neither media nor events. */
import { randomUUID } from 'node:crypto';
import type { CloseReason } from '../../../shared/closeReasons.ts';
import { WeirError } from '../../../shared/errors.ts';
import type { DtlsParameters, IceParameters, RtpParameters, Source, TransportInfo } from '../../../shared/media.ts';
import type { Grants, PeerInfo, VideoProblem } from '../../../shared/protocol.ts';
import { Lifetime } from '../../common/Lifetime.ts';
import type { Placement } from '../../media/RoomRouters.ts';
import type { Participant } from '../../room/Participant.ts';
import { PeerProducers } from '../../room/PeerProducers.ts';
import { PeerTransports } from '../../room/PeerTransports.ts';
import type { Publication } from '../../room/Publication.ts';
import { BFrameWatch } from './BFrameWatch.ts';

export interface WhipPublisherOptions {
  readonly identity: string;
  readonly name: string;
  readonly metadata: string | undefined;
  readonly grants: Grants;
  /** The router of its transport; given back when the publisher ends. */
  readonly placement: Placement;
  /** Least time between two key-frame requests for one of its SSRCs, in milliseconds. */
  readonly keyFrameRequestDelay: number;
  /** What it may send, in bit/s. */
  readonly maxIncomingBitrate: number;
  /** How long it may take to connect, in milliseconds; 30 s by default. */
  readonly connectTimeout?: number | undefined;
  /** How long it may be without ICE consent, in seconds; 30 s by default. */
  readonly iceConsentTimeout?: number | undefined;
}

/** A track that is to be published. */
export interface PublishedMedia {
  readonly source: Source;
  readonly rtpParameters: RtpParameters;
}

/** A client that connects does so within a few seconds; one that never does must not stay in the room. */
const CONNECT_TIMEOUT = 30_000;
/**
 * After so long without ICE consent the client is gone, in seconds (RFC 7675, section 5.1): nothing else tells, since there is
 * no connection for signalling.
 */
const CONSENT_TIMEOUT = 30;

/** There is no way to tell a WHIP client which layers are watched. */
const noSink = { notify() {} };

export class WhipPublisher implements Participant {
  readonly id = randomUUID();
  readonly #options: WhipPublisherOptions;
  readonly #lifetime = new Lifetime<CloseReason>();
  readonly #transports: PeerTransports;
  readonly #producers: PeerProducers;
  #grants: Grants;
  #videoProblem: VideoProblem | undefined;

  constructor(options: WhipPublisherOptions) {
    const { placement, grants, maxIncomingBitrate, keyFrameRequestDelay } = options;
    const { connectTimeout = CONNECT_TIMEOUT, iceConsentTimeout = CONSENT_TIMEOUT } = options;
    const { router } = placement;
    this.#options = options;
    this.#grants = grants;
    this.#lifetime.defer(() => placement[Symbol.dispose]());
    const transports = new PeerTransports({ router, maxIncomingBitrate, iceConsentTimeout });
    this.#transports = transports;
    this.#lifetime.defer(() => transports.closeAll());
    const connectTimer = setTimeout(() => this.close('mediaFailed'), connectTimeout);
    this.#lifetime.defer(() => clearTimeout(connectTimer));
    transports.events.on('connected', () => clearTimeout(connectTimer));
    transports.events.on('disconnected', () => this.close('disconnected'));
    transports.events.on('dtlsClosed', () => this.close('left'));
    transports.events.on('tupleChanged', () => this.#producers.pathChanged());
    this.#producers = new PeerProducers({
      peerId: this.id,
      grants,
      policy: 'sfu',
      router,
      transports,
      keyFrameRequestDelay,
      sink: noSink,
    });
    placement.onLost(() => this.close('mediaLost'));
  }

  get closed(): boolean {
    return this.#lifetime.closed;
  }

  get identity(): string {
    return this.#options.identity;
  }

  get info(): PeerInfo {
    const { identity, name, metadata } = this.#options;
    const { sources } = this.#producers;
    const problem = this.#videoProblem && { videoProblem: this.#videoProblem };
    return {
      peerId: this.id,
      identity,
      name,
      metadata,
      sources,
      hand: false,
      away: false,
      canExchangeData: false,
      ...problem,
    };
  }

  get grants(): Grants {
    return this.#grants;
  }

  /** One that may publish nothing any more leaves: it has no other use for the room. */
  setGrants(grants: Grants): void {
    this.#grants = grants;
    this.#producers.setGrants(grants);
    if (grants.canPublish) return;
    this.#transports.close('send');
    // Those who have changed the grants hear of that first.
    setImmediate(() => this.close('left'));
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

  /**
   * Publishes all of these tracks, or throws.
   * @throws {WeirError} `forbidden`, `badRequest`, `closed`
   */
  async publish(tracks: readonly PublishedMedia[]): Promise<Publication[]> {
    const publications = await Promise.all(
      tracks.map(({ source, rtpParameters }) => this.#producers.produce(source, rtpParameters, { paused: false })),
    );
    if (this.closed) throw new WeirError('closed');
    return publications;
  }

  /** Looks for what browsers cannot show in a video of its own. @param onProblem called once, if there is something */
  watch({ track: { id, kind, mimeTypes } }: Publication, onProblem: (problem: VideoProblem) => void): void {
    const isH264 = kind === 'video' && mimeTypes.some((mimeType) => mimeType.toLowerCase() === 'video/h264');
    if (!isH264 || this.closed) return;
    const { router } = this.#options.placement.router;
    const onFound = () => {
      this.#videoProblem = 'bFrames';
      onProblem('bFrames');
    };
    const watch = BFrameWatch.start({ router, producerId: id, onFound });
    this.#lifetime.defer(() => watch.close());
  }

  /** New ICE parameters of the server; media keeps its path meanwhile. @throws {WeirError} `rateLimited`, `closed` */
  async restartIce(): Promise<IceParameters> {
    const { send } = await this.#transports.restartIce();
    if (!send) throw new WeirError('closed');
    return send;
  }

  close(reason: CloseReason): void {
    this.#lifetime.end(reason);
  }

  onEnd(listener: (reason: CloseReason) => void): void {
    this.#lifetime.defer(listener);
  }
}

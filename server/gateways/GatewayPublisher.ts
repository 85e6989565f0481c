/** Somebody who publishes through a gateway: a participant, which receives neither media nor events. */
import { randomUUID } from 'node:crypto';
import type { CloseReason } from '../../shared/closeReasons.ts';
import { WeirError } from '../../shared/errors.ts';
import type { RtpParameters, Source } from '../../shared/media.ts';
import type { Grants, PeerInfo, VideoProblem } from '../../shared/protocol.ts';
import { Lifetime } from '../common/Lifetime.ts';
import type { Placement } from '../media/RoomRouters.ts';
import type { Participant } from '../room/Participant.ts';
import { PeerProducers, type SendingTransports } from '../room/PeerProducers.ts';
import type { Publication } from '../room/Publication.ts';
import { BFrameWatch } from './BFrameWatch.ts';

export interface PublisherOptions {
  readonly identity: string;
  readonly name: string;
  readonly metadata: string | undefined;
  readonly grants: Grants;
  /** The router of its transports; given back when the publisher ends. */
  readonly placement: Placement;
  /** Least time between two key-frame requests for one of its SSRCs, in milliseconds. */
  readonly keyFrameRequestDelay: number;
}

/** A track that is to be published. */
export interface PublishedMedia {
  readonly source: Source;
  readonly rtpParameters: RtpParameters;
}

/** There is no way to tell the client of a gateway which layers are watched. */
const noSink = { notify() {} };

/** Each gateway has its own subclass, which opens the transports. */
export class GatewayPublisher implements Participant {
  readonly id = randomUUID();
  /** Ends with the publisher; its transports close before its placement is given back. */
  protected readonly lifetime = new Lifetime<CloseReason>();
  protected readonly producers: PeerProducers;
  readonly #options: PublisherOptions;
  readonly #transports: Closable;
  readonly #publications: Publication[] = [];
  #grants: Grants;
  #videoProblem: VideoProblem | undefined;
  #everConnected = false;

  /** @param transports closed with the publisher, or when it may not publish any more */
  constructor(options: PublisherOptions, transports: SendingTransports & Closable) {
    const { placement, grants, keyFrameRequestDelay } = options;
    this.#options = options;
    this.#transports = transports;
    this.#grants = grants;
    this.lifetime.defer(() => placement[Symbol.dispose]());
    this.lifetime.defer(() => transports.closeAll());
    this.producers = new PeerProducers({
      peerId: this.id,
      grants,
      policy: 'sfu',
      router: placement.router,
      transports,
      keyFrameRequestDelay,
      sink: noSink,
    });
    placement.onLost(() => this.close('mediaLost'));
  }

  get closed(): boolean {
    return this.lifetime.closed;
  }

  get identity(): string {
    return this.#options.identity;
  }

  get info(): PeerInfo {
    const { identity, name, metadata } = this.#options;
    const { sources } = this.producers;
    const problem = this.#videoProblem && { videoProblem: this.#videoProblem };
    const presence = { hand: false, away: false, canExchangeData: false };
    return { peerId: this.id, identity, name, metadata, sources, ...presence, ...problem };
  }

  get grants(): Grants {
    return this.#grants;
  }

  get everConnected(): boolean {
    return this.#everConnected;
  }

  /** Media can come from its client from now on, or has come. */
  protected setConnected(): void {
    this.#everConnected = true;
  }

  /** What `publish` has published, for the room. */
  get publications(): readonly Publication[] {
    return this.#publications;
  }

  /** One that may publish nothing any more leaves: it has no other use for the room. */
  setGrants(grants: Grants): void {
    this.#grants = grants;
    this.producers.setGrants(grants);
    if (grants.canPublish) return;
    this.#transports.closeAll();
    // Those who have changed the grants hear of that first.
    setImmediate(() => this.close('left'));
  }

  /**
   * Publishes all of these tracks, or throws.
   * @throws {WeirError} `forbidden`, `badRequest`, `closed`
   */
  async publish(tracks: readonly PublishedMedia[]): Promise<void> {
    const publications = await Promise.all(
      tracks.map(({ source, rtpParameters }) => this.producers.produce(source, rtpParameters, { paused: false })),
    );
    if (this.closed) throw new WeirError('closed');
    this.#publications.push(...publications);
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
    this.lifetime.defer(() => watch.close());
  }

  close(reason: CloseReason): void {
    this.lifetime.end(reason);
  }

  onEnd(listener: (reason: CloseReason) => void): void {
    this.lifetime.defer(listener);
  }
}

interface Closable {
  /** Closes all of them; idempotent. */
  closeAll(): void;
}

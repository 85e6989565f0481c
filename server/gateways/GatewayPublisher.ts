/** Somebody who publishes through a gateway: a participant, which receives neither media nor events. */
import { WeirError } from '../../shared/errors.ts';
import type { RtpParameters, Source } from '../../shared/media.ts';
import type { Grants, PeerInfo, VideoProblem } from '../../shared/protocol.ts';
import type { RoomRouter } from '../media/RoomRouter.ts';
import { PeerProducers, type SendingTransports } from '../room/PeerProducers.ts';
import type { Publication } from '../room/Publication.ts';
import { BFrameWatch } from './BFrameWatch.ts';
import { type Closable, GatewayParticipant } from './GatewayParticipant.ts';
import type { ParticipantOptions } from './participantOptions.ts';

export interface PublisherOptions extends ParticipantOptions {
  /** Least time between two key-frame requests for one of its SSRCs, in milliseconds. */
  readonly keyFrameRequestDelay: number;
}

/** A track that is to be published. */
export interface PublishedMedia {
  readonly source: Source;
  readonly rtpParameters: RtpParameters;
}

/** There is no way to tell the client of a gateway which layers are watched. */
const noSink = { notify() {}, flush() {} };

/** Each gateway has its own subclass, which opens the transports. */
export abstract class GatewayPublisher extends GatewayParticipant {
  readonly producers: PeerProducers;
  readonly #router: RoomRouter;
  readonly #publications: Publication[] = [];
  #videoProblem: VideoProblem | undefined;

  /** @param transports closed with the publisher, or when it may not publish any more */
  constructor(options: PublisherOptions, transports: SendingTransports & Closable) {
    super(options, transports);
    const { placement, grants, keyFrameRequestDelay } = options;
    this.#router = placement.router;
    this.producers = new PeerProducers({
      peerId: this.id,
      grants,
      policy: 'sfu',
      router: placement.router,
      transports,
      keyFrameRequestDelay,
      sink: noSink,
      unmutes: false,
    });
  }

  override get info(): PeerInfo {
    const { sources } = this.producers;
    return { ...super.info, sources, ...(this.#videoProblem && { videoProblem: this.#videoProblem }) };
  }

  /** What `publish` has published, for the room. */
  get publications(): readonly Publication[] {
    return this.#publications;
  }

  override setGrants(grants: Grants): void {
    this.producers.setGrants(grants);
    super.setGrants(grants);
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
    const { router } = this.#router;
    const onFound = () => {
      this.#videoProblem = 'bFrames';
      onProblem('bFrames');
    };
    const watch = BFrameWatch.start({ router, producerId: id, onFound });
    this.lifetime.defer(() => watch.close());
  }

  protected hasUse({ canPublish }: Grants): boolean {
    return canPublish;
  }
}

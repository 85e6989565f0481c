/** What this client publishes where no media goes through the server: tracks, and their mute states at the server. */
import { WeirError } from '../../../shared/errors.ts';
import { kindOf, type Source } from '../../../shared/media.ts';
import type { Grants, ResumeReply } from '../../../shared/protocol.ts';
import type { PublishedTrack, PublishOptions } from '../MediaLink.ts';
import { requireTrack } from '../requireTrack.ts';
import type { Request } from '../Signalling.ts';
import { sizeOf } from '../sfu/encodings.ts';
import { MuteState } from '../sfu/MuteState.ts';

interface Publication {
  track: MediaStreamTrack;
  readonly mute: MuteState;
  /** Its id at the server; undefined until the server has accepted it. */
  producerId: string | undefined;
}

export interface DirectPublicationsOptions {
  readonly request: Request;
  /** What is published, or its mute state, has changed. */
  onChanged(): void;
  /** A source ended although nobody unpublished it: its track ended, or the right to publish it did. */
  onSourceEnded(source: Source): void;
}

export class DirectPublications {
  readonly #options: DirectPublicationsOptions;
  readonly #publications = new Map<Source, Publication>();

  constructor(options: DirectPublicationsOptions) {
    this.#options = options;
  }

  /** @throws {WeirError} the server's refusal, `badRequest`, `conflict`, `closed` */
  async publish(source: Source, track: MediaStreamTrack, options: PublishOptions): Promise<void> {
    requireTrack(source, track);
    if (this.#publications.has(source)) {
      throw new WeirError('conflict', `You already publish ${source}: replace its track, or unpublish it first.`);
    }
    const { request } = this.#options;
    const muted = options.muted ?? !track.enabled;
    const accepted = Promise.withResolvers<void>();
    // Those who mute it meanwhile wait for it; the caller of this method gets the error.
    accepted.promise.catch(() => {});
    const publication: Publication = {
      track,
      producerId: undefined,
      mute: new MuteState({
        muted,
        apply: (paused) => this.#apply(source, paused),
        send: (paused) => request(paused ? 'pauseProducer' : 'resumeProducer', { source }),
        accepted: () => accepted.promise,
      }),
    };
    track.enabled = !muted;
    this.#publications.set(source, publication);
    this.#watch(source, track);
    this.#options.onChanged();
    const size = kindOf[source] === 'video' ? sizeOf(track) : undefined;
    try {
      const reply = await request('produce', { source, paused: publication.mute.announce(), ...(size && { size }) });
      publication.producerId = reply.producerId;
      accepted.resolve();
    } catch (error) {
      accepted.reject(error);
      if (this.#publications.get(source) !== publication) return;
      this.#end(source);
      // The server may have accepted it nevertheless.
      if (WeirError.from(error).code === 'timeout') request('closeProducer', { source }).catch(() => {});
      throw error;
    }
  }

  async unpublish(source: Source): Promise<void> {
    if (!this.#end(source)) return;
    try {
      await this.#options.request('closeProducer', { source });
    } catch (error) {
      // The server has refused or already closed it.
      if (WeirError.from(error).code !== 'notFound') throw error;
    }
  }

  /** @throws {WeirError} `notFound` if the source is off, `badRequest` */
  replaceTrack(source: Source, track: MediaStreamTrack): void {
    requireTrack(source, track);
    const publication = this.#require(source);
    if (!track.enabled) publication.mute.set(true).catch(() => {});
    publication.track = track;
    track.enabled = !publication.mute.muted;
    this.#watch(source, track);
    this.#options.onChanged();
  }

  /** @throws {WeirError} `notFound` if the source is off; a refusal leaves it muted */
  setMuted(source: Source, muted: boolean): Promise<void> {
    return this.#require(source).mute.set(muted);
  }

  /** The server has muted a source, for an administrator. @returns whether it was unmuted here */
  mutedByServer(source: Source): boolean {
    return this.#publications.get(source)?.mute.mutedByServer() ?? false;
  }

  /** The server has stopped what we publish by that producer, for an administrator. @returns whether we still published it */
  stoppedByServer(source: Source, producerId: string): boolean {
    if (this.#publications.get(source)?.producerId !== producerId) return false;
    this.#end(source);
    this.#options.onSourceEnded(source);
    return true;
  }

  publishedTrack(source: Source): PublishedTrack | undefined {
    const publication = this.#publications.get(source);
    return publication && { track: publication.track, muted: publication.mute.muted };
  }

  /** Ends what the grants no longer allow, as the server has done already. @returns whether anything has ended */
  applyGrants({ canPublish, canPublishSources }: Pick<Grants, 'canPublish' | 'canPublishSources'>): boolean {
    return this.#endAll((source) => !canPublish || !canPublishSources.includes(source));
  }

  /** Ends what the server had accepted and no longer has. @returns whether anything has ended */
  syncSources(current: ResumeReply['sources']): boolean {
    return this.#endAll((source) => !(source in current));
  }

  close(): void {
    this.#publications.clear();
  }

  #endAll(isOver: (source: Source) => boolean): boolean {
    const ended = [...this.#publications].filter(([source, { producerId }]) => producerId && isOver(source));
    for (const [source] of ended) {
      this.#end(source);
      this.#options.onSourceEnded(source);
    }
    return ended.length > 0;
  }

  #end(source: Source): boolean {
    const hasEnded = this.#publications.delete(source);
    if (hasEnded) this.#options.onChanged();
    return hasEnded;
  }

  #apply(source: Source, muted: boolean): void {
    const publication = this.#publications.get(source);
    if (publication) publication.track.enabled = !muted;
    this.#options.onChanged();
  }

  #watch(source: Source, track: MediaStreamTrack): void {
    const onEnded = () => {
      if (this.#publications.get(source)?.track !== track) return;
      this.unpublish(source).catch(() => {});
      this.#options.onSourceEnded(source);
    };
    track.addEventListener('ended', onEnded, { once: true });
  }

  #require(source: Source): Publication {
    const publication = this.#publications.get(source);
    if (!publication) throw new WeirError('notFound', `You do not publish ${source}.`);
    return publication;
  }
}

/** The audio of one member, for a receiver of plain RTP: one consumer after another as the member publishes it anew. */
import type { Source } from '../../../shared/media.ts';
import { Lifetime } from '../../common/Lifetime.ts';
import { isClosed } from '../../media/rethrowUnavailable.ts';
import type { ConsumerOpener, OpenedConsumer } from '../../room/ConsumerOpener.ts';
import type { Publication } from '../../room/Publication.ts';
import { Retries } from '../../room/Retries.ts';
import type { Room } from '../../room/Room.ts';

export interface MemberAudioOptions {
  readonly room: Room;
  readonly peerId: string;
  readonly source: Source;
  readonly opener: ConsumerOpener;
}

export class MemberAudio {
  readonly #options: MemberAudioOptions;
  readonly #lifetime = new Lifetime();
  readonly #retries = new Retries();
  #opened: OpenedConsumer | undefined;
  #audible = false;

  constructor(options: MemberAudioOptions) {
    this.#options = options;
    const { room, peerId, source } = options;
    const add = (publication: Publication) => {
      if (publication.track.peerId === peerId && publication.track.source === source) void this.#open(publication);
    };
    this.#lifetime.defer(() => this.#opened?.consumer.close());
    this.#lifetime.defer(() => this.#retries.close());
    this.#lifetime.defer(room.events.on({ published: ({ publication }) => add(publication) }));
    for (const publication of room.publications) add(publication);
  }

  /** Whether it is to be sent now: a broadcast may not be live. */
  setAudible(audible: boolean): void {
    if (this.#audible === audible) return;
    this.#audible = audible;
    if (this.#opened) this.#apply(this.#opened);
  }

  close(): void {
    this.#lifetime.end('closed');
  }

  async #open(publication: Publication, failures = 0): Promise<void> {
    if (this.#lifetime.closed || publication.closed) return;
    try {
      const opened = await this.#options.opener.open(publication);
      if (!opened) return;
      const { consumer, lease } = opened;
      consumer.observer.once('close', () => {
        lease[Symbol.dispose]();
        if (this.#opened === opened) this.#opened = undefined;
      });
      if (this.#lifetime.closed) consumer.close();
      if (consumer.closed) return;
      this.#opened = opened;
      this.#apply(opened);
    } catch (error) {
      if (!isClosed(error)) this.#retries.later(failures, () => void this.#open(publication, failures + 1));
    }
  }

  #apply({ consumer }: OpenedConsumer): void {
    // A request that fails has met the end of the consumer.
    (this.#audible ? consumer.resume() : consumer.pause()).catch(() => {});
  }
}

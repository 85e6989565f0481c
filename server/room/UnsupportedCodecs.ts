/** The tracks that one client has been offered and cannot decode: reported once each, until they end. */
import type { UnsupportedCodec } from '../../shared/protocol.ts';
import type { Publication } from './Publication.ts';

/** What is used of a publication. */
export type ReportedPublication = Pick<Publication, 'track' | 'closed' | 'onEnd'>;

export class UnsupportedCodecs {
  readonly #onAdded: (what: UnsupportedCodec) => void;
  readonly #reports = new Map<ReportedPublication, { readonly what: UnsupportedCodec; removeListener(): void }>();

  /** @param onAdded is called with each track that is added */
  constructor(onAdded: (what: UnsupportedCodec) => void) {
    this.#onAdded = onAdded;
  }

  get all(): UnsupportedCodec[] {
    return [...this.#reports.values()].map(({ what }) => what);
  }

  /** Adds a track; does nothing where it has been added already, or has ended. */
  add(publication: ReportedPublication): void {
    if (publication.closed || this.#reports.has(publication)) return;
    const { peerId, source, mimeTypes } = publication.track;
    const what = { peerId, source, mimeType: mimeTypes[0] ?? '' };
    const removeListener = publication.onEnd(() => this.#reports.delete(publication));
    this.#reports.set(publication, { what, removeListener });
    this.#onAdded(what);
  }

  /** Removes all of them: what is added again is reported again. */
  clear(): void {
    for (const { removeListener } of this.#reports.values()) removeListener();
    this.#reports.clear();
  }
}

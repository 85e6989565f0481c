/** A track in a room without a server for media: the publication that the room sees. There is no producer. */
import { randomUUID } from 'node:crypto';
import { kindOf, type Source } from '../../shared/media.ts';
import { DEFAULT_SIZE, type Size } from '../media/layers.ts';
import { Publication } from './Publication.ts';
import type { PublishedSource } from './PublishedTrack.ts';

export interface DirectPublishedTrackOptions {
  readonly peerId: string;
  readonly source: Source;
  readonly paused: boolean;
  /** Of a video, in pixels. */
  readonly size?: Size | undefined;
}

export class DirectPublishedTrack implements PublishedSource {
  readonly publication: Publication;
  /** Its publisher decides alone, with those that receive it. */
  readonly demandedLayer = 0;

  constructor({ peerId, source, paused, size = DEFAULT_SIZE }: DirectPublishedTrackOptions) {
    this.publication = new Publication({
      id: randomUUID(),
      peerId,
      source,
      kind: kindOf[source],
      mimeTypes: [],
      paused,
      size,
      layers: 1,
      pathChanges: 0,
      location: undefined,
    });
  }

  resize(size: Size): void {
    this.publication.update({ size });
  }

  /** No server has a network path of it. */
  pathChanged(): void {}

  async pause(): Promise<void> {
    this.publication.update({ paused: true });
  }

  async resume(): Promise<void> {
    this.publication.update({ paused: false });
  }

  close(): void {
    this.publication.close();
  }
}

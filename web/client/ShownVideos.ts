/** In which sizes the application shows the videos of others, for a media link that takes the place of another one. */
import type { MediaLink, VideoSettings, VideoSource } from './MediaLink.ts';

export class ShownVideos {
  /** By peer and source; undefined settings: it is not visible. */
  readonly #settings = new Map<string, Map<VideoSource, VideoSettings | undefined>>();

  set(peerId: string, source: VideoSource, settings: VideoSettings | undefined): void {
    const videos = this.#settings.get(peerId) ?? new Map<VideoSource, VideoSettings | undefined>();
    this.#settings.set(peerId, videos.set(source, settings));
  }

  removePeer(peerId: string): void {
    this.#settings.delete(peerId);
  }

  /** Reports all of them to a link. */
  applyTo(link: Pick<MediaLink, 'updateTrackSettings'>): void {
    for (const [peerId, videos] of this.#settings) {
      for (const [source, settings] of videos) link.updateTrackSettings(peerId, source, settings);
    }
  }
}
